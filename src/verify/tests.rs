use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::Value;

use super::{Against, DocumentFault, Kept, Opened, QuoteFault, QuoteKind, open, verify};
use crate::export::sample::{TEXT, bundle};
use crate::export::{Bundle, seal, sha256};

fn opened(bundle: &Bundle) -> Opened {
    open(&seal(bundle)).unwrap_or_else(|error| panic!("it was sealed just now: {error}"))
}

fn kept(text: &str) -> HashMap<uuid::Uuid, Kept> {
    let bundle = bundle("");
    let document = &bundle.documents[0].document;
    HashMap::from([(document.id, Kept { version: document.version.clone(), text: text.to_owned() })])
}

/// Every string and whole number of a bundle, by its path.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, &format!("{path}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| leaves(item, &format!("{path}/{at}"), found));
        }
        Value::String(_) | Value::Number(_) => found.push(path.to_owned()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Changes one character of a string, or a number by a little.
fn alter(value: &mut Value, at: usize) {
    match value {
        Value::String(text) => {
            let mut letters: Vec<char> = text.chars().collect();
            if letters.is_empty() {
                letters.push('x');
            } else {
                let at = at % letters.len();
                letters[at] = if letters[at] == 'x' { 'y' } else { 'x' };
            }
            *text = letters.into_iter().collect();
        }
        Value::Number(number) => {
            let changed = number.as_u64().map_or(Value::from(0.5), |whole| Value::from(whole + 1));
            *value = changed;
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
    }
}

#[test]
fn a_bundle_holds_against_its_own_texts_and_against_the_library() {
    let opened = opened(&bundle("It rose [1]."));
    let alone = verify(&opened, &HashMap::new());
    assert!(alone.holds && alone.sealed, "{alone:?}");
    assert_eq!(alone.documents[0].against, Against::Bundle);
    assert_eq!(alone.quotes.len(), 4, "two citations, a note and a passage");
    let here = verify(&opened, &kept(TEXT));
    assert!(here.holds, "{here:?}");
    assert_eq!(here.documents[0].against, Against::Library);
}

#[test]
fn indenting_and_reordering_break_no_seal() {
    let value: Value = serde_json::from_slice(&seal(&bundle("It rose [1]."))).unwrap();
    let Value::Object(fields) = value else { panic!("a bundle is an object") };
    let turned: serde_json::Map<String, Value> = fields.into_iter().rev().collect();
    let opened = open(serde_json::to_string(&turned).unwrap().as_bytes()).unwrap();
    assert!(verify(&opened, &HashMap::new()).holds);
}

#[test]
fn what_no_longer_holds_is_named() {
    let opened = opened(&bundle("It rose [1]."));
    let moved = verify(&opened, &kept(&format!("A new line.\n{TEXT}")));
    assert_eq!(moved.documents[0].faults, [DocumentFault::TextDiffers]);
    let citation = moved.quotes.iter().find(|quote| quote.kind == QuoteKind::Citation).unwrap();
    assert_eq!(citation.fault, Some(QuoteFault::Elsewhere { start: 12 }));
    let gone = verify(
        &opened,
        &kept("Something else altogether, and long enough for every range that was cited here."),
    );
    assert!(gone.quotes.iter().all(|quote| quote.fault == Some(QuoteFault::NotFound)), "{gone:?}");
    let mut replaced = kept(TEXT);
    replaced.values_mut().for_each(|kept| kept.version = sha256(b"other bytes"));
    let replaced = verify(&opened, &replaced);
    assert_eq!(replaced.documents[0].faults, [DocumentFault::OriginalDiffers]);
    assert_eq!(replaced.quotes[0].fault, Some(QuoteFault::OtherVersion));

    let mut without = bundle("It rose [1].");
    without.documents[0].text = None;
    let missing = verify(&super::open(&seal(&without)).unwrap(), &HashMap::new());
    assert_eq!(missing.documents[0].faults, [DocumentFault::Missing]);
    assert!(!missing.holds && missing.quotes.iter().all(|q| q.fault == Some(QuoteFault::NotCheckable)));
}

#[test]
fn what_is_no_bundle_says_so() {
    let said = |text: &str| open(text.as_bytes()).unwrap_err().to_string();
    assert!(said("not json").contains("not an export"));
    assert!(said("{\"a\": 1}").contains("without a `format`"));
    assert!(said("{\"format\": \"ibid-export\", \"version\": 9}").contains("version 9"));
    assert!(said("{\"format\": \"ibid-export\", \"version\": 1}").contains("missing field"));
}

proptest! {
    /// Whatever is changed, the seal breaks, unless the file can't even be read any more.
    #[test]
    fn a_change_anywhere_breaks_the_seal(leaf in any::<prop::sample::Index>(), at in any::<usize>()) {
        let mut value: Value = serde_json::from_slice(&seal(&bundle("It rose [1].")))?;
        let mut paths = Vec::new();
        leaves(&value, "", &mut paths);
        let path = leaf.get(&paths);
        let before = value.pointer(path).cloned();
        if let Some(leaf) = value.pointer_mut(path) {
            alter(leaf, at);
        }
        prop_assert_ne!(value.pointer(path).cloned(), before);
        if let Ok(opened) = open(&serde_json::to_vec(&value)?) {
            let verdicts = verify(&opened, &HashMap::new());
            prop_assert!(!verdicts.sealed && !verdicts.holds, "{path} was changed: {verdicts:?}");
        }
    }

    /// A forger who seals the file anew is found out by the texts: no quote, range, text or hash can
    /// be changed alone.
    #[test]
    fn a_change_that_is_sealed_anew_is_found_by_the_texts(what in 0..9, at in any::<prop::sample::Index>()) {
        let mut forged = bundle("It rose [1].");
        let one_letter = |text: &mut String| {
            let mut value = Value::String(std::mem::take(text));
            alter(&mut value, at.index(text.len().max(40)));
            *text = value.as_str().unwrap_or_default().to_owned();
        };
        let number = at.index(2);
        let citation = &mut forged.messages[1].citations[number];
        match what {
            0 => one_letter(&mut citation.quote),
            1 => citation.start += 1,
            2 => citation.end += 1,
            3 => one_letter(&mut citation.version),
            4 => one_letter(&mut forged.documents[0].document.version),
            5 => one_letter(&mut forged.documents[0].text_sha256),
            6 => forged.documents[0].text.iter_mut().for_each(one_letter),
            7 => one_letter(&mut forged.passages[0].text),
            _ => {
                let notes = forged.messages[1].steps[0].result.iter_mut().flat_map(|result| &mut result.notes);
                notes.for_each(|note| one_letter(&mut note.quote));
            }
        }
        let verdicts = verify(&opened(&forged), &HashMap::new());
        prop_assert!(verdicts.sealed && !verdicts.holds, "change {what} was not found: {verdicts:?}");
    }
}
