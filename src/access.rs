//! Who may: users, what a caller may do, and what they may read. Knows no HTTP and no secrets of
//! the wire; those who load or list objects ask here, with the caller that the guard found.

mod gate;
pub mod key;
mod limit;
pub mod quota;
pub mod sharing;
mod signature;
mod tier;
mod token;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::app::App;
use crate::document::Document;
use crate::store::keys;

pub use gate::{Admitted, Denied, Gate, ended};
pub use limit::{Allowance, Slot};
pub use sharing::{Readable, Sharing};

/// The longest name of a user, in bytes.
const MAX_USER_BYTES: usize = 200;
/// Who owns everything on a machine without accounts.
const LOCAL: &str = "local";

/// Names a user. Where there are no accounts, everyone is the local user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct User(String);

impl User {
    /// A user of this name.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is empty, too long, or has control characters.
    pub fn new(name: &str) -> Result<Self, Error> {
        if name.trim().is_empty() || name.len() > MAX_USER_BYTES || name.chars().any(char::is_control) {
            return Err(Error::Invalid(format!(
                "the name of a user has 1 to {MAX_USER_BYTES} bytes and no control characters"
            )));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is who owns everything on a machine without accounts.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0 == LOCAL
    }
}

impl Default for User {
    fn default() -> Self {
        Self(LOCAL.to_owned())
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permit {
    /// Read documents, sessions and answers, and search.
    Read,
    /// Open, change and delete sessions, and ask in them.
    Ask,
    /// Upload, share and delete documents.
    Write,
    /// Make and revoke keys, and look at the server.
    Admin,
}

impl Permit {
    /// Every permit.
    pub const ALL: [Self; 4] = [Self::Read, Self::Ask, Self::Write, Self::Admin];

    /// The permit of this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permit| permit.as_str() == word)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ask => "ask",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// A set of permits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Scopes(Vec<Permit>);

impl Scopes {
    /// These permits, in the usual order and each once.
    #[must_use]
    pub fn new(permits: &[Permit]) -> Self {
        Self(Permit::ALL.into_iter().filter(|permit| permits.contains(permit)).collect())
    }

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::new(&Permit::ALL)
    }

    /// Whether the permit is among them.
    #[must_use]
    pub fn contains(&self, permit: Permit) -> bool {
        self.0.contains(&permit)
    }
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose objects these are.
    pub user: User,
    /// What they may do.
    pub scopes: Scopes,
    /// The tier whose models and quotas apply; none limits nothing.
    pub tier: Option<String>,
}

impl Caller {
    /// The one person of a machine without accounts, who may do everything.
    #[must_use]
    pub fn local() -> Self {
        Self::on_behalf_of(User::default())
    }

    /// Work that goes on for a user whose request was admitted before.
    #[must_use]
    pub fn on_behalf_of(user: User) -> Self {
        Self { user, scopes: Scopes::all(), tier: None }
    }

    /// Requires a permit.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without it.
    pub fn require(&self, permit: Permit) -> Result<(), Error> {
        if self.scopes.contains(permit) {
            return Ok(());
        }
        let permit = permit.as_str();
        Err(Error::Forbidden(format!("this needs the scope `{permit}`, which your credential does not have")))
    }

    /// Whether the caller may read this document: it is theirs, or its collection is shared with them.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn may_read(&self, app: &App, document: &Document) -> Result<bool, Error> {
        if document.owner == self.user {
            return Ok(true);
        }
        let Some(collection) = &document.collection else { return Ok(false) };
        sharing::is_shared(app, &self.user, &document.owner, collection).await
    }
}

/// Where a document stands for searches; a scope names these places.
#[must_use]
pub fn places(document: &Document) -> Vec<String> {
    let collection = document.collection.as_deref().map(|name| keys::place(&document.owner, Some(name)));
    std::iter::once(keys::place(&document.owner, None)).chain(collection).collect()
}
