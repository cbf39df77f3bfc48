//! Rows whose cells hold sentences: a glossary, a list of duties by grade. What stands in such a cell is
//! prose of its own, said of the row's label, and of the head of its column.

use std::ops::Range;

use super::{PARTED, columns_of, is_finished, is_quantity, lines};

/// Words of a sentence in a cell, at least: "See above." is none.
const LEAST_WORDS: usize = 4;
/// Cells that hold prose are longer than this many bytes, or finished sentences.
const PROSE_BYTES: usize = 120;

/// A row of prose taken apart. Ranges are bytes of the text it stands in.
pub(crate) struct ProseRow {
    /// What it is about: the cells before those of prose, if there are any.
    pub(crate) label: Option<Range<usize>>,
    /// The cells from the first one of prose on that say something.
    pub(crate) cells: Vec<Range<usize>>,
}

impl ProseRow {
    /// None if no cell holds prose, or another one a quantity: that is told with its row.
    pub(crate) fn of(text: &str, row: Range<usize>) -> Option<Self> {
        let says = |cell: &Range<usize>| text[cell.clone()].contains(char::is_alphanumeric);
        let mut cells: Vec<Range<usize>> = raw_cells(text, row).filter(says).collect();
        // A sign between pieces of code parts no cells.
        let is_cut = |cell: &Range<usize>| text[cell.clone()].matches('`').count() % 2 == 1;
        let values = cells.iter().skip(1);
        if cells.len() < 2
            || cells.iter().any(is_cut)
            || values.clone().any(|cell| is_quantity(&text[cell.clone()]))
        {
            return None;
        }
        let first = cells.iter().position(|cell| is_prose(&text[cell.clone()]))?;
        // Where a row was cut, it begins with the end of a sentence.
        let first = cells[..first].iter().position(|cell| is_finished(&text[cell.clone()])).unwrap_or(first);
        let prose = cells.split_off(first);
        let label = cells.first().zip(cells.last()).map(|(first, last)| first.start..last.end);
        Some(Self { label, cells: prose })
    }
}

