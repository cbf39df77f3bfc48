//! The models of the configuration: what one is, which exist without a file, and what is wrong
//! with them, in words that say what to do. No model is called here; that is `provider`.

use std::collections::HashSet;
use std::path::PathBuf;

use serde::Deserialize;

mod error;
mod key;
mod vendor;

pub use error::ModelError;
pub use key::ApiKey;
pub use vendor::Vendor;

/// A model that can write answers: one `[[models]]` table of `ibid.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// What readers call it; unique.
    pub name: String,
    /// Who runs it.
    pub provider: Vendor,
    /// Its name at the vendor; `name` if absent.
    #[serde(default)]
    pub model: Option<String>,
    /// Where the API is, up to and including the version; the vendor's own if absent.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// The file that holds the key.
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
    /// How many tokens prompt and answer may have together.
    #[serde(default)]
    pub context_tokens: Option<u32>,
    /// How many tokens an answer may have, unless the call asks for fewer.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// What its tokens cost.
    #[serde(default)]
    pub price: Option<Price>,
    /// The rules a scripted model answers by.
    #[serde(default)]
    pub script: Option<PathBuf>,
    /// The pause of a scripted model before each word.
    #[serde(default)]
    pub delay_ms: Option<u64>,
    /// How long to wait for it.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// The model that answers when this one is unavailable.
    #[serde(default)]
    pub fallback: Option<String>,
    /// Whether the server takes a JSON schema; `true` if absent.
    #[serde(default)]
    pub structured_output: Option<bool>,
}

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Read by the model.
    pub input: f64,
    /// Written by it.
    pub output: f64,
}

/// How long to wait for a model, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// For the connection.
    pub connect_s: f64,
    /// For the first text, from the start of the call; a model that is seen thinking starts it anew.
    pub first_token_s: f64,
    /// Between two pieces of the answer.
    pub idle_s: f64,
    /// For the whole answer, with all tries and the pauses between them.
    pub total_s: f64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_s: 10.0, first_token_s: 30.0, idle_s: 30.0, total_s: 600.0 }
    }
}

/// Returns the models that exist: those of the file, or else those whose key is in the
/// environment, and always `extractive`. The first is the default.
///
/// # Errors
/// If a model can't work as configured.
pub fn resolve(from_file: Vec<ModelConfig>) -> Result<Vec<ModelConfig>, ModelError> {
    resolve_in(from_file, &environment)
}

/// Returns one model for each vendor whose usual key variable is set, and `extractive`.
#[must_use]
pub fn presets_from_environment() -> Vec<ModelConfig> {
    presets(&environment)
}

/// Looks up an environment variable; one that is empty counts as not set.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

fn resolve_in(from_file: Vec<ModelConfig>, env: Environment<'_>) -> Result<Vec<ModelConfig>, ModelError> {
    let mut models = if from_file.is_empty() { presets(env) } else { from_file };
    if !models.iter().any(|model| model.provider == Vendor::Extractive) {
        models.push(ModelConfig::new("extractive", Vendor::Extractive));
    }
    let mut names = HashSet::new();
    for model in &models {
        model.check(env)?;
        if !names.insert(model.name.as_str()) {
            return Err(ModelError::Duplicate(model.name.clone()));
        }
    }
    for model in &models {
        if let Some(fallback) = &model.fallback
            && (*fallback == model.name || !names.contains(fallback.as_str()))
        {
            return Err(ModelError::NoFallback { name: model.name.clone(), fallback: fallback.clone() });
        }
    }
    Ok(models)
}

fn presets(env: Environment<'_>) -> Vec<ModelConfig> {
    let mut models: Vec<ModelConfig> = [Vendor::OpenAi, Vendor::Xai, Vendor::Anthropic]
        .into_iter()
        .filter(|vendor| vendor.key_variable().is_some_and(|variable| is_set(env(variable))))
        .map(ModelConfig::preset)
        .collect();
    models.push(ModelConfig::new("extractive", Vendor::Extractive));
    models
}

fn is_set(value: Option<String>) -> bool {
    value.is_some_and(|value| !value.trim().is_empty())
}

impl ModelConfig {
    /// A model with nothing but a name and a provider.
    #[must_use]
    pub fn new(name: impl Into<String>, provider: Vendor) -> Self {
        Self {
            name: name.into(),
            provider,
            model: None,
            base_url: None,
            api_key_env: None,
            api_key_file: None,
            context_tokens: None,
            max_output_tokens: None,
            price: None,
            script: None,
            delay_ms: None,
            timeouts: Timeouts::default(),
            fallback: None,
            structured_output: None,
        }
    }

    fn preset(vendor: Vendor) -> Self {
        let (name, context_tokens) = vendor.preset();
        Self { context_tokens: Some(context_tokens), ..Self::new(name, vendor) }
    }

    /// Its name at the vendor.
    #[must_use]
    pub fn vendor_model(&self) -> &str {
        self.model.as_deref().unwrap_or(&self.name)
    }

