//! A question beside the passages: how near each of them is.

use std::fmt;
use std::sync::Arc;

use super::codes::Asked;
use super::segment::Segment;
use super::state::{Held, Run, State};

/// A question's vector beside those of passages.
#[derive(Clone)]
pub struct Meaning {
    state: Arc<State>,
    asked: Asked,
    /// Whether it only weighs what was found by its words.
    pub(crate) is_beside_words: bool,
}

impl Meaning {
    pub(super) fn new(state: Arc<State>, asked: Asked) -> Self {
        Self { state, asked, is_beside_words: false }
    }

    /// Lets it weigh only what is found by its words, and the more the less these say. For vectors that
    /// are made of words themselves: they find nothing that words don't, but tell better what of that
    /// is about the same thing.
    #[must_use]
    pub fn beside_words(self) -> Self {
        Self { is_beside_words: true, ..self }
    }

    /// How near the passages of a document are; `None` if none of them has a vector.
    pub(crate) fn of_document(&self, document: u128) -> Option<OfDocument<'_>> {
        let held = self.state.documents.get(&document)?;
        Some(OfDocument { meaning: self, held, place: None })
    }
}

/// The passages of one document, asked for in order.
pub(crate) struct OfDocument<'a> {
    meaning: &'a Meaning,
    held: &'a Held,
    /// Where the last one was.
    place: Option<(Run, &'a Segment)>,
}

impl OfDocument<'_> {
    /// The cosine of the question and a passage; `None` if that has no vector.
    pub(crate) fn cosine(&mut self, ordinal: u32) -> Option<f32> {
        let is_in = |run: &Run| ordinal.checked_sub(run.first).is_some_and(|row| row < run.count);
        if !self.place.is_some_and(|(run, _)| is_in(&run)) {
            let run = *self.held.runs.iter().find(|run| is_in(run))?;
            let segments = &self.meaning.state.segments;
            let at = segments.binary_search_by_key(&run.segment, |segment| segment.number).ok()?;
            self.place = Some((run, &segments[at]));
        }
        let (run, segment) = self.place?;
        let row = run.row + (ordinal - run.first);
        // The vector of nothing stands for a passage that the model would not take.
        let scale = Some(segment.scale(row)).filter(|scale| *scale != 0.0)?;
        Some(self.meaning.asked.cosine(scale, segment.numbers(row)))
    }
}

impl fmt::Debug for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meaning").finish_non_exhaustive()
    }
}
