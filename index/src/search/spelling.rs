//! Words of a question that stand nowhere in the index: most of them are mistyped, or written as
//! elsewhere in the world. They are looked for as the word of the index that is one letter away.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tantivy::query::FuzzyTermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet as _, TERMINATED, Term};

use super::columns::Filter;
use super::segment::Segment;
use super::terms::num_with;
use crate::error::IndexError;
use crate::query::{Forms, Place, Query};
use crate::schema::Fields;

/// What has fewer letters has neighbours that mean something else.
const MIN_LETTERS: usize = 5;

/// What stands in the index instead of words that do not, by where they begin in the query.
pub(super) fn nearest(
    segments: &[Segment],
    fields: &Fields,
    forms: &Forms<'_>,
) -> Result<BTreeMap<usize, String>, IndexError> {
    let mut nearest = BTreeMap::new();
    for (start, forms) in forms.of_words() {
        nearest.extend(of_word(segments, fields, &forms)?.map(|term| (start, term)));
    }
    Ok(nearest)
}

/// The same for one word, in the forms it takes in the languages of the index.
pub(super) fn of_word(
    segments: &[Segment],
    fields: &Fields,
    forms: &[&str],
) -> Result<Option<String>, IndexError> {
    if is_known(segments, fields, forms)? {
        return Ok(None);
    }
    let mut found = BTreeMap::new();
    // What differs in a digit means something else: another year, another model.
    let has_digits = |word: &str| word.contains(char::is_numeric);
    for form in forms.iter().filter(|form| form.chars().count() >= MIN_LETTERS && !has_digits(form)) {
        add_near(segments, fields, form, &mut found)?;
    }
    // Of several, the one that is met most often.
    found.retain(|term, _| !has_digits(term));
    let nearest = found.into_iter().max_by_key(|(term, num)| (*num, Reverse(term.clone())));
    Ok(nearest.map(|(term, _)| term))
}

/// The words of a question that stand in no passage in scope. A compound stands there too if its parts do.
pub(super) fn unknown(
    segments: &[Segment],
    fields: &Fields,
    scope: &Filter<'_>,
    query: &Query,
    forms_of: &Forms<'_>,
) -> Result<Vec<String>, IndexError> {
    let is_known = |forms: &[&str]| is_known_in(segments, fields, scope, forms);
    let mut unknown = Vec::new();
    for (start, forms) in forms_of.of_content() {
        let mut is_told = is_known(&forms)?;
        if !is_told {
            let mut failure = None;
            let parts = forms_of.parts_at(start, |stem| {
                num_with(segments, fields, stem).unwrap_or_else(|error| {
                    failure = Some(error);
                    0
                })
            });
            failure.map_or(Ok(()), Err)?;
            for parts in parts {
                let known = parts.iter().map(|part| is_known(&[part])).collect::<Result<Vec<_>, _>>()?;
                is_told |= known.into_iter().all(|known| known);
            }
        }
        if !is_told {
            unknown.push(query.word_at(start).unwrap_or_default().to_owned());
        }
    }
    Ok(unknown)
}

fn is_known_in(
    segments: &[Segment],
    fields: &Fields,
    scope: &Filter<'_>,
    forms: &[&str],
) -> Result<bool, IndexError> {
    for segment in segments {
        let Some(scope) = scope.on(segment)? else { continue };
        for place in [Place::Body, Place::Name] {
            for form in forms {
                let term = Term::from_field_text(fields.of(place), form);
                let postings = segment.terms(place).read_postings(&term, IndexRecordOption::Basic)?;
                let Some(mut postings) = postings else { continue };
                while postings.doc() != TERMINATED {
                    if scope.admits(postings.doc(), segment.opened.ids.of(postings.doc()).0) {
                        return Ok(true);
                    }
                    postings.advance();
                }
            }
        }
    }
    Ok(false)
}

fn is_known(segments: &[Segment], fields: &Fields, forms: &[&str]) -> Result<bool, IndexError> {
    for place in [Place::Body, Place::Name] {
        for form in forms {
            let term = Term::from_field_text(fields.of(place), form);
            for segment in segments {
                if segment.terms(place).get_term_info(&term)?.is_some() {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Counts the passages of each word that has one letter more, less or other than this one, or two
/// neighbours changed about. Hardly anyone mistypes the first letter.
fn add_near(
    segments: &[Segment],
    fields: &Fields,
    form: &str,
    found: &mut BTreeMap<String, u64>,
) -> Result<(), IndexError> {
    let query = FuzzyTermQuery::new(Term::from_field_text(fields.body, form), 1, true);
    for segment in segments {
        let mut near = segment.terms(Place::Body).terms().search(query.automaton()?).into_stream()?;
        while let Some((term, info)) = near.next() {
            let Ok(term) = std::str::from_utf8(term) else { continue };
            if term.chars().next() == form.chars().next() {
                *found.entry(term.to_owned()).or_default() += u64::from(info.doc_freq);
            }
        }
    }
    Ok(())
}
