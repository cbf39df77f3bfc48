//! Who runs a model, and what is known about each: its address, its key variable, its preset.

use std::fmt;

use serde::Deserialize;

/// A kind of provider, as written in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Vendor {
    /// OpenAI, or any server that speaks its chat completions.
    OpenAi,
    /// xAI, which speaks the same.
    Xai,
    /// Anthropic's Messages API.
    Anthropic,
    /// No model: sentences chosen from the passages.
    Extractive,
    /// Answers by rules, for tests and demonstrations.
    Scripted,
}

impl Vendor {
    const ALL: [Self; 5] = [Self::OpenAi, Self::Xai, Self::Anthropic, Self::Extractive, Self::Scripted];

    /// The word used in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Xai => "xai",
            Self::Anthropic => "anthropic",
            Self::Extractive => "extractive",
            Self::Scripted => "scripted",
        }
    }

    /// Where the vendor's own API is; `None` if there is no network in it.
    pub(super) fn base_url(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::Xai => Some("https://api.x.ai/v1"),
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Extractive | Self::Scripted => None,
        }
    }

    /// The variable that people keep the vendor's key in.
    pub(super) fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("OPENAI_API_KEY"),
            Self::Xai => Some("XAI_API_KEY"),
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::Extractive | Self::Scripted => None,
        }
    }

    /// The model used when only a key is given, and how many tokens of context to count on.
    pub(super) fn preset(self) -> (&'static str, u32) {
        match self {
            Self::OpenAi => ("gpt-5.4-mini", 128_000),
            Self::Xai => ("grok-4.5", 256_000),
            Self::Anthropic => ("claude-sonnet-4-6", 200_000),
            Self::Extractive | Self::Scripted => (self.as_str(), 128_000),
        }
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Vendor {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::ALL.into_iter().find(|vendor| vendor.as_str() == word).ok_or_else(|| {
            format!(
                "unknown provider `{word}`: use openai, xai, anthropic, extractive or scripted; any other server \
                 that speaks OpenAI's chat completions is `openai` with a `base_url`"
            )
        })
    }
}
