//! The configured models, ready to be asked: each with its provider, its breaker and the model that
//! stands in for it. How a call is made and repeated is the work of `retry`.

use std::sync::Arc;

use super::breaker::Breaker;
use super::tally::Tally;
use super::{CallOptions, Completion, DeltaStream, Provider, ProviderError, retry};
use crate::ask::prompt::Prompt;
use crate::config::model::{ModelConfig, ModelError, Vendor};

/// The configured models, in their order.
#[derive(Clone, Debug)]
pub struct Models(Vec<Model>);

impl Models {
    /// Prepares every configured model; connects to nothing.
    ///
    /// # Errors
    /// If a key or a script can't be read, or a `fallback` names no model.
    pub fn new(configs: &[ModelConfig]) -> Result<Self, ModelError> {
        let lines = configs.iter().map(|config| Line::new(config).map(Arc::new));
        let mut lines: Vec<Arc<Line>> = lines.collect::<Result<_, _>>()?;
        if lines.is_empty() {
            let extractive = ModelConfig::new(Vendor::Extractive.as_str(), Vendor::Extractive);
            lines.push(Arc::new(Line::new(&extractive)?));
        }
        let with_second = |line: &Arc<Line>| {
            let second = match &line.config.fallback {
                None => None,
                Some(name) => {
                    let second = lines.iter().find(|line| line.config.name == *name);
                    Some(Arc::clone(second.ok_or_else(|| ModelError::NoFallback {
                        name: line.config.name.clone(),
                        fallback: name.clone(),
                    })?))
                }
            };
            Ok(Model { line: Arc::clone(line), second })
        };
        lines.iter().map(with_second).collect::<Result<_, _>>().map(Self)
    }

    /// The first one.
    #[must_use]
    pub fn default_model(&self) -> &Model {
        &self.0[0]
    }

    /// The one of that name, or else the first whose vendor calls it so.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Model> {
        let named = self.0.iter().find(|model| model.name() == name);
        named.or_else(|| self.0.iter().find(|model| model.config().vendor_model() == name))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Model> {
        self.0.iter()
    }
}

/// A model that can be asked, with the one that stands in for it. Clones share their breaker.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) line: Arc<Line>,
    pub(super) second: Option<Arc<Line>>,
}

/// One provider and how it has been doing.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) config: ModelConfig,
    pub(super) provider: Provider,
    pub(super) breaker: Breaker,
    pub(super) tally: Tally,
}

impl Line {
    fn new(config: &ModelConfig) -> Result<Self, ModelError> {
        Ok(Self {
            config: config.clone(),
            provider: Provider::new(config)?,
            breaker: Breaker::default(),
            tally: Tally::default(),
        })
    }
}

impl Model {
    /// Its configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.line.config.name
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.line.config
    }

    /// What it has cost and how it has failed since the start.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.line.tally
    }

    /// Asks for an answer, piece by piece. Nothing happens until the stream is polled.
    #[must_use]
    pub fn stream(&self, prompt: impl Into<Arc<Prompt>>, options: CallOptions) -> DeltaStream {
        retry::stream(self.clone(), prompt.into(), options)
    }

    /// Asks for an answer and waits for all of it.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn complete(&self, prompt: Prompt, options: CallOptions) -> Result<Completion, ProviderError> {
        super::fold(self.stream(prompt, options)).await
    }
}
