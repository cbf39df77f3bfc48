//! Lists and what introduces them: "The gates are shut" above "- at spring tides,". An item says little
//! without it, or the contrary of what is meant. Code below "Shut them with:" is one too.

use std::ops::Range;

use super::block::{self, Block};
use super::{SentenceKind, bound, trim};
use crate::table::is_finished;

/// Words of a line that introduces a list without a colon, at least: fewer are a heading.
const LEAST_WORDS: usize = 3;

/// An item of a list, or a block of code, that something introduces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its bytes, the marker not included.
    pub(crate) range: Range<usize>,
    /// The sentences that introduce it, that of the outermost list first.
    pub(crate) leads: Vec<Range<usize>>,
    /// Whether the outermost stands before the text; never false without others.
    pub(crate) goes_on: bool,
    pub(crate) is_code: bool,
}

impl Item {
    /// What introduces it, on one line; `above` if its list begins before the text.
    pub(crate) fn introduction(&self, text: &str, above: Option<&str>) -> String {
        let above = above.filter(|_| self.goes_on);
        let leads = above.into_iter().chain(self.leads.iter().map(|lead| &text[lead.clone()]));
        leads.map(|lead| lead.trim_end_matches([':', '：', ','])).collect::<Vec<_>>().join(": ")
    }

    /// Where code ends, with the fence that closes it; `None` if it is none.
    pub(crate) fn end_of_code(&self, text: &str) -> Option<usize> {
        let rest = text[self.range.end..].trim_start();
        let fence = rest.lines().next().unwrap_or_default().trim_end();
        let end = if rest.is_empty() { self.range.end } else { text.len() - rest.len() + fence.len() };
        self.is_code.then_some(end)
    }
}

/// Whether a text begins with an item of a list.
pub(crate) fn begins_with_item(text: &str) -> bool {
    let first = block::blocks(text.lines().next().unwrap_or_default(), false);
    first.first().is_some_and(|block| block.kind == SentenceKind::Item)
}

/// What stands before a place and introduces the list of which an item begins there, on one line.
pub(crate) fn introduction(text: &str, place: usize) -> Option<String> {
    let opens = |item: &&Item| text.get(place..item.range.start).is_some_and(|marker| !marker.contains('\n'));
    items(text, false, false).iter().find(opens).map(|first| first.introduction(text, None))
}

/// What an item may belong to.
struct Above {
    indent: usize,
    /// If it is an item itself.
    marker: Option<Marker>,
    /// What it introduces a list with.
    lead: Option<Range<usize>>,
    /// Whether it stands before the text.
    is_before: bool,
}

/// How the items of a list are marked: the signs, with one letter or digit for all.
#[derive(PartialEq, Eq)]
struct Marker(String);

/// The items of the lists of a text that something introduces, in order. If the text `goes_on` with a list,
/// something does that before it. It may begin inside fenced code.
pub(crate) fn items(text: &str, goes_on: bool, in_code: bool) -> Vec<Item> {
    let mut items = Vec::new();
    let mut above: Vec<Above> = Vec::new();
    let indent = text.len() - text.trim_start_matches([' ', '\t', '>']).len();
    above.extend(goes_on.then_some(Above { indent, marker: None, lead: None, is_before: true }));
    let mut is_below_lead = false;
    for block in block::blocks(text, in_code) {
        let Block { range, kind } = block.clone();
        let (indent, marker) = margin(text, range.start);
        match kind {
            SentenceKind::Item => {
                let marker = Marker::of(marker);
                let is_next =
                    |other: &Above| other.indent == indent && other.marker.as_ref() == Some(&marker);
                let belongs = |other: &Above| {
                    (other.marker.is_none() && !(other.is_before && indent < other.indent))
                        || other.indent < indent
                        || (other.indent == indent && other.lead.is_some())
                };
                let kept = above.iter().position(is_next).unwrap_or(above.len());
                above.truncate(kept);
                while above.last().is_some_and(|last| !belongs(last)) {
                    above.pop();
                }
                let leads: Vec<Range<usize>> = above.iter().filter_map(|above| above.lead.clone()).collect();
                let goes_on = above.first().is_some_and(|above| above.is_before);
                if goes_on || !leads.is_empty() {
                    items.push(Item { range: range.clone(), leads, goes_on, is_code: false });
                }
                let lead = lead(text, &range);
                above.push(Above { indent, marker: Some(marker), lead, is_before: false });
            }
            // A paragraph of the item above it.
            SentenceKind::Prose if indent > 0 && above.last().is_some_and(|last| last.marker.is_some()) => {}
            SentenceKind::Prose => {
                above = vec![Above { indent, marker: None, lead: lead(text, &range), is_before: false }];
            }
            SentenceKind::Code => {
                add_code(text, range, above.last_mut().filter(|_| is_below_lead), &mut items);
            }
            _ => above.clear(),
        }
        is_below_lead = kind != SentenceKind::Code;
    }
    items
}

/// Adds a line to the code above it, or begins some that the block right above it introduces, and nothing else.
fn add_code(text: &str, line: Range<usize>, above: Option<&mut Above>, items: &mut Vec<Item>) {
    let goes_on = |code: &&mut Item| code.is_code && !text[code.range.end..line.start].contains(['`', '~']);
    if let Some(code) = items.last_mut().filter(goes_on) {
        code.range.end = line.end;
    } else if let Some(lead) = above.and_then(|above| above.lead.take()) {
        items.push(Item { range: line, leads: vec![lead], goes_on: false, is_code: true });
    }
}

