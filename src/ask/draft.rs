//! An answer while it is written: text goes in, events come out, and no citation passes whose quote
//! does not stand in the stored text.

mod supplied;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ibid_index::analysis::Language;
use tokio::task::yield_now;

use super::asked::Asked;
use super::cite::{Mark, Piece, Scanner};
use super::prompt::{Excerpt, language};
use super::retrieve::{num_documents, unknown_words};
use crate::Error;
use crate::app::App;
use crate::event::{Citation, Coverage, Event, FinishReason, Grounding, Receipt, Timings, Usage};
use crate::runs::Recorder;
use supplied::Supplied;

/// Nearest passages named when nothing answers the question.
const NEAREST: usize = 5;

pub(super) struct Draft<'a> {
    app: &'a App,
    asked: &'a Asked,
    recorder: &'a Recorder,
    begun: Instant,
    scanner: Scanner,
    supplied: Supplied,
    citations: Vec<Citation>,
    receipt: Receipt,
    /// Of the calls that are over.
    usage: Usage,
    /// Of the call that writes the answer, as far as it was counted.
    writing: Usage,
    timings: Timings,
    coverage: Option<Coverage>,
    /// Where the words about the answer itself begin: what follows makes no claims.
    colophon: Option<usize>,
    /// What is on its way out.
    pending: VecDeque<Piece>,
    is_supplied: bool,
    is_makeshift: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(app: &'a App, asked: &'a Asked, recorder: &'a Recorder) -> Self {
        Self {
            app,
            asked,
            recorder,
            begun: Instant::now(),
            scanner: Scanner::new(Vec::new(), None),
            supplied: Supplied::default(),
            citations: Vec::new(),
            receipt: Receipt::default(),
            usage: Usage::default(),
            writing: Usage::default(),
            timings: Timings::default(),
            coverage: None,
            colophon: None,
            pending: VecDeque::new(),
            is_supplied: false,
            is_makeshift: false,
        }
    }

    /// Takes the passages a report is written from.
    pub(super) fn supply_report(&mut self, excerpts: &[Excerpt], queries: Vec<String>) {
        self.timings.retrieval = self.elapsed_ms();
        self.take(excerpts, language(excerpts), queries);
        self.is_supplied = true;
    }

    /// Takes the passages the writer is given, of those that were found, and tells the reader.
    pub(super) fn supply(&mut self, query: &str, language: Option<Language>, excerpts: &[Excerpt]) {
        self.timings.retrieval = self.elapsed_ms();
        self.take(excerpts, language, vec![query.to_owned()]);
        self.emit(&Event::Sources {
            sources: excerpts.iter().map(|excerpt| excerpt.source.clone()).collect(),
        });
    }

    fn take(&mut self, excerpts: &[Excerpt], language: Option<Language>, queries: Vec<String>) {
        self.supplied = Supplied::new(excerpts, language);
        let has_words = |excerpt: &&Excerpt| !excerpt.text.trim().is_empty();
        let numbers = excerpts.iter().filter(has_words).map(|excerpt| excerpt.source.n).collect();
        self.scanner = Scanner::new(numbers, language);
        let nearest = excerpts.iter().take(NEAREST).map(|excerpt| excerpt.source.passage_id).collect();
        self.receipt = Receipt { queries, nearest, ..Receipt::default() };
    }

    /// Whether it has its passages.
    pub(super) fn is_supplied(&self) -> bool {
        self.is_supplied
    }

    /// Takes a whole part of a report. Its text is one event, and its citations follow: a part is
    /// in the record whole or not at all.
    pub(super) async fn write_part(&mut self, text: &str) -> Result<(), Error> {
        let pieces = self.scanner.push(text);
        self.pending.extend(pieces);
        self.flush().await
    }

    /// Sends the part that was stopped on its way out, if there is one.
    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        let mut text = String::new();
        let mut citations = Vec::new();
        for piece in &self.pending {
            match piece {
                Piece::Text(more) => text.push_str(more),
                Piece::Mark(mark) => citations.extend(self.cite(mark.clone()).await?),
            }
        }
        // No waiting from here on: all of it is sent, or none.
        self.pending.clear();
        if text.is_empty() {
            return Ok(());
        }
        if self.timings.first_token == 0 {
            self.timings.first_token = self.elapsed_ms().max(1);
        }
        self.emit(&Event::Token { text });
        for citation in citations {
            self.emit(&Event::Citation { citation: citation.clone() });
            self.citations.push(citation);
        }
        Ok(())
    }

    /// Takes what the record of a stopped run has of the report: its text, how many of its
    /// citations were sent, and where its colophon begins. The other citations are sent now.
    pub(super) async fn replay(
        &mut self,
        text: &str,
        num_sent: usize,
        colophon: Option<usize>,
    ) -> Result<(), Error> {
        let mut citations = Vec::new();
        for piece in self.scanner.push(text) {
            if let Piece::Mark(mark) = piece {
                citations.extend(self.cite(mark).await?);
            }
        }
        for citation in citations.iter().skip(num_sent) {
            self.emit(&Event::Citation { citation: citation.clone() });
        }
        self.citations = citations;
        self.colophon = colophon;
        Ok(())
    }

    /// Says that what follows is about the answer, and counts as no claim.
    pub(super) fn begin_colophon(&mut self) {
        self.colophon.get_or_insert(self.scanner.answer().len());
    }

    /// The citations sent so far.
    pub(super) fn citations(&self) -> &[Citation] {
        &self.citations
    }

    /// What was looked at, for the last event.
    pub(super) fn cover(&mut self, coverage: Coverage) {
        self.coverage = Some(coverage);
    }

    /// Counts time that an earlier run of the server spent on this answer.
    pub(super) fn add_time(&mut self, spent: Duration) {
        self.begun = self.begun.checked_sub(spent).unwrap_or(self.begun);
    }

    pub(super) fn emit(&self, event: &Event) {
        self.recorder.append(event);
    }

    /// Says that something failed on the way and that the answer makes do without it.
    pub(super) fn make_do(&mut self) {
        self.is_makeshift = true;
    }

    /// Whether the answer makes do with less than was asked for.
    pub(super) fn is_makeshift(&self) -> bool {
        self.is_makeshift
    }

    /// Says what ibid itself has to say, in which no mark is a citation.
    pub(super) fn say(&mut self, text: &str) {
        self.timings.first_token = self.elapsed_ms().max(1);
        for line in text.split_inclusive('\n') {
            self.emit(&Event::Token { text: line.to_owned() });
        }
    }

    /// Takes what the writer wrote next.
    pub(super) async fn write(&mut self, text: &str) -> Result<(), Error> {
        let pieces = self.scanner.push(text);
        self.pending.extend(pieces);
        self.send().await?;
        self.recorder.has_room().await;
        Ok(())
    }

    /// Adds what a finished call cost.
    pub(super) fn spend(&mut self, usage: Usage) {
        self.usage = self.usage.and(usage);
    }

    /// Takes what the call that writes the answer has cost so far.
    pub(super) fn count(&mut self, usage: Usage) {
        self.writing = usage;
    }

    /// The last event. What was held back is sent first, whatever the outcome.
    pub(super) async fn end(mut self, outcome: Result<FinishReason, Error>) -> Event {
        let pieces = self.scanner.finish();
        self.pending.extend(pieces);
        let outcome = match (self.send().await, outcome) {
            (Err(error), Ok(_)) => Err(error),
            (_, outcome) => outcome,
        };
        match outcome {
            Err(error) => super::failure(&error),
            Ok(finish_reason) => {
                self.timings.total = self.elapsed_ms();
                // The reader has the last words before they are weighed.
                yield_now().await;
                // An answer that is not kept was stopped because its one reader left.
                let is_read = self.asked.is_kept() || finish_reason != FinishReason::Cancelled;
                Event::Done {
                    message_id: self.asked.key.message,
                    finish_reason,
                    citations: u32::try_from(self.citations.len()).unwrap_or(u32::MAX),
                    grounding: if is_read { self.grounding().await } else { Grounding::default() },
                    usage: self.usage.and(self.writing),
                    timings_ms: self.timings,
                    coverage: self.coverage,
                }
            }
        }
    }

    async fn grounding(&mut self) -> Grounding {
        let answer = self.scanner.answer();
        let words = answer[..self.colophon.unwrap_or(answer.len())].to_owned();
        let dropped = self.scanner.dropped_marks();
        let grounding = self.supplied.ground(self.app, words, self.citations.clone(), dropped).await;
        // An answer is not lost for numbers beside it.
        let mut grounding = grounding.unwrap_or_else(|error| {
            tracing::warn!(%error, "how an answer stands on its sources can't be told");
            Grounding { dropped_marks: dropped, ..Grounding::default() }
        });
        // Where nothing was looked for, nothing was missed.
        if self.citations.is_empty() && !self.receipt.queries.is_empty() {
            let mut receipt = std::mem::take(&mut self.receipt);
            let (caller, scope) = (&self.asked.caller, &self.asked.scope);
            let searched = num_documents(self.app, caller, scope).await;
            receipt.documents_searched = searched.unwrap_or_default();
            if receipt.documents_searched > 0 {
                let unknown = unknown_words(self.app, caller, scope, receipt.queries.clone()).await;
                receipt.unknown_words = unknown.unwrap_or_default();
            }
            grounding.receipt = Some(receipt);
        }
        grounding
    }

    /// Sends what is on its way out. If that is stopped, the rest waits for the next time.
    async fn send(&mut self) -> Result<(), Error> {
        while let Some(piece) = self.pending.front() {
            match piece {
                Piece::Text(_) => {}
                Piece::Mark(mark) => {
                    if let Some(citation) = Box::pin(self.cite(mark.clone())).await? {
                        self.emit(&Event::Citation { citation: citation.clone() });
                        self.citations.push(citation);
                    }
                }
            }
            // No waiting from where something is sent to here: nothing is sent twice.
            if let Some(Piece::Text(text)) = self.pending.pop_front() {
                if self.timings.first_token == 0 {
                    self.timings.first_token = self.elapsed_ms().max(1);
                }
                self.emit(&Event::Token { text });
            }
        }
        Ok(())
    }

    async fn cite(&self, mark: Mark) -> Result<Option<Citation>, Error> {
        self.supplied.cite(self.app, mark).await
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
