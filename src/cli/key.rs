//! `ibid key`: keys for a server that asks who its callers are. The key itself is printed once, on a
//! line of its own, so that a script can take it.

use std::io::{Write, stdout};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use ibid::access::key::Key;
use ibid::access::{Permit, Scopes};
use serde::Deserialize;
use uuid::Uuid;

use super::connect::Client;
use super::screen::line;

/// Make, list and revoke keys.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid key create ada
  ibid key create ada --scope read --expires 30
  ibid key create boss --scope read,ask,write,admin --tier PRO
  ibid key list
  ibid key revoke 0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e55

A key is asked for when the configuration says `mode = \"keys\"` under `[access]`.")]
pub(crate) struct Keys {
    #[command(subcommand)]
    what: What,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a key and print it, this once.
    Create {
        /// Whose it is; `local` owns what was put in before there were keys.
        user: String,
        /// What it permits: read, ask, write, admin [default: read,ask,write].
        #[arg(long, value_name = "SCOPES", value_delimiter = ',', value_parser = permit)]
        scope: Vec<Permit>,
        /// Its tier [default: `access.tier`].
        #[arg(long)]
        tier: Option<String>,
        /// Days until it expires [default: never].
        #[arg(long, value_name = "DAYS")]
        expires: Option<u32>,
    },
    /// List all keys; what they are is not kept.
    List,
    /// Revoke keys: they are good no more, and streams opened with them end.
    Revoke {
        /// Their ids.
        #[arg(required = true)]
        keys: Vec<Uuid>,
    },
}

#[derive(Deserialize)]
struct Made {
    key: String,
    #[serde(flatten)]
    about: Key,
}

fn permit(word: &str) -> Result<Permit, String> {
    Permit::from_word(word).ok_or_else(|| "scopes are read, ask, write and admin".to_owned())
}

pub(crate) async fn run(client: &Client, keys: &Keys) -> Result<()> {
    match &keys.what {
        What::Create { user, scope, tier, expires } => {
            let scopes = (!scope.is_empty()).then_some(scope);
            let expires_at = match expires {
                Some(0) => bail!("a key lasts at least a day"),
                Some(days) => Some(later(*days)?),
                None => None,
            };
            let new = serde_json::json!({
                "user": user, "scopes": scopes, "tier": tier, "expires_at": expires_at,
            });
            let made: serde_json::Value = client.post("/api/keys", &new).await?;
            create(&made, keys.json)
        }
        What::List => list(client, keys.json).await,
        What::Revoke { keys } => {
            for key in keys {
                client.delete(&format!("/api/keys/{key}")).await?;
                writeln!(stdout(), "revoked {key}")?;
            }
            Ok(())
        }
    }
}

fn create(made: &serde_json::Value, json: bool) -> Result<()> {
    let mut out = stdout();
    if json {
        writeln!(out, "{made}")?;
        return Ok(());
    }
    let Made { key, about } = serde_json::from_value(made.clone()).context("can't read the key")?;
    writeln!(out, "{key}")?;
    writeln!(std::io::stderr(), "{}; it is not shown again", describe(&about))?;
    Ok(())
}

async fn list(client: &Client, json: bool) -> Result<()> {
    let keys: Vec<Key> = client.list("/api/keys").await?;
    let mut out = stdout();
    if json {
        writeln!(out, "{}", serde_json::to_string(&keys)?)?;
        return Ok(());
    }
    for key in keys {
        writeln!(out, "{}", describe(&key))?;
    }
    Ok(())
}

fn describe(key: &Key) -> String {
    let scopes = words(&key.scopes);
    let tier = key.tier.as_deref().map(|tier| format!(", tier {}", line(tier))).unwrap_or_default();
    let until = key.expires_at.map(|at| format!(", until {at}")).unwrap_or_default();
    format!("{}  {}  {scopes}{tier}{until}", key.id, line(key.user.as_str()))
}

fn words(scopes: &Scopes) -> String {
    let words: Vec<&str> =
        Permit::ALL.into_iter().filter(|permit| scopes.contains(*permit)).map(Permit::as_str).collect();
    words.join(",")
}

fn later(days: u32) -> Result<jiff::Timestamp> {
    let seconds = u64::from(days) * 24 * 60 * 60;
    let at = jiff::Timestamp::now().checked_add(std::time::Duration::from_secs(seconds));
    at.context("that is too far away")
}
