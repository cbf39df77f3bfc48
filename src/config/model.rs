//! Placeholder until the provider branch brings the real one.

use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;

/// A model that can answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The name it is asked for by.
    pub name: String,
    /// The vendor adapter.
    pub provider: String,
    /// Its name at the vendor.
    pub model: Option<String>,
    /// Where the API is.
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    pub api_key_env: Option<String>,
    /// The file that holds the key.
    pub api_key_file: Option<PathBuf>,
}

/// What is wrong with the configured models.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The name is not unique.
    #[error("two models are named `{0}`: rename one")]
    Duplicate(String),
}

/// Returns the models that exist.
///
/// # Errors
/// If a model can't work as configured.
pub fn resolve(mut from_file: Vec<ModelConfig>) -> Result<Vec<ModelConfig>, ModelError> {
    if !from_file.iter().any(|model| model.provider == "extractive") {
        from_file.push(ModelConfig {
            name: "extractive".into(),
            provider: "extractive".into(),
            model: None,
            base_url: None,
            api_key_env: None,
            api_key_file: None,
        });
    }
    for (index, model) in from_file.iter().enumerate() {
        if from_file[..index].iter().any(|earlier| earlier.name == model.name) {
            return Err(ModelError::Duplicate(model.name.clone()));
        }
    }
    Ok(from_file)
}
