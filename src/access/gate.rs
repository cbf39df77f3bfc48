//! The gate: from a credential to a caller, and how long that holds. The only place that decides
//! whether someone is who they say; what they may do then is the caller's scopes.

use std::sync::Arc;

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::Caller;
use super::key::{self, PREFIX};
use super::limit::Limits;
use super::token::Tokens;
use crate::Error;
use crate::app::App;
use crate::config::Config;
use crate::config::access::Mode;

/// The longest credential that is looked at, in bytes.
const MAX_CREDENTIAL_BYTES: usize = 16 * 1024;
/// Bytes of a secret made here: 256 bits.
const SECRET_BYTES: usize = 32;
/// A timer is no good for longer waits; the credential is then looked at again.
const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// Who gets in, and how often.
pub struct Gate {
    mode: Mode,
    /// What the person at this machine shows, who can read the data folder anyway.
    operator: Secret,
    tokens: Option<Tokens>,
    /// How often one may ask.
    pub limits: Limits,
    /// Changes when a key is revoked.
    revoked: watch::Sender<u64>,
}

/// A caller, and until when they are one.
pub struct Admitted {
    /// Who it is.
    pub caller: Caller,
    /// Whether it is the person at this machine.
    pub is_operator: bool,
    lease: Lease,
}

impl Admitted {
    /// Whether the credential may stop being good.
    #[must_use]
    pub fn can_end(&self) -> bool {
        self.lease.until.is_some() || self.lease.key.is_some()
    }
}

/// How long a credential is good.
#[derive(Clone, Debug, Default)]
pub(super) struct Lease {
    pub(super) until: Option<Timestamp>,
    /// The digest of a key, which can be revoked.
    pub(super) key: Option<String>,
}

/// Why someone is not let in.
#[derive(Debug)]
pub enum Denied {
    /// The credential is none of ours.
    Unknown,
    /// It was good once.
    Expired,
    /// It could not be looked at.
    Failed(Error),
}

/// A secret: it can be compared and sent, and nothing else.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    /// A new one from the system's randomness.
    pub(super) fn make(prefix: &str) -> Result<Self, Error> {
        let mut bytes = [0; SECRET_BYTES];
        let failed = |_| Error::internal("the system gives no randomness");
        SystemRandom::new().fill(&mut bytes).map_err(failed)?;
        Ok(Self(format!("{prefix}{}", crate::hex(&bytes))))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// What is kept of a credential: enough to know it again, too little to show it.
pub(super) fn digest(credential: &str) -> String {
    crate::hex(&Sha256::digest(credential))
}

impl Gate {
    /// Opens the gate as configured.
    ///
    /// # Errors
    /// If the system gives no randomness, or the public keys can't be read.
    pub fn open(config: &Config) -> Result<Self, Error> {
        let tokens = (config.access.mode == Mode::Jwt).then(|| Tokens::new(config)).transpose()?;
        Ok(Self {
            mode: config.access.mode,
            operator: Secret::make("operator_")?,
            tokens,
            limits: Limits::new(&config.limits),
            revoked: watch::Sender::new(0),
        })
    }

    /// How callers show who they are.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What the commands of this machine show.
    #[must_use]
    pub fn operator(&self) -> &str {
        self.operator.expose()
    }

    /// Who shows this credential; who asks, where nobody has to show one.
    ///
    /// # Errors
    /// [`Denied`], in words that tell nothing about other credentials.
    pub async fn admit(&self, app: &App, credential: Option<&str>) -> Result<Admitted, Denied> {
        let credential = credential.filter(|shown| (1..=MAX_CREDENTIAL_BYTES).contains(&shown.len()));
        // By digests, so that the time it takes tells nothing about the secret.
        if credential.is_some_and(|shown| digest(shown) == digest(self.operator.expose())) {
            return Ok(Admitted { caller: Caller::local(), is_operator: true, lease: Lease::default() });
        }
        let (caller, lease) = match (self.mode, credential) {
            (Mode::None, _) => (Caller::local(), Lease::default()),
            (_, None) => return Err(Denied::Unknown),
            (_, Some(shown)) if shown.starts_with(PREFIX) => key::admit(app, shown).await?,
            (_, Some(shown)) => match &self.tokens {
                Some(tokens) => tokens.admit(app, shown).await?,
                None => return Err(Denied::Unknown),
            },
        };
        Ok(Admitted { caller, is_operator: false, lease })
    }

    /// Ends the streams of those who showed a key that is gone.
    pub(super) fn revoke(&self) {
        self.revoked.send_modify(|revision| *revision += 1);
    }
}

/// Resolves when the credential of this caller is good no more.
pub async fn ended(app: Arc<App>, admitted: Admitted) {
    let Lease { until, key } = admitted.lease;
    let mut revoked = app.gate.revoked.subscribe();
    loop {
        let left = until.map(|until| until.duration_since(app.store.now()));
        if left.is_some_and(|left| !left.is_positive()) {
            return;
        }
        if let Some(key) = &key
            && !key::is_there(&app, key).await
        {
            return;
        }
        let wait = left.map_or(LONGEST_WAIT, |left| left.unsigned_abs().min(LONGEST_WAIT));
        tokio::select! {
            // The sender lives as long as the app.
            _ = revoked.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}
