//! A small library for tests: documents from literals, hits as numbers.

use std::borrow::Cow;

use ibid_index::analysis::Language;
use ibid_index::{Change, Document, PassageIndex, PassageText, Query, Scope};
use uuid::Uuid;

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A document of English passages unless said otherwise.
#[derive(Clone)]
pub(crate) struct Source {
    number: u128,
    name: String,
    title: String,
    heading: Option<String>,
    collections: Vec<String>,
    language: Option<Language>,
    passages: Vec<String>,
}

impl Source {
    pub(crate) fn new(number: u128, name: &str, passages: &[&str]) -> Self {
        let passages = passages.iter().map(ToString::to_string).collect();
        let (name, title) = (name.to_owned(), String::new());
        Self {
            number,
            name,
            title,
            heading: None,
            collections: Vec::new(),
            language: Language::from_code("en"),
            passages,
        }
    }

    pub(crate) fn title(mut self, title: &str) -> Self {
        self.title = title.to_owned();
        self
    }

    pub(crate) fn heading(mut self, heading: &str) -> Self {
        self.heading = Some(heading.to_owned());
        self
    }

    pub(crate) fn collection(mut self, collection: &str) -> Self {
        self.collections.push(collection.to_owned());
        self
    }

    pub(crate) fn language(mut self, code: &str) -> Self {
        self.language = Language::from_code(code);
        self
    }

    pub(crate) fn document(&self) -> Document<'_> {
        let passage = |(ordinal, body): (u32, &'_ String)| {
            Ok(PassageText {
                ordinal,
                heading: self.heading.clone().map(Cow::Owned),
                body: Cow::Owned(body.clone()),
            })
        };
        Document {
            id: id(self.number),
            version: "v1",
            name: &self.name,
            title: &self.title,
            collections: &self.collections,
            language: self.language,
            passages: Box::new((0..).zip(&self.passages).map(passage)),
        }
    }
}

pub(crate) fn index(sources: &[Source]) -> PassageIndex {
    let index = PassageIndex::in_memory().unwrap();
    put(&index, sources);
    index
}

pub(crate) fn put(index: &PassageIndex, sources: &[Source]) {
    index.apply(sources.iter().map(|source| Change::Put(source.document()))).unwrap();
}

pub(crate) fn hits(index: &PassageIndex, scope: &Scope, text: &str) -> Vec<(u128, u32)> {
    let hits = index.search(scope, &Query::new(text, None), 1000).unwrap();
    hits.iter().map(|hit| (hit.document.as_u128(), hit.ordinal)).collect()
}

pub(crate) fn found(index: &PassageIndex, text: &str) -> Vec<(u128, u32)> {
    hits(index, &Scope::all(), text)
}