/// The sentence at the end of a block, if it asks for something to follow.
fn lead(text: &str, block: &Range<usize>) -> Option<Range<usize>> {
    let last = trim(text, bound::split(text, block).pop()?);
    let words = &text[last.clone()];
    let is_open = !is_finished(words) && words.split_whitespace().count() >= LEAST_WORDS;
    (words.ends_with([':', '：']) || is_open && words.ends_with(|c: char| c.is_alphanumeric() || c == ','))
        .then_some(last)
}

/// What stands before a block on its line: how far it is indented, and its marker.
fn margin(text: &str, start: usize) -> (usize, &str) {
    let line = text[..start].rfind(['\n', '\u{c}', '\u{2029}']).map_or(0, |at| at + 1);
    let before = &text[line..start];
    let marker = before.trim_start_matches([' ', '\t', '>']);
    (before.len() - marker.len(), marker.trim_end())
}

impl Marker {
    fn of(marker: &str) -> Self {
        let mut signs = String::new();
        for c in marker.chars() {
            let sign = if c.is_numeric() { '1' } else { c };
            let sign = if sign.is_alphabetic() { 'a' } else { sign };
            // `aa)` is below `a)`, but `10.` beside `9.`.
            if !(sign == '1' && signs.ends_with('1')) {
                signs.push(sign);
            }
        }
        Self(signs)
    }
}

#[cfg(test)]
mod tests {
    use super::{introduction, items};

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &[&str])]) {
        let items = items(text, false, false);
        let told: Vec<(&str, Vec<&str>)> = items
            .iter()
            .map(|item| {
                (&text[item.range.clone()], item.leads.iter().map(|lead| &text[lead.clone()]).collect())
            })
            .collect();
        let expected: Vec<(&str, Vec<&str>)> =
            expected.iter().map(|(item, leads)| (*item, leads.to_vec())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn an_item_belongs_to_the_sentence_above_its_list() {
        check(
            "The river has two gates. They are shut\n\n- at spring tides,\n- when the wind\n  is from the north.\n\nThey are old.\n- Thorn\n",
            &[
                ("at spring tides,", &["They are shut"]),
                ("when the wind\n  is from the north.", &["They are shut"]),
            ],
        );
        check("# Gates\n- Thorn\n- Alder\n", &[]);
        check(
            "Gates:\n\n1. Thorn\n\n   It is old.\n2. Alder\n",
            &[("Thorn", &["Gates:"]), ("Alder", &["Gates:"])],
        );
    }

    #[test]
    fn code_belongs_to_the_line_that_introduces_it() {
        let text = "Shut the gates with:\n\n```sh\ngate shut --all\n\ngate lock\n```\n\nThey open by themselves.\n\n```\nnothing\n```\n";
        check(text, &[("gate shut --all\n\ngate lock", &["Shut the gates with:"])]);
        assert!(items(text, false, false)[0].is_code);
    }

    #[test]
    fn lists_in_lists_belong_to_what_stands_above_them() {
        check(
            "(1) The keeper shuts the gates.\n\n(2) The gates may be opened\n\n1.  by the keeper,\n\n2.  by others, if\n\n    a)  the keeper is away,\n\n    b)  the tide is out,\n\n3.  in need.\n\n(3) It is told.\n",
            &[
                ("by the keeper,", &["The gates may be opened"]),
                ("by others, if", &["The gates may be opened"]),
                ("the keeper is away,", &["The gates may be opened", "by others, if"]),
                ("the tide is out,", &["The gates may be opened", "by others, if"]),
                ("in need.", &["The gates may be opened"]),
            ],
        );
    }

    #[test]
    fn a_list_that_was_cut_keeps_what_introduces_it() {
        let text = "It is old.\n\n(2) The gates may be opened\n\n1.  by the keeper,\n\n2.  by others, if\n\n    \
                    a)  the keeper is away,\n\n    b)  the tide is out,\n\n3.  in need.\n\nIt is told.\n\n- Thorn\n";
        let cut = |words: &str| {
            let place = text.find(words).unwrap();
            let told = introduction(text, place);
            let items = items(&text[place..], told.is_some(), false);
            let told_of = |words: &str| {
                let at = text[place..].find(words)?;
                let item = items.iter().find(|item| item.range.start == at)?;
                Some(item.introduction(&text[place..], told.as_deref()))
            };
            (told.clone(), ["by others", "the tide", "in need", "Thorn"].map(told_of))
        };
        let [gates, others] = ["The gates may be opened", "The gates may be opened: by others, if"];
        let [told, told_others] = [gates, others].map(|of| Some(of.to_owned()));
        assert_eq!(cut("1.  by"), (told.clone(), [told.clone(), told_others.clone(), told.clone(), None]));
        assert_eq!(cut("2.  by"), (told.clone(), [told.clone(), told_others.clone(), told.clone(), None]));
        assert_eq!(cut("    b)"), (told_others.clone(), [None, told_others, None, None]));
        assert_eq!(cut("3.  in"), (told.clone(), [None, None, told, None]));
        assert_eq!(
            cut("(2) The"),
            (
                None,
                [gates, others, gates]
                    .map(|of| Some(of.to_owned()))
                    .into_iter()
                    .chain([None])
                    .collect::<Vec<_>>()
                    .try_into()
                    .unwrap()
            )
        );
        assert_eq!(introduction(text, text.find("- Thorn").unwrap()), None);
    }
}
