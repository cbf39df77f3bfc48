//! The passages that an answer is written from: while it is written, only where they stand, since all
//! else about them is needed again at a mark and at the end, and is in the store. Taking them apart and
//! weighing claims is work for a processor and is done where it holds up no other answer.

use std::collections::{BTreeSet, HashMap};

use ibid_index::analysis::Language;
use uuid::Uuid;

use crate::Error;
use crate::app::App;
use crate::ask::cite::{Mark, Shelf, Shelves};
use crate::ask::ground::ground;
use crate::ask::inside::introduction_of;
use crate::ask::prompt::Excerpt;
use crate::document::{Document, PassageId};
use crate::event::{Citation, Grounding, Source};
use crate::files::Layout;
use crate::store::keys;
use crate::table::columns_of;

/// What is kept of the supplied passages. There may be thousands of answers that are slow to come.
#[derive(Default)]
pub(super) struct Supplied {
    places: Box<[Place]>,
    language: Option<Language>,
}

/// Where a passage stands, and the number it is cited by.
#[derive(Clone, Copy)]
struct Place {
    n: u32,
    document: Uuid,
    start: usize,
    end: usize,
    in_code: bool,
}

impl Supplied {
    /// Passages and the language that most of them are in.
    pub(super) fn new(excerpts: &[Excerpt], language: Option<Language>) -> Self {
        let places = excerpts.iter().map(|Excerpt { source, .. }| Place {
            n: source.n,
            document: source.document_id,
            start: source.start,
            end: source.end,
            in_code: source.in_code,
        });
        Self { places: places.collect(), language }
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
        let titles = self.titles(app).await?;
        let mut texts = app.files.texts();
        let all = move |shelves: &Shelves| {
            // What was deleted meanwhile carries nothing.
            let excerpts = places.iter().filter_map(|place| {
                let title = titles.get(&place.document)?.clone();
                let layout = texts.layout(place.document).ok()?;
                let text = texts.recall(place.document, place.start..place.end).ok()?;
                let mut source = place.source(title, &layout);
                let range = place.start..place.end;
                source.introduction =
                    introduction_of(place.document, &layout, range, &text, &mut texts).ok().flatten();
                Some(Excerpt { source, text })
            });
            work(shelves.shelf(excerpts.collect(), language))
        };
        app.shelves.work(all).await
    }

    /// The titles of those of the documents that are still there.
    async fn titles(&self, app: &App) -> Result<HashMap<Uuid, String>, Error> {
        let ids: BTreeSet<Uuid> = self.places.iter().map(|place| place.document).collect();
        let keys: Vec<String> = ids.into_iter().map(keys::document).collect();
        let documents = app.store.get_many::<Document>(&keys).await?.into_iter().flatten();
        Ok(documents.map(|document| (document.value.id, document.value.title)).collect())
    }
}

impl Place {
    /// With what stands above its words, which counts for what they carry; the rest is filled in where it is
    /// shown.
    fn source(self, title: String, layout: &Layout) -> Source {
        let first = layout.passages.partition_point(|passage| passage.start < self.start);
        let first = layout.passages.get(first);
        Source {
            n: self.n,
            document_id: self.document,
            version: String::new(),
            title,
            page: layout.page_at(self.start),
            heading: first.and_then(|passage| passage.heading.clone()),
            columns: first.and_then(|passage| passage.columns.clone()),
            introduction: None,
            in_code: self.in_code,
            passage_id: PassageId {
                document: self.document,
                ordinal: first.map_or(0, |passage| passage.ordinal),
            },
            start: self.start,
            end: self.end,
            score: 0.0,
        }
    }
}

