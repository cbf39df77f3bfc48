//! What of the passages that matched the writer sees: near-duplicates dropped, no document filling the
//! list, neighbours joined, all within a budget of tokens.

use std::cmp::Ordering;
use std::collections::HashMap;

use ibid_index::analysis::Language;
use uuid::Uuid;

use super::{Found, Hit, Match};
use crate::Error;
use crate::ask::inside::{begins_in_code, introduction_of};
use crate::ask::prompt::{Excerpt, estimate_tokens};
use crate::document::PassageId;
use crate::event::Source;
use crate::files::Texts;

/// Passages of one document among the writer's, unless the question is about few documents.
/// More complete evidence on questions that need several documents (measured on MultiHop-RAG).
const MAX_PER_DOCUMENT: usize = 3;
/// Passages that are looked at to tell the language.
const SAMPLED_PASSAGES: usize = 4;
/// Share of common words above which the lower of two passages says nothing new.
const NEAR_DUPLICATE: f32 = 0.85;
/// About how long a word is, with what follows it.
const BYTES_PER_WORD: usize = 5;

/// What the writer is given of what matched; blocks.
pub(super) fn chosen(
    texts: &mut Texts,
    matches: Vec<Match>,
    wanted: usize,
    max_tokens: usize,
) -> Result<Found, Error> {
    let num_candidates = u32::try_from(matches.len()).unwrap_or(u32::MAX);
    let mut matched: Vec<Uuid> = Vec::new();
    for found in &matches {
        if !matched.contains(&found.document.id) {
            matched.push(found.document.id);
        }
    }
    let chosen = choose(texts, matches, matched.len(), wanted, max_tokens);
    let language = language(&chosen);
    let mut excerpts = Vec::with_capacity(chosen.len());
    for (n, span) in (1..).zip(join_neighbours(chosen)) {
        excerpts.push(span.into_excerpt(texts, n)?);
    }
    Ok(Found { excerpts, num_candidates, matched, language, ..Found::default() })
}

/// The language that most of the best passages' documents are in.
fn language(chosen: &[Hit]) -> Option<Language> {
    let codes: Vec<&str> =
        chosen.iter().take(SAMPLED_PASSAGES).filter_map(|hit| hit.document.language.as_deref()).collect();
    let count = |code: &&&str| codes.iter().filter(|other| *other == *code).count();
    // Of as many, the better one.
    codes.iter().rev().max_by_key(count).and_then(|code| Language::from_code(code))
}

/// Those of what matched, in so many documents, that a writer is given; blocks. No more is read than
/// has to be.
fn choose(
    texts: &mut Texts,
    matches: Vec<Match>,
    num_documents: usize,
    wanted: usize,
    max_tokens: usize,
) -> Vec<Hit> {
    let cap = if num_documents <= wanted / MAX_PER_DOCUMENT { wanted } else { MAX_PER_DOCUMENT };
    let mut per_document: HashMap<Uuid, usize> = HashMap::new();
    let mut words_of_chosen: Vec<Vec<u32>> = Vec::new();
    let mut chosen: Vec<Hit> = Vec::new();
    let mut tokens = 0;
    for found in matches {
        if chosen.len() == wanted {
            break;
        }
        let taken = per_document.entry(found.document.id).or_default();
        if *taken == cap {
            continue;
        }
        let Some(hit) = found.read(texts) else { continue };
        let cost = estimate_tokens(&hit.text);
        if tokens + cost > max_tokens && !chosen.is_empty() {
            continue;
        }
        let words = words(&hit);
        if words_of_chosen.iter().any(|others| overlap(&words, others) > NEAR_DUPLICATE) {
            continue;
        }
        *taken += 1;
        tokens += cost;
        words_of_chosen.push(words);
        chosen.push(hit);
    }
    chosen
}

