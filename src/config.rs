//! What was asked for at start: flags over environment over file over defaults, validated once.
//! Nothing reads a setting later, and nothing here opens the data folder.

pub mod access;
mod ask;
pub mod embeddings;
mod error;
mod file;
pub mod model;
pub mod rerank;
mod server;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ingest::extract::{Limits, Sandbox};
use access::{AccessConfig, JwtConfig, LimitsConfig, Mode, SessionsConfig, Tier};
use embeddings::EmbeddingsConfig;
use model::{ApiKey, ModelConfig};
use rerank::RerankConfig;

pub use ask::{AskConfig, ResearchConfig};
pub use error::{ConfigError, Origin};
pub use server::ServerConfig;

/// The seconds of a year, longer than which nothing is kept or waited for.
const YEAR_S: u64 = 365 * 24 * 60 * 60;

/// Everything that can be set. Made by [`Config::load`] and handed down from there.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that holds the documents, the store and the index. Default: `ibid` in the
    /// platform's folder for application data.
    pub data: PathBuf,
    /// Where `ibid serve` listens; a loopback address unless there is access control.
    /// Default: `127.0.0.1:4747`.
    pub listen: SocketAddr,
    /// The models that can answer, the default one first. Never empty: `extractive` needs no key.
    pub models: Vec<ModelConfig>,
    /// The model that finds what shares no word with a question.
    pub embeddings: EmbeddingsConfig,
    /// The model that puts the best passages of a search in order.
    pub rerank: RerankConfig,
    /// Limits on documents.
    pub ingest: IngestConfig,
    /// How answers are made.
    pub ask: AskConfig,
    /// How deep research is done.
    pub research: ResearchConfig,
    /// The HTTP server.
    pub server: ServerConfig,
    /// Who may.
    pub access: AccessConfig,
    /// Which tokens are taken.
    pub jwt: JwtConfig,
    /// How fast anyone may ask.
    pub limits: LimitsConfig,
    /// How long sessions are kept.
    pub sessions: SessionsConfig,
    /// What callers may use; empty if nobody is limited.
    pub tiers: Vec<Tier>,
    jwt_secret: Option<ApiKey>,
    /// The disk.
    pub storage: StorageConfig,
    file: Option<PathBuf>,
    origins: BTreeMap<String, Origin>,
}

/// Limits on documents, the `[ingest]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// Largest original taken, in bytes. Default: 512 MiB.
    pub max_file_bytes: u64,
    /// Most text kept of one document, in bytes. Default: 128 MiB.
    pub max_text_bytes: u64,
    /// Most pages read of one document. Default: 20,000.
    pub max_pages: u32,
    /// Whether a reader may run where the system can't confine it. Default: as far as it can.
    pub sandbox: Sandbox,
    /// Longest an extractor may take for one document, in seconds. Default: 60.
    pub time_s: u64,
    /// Most memory an extractor may use, in bytes. Default: 2 GiB.
    pub memory_bytes: u64,
    /// Documents read at the same time. Default: the number of processor cores.
    pub jobs: usize,
}

impl IngestConfig {
    /// What one document may cost its reader.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            text_bytes: usize::try_from(self.max_text_bytes).unwrap_or(usize::MAX),
            pages: self.max_pages,
            seconds: self.time_s,
            memory_bytes: self.memory_bytes,
            sandbox: self.sandbox,
            ..Limits::default()
        }
    }
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            max_file_bytes: 512 << 20,
            max_text_bytes: 128 << 20,
            max_pages: 20_000,
            sandbox: Sandbox::default(),
            time_s: 60,
            memory_bytes: 2 << 30,
            jobs: std::thread::available_parallelism().map_or(1, Into::into),
        }
    }
}

/// The disk, the `[storage]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// With less than this free, in bytes, nothing new is taken: uploads and questions are refused,
    /// while reading, searching and deleting go on. Default: 128 MiB.
    pub min_free_bytes: u64,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { min_free_bytes: 128 << 20 }
    }
}

