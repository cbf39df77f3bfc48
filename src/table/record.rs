//! Rows of a sheet read by the heads of their columns.

use std::ops::Range;

use super::prose::{heads_of, raw_cells};

/// A cell of a row and what stands above its column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// Empty where nothing does.
    pub(crate) head: String,
    /// Never empty.
    pub(crate) value: &'a str,
}

/// The cells of a row that say something, if its table has as many heads. The text may begin inside a table,
/// below what is `above`. On pages, where an empty cell leaves no trace, it is not known which is which.
pub(crate) fn record<'a>(text: &'a str, above: Option<&str>, row: Range<usize>) -> Option<Vec<Field<'a>>> {
    let beside = [text[..row.start].rsplit('\n').next(), text[row.end..].split('\n').next()];
    if !beside.iter().flatten().all(|rest| rest.trim().is_empty()) {
        return None;
    }
    let cells: Vec<Range<usize>> = raw_cells(text, row.clone()).collect();
    // What begins a text may be the rest of a row.
    let is_whole = !text[..row.start].trim().is_empty();
    let heads = heads_of(text, above, row, (cells.len(), is_whole), false)?;
    let fields = heads.into_iter().zip(cells).map(|(head, cell)| Field { head, value: &text[cell] });
    Some(fields.filter(|field| field.value.contains(char::is_alphanumeric)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EELS: &str = "gate | eels_2022 | eels_2023 | remark\nThorn | 4 | 12 | old\nAlder | | 7";

    fn fields(above: Option<&str>, text: &str, row: &str) -> Option<Vec<(String, String)>> {
        let at = text.find(row).unwrap();
        let fields = record(text, above, at..at + row.len())?;
        Some(fields.into_iter().map(|Field { head, value }| (head, value.to_owned())).collect())
    }

    #[test]
    fn a_value_is_told_with_the_head_of_its_column() {
        let of = |pairs: &[(&str, &str)]| {
            Some(
                pairs
                    .iter()
                    .map(|(head, value)| ((*head).to_owned(), (*value).to_owned()))
                    .collect::<Vec<_>>(),
            )
        };
        let thorn = of(&[("gate", "Thorn"), ("eels_2022", "4"), ("eels_2023", "12"), ("remark", "old")]);
        assert_eq!(fields(None, EELS, "Thorn | 4 | 12 | old"), thorn);
        let alder = of(&[("gate", "Alder"), ("eels_2023", "7")]);
        assert_eq!(fields(None, EELS, "Alder | | 7"), alder);
        let (heads, rows) = EELS.split_once('\n').unwrap();
        assert_eq!(fields(Some(heads), rows, "Alder | | 7"), alder);
        assert_eq!(fields(Some(heads), rows, "Thorn | 4 | 12 | old"), thorn);
        // It may be the end of a row.
        assert_eq!(fields(Some(heads), "12 | old", "12 | old"), None);
        assert_eq!(fields(None, rows, "Alder | | 7"), None);
        assert_eq!(fields(None, EELS, "Alder | |"), None, "it is a part of one");
    }
}
