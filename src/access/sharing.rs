//! Collections that are shared: with named users or with everyone, for reading only. A collection
//! is its owner's; whom it is shared with is looked up anew for every search.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Caller, User};
use crate::Error;
use crate::app::App;
use crate::document::Document;
use crate::store::{Order, keys};

/// Grants read at a time.
const PAGE: usize = 500;

/// With whom a collection is shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sharing {
    /// These users may read it.
    pub readers: BTreeSet<User>,
    /// Every user may read it.
    pub everyone: bool,
}

/// That a collection is shared with someone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) owner: User,
    pub(super) collection: String,
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
                let page = app.store.scan::<Grant>(&prefix, after.as_deref(), PAGE, Order::Ascending).await?;
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
