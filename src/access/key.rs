//! Keys that this server makes: shown once, kept as a digest, found by it, and gone when revoked.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::gate::{Denied, Lease, Secret, digest};
use super::{Caller, Permit, Scopes, User};
use crate::Error;
use crate::app::App;
use crate::store::{Batch, Order, keys};

/// What every key begins with.
pub(super) const PREFIX: &str = "ibid_";
/// Keys read at a time.
const PAGE: usize = 500;

/// What a new key is for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Whose it is.
    pub user: User,
    /// What it permits; read, ask and write if absent.
    #[serde(default)]
    pub scopes: Option<Vec<Permit>>,
    /// Its tier; the configured one if absent.
    #[serde(default)]
    pub tier: Option<String>,
    /// When it stops being good; never if absent.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// A key without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// Names it, to revoke it by.
    pub id: Uuid,
    /// Whose it is.
    pub user: User,
    /// What it permits.
    pub scopes: Scopes,
    /// Its tier, if it has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A key as it is shown, this once.
#[derive(Serialize, JsonSchema)]
pub struct MadeKey {
    /// The key itself.
    pub key: String,
    /// What it is.
    #[serde(flatten)]
    pub about: Key,
}

/// Makes a key.
///
/// # Errors
/// [`Error::Invalid`] if it names a tier that does not exist or would never be good, or if the store
/// fails.
pub async fn create(app: &App, new: NewKey) -> Result<MadeKey, Error> {
    let user = User::new(new.user.as_str())?;
    let now = app.store.now();
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::Invalid("`expires_at` is past; such a key would never be good".to_owned()));
    }
    if let Some(tier) = new.tier.as_deref().filter(|tier| app.config.tier(tier).is_none()) {
        let names: Vec<&str> = app.config.tiers.iter().map(|tier| tier.name.as_str()).collect();
        return Err(Error::Invalid(format!(
            "there is no tier `{tier}`; configured are: {}",
            names.join(", ")
        )));
    }
    let secret = Secret::make(PREFIX)?;
    let scopes = new.scopes.unwrap_or_else(|| vec![Permit::Read, Permit::Ask, Permit::Write]);
    let about = Key {
        id: Uuid::now_v7(),
        user,
        scopes: Scopes::new(&scopes),
        tier: new.tier,
        created_at: now,
        expires_at: new.expires_at,
    };
    let at = keys::key(&digest(secret.expose()));
    app.store.commit(Batch::new().put(at, &about)).await?;
    tracing::info!(key.id = %about.id, "a key was made");
    Ok(MadeKey { key: secret.expose().to_owned(), about })
}

/// All keys, in no order.
///
/// # Errors
/// If the store fails.
pub async fn list(app: &App) -> Result<Vec<Key>, Error> {
    Ok(all(app).await?.into_iter().map(|(_, key)| key).collect())
}

/// Revokes a key: no request is let in with it any more, and streams that were end.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn revoke(app: &App, id: Uuid) -> Result<(), Error> {
    let found = all(app).await?.into_iter().find(|(_, key)| key.id == id);
    let (at, _) = found.ok_or_else(|| Error::NotFound { what: "key", id: id.to_string() })?;
    app.store.commit(Batch::new().delete(at)).await?;
    app.gate.revoke();
    tracing::info!(key.id = %id, "a key was revoked");
    Ok(())
}

pub(super) async fn admit(app: &App, shown: &str) -> Result<(Caller, Lease), Denied> {
    let digest = digest(shown);
    let found = app.store.get::<Key>(&keys::key(&digest)).await;
    let found = found.map_err(|error| Denied::Failed(error.into()))?;
    let key = found.ok_or(Denied::Unknown)?.value;
    if key.expires_at.is_some_and(|at| at <= app.store.now()) {
        return Err(Denied::Expired);
    }
    let tier = Some(key.tier.unwrap_or_else(|| app.config.access.tier.clone()));
    let lease = Lease { until: key.expires_at, key: Some(digest) };
    Ok((Caller { user: key.user, scopes: key.scopes, tier }, lease))
}

/// Whether the key with this digest still exists. One that can't be looked up does not.
pub(super) async fn is_there(app: &App, digest: &str) -> bool {
    app.store.get::<IgnoredAny>(&keys::key(digest)).await.is_ok_and(|found| found.is_some())
}

async fn all(app: &App) -> Result<Vec<(String, Key)>, Error> {
    let mut found = Vec::new();
    loop {
        let after = found.last().map(|(at, _): &(String, Key)| at.as_str());
        let page = app.store.scan::<Key>(keys::KEYS, after, PAGE, Order::Ascending).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page.into_iter().map(|(at, record)| (at, record.value)));
    }
}
