//! `ibid config`: the settings in force, as a file that would set them, and who set each.

use std::io::{Write, stdout};

use anyhow::Result;
use clap::Args;
use ibid::config::model::ModelConfig;
use ibid::config::{Config, Origin};
use serde::Serialize;
use toml::{Table, Value};

/// Show the settings in force and where each comes from.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid config
  ibid config > ibid.toml      # a file to start from
  IBID_LISTEN=127.0.0.1:8080 ibid config --json")]
pub(crate) struct Show {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What each setting means, in the order of the file.
const ABOUT: &[(&str, &str)] = &[
    ("data", "the folder that holds everything"),
    ("listen", "where `ibid serve` listens; loopback unless there is access control"),
    ("embeddings.provider", "what makes vectors: corpus (learnt from the library), local, openai, or none"),
    ("embeddings.folder", "the folder of a model that runs here"),
    ("embeddings.model", "the model's name at its server"),
    ("embeddings.base_url", "where the server is"),
    ("embeddings.api_key_env", "the variable that holds its key"),
    ("embeddings.api_key_file", "the file that holds it"),
    ("embeddings.dimensions", "numbers of a vector, of a model that can shorten them"),
    ("embeddings.passage_prefix", "what is put before a passage, if not what the folder says"),
    ("embeddings.question_prefix", "what is put before a question, likewise"),
    ("embeddings.batch", "passages embedded at once"),
    ("embeddings.threads", "threads of a model that runs here"),
    ("embeddings.question_timeout_ms", "how long a search waits for its vector, in milliseconds"),
    ("rerank.provider", "what reads the best passages with the question: local, cohere, tei, or none"),
    ("rerank.folder", "the folder of a model that runs here"),
    ("rerank.model", "the model's name at its server"),
    ("rerank.base_url", "where the server is, up to what comes before /rerank"),
    ("rerank.api_key_env", "the variable that holds its key"),
    ("rerank.api_key_file", "the file that holds it"),
    ("rerank.candidates", "passages of a search that it reads"),
    ("rerank.threads", "threads of a model that runs here"),
    ("rerank.timeout_ms", "how long a search waits for the order, in milliseconds"),
    ("ingest.max_file_bytes", "largest original taken, in bytes"),
    ("ingest.max_text_bytes", "most text kept of one document, in bytes"),
    ("ingest.max_pages", "most pages read of one document"),
    ("ingest.sandbox", "\"required\": read nothing where a reader can't be confined; or \"available\""),
    ("ingest.time_s", "longest an extractor may take, in seconds"),
    ("ingest.memory_bytes", "most memory an extractor may use, in bytes"),
    ("ingest.jobs", "documents read at the same time"),
    ("ask.history_messages", "earlier messages considered for a follow-up"),
    ("ask.passages", "most passages given to the writer"),
    ("ask.context_tokens", "most text of passages given to the writer, in tokens"),
    ("ask.cache_s", "how long an answer is given again to the same question, in seconds; 0: never"),
    ("ask.cancel_unread_s", "how long an answer goes on that nobody reads, in seconds; 0: to its end"),
    ("ask.stream_session_s", "how long a stream session can be opened, in seconds"),
    ("ask.system", "what every answer should keep to beside the rules of citing"),
    ("research.rounds", "most further rounds of a deep research"),
    ("research.parallel", "questions looked into at the same time"),
    ("research.passages", "most passages a report is written from"),
    ("research.calls", "most calls to a model for one report"),
    ("research.tokens", "most tokens for one report"),
    ("research.seconds", "longest a deep research may take, in seconds"),
    ("server.max_body_bytes", "largest request that is not an upload, in bytes"),
    ("server.shutdown_grace_s", "how long running answers may go on after a stop, in seconds"),
    ("server.stalled_reader_s", "how long a reader may take nothing before it is cut, in seconds"),
    ("server.max_connections", "most connections at the same time"),
    ("server.max_connections_per_address", "most connections of one address"),
    ("server.head_timeout_s", "how long a connection may take to become a request, in seconds"),
    ("server.idle_timeout_s", "how long a connection stays open between requests, in seconds"),
    ("server.min_body_rate", "slowest body of a request, in bytes a second"),
    ("server.body_window_s", "how long a body may be slower than that, in seconds"),
    ("server.max_header_bytes", "most bytes of the headers of one request"),
    ("server.tls_cert", "the certificate, a PEM file with its chain; without one there is no TLS"),
    ("server.tls_key", "the private key of the certificate, a PEM file"),
    ("access.mode", "how callers show who they are: none, keys or jwt"),
    ("access.hosts", "the only names this server answers to; empty for its own, or any"),
    ("access.tier", "the tier of callers who bring none"),
    ("jwt.algorithm", "how tokens are signed: HS256, RS256 or ES256"),
    ("jwt.secret_env", "the variable that holds the secret of HS256"),
    ("jwt.secret_file", "the file that holds it"),
    ("jwt.jwks_file", "the file that holds the public keys"),
    ("jwt.jwks_url", "where the public keys are fetched"),
    ("jwt.audience", "what `aud` must name"),
    ("jwt.issuer", "what `iss` must be"),
    ("jwt.leeway_s", "how far clocks may differ, in seconds"),
    ("jwt.scopes_claim", "the claim with the scopes"),
    ("jwt.scopes", "the scopes of a token without that claim"),
    ("jwt.tier_claim", "the claim with the tier"),
    ("limits.window_s", "the time that requests are counted in, in seconds"),
    ("limits.user_requests", "most requests of one user in that time"),
    ("limits.session_requests", "most questions in one session in that time"),
    ("limits.address_requests", "most refused requests from one address in that time"),
    ("limits.user_runs", "most answers made for one user at the same time"),
    ("sessions.expire_s", "seconds after which an unused session is removed; 0 for never"),
    ("storage.min_free_bytes", "with less of the disk free nothing new is taken, in bytes"),
];

#[derive(Serialize)]
struct Setting<'a> {
    key: &'a str,
    value: Value,
    origin: Origin,
}

