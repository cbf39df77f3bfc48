//! A segment of the index as searches use it: what every question reads of it is opened once, for as
//! long as the segment is in the index, which may be for hundreds of commits.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use tantivy::index::SegmentId;
use tantivy::schema::Field;
use tantivy::{DocId, InvertedIndexReader, Searcher, SegmentReader};

use super::columns::{Collections, Ids, Versions};
use crate::analysis::Language;
use crate::error::IndexError;
use crate::query::Place;
use crate::schema::{Fields, NO_LANGUAGE};

/// A segment as of one commit.
pub(super) struct Segment {
    /// Knows which passages are deleted.
    pub(super) reader: SegmentReader,
    /// What no commit changes.
    pub(super) opened: Arc<Opened>,
}

/// What stands in the files of a segment.
pub(super) struct Opened {
    pub(super) ids: Ids,
    pub(super) versions: Versions,
    pub(super) collections: Collections,
    /// Its documents.
    pub(super) runs: Vec<Run>,
    /// The languages its passages were analysed in; `None` for those of unknown language.
    pub(super) languages: Vec<Option<Language>>,
    places: [Arc<InvertedIndexReader>; Place::ALL.len()],
}

/// The passages of one document in one segment; they end where the next run begins.
pub(super) struct Run {
    pub(super) first: DocId,
    /// Words of the body in all of them.
    pub(super) length: u32,
}

/// Opens the segments of a commit, in their order, but for those that stood in the one `before`.
pub(super) fn open(
    searcher: &Searcher,
    fields: &Fields,
    before: &[Segment],
) -> Result<Vec<Segment>, IndexError> {
    let known: HashMap<SegmentId, &Arc<Opened>> =
        before.iter().map(|segment| (segment.reader.segment_id(), &segment.opened)).collect();
    let open = |reader: &SegmentReader| {
        let opened = match known.get(&reader.segment_id()) {
            Some(opened) => Arc::clone(opened),
            None => Arc::new(Opened::open(reader, fields)?),
        };
        Ok(Segment { reader: reader.clone(), opened })
    };
    searcher.segment_readers().iter().map(open).collect()
}

impl Segment {
    /// The terms of a place.
    pub(super) fn terms(&self, place: Place) -> &InvertedIndexReader {
        &self.opened.places[place as usize]
    }

    /// The passages of the run with this number.
    pub(super) fn passages_of(&self, run: usize) -> Range<DocId> {
        let runs = &self.opened.runs;
        runs[run].first..runs.get(run + 1).map_or(self.reader.max_doc(), |next| next.first)
    }

    /// Whether the document of a run is still there.
    pub(super) fn has(&self, run: &Run) -> bool {
        !self.reader.is_deleted(run.first)
    }
}

impl Opened {
    fn open(segment: &SegmentReader, fields: &Fields) -> Result<Self, IndexError> {
        let ids = Ids::open(segment)?;
        let index = |place| segment.inverted_index(fields.of(place));
        let [body, title, title_alone, name, stops] = Place::ALL;
        Ok(Self {
            versions: Versions::open(segment)?,
            collections: Collections::open(segment)?,
            runs: runs(segment, &ids, fields.body)?,
            languages: languages(segment, fields.language)?,
            places: [index(body)?, index(title)?, index(title_alone)?, index(name)?, index(stops)?],
            ids,
        })
    }

    /// The number of the run that a passage is in.
    pub(super) fn run_of(&self, passage: DocId) -> Option<usize> {
        self.runs.partition_point(|run| run.first <= passage).checked_sub(1)
    }
}

fn runs(segment: &SegmentReader, ids: &Ids, body: Field) -> Result<Vec<Run>, IndexError> {
    let lengths = segment.get_fieldnorms_reader(body)?;
    let mut runs: Vec<Run> = Vec::new();
    let mut last = None;
    for passage in 0..segment.max_doc() {
        let (document, _) = ids.of(passage);
        if last != Some(document) {
            runs.push(Run { first: passage, length: 0 });
            last = Some(document);
        }
        if let Some(run) = runs.last_mut() {
            run.length += lengths.fieldnorm(passage);
        }
    }
    Ok(runs)
}

fn languages(segment: &SegmentReader, field: Field) -> Result<Vec<Option<Language>>, IndexError> {
    let mut languages = Vec::new();
    let index = segment.inverted_index(field)?;
    let mut codes = index.terms().stream()?;
    while let Some((code, _)) = codes.next() {
        let code = String::from_utf8_lossy(code);
        languages.push(if code == NO_LANGUAGE { None } else { Language::from_code(&code) });
    }
    Ok(languages)
}
