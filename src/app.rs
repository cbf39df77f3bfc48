//! Placeholder: the signatures the command line is written against.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::config::Config;

/// What every handler is given.
#[derive(Debug)]
pub struct App {
    /// The data folder.
    pub data: PathBuf,
}

/// Why the data folder can't be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error("the data folder is in use by another process")]
    InUse {
        /// Where that process serves, if it does.
        url: Option<String>,
    },
    /// It can't be used.
    #[error("can't open the data folder: {0}")]
    Unusable(String),
}

impl App {
    /// Opens the data folder.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(config: Config) -> Result<Arc<Self>, OpenError> {
        std::fs::create_dir_all(&config.data).map_err(|error| OpenError::Unusable(error.to_string()))?;
        Ok(Arc::new(Self { data: config.data }))
    }
}
