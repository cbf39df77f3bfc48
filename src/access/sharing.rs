//! Collections that are shared: with named users or with everyone, for reading only. A collection
//! is its owner's; whom it is shared with is looked up anew for every search.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Caller, Permit, User};
use crate::Error;
use crate::app::App;
use crate::document::Document;
use crate::documents::{self, Filter};
use crate::store::{Batch, Order, keys};

/// Documents, or sharings, read at a time.
const PAGE: usize = 500;
/// Grants to a reader, read at a time: mostly there are few, and they are read for every search.
const FEW: usize = 50;
/// Most users that a collection is shared with by name.
const MAX_READERS: usize = 200;

/// With whom a collection is shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sharing {
    /// These users may read it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub readers: BTreeSet<User>,
    /// Every user may read it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
}

/// That a collection is shared with someone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) owner: User,
    pub(super) collection: String,
}

/// A collection that a caller may read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: User,
    /// How many documents it has, old versions left out.
    pub documents: u64,
    /// With whom it is shared; told to its owner only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
}

/// The collections that the caller may read, by name.
///
/// # Errors
/// If the store fails.
pub async fn collections(app: &App, caller: &Caller) -> Result<Vec<Collection>, Error> {
    let mut found: BTreeMap<(String, User), Collection> = BTreeMap::new();
    let empty = |name: String, owner: User, sharing| Collection { name, owner, documents: 0, sharing };
    for (name, sharing) in shared_by(app, &caller.user).await? {
        let collection = empty(name.clone(), caller.user.clone(), Some(sharing));
        found.insert((name, caller.user.clone()), collection);
    }
    let mut after: Option<String> = None;
    loop {
        let (page, next) = documents::list(app, caller, &Filter::default(), after.as_deref(), PAGE).await?;
        for document in page {
            let Some(name) = document.collection else { continue };
            let is_own = document.owner == caller.user;
            let at = (name.clone(), document.owner.clone());
            let entry = found.entry(at);
            let sharing = is_own.then(Sharing::default);
            entry.or_insert_with(|| empty(name, document.owner, sharing)).documents += 1;
        }
        if next.is_none() {
            return Ok(found.into_values().collect());
        }
        after = next;
    }
}

/// Says with whom a collection of the caller's is shared from now on.
///
/// # Errors
/// [`Error::Invalid`] for a name that no collection or user can have, or if the store fails.
pub async fn share(app: &App, caller: &Caller, name: &str, sharing: Sharing) -> Result<Collection, Error> {
    caller.require(Permit::Write)?;
    let name = crate::ingest::clean_collection(Some(name))?;
    let name = name.ok_or_else(|| Error::Invalid("the collection has no name".to_owned()))?;
    if sharing.readers.len() > MAX_READERS {
        return Err(Error::Invalid(format!(
            "a collection is shared with at most {MAX_READERS} users by name; `everyone` is all of them"
        )));
    }
    for reader in &sharing.readers {
        User::new(reader.as_str())?;
    }
    let (owner, key) = (&caller.user, keys::sharing(&caller.user, &name));
    loop {
        let before = app.store.get::<Record>(&key).await?;
        let mut batch = match &before {
            Some(before) => grants(&before.value.sharing, owner, &name)
                .into_iter()
                .fold(Batch::new().check(&key, before.revision), Batch::delete),
            None => Batch::new().check_absent(&key),
        };
        let grant = Grant { owner: owner.clone(), collection: name.clone() };
        for at in grants(&sharing, owner, &name) {
            batch = batch.put(at, &grant);
        }
        let record = Record { name: name.clone(), sharing: sharing.clone() };
        if app.store.commit(batch.put(&key, &record)).await?.is_done() {
            let all = collections(app, caller).await?;
            let found = all.into_iter().find(|found| found.name == name && found.owner == *owner);
            return found.ok_or_else(|| Error::NotFound { what: "collection", id: name });
        }
    }
}

/// What the store has about a shared collection.
#[derive(Serialize, Deserialize)]
struct Record {
    name: String,
    #[serde(flatten)]
    sharing: Sharing,
}

async fn shared_by(app: &App, owner: &User) -> Result<Vec<(String, Sharing)>, Error> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = app
            .store
            .scan::<Record>(&keys::sharings(owner), after.as_deref(), PAGE, Order::Ascending)
            .await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = Some(last.clone());
        found.extend(page.into_iter().map(|(_, record)| (record.value.name, record.value.sharing)));
    }
}

/// The keys of all grants of a sharing.
fn grants(sharing: &Sharing, owner: &User, name: &str) -> Vec<String> {
    let everyone = sharing.everyone.then(|| keys::grant(None, owner, name));
    let readers = sharing.readers.iter().map(|reader| keys::grant(Some(reader), owner, name));
    readers.chain(everyone).collect()
}

/// What a user may read at this moment: all that is theirs, and collections of others.
#[derive(Clone, Debug)]
pub struct Readable {
    user: User,
    shared: BTreeMap<User, BTreeSet<String>>,
}

impl Readable {
    /// Looks up what is shared with the caller.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn load(app: &App, caller: &Caller) -> Result<Self, Error> {
        let mut shared: BTreeMap<User, BTreeSet<String>> = BTreeMap::new();
        for prefix in [keys::grants(Some(&caller.user)), keys::grants(None)] {
            let mut after: Option<String> = None;
            loop {
                let page = app.store.scan::<Grant>(&prefix, after.as_deref(), FEW, Order::Ascending).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                for (_, grant) in page {
                    let Grant { owner, collection } = grant.value;
                    if owner != caller.user {
                        shared.entry(owner).or_default().insert(collection);
                    }
                }
            }
        }
        Ok(Self { user: caller.user.clone(), shared })
    }

    /// Whether the document is among it.
    #[must_use]
    pub fn admits(&self, document: &Document) -> bool {
        let is_shared = || {
            let collections = self.shared.get(&document.owner)?;
            Some(collections.contains(document.collection.as_ref()?))
        };
        document.owner == self.user || is_shared().unwrap_or(false)
    }

    /// The users whose documents can be among it, the reader first.
    pub fn owners(&self) -> impl Iterator<Item = &User> {
        std::iter::once(&self.user).chain(self.shared.keys())
    }

    /// What others share, by owner.
    pub fn shared(&self) -> impl Iterator<Item = (&User, &BTreeSet<String>)> {
        self.shared.iter()
    }

    /// Where all of it stands in the index, or those parts of it that are in a collection of this
    /// name.
    pub(crate) fn places(&self, collection: Option<&str>) -> Vec<String> {
        let shared = self.shared.iter().flat_map(|(owner, collections)| {
            collections.iter().map(move |collection| (owner, collection.as_str()))
        });
        let shared = shared.filter(|(_, name)| collection.is_none_or(|wanted| wanted == *name));
        let shared = shared.map(|(owner, name)| keys::place(owner, Some(name)));
        std::iter::once(keys::place(&self.user, collection)).chain(shared).collect()
    }
}

/// Whether a collection of `owner` is shared with this reader.
pub(super) async fn is_shared(
    app: &App,
    reader: &User,
    owner: &User,
    collection: &str,
) -> Result<bool, Error> {
    let grants = [keys::grant(Some(reader), owner, collection), keys::grant(None, owner, collection)];
    Ok(app.store.get_many::<IgnoredAny>(&grants).await?.iter().any(Option::is_some))
}