pub(crate) fn run(config: &Config, show: &Show) -> Result<()> {
    let values = values(config)?;
    let mut out = stdout();
    if show.json {
        let settings: Vec<Setting<'_>> = values
            .iter()
            .map(|(key, _, value)| Setting { key, value: value.clone(), origin: config.origin(key) })
            .collect();
        let models = config.models.iter().map(model_table).collect::<Vec<_>>();
        writeln!(
            out,
            "{}",
            serde_json::json!({ "file": config.file(), "settings": settings, "models": models, "tiers": config.tiers })
        )?;
        return Ok(());
    }
    let file = match config.file() {
        Some(path) => path.display().to_string(),
        None => "none found".to_owned(),
    };
    writeln!(out, "# configuration file: {file}")?;
    let mut section = "";
    for (key, about, value) in &values {
        let (table, name) = key.split_once('.').unwrap_or(("", key));
        if table != section {
            writeln!(out, "\n[{table}]")?;
            section = table;
        }
        let assignment = format!("{name} = {value}");
        writeln!(out, "{assignment:<36} # {about} ({})", config.origin(key))?;
    }
    for (index, model) in config.models.iter().enumerate() {
        writeln!(out)?;
        if index == 0 {
            let origin = match config.origin("models") {
                Origin::Default => "by the keys in the environment".to_owned(),
                origin => origin.to_string(),
            };
            writeln!(out, "# the first model is the default ({origin})")?;
        }
        writeln!(out, "[[models]]")?;
        write!(out, "{}", toml::to_string(&model_table(model))?)?;
    }
    for tier in &config.tiers {
        writeln!(out, "\n[[tiers]]")?;
        write!(out, "{}", toml::to_string(tier)?)?;
    }
    Ok(())
}