/// The last gate: the quote must stand, byte for byte, in the text as stored now. Fills in what is to be
/// told of its document, and the page and passage of the quote itself, which may lie beyond the source's
/// beginning. The document may be deleted at any moment, also between two looks at it.
async fn check(app: &App, mut citation: Citation) -> Option<Citation> {
    let id = citation.document_id;
    let layout = app.files.layout(id).await.ok();
    let document = app.store.get::<Document>(&keys::document(id)).await.ok().flatten();
    let passage = layout.as_ref().and_then(|layout| {
        let after = layout.passages.partition_point(|passage| passage.start <= citation.start);
        layout.passages.get(after.checked_sub(1)?)
    });
    let around = passage.map_or(citation.range(), |passage| passage.start..passage.end.max(citation.end));
    let quote = citation.start - around.start..citation.end - around.start;
    let text = app.files.read_text(id, around).await.ok();
    let text = text.filter(|text| text.get(quote.clone()) == Some(citation.quote.as_str()));
    let (Some(layout), Some(document), Some(text)) = (&layout, document, text) else {
        tracing::warn!(document.id = %id, "a citation whose quote is not in the stored text is dropped");
        return None;
    };
    citation.version = document.value.version;
    citation.title = document.value.title;
    citation.page = layout.page_at(citation.start);
    if let Some(passage) = passage {
        citation.passage_id = PassageId { document: id, ordinal: passage.ordinal };
        citation.heading.clone_from(&passage.heading);
        let has_pages = !layout.pages.is_empty();
        citation.columns = columns_of(&text, passage.columns.as_deref(), quote, has_pages);
    }
    Some(citation)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{Config, Flags};
    use crate::event::Verdict;
    use crate::store::Batch;

    #[tokio::test]
    async fn a_quote_is_told_with_its_page_and_document_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let flags = Flags { data: Some(folder.path().join("data")), ..Flags::default() };
        let app = App::open(Config::load(&flags).unwrap()).await.unwrap();
        let id = Uuid::now_v7();
        let citation: Citation = serde_json::from_value(json!({
            "n": 1, "document_id": id, "version": "", "title": "", "page": null, "heading": null,
            "passage_id": format!("{id}:0"), "start": 10, "end": 16, "quote": "in May", "support": 1.0,
            "verdict": "supported", "answer_start": 0, "answer_end": 4,
        }))
        .unwrap();
        std::fs::create_dir_all(app.files.folder(id)).unwrap();
        std::fs::write(app.files.text(id), "Eels left in May.").unwrap();
        assert_eq!(check(&app, citation.clone()).await, None);
        let layout = json!({"pages": [{"page": 7, "start": 0}, {"page": 8, "start": 10}], "passages": [
            {"ordinal": 0, "start": 0, "end": 9}, {"ordinal": 1, "start": 10, "end": 17, "heading": "Left"},
        ]});
        std::fs::write(app.files.layout_path(id), layout.to_string()).unwrap();
        assert_eq!(check(&app, citation.clone()).await, None);
        let document = json!({
            "id": id, "name": "eels.pdf", "title": "Eels of Osmer", "media_type": "application/pdf", "version": "v",
            "status": "ready", "bytes": 17, "passages": 2, "created_at": "2026-01-01T00:00:00Z",
        });
        let batch = Batch::new().put(keys::document(id), &document);
        assert!(app.store.commit(batch).await.unwrap().is_done());
        // What stands above its words counts for what they carry.
        let place = Place { n: 1, document: id, start: 10, end: 17, in_code: false };
        let supplied = Supplied { places: Box::new([place]), language: Language::from_code("en") };
        let claim = |claim: &str| Mark { n: 1, claim: claim.to_owned(), start: 0, end: claim.len() };
        for (said, verdict) in [
            ("Eels of Osmer left in May", Verdict::Supported),
            ("Eels of Halden left in May", Verdict::Partial),
        ] {
            assert_eq!(supplied.cite(&app, claim(said)).await.unwrap().unwrap().verdict, verdict, "{said}");
        }
        let other = Citation { quote: "in Mai".to_owned(), ..citation.clone() };
        assert_eq!(check(&app, other).await, None);
        // It may begin in one passage and end in the next.
        let across = Citation { start: 5, quote: "left in May".to_owned(), ..citation.clone() };
        let across = check(&app, across).await.unwrap();
        assert_eq!((across.passage_id.ordinal, across.page), (0, Some(7)));
        let cited = check(&app, citation).await.unwrap();
        assert_eq!(
            (cited.version.as_str(), cited.title.as_str(), cited.page),
            ("v", "Eels of Osmer", Some(8))
        );
        assert_eq!((cited.passage_id.ordinal, cited.heading.as_deref()), (1, Some("Left")));
    }
}
