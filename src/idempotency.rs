//! Requests that are sent twice and done once. A client that names its request with an
//! `Idempotency-Key` gets, for the same key and body, what the first one made; the note about it
//! is part of the commit that makes it, so no crash can part the two. An upload makes a commit for
//! each of its files and gets its note after the last; cut off before, it is sent again and finds
//! its files there, since the same bytes are one document.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;

use crate::access::Caller;
use crate::app::App;
use crate::store::{Batch, keys};
use crate::{Error, expiry};

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// A request that carries a key.
#[derive(Clone, Debug)]
pub struct Claim {
    key: String,
    body: String,
}

/// What a key made.
#[derive(Serialize, Deserialize)]
struct Note<T> {
    /// The digest of the request's body.
    body: String,
    made: T,
    at: Timestamp,
}

/// Of a note, how old it is.
#[derive(Deserialize)]
struct Age {
    at: Timestamp,
}

impl Claim {
    /// A user's request to `target` under this key.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the key is empty or too long.
    pub fn new(caller: &Caller, target: &str, key: &str, body: &impl Serialize) -> Result<Self, Error> {
        let key = stored_key(caller, target, key)?;
        let body = serde_json::to_string(body).map_err(Error::internal)?;
        Ok(Self { key, body: digest(&body) })
    }

    /// What the first request under this key made, if there was one.
    ///
    /// # Errors
    /// [`Error::KeyReused`] if it had another body, or if the store fails.
    pub async fn made<T: DeserializeOwned>(&self, app: &App) -> Result<Option<T>, Error> {
        match app.store.get::<Note<T>>(&self.key).await? {
            None => Ok(None),
            Some(note) if note.value.body == self.body => Ok(Some(note.value.made)),
            Some(_) => Err(Error::KeyReused),
        }
    }

    /// Adds to a change that it is made under this key, and for the first time.
    #[must_use]
    pub fn note(&self, batch: Batch, made: &impl Serialize, at: Timestamp) -> Batch {
        let note = Note { body: self.body.clone(), made, at };
        batch.check_absent(&self.key).put(&self.key, &note)
    }

    /// Notes what was made by commits of its own. Without the note the request is carried out again,
    /// so a failure is only logged.
    pub async fn remember(&self, app: &App, made: &impl Serialize) {
        let note = self.note(Batch::new(), made, app.store.now());
        if let Err(error) = app.store.commit(note).await {
            tracing::warn!(%error, "what a request under a key made is not remembered");
        }
    }
}

/// A request under a key whose body is still on its way. While there is one, no other of its key
/// begins.
pub struct Turn {
    key: String,
    body: Sha256,
    part_bytes: u64,
    _alone: OwnedMutexGuard<()>,
}

/// The keys of requests that are being carried out.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until no other request of the user's to `target` under this key is being carried out.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the key is empty or too long.
    pub async fn take(&self, caller: &Caller, target: &str, key: &str) -> Result<Turn, Error> {
        let key = stored_key(caller, target, key)?;
        let alone = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(&key).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let new = Arc::default();
                turns.insert(key.clone(), Arc::downgrade(&new));
                new
            })
        };
        Ok(Turn { key, body: Sha256::new(), part_bytes: 0, _alone: alone.lock_owned().await })
    }
}

impl Turn {
    /// Whether a request under this key was carried out before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn is_over(&self, app: &App) -> Result<bool, Error> {
        Ok(app.store.get::<Age>(&self.key).await?.is_some())
    }

    /// Takes more of a part of the body.
    pub fn read(&mut self, bytes: &[u8]) {
        self.body.update(bytes);
        self.part_bytes += bytes.len() as u64;
    }

    /// Ends a part: the same bytes in other parts are another body.
    pub fn end_part(&mut self) {
        self.body.update(std::mem::take(&mut self.part_bytes).to_be_bytes());
    }

    /// The claim, once the body is read. The turn goes on until it is dropped.
    pub fn claim(&mut self) -> Claim {
        Claim { key: self.key.clone(), body: crate::hex(&std::mem::take(&mut self.body).finalize()) }
    }
}

fn stored_key(caller: &Caller, target: &str, key: &str) -> Result<String, Error> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(Error::Invalid(format!("an `Idempotency-Key` has 1 to {MAX_KEY_BYTES} bytes")));
    }
    let user = &caller.user;
    let named = match user.is_local() {
        true => format!("{target}\0{key}"),
        false => format!("{user}\0{target}\0{key}"),
    };
    Ok(keys::idempotency(&digest(&named)))
}

/// Forgets old keys.
///
/// # Errors
/// If the store fails.
pub async fn forget_old(app: &App) -> Result<(), Error> {
    let before = app.store.now() - REMEMBERED;
    expiry::forget::<Age>(app, keys::IDEMPOTENCY, |_, note| note.at < before).await
}

fn digest(text: &str) -> String {
    crate::hex(&Sha256::digest(text))
}
