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

    /// The newest document of that id or name; the error completes "`document` …".
    pub(super) fn find(&self, named: &str) -> Result<Uuid, String> {
        if let Ok(id) = named.parse::<Uuid>() {
            let is_known = self.documents.iter().any(|document| document.id == id);
            return if is_known { Ok(id) } else { Err(format!("`{id}` is not in the library")) };
        }
        let newest = self.documents.iter().filter(|document| document.superseded_by.is_none());
        let mut ids = newest.filter(|document| document.name == named).map(|document| document.id);
        match (ids.next(), ids.count()) {
            (Some(id), 0) => Ok(id),
            (None, _) => Err(format!("`{named}` is not in the library: `ibid documents` lists what is")),
            (Some(_), others) => {
                Err(format!("`{named}` is the name of {} documents: give an id", others + 1))
            }
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