/// Every setting with its meaning and value.
fn values(config: &Config) -> Result<Vec<(&'static str, &'static str, Value)>> {
    let mut all = Table::new();
    all.insert("data".into(), config.data.to_string_lossy().into_owned().into());
    all.insert("listen".into(), config.listen.to_string().into());
    all.insert("embeddings".into(), Value::try_from(&config.embeddings)?);
    all.insert("rerank".into(), Value::try_from(&config.rerank)?);
    all.insert("ingest".into(), Value::try_from(&config.ingest)?);
    all.insert("ask".into(), Value::try_from(&config.ask)?);
    all.insert("research".into(), Value::try_from(&config.research)?);
    all.insert("server".into(), Value::try_from(&config.server)?);
    all.insert("storage".into(), Value::try_from(&config.storage)?);
    all.insert("access".into(), Value::try_from(&config.access)?);
    all.insert("jwt".into(), Value::try_from(&config.jwt)?);
    all.insert("limits".into(), Value::try_from(&config.limits)?);
    all.insert("sessions".into(), Value::try_from(&config.sessions)?);
    let value_of = |key: &str| match key.split_once('.') {
        Some((table, name)) => all.get(table)?.get(name).cloned(),
        None => all.get(key).cloned(),
    };
    Ok(ABOUT.iter().filter_map(|(key, about)| Some((*key, *about, value_of(key)?))).collect())
}

/// A model as its table. It says where the key is, never what it is: a password inside an address
/// was refused when the file was read.
fn model_table(model: &ModelConfig) -> Table {
    let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned().into();
    let fields: [(&str, Option<Value>); 10] = [
        ("name", Some(model.name.clone().into())),
        ("provider", Some(model.provider.as_str().into())),
        ("model", model.model.clone().map(Into::into)),
        ("base_url", model.base_url.clone().map(Into::into)),
        ("api_key_env", model.api_key_env.clone().map(Into::into)),
        ("api_key_file", model.api_key_file.as_ref().map(path)),
        ("context_tokens", model.context_tokens.map(Into::into)),
        ("max_output_tokens", model.max_output_tokens.map(Into::into)),
        ("script", model.script.as_ref().map(path)),
        ("fallback", model.fallback.clone().map(Into::into)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_explained() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // What is set nowhere is shown nowhere.
        let optional = "[jwt]\nsecret_env = \"S\"\nsecret_file = \"s\"\njwks_file = \"k\"\njwks_url = \"u\"\n\
                        [limits]\nuser_requests = 1\nsession_requests = 1\naddress_requests = 1\nuser_runs = 1\n";
        std::fs::write(file.path(), optional).unwrap();
        let flags = ibid::config::Flags { config: Some(file.path().into()), ..Default::default() };
        let mut config = Config::load(&flags).unwrap();
        let embeddings = &mut config.embeddings;
        embeddings.folder = Some("model".into());
        embeddings.api_key_file = Some("key".into());
        embeddings.dimensions = Some(512);
        let texts = [
            &mut embeddings.model,
            &mut embeddings.base_url,
            &mut embeddings.api_key_env,
            &mut embeddings.passage_prefix,
            &mut embeddings.question_prefix,
        ];
        texts.into_iter().for_each(|text| *text = Some("x".into()));
        let rerank = &mut config.rerank;
        rerank.folder = Some("model".into());
        rerank.api_key_file = Some("key".into());
        let texts = [&mut rerank.model, &mut rerank.base_url, &mut rerank.api_key_env];
        texts.into_iter().for_each(|text| *text = Some("x".into()));
        config.server.tls_cert = Some("cert.pem".into());
        config.server.tls_key = Some("key.pem".into());
        config.server.max_connections = Some(1);
        config.server.max_connections_per_address = Some(1);
        let mut keys = vec!["data".to_owned(), "listen".to_owned()];
        for (name, table) in [
            ("embeddings", Table::try_from(&config.embeddings).unwrap()),
            ("rerank", Table::try_from(&config.rerank).unwrap()),
            ("ingest", Table::try_from(&config.ingest).unwrap()),
            ("ask", Table::try_from(&config.ask).unwrap()),
            ("research", Table::try_from(&config.research).unwrap()),
            ("server", Table::try_from(&config.server).unwrap()),
            ("storage", Table::try_from(&config.storage).unwrap()),
            ("access", Table::try_from(&config.access).unwrap()),
            ("jwt", Table::try_from(&config.jwt).unwrap()),
            ("limits", Table::try_from(&config.limits).unwrap()),
            ("sessions", Table::try_from(&config.sessions).unwrap()),
        ] {
            keys.extend(table.keys().map(|key| format!("{name}.{key}")));
        }
        keys.sort_unstable();
        let mut explained: Vec<&str> = ABOUT.iter().map(|(key, _)| *key).collect();
        explained.sort_unstable();
        assert_eq!(explained, keys);
    }
}
