//! Requests that are sent twice and done once. A client that names its request with an
//! `Idempotency-Key` gets, for the same key and body, what the first one made; the note about it
//! is part of the commit that makes it, so no crash can part the two.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Error;
use crate::access::Caller;
use crate::app::App;
use crate::store::{Batch, Order, keys};

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How often old keys are looked for.
const SWEEP: Duration = Duration::from_secs(60 * 60);
/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;
/// Keys read at a time.
const PAGE: usize = 500;

/// A request that carries a key.
#[derive(Clone, Debug)]
pub struct Claim {
    key: String,
    body: String,
}

/// What a key made.
#[derive(Serialize, Deserialize)]
struct Note {
    /// The digest of the request's body.
    body: String,
    made: Uuid,
    at: Timestamp,
}

impl Claim {
    /// A user's request to `target` under this key.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the key is empty or too long.
    pub fn new(caller: &Caller, target: &str, key: &str, body: &impl Serialize) -> Result<Self, Error> {
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(Error::Invalid(format!("an `Idempotency-Key` has 1 to {MAX_KEY_BYTES} bytes")));
        }
        let body = serde_json::to_string(body).map_err(Error::internal)?;
        let user = &caller.user;
        let named = match user.is_local() {
            true => format!("{target}\0{key}"),
            false => format!("{user}\0{target}\0{key}"),
        };
        let key = keys::idempotency(&digest(&named));
        Ok(Self { key, body: digest(&body) })
    }

    /// What the first request under this key made, if there was one.
    ///
    /// # Errors
    /// [`Error::KeyReused`] if it had another body, or if the store fails.
    pub async fn made(&self, app: &App) -> Result<Option<Uuid>, Error> {
        match app.store.get::<Note>(&self.key).await? {
            None => Ok(None),
            Some(note) if note.value.body == self.body => Ok(Some(note.value.made)),
            Some(_) => Err(Error::KeyReused),
        }
    }

    /// Adds to a change that it is made under this key, and for the first time.
    #[must_use]
    pub fn note(&self, batch: Batch, made: Uuid, at: Timestamp) -> Batch {
        let note = Note { body: self.body.clone(), made, at };
        batch.check_absent(&self.key).put(&self.key, &note)
    }
}

/// Forgets old keys, until the server stops.
pub async fn sweep(app: &App) {
    loop {
        if let Err(error) = forget_old(app).await {
            tracing::warn!(%error, "old idempotency keys are kept for now");
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

async fn forget_old(app: &App) -> Result<(), Error> {
    let before = app.store.now() - REMEMBERED;
    let mut after: Option<String> = None;
    loop {
        let page =
            app.store.scan::<Note>(keys::IDEMPOTENCY, after.as_deref(), PAGE, Order::Ascending).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        let old = page.iter().filter(|(_, note)| note.value.at < before);
        let batch = old.fold(Batch::new(), |batch, (key, _)| batch.delete(key.as_str()));
        app.store.commit(batch).await?;
    }
}

fn digest(text: &str) -> String {
    crate::hex(&Sha256::digest(text))
}
