//! What tells the columns of a table apart, for passages that begin inside one: without it nobody knows
//! which of a row's figures is of which year.

use crate::document::Passage;
use crate::ingest::extract::Extracted;
use crate::table::{Table, lines};

/// Adds to each passage whose first row belongs to a table that begins before the passage what stands
/// above that row's columns. A table ends with its page.
pub(super) fn add_columns(extracted: &Extracted, passages: &mut [Passage]) {
    let text = extracted.text.as_str();
    let mut pages = extracted.pages.iter().map(|page| page.start).peekable();
    let mut passages = passages.iter_mut().peekable();
    let mut table = Table::default();
    for line in lines(text) {
        while pages.next_if(|start| *start <= line.start).is_some() {
            table = Table::default();
        }
        if table.take_line(text, line.clone(), !extracted.pages.is_empty()) {
            while passages.next_if(|passage| passage.end <= line.start).is_some() {}
            // Of a passage its first row tells.
            if let Some(passage) = passages.next_if(|passage| passage.start <= line.start) {
                passage.columns = table.columns(text, passage.start);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::PageStart;
    use crate::ingest::extract::{Limits, extract};
    use crate::ingest::passages::{View, split};

    #[test]
    fn passages_deep_in_a_sheet_are_told_its_columns() {
        let rows: String =
            (0..400).map(|number| format!("river {number},{},{}\n", number * 7, number * 3)).collect();
        let sheet = format!("name,eels 2023,eels 2022\n{rows}");
        let extracted = extract(sheet.as_bytes(), "eels.csv", &Limits::default()).unwrap();
        let mut passages = split(View::from(&extracted));
        add_columns(&extracted, &mut passages);
        assert!(passages.len() > 4);
        assert_eq!(passages[0].columns, None, "it has them itself");
        for passage in &passages[1..] {
            let columns = passage.columns.as_deref().unwrap_or_default();
            assert!(columns.contains("eels 2023") && columns.contains("eels 2022"), "{passage:?}");
        }
    }

    #[test]
    fn a_table_ends_with_its_page() {
        let rows = |word: &str| format!("{word} | 1 | 2\n").repeat(150);
        let first = format!("2023 2022\n\n{}", rows("eels"));
        let text = format!("{first}\n{}", rows("boats"));
        let pages = vec![PageStart { page: 1, start: 0 }, PageStart { page: 2, start: first.len() + 1 }];
        let extracted = Extracted {
            media_type: "application/pdf",
            title: None,
            language: None,
            text,
            pages,
            headings: Vec::new(),
            notes: Vec::new(),
        };
        let mut passages = split(View::from(&extracted));
        add_columns(&extracted, &mut passages);
        let told = |page| {
            passages
                .iter()
                .filter(move |passage| passage.page == Some(page))
                .map(|passage| passage.columns.as_deref())
        };
        assert!(told(1).count() > 1 && told(1).skip(1).all(|columns| columns == Some("2023 2022")));
        assert!(told(2).count() > 1 && told(2).all(|columns| columns.is_none()));
    }
}
