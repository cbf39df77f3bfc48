//! Placeholder: the signatures the command line is written against.

use std::sync::Arc;

use thiserror::Error;

use crate::config::Config;

/// What every handler is given.
#[derive(Debug)]
pub struct App {
    lock: std::fs::File,
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
    /// Whether the folder is held, as it is for as long as this lives.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lock.metadata().is_ok()
    }

    /// Opens the data folder.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(config: Config) -> Result<Arc<Self>, OpenError> {
        let unusable = |error: std::io::Error| OpenError::Unusable(error.to_string());
        std::fs::create_dir_all(&config.data).map_err(unusable)?;
        let lock = std::fs::File::create(config.data.join("lock")).map_err(unusable)?;
        if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            let text = std::fs::read_to_string(config.data.join("server.json")).unwrap_or_default();
            let server: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            return Err(OpenError::InUse { url: server["url"].as_str().map(Into::into) });
        }
        Ok(Arc::new(Self { lock }))
    }
}