/// What a sentence in a cell of prose is said of: the label of its row, and if the row has several such
/// cells the head of its column. The text may begin inside a table, below what is `above`.
pub(crate) fn said_of(
    text: &str,
    above: Option<&str>,
    place: &Range<usize>,
    has_pages: bool,
) -> Option<String> {
    let row = lines(text).find(|line| place.start < line.end)?;
    let prose = ProseRow::of(text, row.clone())?;
    let cell = prose.cells.iter().find(|cell| cell.start <= place.start && place.end <= cell.end)?;
    let label = prose.label.map(|label| text[label].to_owned());
    let is_alone = prose.cells.iter().filter(|cell| is_prose(&text[(*cell).clone()])).count() == 1;
    let head = (!is_alone).then(|| head_of(text, above, row, cell, has_pages)).flatten();
    let told: Vec<String> = label.into_iter().chain(head).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// The head of the column that a cell is in, if the heads are as many as the cells of its row.
fn head_of(
    text: &str,
    above: Option<&str>,
    row: Range<usize>,
    cell: &Range<usize>,
    has_pages: bool,
) -> Option<String> {
    let cells: Vec<Range<usize>> = raw_cells(text, row.clone()).collect();
    let at = cells.iter().position(|other| other == cell)?;
    heads_of(text, above, row, (cells.len(), false), has_pages)?
        .get(at)
        .filter(|head| !head.is_empty())
        .cloned()
}

/// The heads of the columns above a row, one for each of its cells; empty where a column has none. The row may
/// end with fewer cells, if those at its end are empty.
pub(super) fn heads_of(
    text: &str,
    above: Option<&str>,
    row: Range<usize>,
    (num_cells, may_end): (usize, bool),
    has_pages: bool,
) -> Option<Vec<String>> {
    let columns = columns_of(text, above, row, has_pages)?;
    let heads = |line: &str| -> Vec<String> {
        let says = |head: &&str| head.contains(char::is_alphanumeric);
        let heads = raw_cells(line, 0..line.len()).map(|head| Some(&line[head]).filter(says));
        heads.map(|head| head.unwrap_or_default().to_owned()).collect()
    };
    let fits = |heads: &Vec<String>| heads.len() == num_cells || (heads.len() > num_cells && may_end);
    columns.split(PARTED).map(heads).find(fits)
}

/// All cells of a row, without the space around them, those that are empty too.
pub(super) fn raw_cells(text: &str, row: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
    let line = text[row.clone()].trim();
    let start = row.start + (text[row.clone()].len() - text[row].trim_start().len());
    let inside = line.strip_prefix('|').unwrap_or(line);
    let mut start = start + (line.len() - inside.len());
    let inside = inside.strip_suffix('|').unwrap_or(inside);
    inside.split(['|', '\t']).map(move |cell| {
        let begin = start + (cell.len() - cell.trim_start().len());
        start += cell.len() + 1;
        begin..begin + cell.trim().len()
    })
}

fn is_prose(cell: &str) -> bool {
    cell.len() > PROSE_BYTES || (is_finished(cell) && cell.split_whitespace().count() >= LEAST_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(text: &str) -> Option<(Option<&str>, Vec<&str>)> {
        let ProseRow { label, cells } = ProseRow::of(text, 0..text.len())?;
        Some((label.map(|label| &text[label]), cells.into_iter().map(|cell| &text[cell]).collect()))
    }

    #[test]
    fn a_row_of_prose_has_a_label_and_cells() {
        for (row, expected) in [
            (
                "| Eel pass (EP) | A ramp for young eels. They climb it. | Wide |",
                Some((Some("Eel pass (EP)"), vec!["A ramp for young eels. They climb it.", "Wide"])),
            ),
            (
                "3 | Keeper | Opens the gates at dawn.",
                Some((Some("3 | Keeper"), vec!["Opens the gates at dawn."])),
            ),
            (
                "the gate. | Keeps the keys of all gates. |",
                Some((None, vec!["the gate.", "Keeps the keys of all gates."])),
            ),
            (
                "| Keeps the keys of all gates. | See above. |",
                Some((None, vec!["Keeps the keys of all gates.", "See above."])),
            ),
            ("Thorn | Counted twice by the keepers. | 412", None),
            ("Thorn | Counted twice. | many", None),
            ("Write `a | b` where you want either of them.", None),
            ("Opens the gates at dawn.", None),
        ] {
            assert_eq!(parted(row), expected, "{row}");
        }
    }

    #[test]
    fn a_sentence_in_a_cell_is_said_of_its_row_and_column() {
        let text = "| Duty | Keeper | Warden |\n|---|---|---|\n| Gates | Opens them at dawn. Says so. | Pays for all of them. |\n\
                    | Keys | Keeps them in a box. | No |\n";
        let of = |words: &str| {
            let at = text.find(words).unwrap();
            said_of(text, None, &(at..at + words.len()), false)
        };
        assert_eq!(of("Says so.").as_deref(), Some("Gates, Keeper"));
        assert_eq!(of("Pays for all of them.").as_deref(), Some("Gates, Warden"));
        assert_eq!(of("Keeps them in a box.").as_deref(), Some("Keys"));
        assert_eq!(of("Gates"), None);
        let cut = "Opens them at dawn. | Pays for all of them. |";
        assert_eq!(said_of(cut, Some("| Duty | Keeper | Warden |"), &(0..19), false), None);
        let whole = "Keys | Keeps them in a box. | Pays for the box, too.";
        let of = |above| said_of(whole, above, &(7..27), false);
        assert_eq!(of(Some("(Since 1901) / Duty | Keeper | Warden")).as_deref(), Some("Keys, Keeper"));
        assert_eq!(of(None).as_deref(), Some("Keys"));
    }
}