/// The words of a passage as they stand, case aside, by hash (FNV-1a), each once and in order: copies
/// differ in few, and nothing else has so many in common.
fn words(hit: &Hit) -> Vec<u32> {
    let step = |hash: u32, c: u32| (hash ^ c).wrapping_mul(0x0100_0193);
    let mut words = Vec::with_capacity(hit.text.len() / BYTES_PER_WORD);
    let mut word = None;
    for c in hit.text.chars() {
        let hash = word.unwrap_or(0x811c_9dc5);
        match c {
            // Mostly, and looking up what is lower case costs more than all the rest.
            c if c.is_ascii_alphanumeric() => word = Some(step(hash, c.to_ascii_lowercase().into())),
            c if c.is_ascii() => words.extend(word.take()),
            c if c.is_alphanumeric() => word = Some(c.to_lowercase().map(u32::from).fold(hash, step)),
            _ => words.extend(word.take()),
        }
    }
    words.extend(word);
    words.sort_unstable();
    words.dedup();
    words
}

/// The share of words that two lists of them have in common; none where so much of one is missing in
/// the other that they can't be near-duplicates.
fn overlap(a: &[u32], b: &[u32]) -> f32 {
    let (fewer, more) = (a.len().min(b.len()) as f32, a.len().max(b.len()) as f32);
    if fewer < more * NEAR_DUPLICATE {
        return 0.0;
    }
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    let mut common = 0.0;
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        match one.cmp(other) {
            Ordering::Less => _ = left.next(),
            Ordering::Greater => _ = right.next(),
            Ordering::Equal => {
                common += 1.0;
                left.next();
                right.next();
            }
        }
    }
    let all = (a.len() + b.len()) as f32 - common;
    if all == 0.0 { 0.0 } else { common / all }
}

/// One or several adjoining passages of a document, at the rank of the best.
struct Span {
    best: Hit,
    first: u32,
    last: u32,
}

/// Passages that follow one another in their document read as one.
fn join_neighbours(hits: Vec<Hit>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for hit in hits {
        let ordinal = hit.passage.ordinal;
        let neighbour = spans.iter().position(|span| {
            span.best.document.id == hit.document.id
                && span.best.passage.heading == hit.passage.heading
                && ordinal + 1 >= span.first
                && ordinal <= span.last + 1
        });
        match neighbour {
            None => spans.push(Span { best: hit, first: ordinal, last: ordinal }),
            Some(at) => {
                spans[at].first = spans[at].first.min(ordinal);
                spans[at].last = spans[at].last.max(ordinal);
                close_gap(&mut spans, at);
            }
        }
    }
    spans
}

/// A passage can stand between two spans and make them one.
fn close_gap(spans: &mut Vec<Span>, at: usize) {
    let grown = &spans[at];
    let (id, first, last) = (grown.best.document.id, grown.first, grown.last);
    let other = spans.iter().enumerate().position(|(number, span)| {
        number != at
            && span.best.document.id == id
            && span.best.passage.heading == grown.best.passage.heading
            && span.first <= last + 1
            && first <= span.last + 1
    });
    let Some(other) = other else { return };
    let (keep, gone) = (at.min(other), at.max(other));
    let gone = spans.remove(gone);
    spans[keep].first = spans[keep].first.min(gone.first);
    spans[keep].last = spans[keep].last.max(gone.last);
}

impl Span {
    fn into_excerpt(self, texts: &mut Texts, n: u32) -> Result<Excerpt, Error> {
        let Self { best, first, last } = self;
        let begun = best.layout.passages.get(first as usize).unwrap_or(&best.passage);
        let (start, page, columns) = (begun.start, begun.page, begun.columns.clone());
        let end = best.layout.passages.get(last as usize).map_or(best.passage.end, |passage| passage.end);
        let text = if (start, end) == (best.passage.start, best.passage.end) {
            best.text
        } else {
            texts.recall(best.document.id, start..end)?
        };
        let (document, place) = (best.document.id, start..end);
        let introduction = introduction_of(document, &best.layout, place.clone(), &text, texts)?;
        let in_code = begins_in_code(document, &best.layout, &place, texts)?;
        let source = Source {
            n,
            document_id: best.document.id,
            version: best.document.version.clone(),
            title: best.document.title.clone(),
            page,
            heading: best.passage.heading,
            columns,
            introduction,
            in_code,
            passage_id: PassageId { document: best.document.id, ordinal: best.passage.ordinal },
            start,
            end,
            score: best.score,
        };
        Ok(Excerpt { source, text })
    }
}