    /// Where its API is, without a slash at the end; `None` for models that need no network.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.base_url.as_deref().or(self.provider.base_url()).map(|url| url.trim_end_matches('/'))
    }

    /// Reads its key; `None` for a server that asks for none.
    ///
    /// # Errors
    /// If the vendor asks for one and it isn't there, or if it can't be read.
    pub fn api_key(&self) -> Result<Option<ApiKey>, ModelError> {
        self.api_key_in(&environment)
    }

    fn api_key_in(&self, env: Environment<'_>) -> Result<Option<ApiKey>, ModelError> {
        if let Some(file) = &self.api_key_file {
            let bad = |cause: String| ModelError::BadKey {
                name: self.name.clone(),
                file: file.display().to_string(),
                cause,
            };
            let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
            return ApiKey::new(&text).map(Some).map_err(|cause| bad(cause.to_owned()));
        }
        let variable = match &self.api_key_env {
            Some(variable) => variable.as_str(),
            // A key made for the vendor is never sent to a server that merely speaks its language.
            None if self.base_url.is_some() => return Ok(None),
            None => match self.provider.key_variable() {
                Some(variable) => variable,
                None => return Ok(None),
            },
        };
        let Some(text) = env(variable).filter(|text| !text.trim().is_empty()) else {
            return Err(ModelError::NoKey { name: self.name.clone(), variable: variable.to_owned() });
        };
        ApiKey::new(&text).map(Some).map_err(|cause| ModelError::BadKey {
            name: self.name.clone(),
            file: variable.to_owned(),
            cause: cause.to_owned(),
        })
    }

    /// Checks one that is not in the list of those that write.
    pub(super) fn check_alone(&self) -> Result<(), ModelError> {
        self.check(&environment)
    }

    fn check(&self, env: Environment<'_>) -> Result<(), ModelError> {
        if self.name.trim().is_empty() {
            return Err(ModelError::Unnamed);
        }
        if self.api_key_env.is_some() && self.api_key_file.is_some() {
            return Err(ModelError::TwoKeys(self.name.clone()));
        }
        self.check_place()?;
        self.check_url()?;
        self.check_numbers()?;
        self.api_key_in(env).map(|_| ())
    }

    /// A setting that would be ignored is a mistake worth hearing about.
    fn check_place(&self) -> Result<(), ModelError> {
        let remote = self.provider.base_url().is_some();
        let scripted = self.provider == Vendor::Scripted;
        let misplaced = [
            ("model", self.model.is_some() && !remote),
            ("base_url", self.base_url.is_some() && !remote),
            ("api_key_env", self.api_key_env.is_some() && !remote),
            ("api_key_file", self.api_key_file.is_some() && !remote),
            ("script", self.script.is_some() && !scripted),
            ("delay_ms", self.delay_ms.is_some() && !scripted),
        ];
        match misplaced.into_iter().find(|(_, wrong)| *wrong) {
            Some((field, _)) => {
                Err(ModelError::Misplaced { name: self.name.clone(), field, provider: self.provider })
            }
            None => Ok(()),
        }
    }

    fn check_url(&self) -> Result<(), ModelError> {
        let Some(text) = &self.base_url else { return Ok(()) };
        let bad = |problem: String| ModelError::BadUrl { name: self.name.clone(), problem };
        let url = reqwest::Url::parse(text).map_err(|error| bad(format!("is not a URL ({error})")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(bad("must begin with http:// or https://".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("must not hold a user name or password".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("must not have a query or a fragment".to_owned()));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), ModelError> {
        const POSITIVE: &str = "a number above 0";
        let Timeouts { connect_s, first_token_s, idle_s, total_s } = self.timeouts;
        // A year is longer than anyone waits, and any number of seconds up to it is a duration.
        let is_wait = |seconds: f64| seconds > 0.0 && seconds <= 31_536_000.0;
        let is_price = |dollars: f64| dollars.is_finite() && dollars >= 0.0;
        let wrong = [
            ("timeouts.connect_s", !is_wait(connect_s), POSITIVE),
            ("timeouts.first_token_s", !is_wait(first_token_s), POSITIVE),
            ("timeouts.idle_s", !is_wait(idle_s), POSITIVE),
            ("timeouts.total_s", !is_wait(total_s), POSITIVE),
            ("context_tokens", self.context_tokens.is_some_and(|tokens| tokens < 1024), "1024 or more"),
            ("max_output_tokens", self.max_output_tokens == Some(0), POSITIVE),
            (
                "price",
                self.price.is_some_and(|price| !is_price(price.input) || !is_price(price.output)),
                "made of two numbers, 0 or more",
            ),
        ];
        match wrong.into_iter().find(|(_, wrong, _)| *wrong) {
            Some((field, _, must)) => Err(ModelError::BadNumber { name: self.name.clone(), field, must }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
