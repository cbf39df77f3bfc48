//! The documents a question can name, and their texts, fetched when a quote is compared with them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use anyhow::Result;
use ibid::document::Document;
use uuid::Uuid;

use crate::cli::connect::{Client, Refusal};

/// What is in the library as the measuring begins.
#[derive(Default)]
pub(super) struct Library {
    documents: Vec<Document>,
    texts: HashMap<Uuid, Vec<u8>>,
}

impl Library {
    pub(super) async fn load(client: &Client) -> Result<Self> {
        Ok(Self { documents: client.list("/api/documents").await?, texts: HashMap::new() })
    }

    /// The newest document of that id or name, or of a name that ends with these folders and files; the
    /// error completes "`document` …".
    pub(super) fn find(&self, named: &str) -> Result<Uuid, String> {
        if let Ok(id) = named.parse::<Uuid>() {
            let is_known = self.documents.iter().any(|document| document.id == id);
            return if is_known { Ok(id) } else { Err(format!("`{id}` is not in the library")) };
        }
        let of_name = |is_it: &dyn Fn(&str) -> bool| {
            let newest = self.documents.iter().filter(|document| document.superseded_by.is_none());
            newest.filter(|document| is_it(&document.name)).map(|document| document.id).collect::<Vec<_>>()
        };
        let mut found = of_name(&|name| name == named);
        if found.is_empty() {
            found = of_name(&|name| name.strip_suffix(named).is_some_and(|folders| folders.ends_with('/')));
        }
        match found.as_slice() {
            [id] => Ok(*id),
            [] => Err(format!("`{named}` is not in the library: `ibid documents` lists what is")),
            many => Err(format!("`{named}` is the name of {} documents: give an id", many.len())),
        }
    }

    /// The stored text of a document; nothing if it is gone.
    pub(super) async fn text(&mut self, client: &Client, id: Uuid) -> Result<&[u8]> {
        let place = match self.texts.entry(id) {
            Entry::Occupied(known) => return Ok(known.into_mut()),
            Entry::Vacant(place) => place,
        };
        let mut text = Vec::new();
        match client.copy(&format!("/api/documents/{id}/text"), &[], &mut text).await {
            Err(error) if !error.is::<Refusal>() => Err(error),
            Ok(()) | Err(_) => Ok(place.insert(text)),
        }
    }

    #[cfg(test)]
    pub(super) fn of(documents: Vec<Document>) -> Self {
        Self { documents, ..Self::default() }
    }
}
