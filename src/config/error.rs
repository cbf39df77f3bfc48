//! Where a setting comes from, and why settings can't be used.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

use super::model::ModelError;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", content = "name", rename_all = "snake_case")]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// The command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Why the settings can't be used. Each message says what to change.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file that was named can't be read.
    #[error("can't read configuration file `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or a value has the wrong type.
    #[error("configuration file `{}`, line {line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The file sets something that does not exist.
    #[error(
        "configuration file `{}`, line {line}: unknown key `{key}`, did you mean `{nearest}`?",
        path.display()
    )]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The key as written.
        key: String,
        /// The known key most like it.
        nearest: String,
    },
    /// An environment variable can't be understood.
    #[error("environment variable {name} is `{value}`, which is not {expected}")]
    Environment {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A value is out of bounds.
    #[error("setting `{key}` must be {expected} ({origin})")]
    OutOfBounds {
        /// The setting.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
        /// Who set it.
        origin: Origin,
    },
    /// A model can't work as configured.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The address can be reached from other machines.
    #[error(
        "refusing to listen on {listen} ({origin}): nobody is asked who they are, so other machines \
         must not reach it; set `mode = \"keys\"` under `[access]` and make a key with `ibid key \
         create`, or use 127.0.0.1:{port}, or say --allow-open-network if everyone who can reach \
         this address may read and delete everything", port = listen.port()
    )]
    NotLoopback {
        /// The address asked for.
        listen: SocketAddr,
        /// Who asked for it.
        origin: Origin,
    },
    /// What is said about access can't work.
    #[error("{0}")]
    Access(String),
    /// What is said about a model that searches use can't work.
    #[error("{0}")]
    Search(String),
    /// The platform names no home folder.
    #[error("no home folder found: name the data folder with --data or IBID_DATA")]
    NoHome,
}
