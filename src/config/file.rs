//! The configuration file: TOML in, values and their origins out. A key that does not exist is an
//! error, since a setting silently ignored is worse than none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use super::access::{AccessConfig, JwtConfig, LimitsConfig, SessionsConfig, Tier};
use super::embeddings::EmbeddingsConfig;
use super::rerank::RerankConfig;
use super::{
    AskConfig, ConfigError, IngestConfig, Origin, ResearchConfig, ServerConfig, StorageConfig, beside,
    parse_listen,
};
use crate::config::model::ModelConfig;
use crate::edits;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) data: Option<PathBuf>,
    #[serde(deserialize_with = "listen")]
    pub(super) listen: Option<SocketAddr>,
    pub(super) models: Vec<ModelConfig>,
    pub(super) embeddings: EmbeddingsConfig,
    pub(super) rerank: RerankConfig,
    pub(super) ingest: IngestConfig,
    pub(super) ask: AskConfig,
    pub(super) research: ResearchConfig,
    pub(super) server: ServerConfig,
    pub(super) access: AccessConfig,
    pub(super) jwt: JwtConfig,
    pub(super) limits: LimitsConfig,
    pub(super) sessions: SessionsConfig,
    pub(super) tiers: Vec<Tier>,
    pub(super) storage: StorageConfig,
}

pub(super) fn read(path: &Path, origins: &mut BTreeMap<String, Origin>) -> Result<File, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
    let mut file: File = toml::from_str(&text).map_err(|error| explain(path, &text, &error))?;
    file.data = file.data.map(|data| beside(path, data));
    for tls in [&mut file.server.tls_cert, &mut file.server.tls_key] {
        *tls = tls.take().map(|tls| beside(path, tls));
    }
    file.jwt.secret_file = file.jwt.secret_file.map(|secret| beside(path, secret));
    file.jwt.jwks_file = file.jwt.jwks_file.map(|keys| beside(path, keys));
    let (embeddings, rerank) = (&mut file.embeddings, &mut file.rerank);
    for named in
        [&mut embeddings.folder, &mut embeddings.api_key_file, &mut rerank.folder, &mut rerank.api_key_file]
    {
        *named = named.take().map(|named| beside(path, named));
    }
    for model in &mut file.models {
        model.api_key_file = model.api_key_file.take().map(|key| beside(path, key));
        model.script = model.script.take().map(|script| beside(path, script));
    }
    let table: toml::Table = toml::from_str(&text).map_err(|error| explain(path, &text, &error))?;
    for (key, value) in &table {
        let Some(section) = value.as_table() else {
            origins.insert(key.clone(), Origin::File(path.into()));
            continue;
        };
        for inner in section.keys() {
            origins.insert(format!("{key}.{inner}"), Origin::File(path.into()));
        }
    }
    Ok(file)
}

fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let value = String::deserialize(deserializer)?;
    let wrong = |expected| serde::de::Error::custom(format!("`{value}` is not {expected}"));
    parse_listen(&value).map(Some).map_err(wrong)
}

/// Turns a parser's complaint into one that says where, and for an unknown key, what was meant.
fn explain(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let message = error.message();
    // Deserialisation lists the known fields between backticks, whichever table it is in.
    let mut names = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field")
        && let Some(key) = names.next()
        && let Some(nearest) = names.min_by_key(|known| edits(key, known))
    {
        return ConfigError::UnknownKey { path: path.into(), line, key: key.into(), nearest: nearest.into() };
    }
    ConfigError::Invalid { path: path.into(), line, message: message.into() }
}
