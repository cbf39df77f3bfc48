//! Answers by rules in place of a model, for tests and demonstrations: the same prompt gives the
//! same bytes. Without a rule that fits it quotes the first passages; it understands nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};
use serde::Deserialize;
use tokio::time::sleep;
use unicode_segmentation::UnicodeSegmentation;

use super::{Delta, DeltaStream, ProviderError};
use crate::ask::prompt::Prompt;
use crate::config::model::{ModelConfig, ModelError};
use crate::event::{FinishReason, Usage};

/// Words a minute of a fast reader: quick, and still seen to be typed.
const DEFAULT_DELAY_MS: u64 = 15;
/// How many passages an unscripted answer quotes.
const NUM_QUOTED: usize = 3;

/// How often a rule that holds looks for its sign.
const HOLD_PAUSE: Duration = Duration::from_millis(5);

/// A model made of rules.
#[derive(Clone, Debug)]
pub struct Scripted {
    rules: Arc<[Rule]>,
    delay_ms: u64,
}

/// What to answer when.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// All of these have to be in the question or the instructions.
    #[serde(default)]
    when: Vec<String>,
    /// The prompt has to have more words than this.
    #[serde(default)]
    over_words: u64,
    #[serde(default)]
    reply: Reply,
    error: Option<Fault>,
    delay_ms: Option<u64>,
    usage: Option<Counted>,
    /// For how many calls it serves; for all if absent.
    times: Option<usize>,
    /// Nothing is written before there is such a file.
    hold: Option<PathBuf>,
    #[serde(skip)]
    served: Arc<AtomicUsize>,
}

/// The answer: one text, written word by word, or the pieces it is to be written in.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Reply {
    Text(String),
    Pieces(Vec<String>),
}

impl Default for Reply {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// A failure, once that many pieces are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    kind: Kind,
    #[serde(default)]
    after: usize,
    retry_after_s: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Unauthorized,
    RateLimited,
    ContextTooLong,
    Unavailable,
    TimedOut,
    Rejected,
    Truncated,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    input_tokens: u64,
    output_tokens: u64,
}

impl Scripted {
    pub(super) fn new(config: &ModelConfig) -> Result<Self, ModelError> {
        let rules = match &config.script {
            None => Vec::new(),
            Some(file) => {
                let bad = |cause: String| ModelError::BadScript {
                    name: config.name.clone(),
                    file: file.display().to_string(),
                    cause,
                };
                let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
                serde_json::from_str::<Vec<Rule>>(&text).map_err(|error| bad(error.to_string()))?
            }
        };
        Ok(Self { rules: rules.into(), delay_ms: config.delay_ms.unwrap_or(DEFAULT_DELAY_MS) })
    }

    pub(super) fn stream(&self, prompt: &Prompt) -> DeltaStream {
        let Some(rule) = self.rules.iter().find(|rule| rule.fits(prompt) && rule.serves()) else {
            let pieces = words(&quote(prompt));
            let counted = count(prompt, &pieces);
            return play(pieces, self.delay_ms, Ok(counted));
        };
        let mut pieces = rule.reply.pieces();
        let end = match &rule.error {
            Some(fault) => {
                pieces.truncate(fault.after);
                Err(fault.error())
            }
            None => Ok(rule.usage.map_or_else(|| count(prompt, &pieces), Counted::usage)),
        };
        let played = play(pieces, rule.delay_ms.unwrap_or(self.delay_ms), end);
        match rule.hold.clone() {
            Some(sign) => stream::once(held(sign).map(|()| played)).flatten().boxed(),
            None => played,
        }
    }
}

/// Waits until there is such a file.
async fn held(sign: PathBuf) {
    while !tokio::fs::try_exists(&sign).await.unwrap_or(false) {
        sleep(HOLD_PAUSE).await;
    }
}

