//! The passages that an answer is written from: while it is written, only where they stand, since
//! their words are needed again at a mark and at the end, and are in the store. Taking them apart and
//! weighing claims is work for a processor and is done where it holds up no other answer.

use ibid_index::analysis::Language;

use crate::Error;
use crate::app::App;
use crate::ask::cite::{Mark, Shelf, Shelves};
use crate::ask::ground::ground;
use crate::ask::prompt::Excerpt;
use crate::document::{PageStart, PassageId};
use crate::event::{Citation, Grounding, Source};

/// What is kept of the supplied passages.
#[derive(Default)]
pub(super) struct Supplied {
    places: Vec<Place>,
    language: Option<Language>,
}

/// An excerpt without its words.
#[derive(Clone)]
struct Place {
    source: Source,
    pages: Vec<PageStart>,
    is_empty: bool,
}

impl Supplied {
    pub(super) fn new(excerpts: &[Excerpt], language: Option<Language>) -> Self {
        let place = |excerpt: &Excerpt| Place {
            source: excerpt.source.clone(),
            pages: excerpt.pages.clone(),
            is_empty: excerpt.text.trim().is_empty(),
        };
        Self { places: excerpts.iter().map(place).collect(), language }
    }

    /// The language that most of them are in.
    pub(super) fn language(&self) -> Option<Language> {
        self.language
    }

    /// The numbers of those that have words.
    pub(super) fn numbers(&self) -> Vec<u32> {
        self.places.iter().filter(|place| !place.is_empty).map(|place| place.source.n).collect()
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.places.iter().map(|place| &place.source)
    }

    /// The citation that a mark stands for. Its quote stands, byte for byte, in the text as stored
    /// now; none if that can't be said.
    pub(super) async fn cite(&self, app: &App, mark: Mark) -> Result<Option<Citation>, Error> {
        match self.with_shelf(app, move |shelf| shelf.cite(&mark)).await? {
            Some(citation) => Ok(check(app, citation).await),
            None => Ok(None),
        }
    }

    /// How well the answer's words stand on the passages.
    pub(super) async fn ground(
        &self,
        app: &App,
        words: String,
        citations: Vec<Citation>,
        dropped: u32,
    ) -> Result<Grounding, Error> {
        self.with_shelf(app, move |shelf| ground(&words, &citations, &shelf, dropped)).await
    }

    /// Works with the passages taken apart.
    async fn with_shelf<T: Send + 'static>(
        &self,
        app: &App,
        work: impl FnOnce(Shelf) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (places, language) = (self.places.clone(), self.language);
        let mut texts = app.files.texts();
        let all = move |shelves: &Shelves| {
            // What was deleted meanwhile carries nothing.
            let excerpts = places.into_iter().filter_map(|Place { source, pages, .. }| {
                let text = texts.recall(source.document_id, source.start..source.end).ok()?;
                Some(Excerpt { source, pages, text })
            });
            work(shelves.shelf(excerpts.collect(), language))
        };
        app.shelves.work(all).await
    }
}

/// The last gate: the quote must stand, byte for byte, in the text as stored now. Fills in the
/// passage of the quote itself, which may lie beyond the source's beginning. The document may be
/// deleted at any moment, also between two looks at it.
async fn check(app: &App, mut citation: Citation) -> Option<Citation> {
    let stored = app.files.read_text(citation.document_id, citation.range()).await;
    let stands = stored.is_ok_and(|text| text == citation.quote);
    let layout = app.files.layout(citation.document_id).await.ok().filter(|_| stands);
    let Some(layout) = layout else {
        tracing::warn!(document.id = %citation.document_id, "a citation whose quote is not in the stored text is dropped");
        return None;
    };
    let after = layout.passages.partition_point(|passage| passage.start <= citation.start);
    if let Some(passage) = after.checked_sub(1).and_then(|at| layout.passages.get(at)) {
        citation.passage_id = PassageId { document: citation.document_id, ordinal: passage.ordinal };
        citation.heading.clone_from(&passage.heading);
    }
    Some(citation)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::config::{Config, Flags};

    #[tokio::test]
    async fn a_document_deleted_between_two_looks_at_it_is_not_cited() {
        let folder = tempfile::tempdir().unwrap();
        let flags = Flags { data: Some(folder.path().join("data")), ..Flags::default() };
        let app = App::open(Config::load(&flags).unwrap()).await.unwrap();
        let id = Uuid::now_v7();
        let citation: Citation = serde_json::from_value(json!({
            "n": 1, "document_id": id, "version": "v", "title": "t", "page": null, "heading": null,
            "passage_id": format!("{id}:0"), "start": 0, "end": 9, "quote": "Eels left", "support": 1.0,
            "verdict": "supported", "answer_start": 0, "answer_end": 4,
        }))
        .unwrap();
        std::fs::create_dir_all(app.files.folder(id)).unwrap();
        std::fs::write(app.files.text(id), "Eels left in May.").unwrap();
        assert_eq!(check(&app, citation.clone()).await, None);
        std::fs::write(app.files.layout_path(id), r#"{"passages":[],"pages":[]}"#).unwrap();
        assert_eq!(check(&app, citation.clone()).await, Some(citation));
    }
}