/// What was given on the command line; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`: the file to read. It must exist, unlike the default one.
    pub config: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
    /// `--tls-cert`.
    pub tls_cert: Option<PathBuf>,
    /// `--tls-key`.
    pub tls_key: Option<PathBuf>,
    /// `--allow-open-network`: other machines may reach a server that asks nobody who they are.
    pub allow_open_network: bool,
}

impl Config {
    /// Reads the file and the environment, lays the flags over them, and checks the result.
    ///
    /// # Errors
    /// Every [`ConfigError`]; each names the setting and who set it.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::from_sources(flags, std::env::var_os, default_file())
    }

    /// Where the value of `key` (`listen`, `ingest.jobs`, …) comes from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// The secret that tokens are signed with, if there is one.
    pub(crate) fn jwt_secret(&self) -> Option<&ApiKey> {
        self.jwt_secret.as_ref()
    }

    /// The tier of this name.
    #[must_use]
    pub fn tier(&self, name: &str) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.name == name)
    }

    /// The configuration file that was read, if there was one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    fn from_sources(
        flags: &Flags,
        env: impl Fn(&'static str) -> Option<OsString>,
        default_file: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let set = |name| env(name).filter(|value| !value.is_empty());
        let named_file = flags.config.clone().or_else(|| set("IBID_CONFIG").map(PathBuf::from));
        let mut origins = BTreeMap::new();
        let path = named_file.or_else(|| default_file.filter(|path| path.exists()));
        let file = match &path {
            Some(path) => file::read(path, &mut origins)?,
            None => file::File::default(),
        };

        let data = if let Some(path) = &flags.data {
            origins.insert("data".into(), Origin::Flag("--data".into()));
            path.clone()
        } else if let Some(path) = set("IBID_DATA") {
            origins.insert("data".into(), Origin::Environment("IBID_DATA".into()));
            path.into()
        } else {
            file.data.or_else(default_data).ok_or(ConfigError::NoHome)?
        };

        let listen = if let Some(listen) = flags.listen {
            origins.insert("listen".into(), Origin::Flag("--listen".into()));
            listen
        } else if let Some(value) = set("IBID_LISTEN") {
            origins.insert("listen".into(), Origin::Environment("IBID_LISTEN".into()));
            let value = value.to_string_lossy().into_owned();
            parse_listen(&value).map_err(|expected| ConfigError::Environment {
                name: "IBID_LISTEN",
                value,
                expected,
            })?
        } else {
            file.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 4747)))
        };

        let mut server = file.server;
        for (key, flag, given, setting) in [
            ("server.tls_cert", "--tls-cert", &flags.tls_cert, &mut server.tls_cert),
            ("server.tls_key", "--tls-key", &flags.tls_key, &mut server.tls_key),
        ] {
            if let Some(path) = given {
                origins.insert(key.into(), Origin::Flag(flag.into()));
                *setting = Some(path.clone());
            }
        }

        let models = model::resolve(file.models)?;
        let tiers = access::tiers(file.tiers, file.access.mode, &models);
        let text = |name: &str| std::env::var(name).ok();
        let jwt_secret = access::check(&file.access, &file.jwt, &tiers, &models, text)?;
        let config = Self {
            data: std::path::absolute(&data).unwrap_or(data),
            listen,
            models,
            embeddings: file.embeddings,
            rerank: file.rerank,
            ingest: file.ingest,
            ask: file.ask,
            research: file.research,
            server,
            limits: file.limits.in_mode(file.access.mode),
            access: file.access,
            jwt: file.jwt,
            sessions: file.sessions,
            tiers,
            jwt_secret,
            storage: file.storage,
            file: path,
            origins,
        };
        config.check(flags.allow_open_network)?;
        Ok(config)
    }

    fn check(&self, allow_open_network: bool) -> Result<(), ConfigError> {
        let positive = [
            ("ingest.max_file_bytes", self.ingest.max_file_bytes > 0),
            ("ingest.max_text_bytes", self.ingest.max_text_bytes > 0),
            ("ingest.max_pages", self.ingest.max_pages > 0),
            ("ingest.time_s", self.ingest.time_s > 0),
            ("ingest.jobs", self.ingest.jobs > 0),
            ("ask.passages", self.ask.passages > 0),
            ("limits.window_s", self.limits.window_s > 0),
            ("research.parallel", self.research.parallel > 0),
            ("research.passages", self.research.passages > 0),
            ("research.seconds", self.research.seconds > 0),
        ];
        if let Some((key, _)) = positive.into_iter().chain(self.server.positive()).find(|(_, holds)| !holds) {
            return Err(self.out_of_bounds(key, "at least 1"));
        }
        if self.ingest.memory_bytes < 64 << 20 {
            return Err(self.out_of_bounds("ingest.memory_bytes", "at least 64 MiB (67108864)"));
        }
        if self.ask.context_tokens < 500 {
            return Err(self.out_of_bounds("ask.context_tokens", "at least 500"));
        }
        let of_answers =
            [("ask.cache_s", self.ask.cache_s), ("ask.cancel_unread_s", self.ask.cancel_unread_s)];
        for (key, seconds) in of_answers.into_iter().chain(self.server.times()) {
            if seconds > YEAR_S {
                return Err(self.out_of_bounds(key, "at most a year (31536000)"));
            }
        }
        if !(1..=86_400).contains(&self.ask.stream_session_s) {
            return Err(self.out_of_bounds("ask.stream_session_s", "1 to 86400, a day"));
        }
        if self.server.max_body_bytes < 4 << 10 {
            return Err(self.out_of_bounds("server.max_body_bytes", "at least 4 KiB (4096)"));
        }
        if self.server.max_header_bytes < 8 << 10 {
            return Err(self.out_of_bounds("server.max_header_bytes", "at least 8 KiB (8192)"));
        }
        let (tls_cert, tls_key) = (&self.server.tls_cert, &self.server.tls_key);
        for (key, is_alone) in [
            ("server.tls_cert", tls_cert.is_none() && tls_key.is_some()),
            ("server.tls_key", tls_key.is_none() && tls_cert.is_some()),
        ] {
            if is_alone {
                return Err(self.out_of_bounds(key, "set too: a certificate and its key go together"));
            }
        }
        self.embeddings.check()?;
        self.rerank.check()?;
        let is_open = self.access.mode == Mode::None && !self.listen.ip().is_loopback();
        if is_open && !allow_open_network {
            return Err(ConfigError::NotLoopback { listen: self.listen, origin: self.origin("listen") });
        }
        Ok(())
    }

    fn out_of_bounds(&self, key: &'static str, expected: &'static str) -> ConfigError {
        ConfigError::OutOfBounds { key, expected, origin: self.origin(key) }
    }
}

/// Reads `ADDRESS:PORT`, `localhost:PORT`, or a bare port on the loopback address.
///
/// # Errors
/// What was expected instead.
pub fn parse_listen(value: &str) -> Result<SocketAddr, &'static str> {
    if let Ok(port) = value.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let numeric = value.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(value).parse().map_err(|_| "an address such as 127.0.0.1:4747")
}

/// The file read when none is named: `ibid/ibid.toml` in the platform's configuration folder.
#[must_use]
pub fn default_file() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(folders.config_dir().join("ibid").join("ibid.toml"))
}

fn default_data() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(folders.data_dir().join("ibid"))
}

/// A path in the file counts from the file's own folder, wherever the program was started, and `~`
/// is the home folder, as it is where people copy such paths from.
fn beside(file: &Path, path: PathBuf) -> PathBuf {
    if let (Ok(below), Ok(home)) = (path.strip_prefix("~"), etcetera::home_dir()) {
        return home.join(below);
    }
    match file.parent() {
        Some(folder) if path.is_relative() => folder.join(path),
        _ => path,
    }
}

#[cfg(test)]
mod tests;