fn play(pieces: Vec<String>, delay_ms: u64, end: Result<Usage, ProviderError>) -> DeltaStream {
    let written = stream::iter(pieces).then(move |piece| async move {
        if delay_ms > 0 {
            sleep(Duration::from_millis(delay_ms)).await;
        }
        Ok(Delta::Text(piece))
    });
    let end = match end {
        Ok(usage) => vec![Ok(Delta::Usage(usage)), Ok(Delta::End(FinishReason::Stop))],
        Err(error) => vec![Err(error)],
    };
    written.chain(stream::iter(end)).boxed()
}

impl Rule {
    fn fits(&self, prompt: &Prompt) -> bool {
        self.when.iter().all(|words| prompt.question.contains(words) || prompt.system.contains(words))
            && num_words(prompt) > self.over_words
    }

    /// Whether it serves this call too; then it is one call nearer to its end.
    fn serves(&self) -> bool {
        self.times.is_none_or(|times| self.served.fetch_add(1, Ordering::Relaxed) < times)
    }
}

impl Reply {
    fn pieces(&self) -> Vec<String> {
        match self {
            Self::Text(text) => words(text),
            Self::Pieces(pieces) => pieces.clone(),
        }
    }
}

impl Fault {
    fn error(&self) -> ProviderError {
        let words = || "the script says so".to_owned();
        match self.kind {
            Kind::Unauthorized => ProviderError::Unauthorized,
            Kind::RateLimited => ProviderError::RateLimited {
                retry_after: self.retry_after_s.map(|seconds| Duration::from_secs(seconds.into())),
            },
            Kind::ContextTooLong => ProviderError::ContextTooLong,
            Kind::Unavailable => ProviderError::Unavailable(words()),
            Kind::TimedOut => ProviderError::TimedOut("the script says so"),
            Kind::Rejected => ProviderError::Rejected(words()),
            Kind::Truncated => ProviderError::Truncated(words()),
        }
    }
}

impl Counted {
    fn usage(self) -> Usage {
        Usage { input_tokens: self.input_tokens, output_tokens: self.output_tokens, calls: 1 }
    }
}

/// Counts words for tokens, which is near enough for a model that costs nothing.
fn count(prompt: &Prompt, pieces: &[String]) -> Usage {
    Usage { input_tokens: num_words(prompt), output_tokens: pieces.len() as u64, calls: 1 }
}

fn num_words(prompt: &Prompt) -> u64 {
    let history = prompt.history.iter().map(|turn| turn.content.as_str());
    let read = [prompt.system.as_str(), prompt.user.as_str()].into_iter().chain(history);
    read.map(|text| text.split_whitespace().count() as u64).sum()
}

fn words(text: &str) -> Vec<String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned).collect()
}

/// An answer made of the first good sentence of each of the first passages, each with its mark.
fn quote(prompt: &Prompt) -> String {
    let quoted: Vec<String> = prompt
        .passages
        .iter()
        .filter_map(|passage| Some(format!("{} [{}]", good_sentence(&passage.text)?, passage.source.n)))
        .take(NUM_QUOTED)
        .collect();
    match quoted.is_empty() {
        true => "The documents say nothing about this.".to_owned(),
        false => quoted.join(" "),
    }
}

/// The first sentence that can stand alone: prose, whole, neither a fragment nor a page long.
fn good_sentence(text: &str) -> Option<String> {
    text.split("\n\n").filter(|paragraph| is_prose(paragraph)).find_map(|paragraph| {
        let flat = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut sentences = flat.unicode_sentences().map(str::trim);
        sentences.find(|sentence| is_good(sentence)).map(str::to_owned)
    })
}

fn is_prose(paragraph: &str) -> bool {
    !paragraph.trim_start().starts_with(['#', '|', '>', '-', '*', '`', '+'])
}

fn is_good(sentence: &str) -> bool {
    let is_whole = sentence.ends_with(['.', '!', '?', '。', '！', '？']);
    let begins_well = sentence.starts_with(|c: char| c.is_alphanumeric() && !c.is_lowercase());
    let is_readable = (20..=300).contains(&sentence.len()) && !sentence.contains(['[', ']']);
    is_whole && begins_well && is_readable
}
