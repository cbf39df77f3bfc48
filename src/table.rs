//! Tables as they stand in the text of a document, a row a line: which lines are rows, what stands in
//! their cells, and what tells their columns apart. A row says little by itself: what its cells are
//! values of stands at its beginning, and which of them is which stands above it.

mod prose;
mod record;

use std::ops::Range;

pub(crate) use self::prose::{ProseRow, said_of};
pub(crate) use self::record::{Field, record};

/// Lines right above the rows of a table that may belong to it: a caption, the heads of its columns.
const CAPTION_LINES: usize = 4;
/// Most bytes that are told of what stands above columns: those of a wide sheet are long.
const MAX_BYTES: usize = 800;
/// What parts the lines that are told.
const PARTED: &str = " / ";
/// A longer line, in bytes, is more than a head of columns.
const HEAD_BYTES: usize = 160;
/// A longer cell, in bytes, of a row that is longer than that is no head. Some heads are whole questions.
const CELL_BYTES: usize = 120;

/// A longer cell, in bytes, says more than of which year it is.
const YEAR_BYTES: usize = 40;

/// A table that is being read, line by line. Lines are ranges of bytes of the text.
#[derive(Default)]
pub(crate) struct Table {
    /// Lines since the last sentence or row.
    captions: Vec<Range<usize>>,
    heads: Vec<Range<usize>>,
    has_rows: bool,
    /// Whether a row of it was more than heads of columns.
    has_values: bool,
    /// Whether it began before the text.
    goes_on: bool,
}

impl Table {
    /// For a text that may begin inside a table.
    pub(crate) fn going_on() -> Self {
        Self { goes_on: true, ..Self::default() }
    }

    /// Whether the rows belong to a table that may have begun before the text.
    pub(crate) fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Takes the next line, blank or not. Tells whether it is a row.
    ///
    /// A table ends with a sentence. Where there are no pages its text is laid out anew: what looks like a
    /// row is one, and a blank line ends the table.
    pub(crate) fn take_line(&mut self, text: &str, line: Range<usize>, has_pages: bool) -> bool {
        let words = text[line.clone()].trim();
        if words.is_empty() {
            if !has_pages {
                *self = Self::default();
            }
            return false;
        }
        let is_row = if has_pages {
            (is_row(words) && !is_finished(words)) || is_run_together(words)
        } else {
            is_row(words)
        };
        !is_rule(words) && self.take(text, line, is_row)
    }

    /// Takes the next line that is not blank. Tells whether it is a row.
    pub(crate) fn take(&mut self, text: &str, line: Range<usize>, is_row: bool) -> bool {
        let words = &text[line.clone()];
        if !is_row {
            let is_prose = is_finished(words);
            // A heading between rows leaves the columns as they are, unless it tells them anew.
            if is_prose || (self.has_rows && (words.len() > HEAD_BYTES || names_year(words))) {
                *self = Self { captions: std::mem::take(&mut self.captions), ..Self::default() };
            }
            if is_prose {
                self.captions.clear();
            } else {
                self.captions.push(line);
            }
            return false;
        }
        let Some(row) = Row::of(words) else { return false };
        if !self.has_rows || (self.has_values && row.is_bare()) {
            let first = self.captions.len().saturating_sub(CAPTION_LINES);
            *self = Self {
                heads: self.captions.split_off(first),
                goes_on: self.goes_on && !self.has_rows,
                ..Self::default()
            };
        }
        // "Built | 1874" is a row of a table that has no heads.
        let is_pair = row.is_named && matches!(row.values[..], [only] if is_year(only));
        self.has_values |= row.has_quantity || is_pair || (self.has_rows && !row.is_bare());
        self.has_rows = true;
        if self.has_values {
            self.captions.clear();
        } else {
            self.heads.push(line);
        }
        true
    }

    /// Those of the heads that end before a place, without titles that say nothing of columns.
    pub(crate) fn columns(&self, text: &str, before: usize) -> Option<String> {
        let before = self.heads.iter().filter(|line| line.end <= before);
        let before = before.map(|line| text[line.clone()].trim());
        let is_wide = |line: &str| is_row(line) && cells(line).iter().all(|cell| cell.len() <= CELL_BYTES);
        let before = before.filter(|line| line.len() <= HEAD_BYTES || is_wide(line));
        // A unit, a date, or heads in cells of their own.
        let says =
            |line: &&str| line.starts_with('(') || line.ends_with(',') || is_row(line) || names_year(line);
        let from_first = before.skip_while(|line| !says(line));
        let mut told: Vec<&str> =
            from_first.filter(|line| says(line) || !line.ends_with([':', '：'])).collect();
        while told.iter().map(|line| line.len() + PARTED.len()).sum::<usize>() > MAX_BYTES {
            told.remove(0);
        }
        (!told.is_empty()).then(|| told.join(PARTED))
    }

    /// What stands above the values of the rows, as far as it was read: the last lines above the table
    /// and its rows without values.
    pub(crate) fn heads(&self) -> &[Range<usize>] {
        &self.heads
    }
}

/// What stands above the columns of the table of which `place` is a row, if it is one. The text may begin
/// inside a table, below what is `above`.
pub(crate) fn columns_of(
    text: &str,
    above: Option<&str>,
    place: Range<usize>,
    has_pages: bool,
) -> Option<String> {
    let mut table = Table::going_on();
    for line in lines(text) {
        let is_row = table.take_line(text, line.clone(), has_pages);
        if line.end > place.start {
            let above = above.filter(|_| table.goes_on).map(str::to_owned);
            let told: Vec<String> = above.into_iter().chain(table.columns(text, line.start)).collect();
            return (is_row && !told.is_empty()).then(|| told.join(PARTED));
        }
    }
    None
}

/// A row taken apart.
pub(crate) struct Row<'a> {
    /// The cell that says what the others are of.
    pub(crate) label: &'a str,
    /// The other cells that say something.
    pub(crate) values: Vec<&'a str>,
    /// Whether a cell is a number that is no year.
    pub(crate) has_quantity: bool,
    /// Whether the label is words.
    pub(crate) is_named: bool,
}

impl<'a> Row<'a> {
    /// None if no cell says anything.
    pub(crate) fn of(line: &'a str) -> Option<Self> {
        let mut values = cells(line);
        let has_quantity = values.iter().any(|cell| is_quantity(cell)) || !are_years(&values);
        if values.is_empty() {
            return None;
        }
        let label = values.remove(0);
        let is_named = !label.starts_with('(') && label.contains(char::is_alphabetic);
        Some(Self { label, values, has_quantity, is_named })
    }
}

impl Row<'_> {
    /// Whether it only tells columns apart: without a name for what is in it, or by years alone.
    pub(crate) fn is_bare(&self) -> bool {
        let of_year = |cell: &&str| cell.len() <= YEAR_BYTES && names_year(cell);
        let is_of_years = self.values.len() > 1 && self.values.iter().all(of_year);
        // "2016 | gold | silver" is a row of the year.
        let says_nothing = |cell: &&str| of_year(cell) || !cell.contains(char::is_alphabetic);
        let is_unnamed =
            !self.is_named && (self.label.starts_with('(') || self.values.iter().all(says_nothing));
        !self.has_quantity && (is_unnamed || is_of_years)
    }
}

/// Whether a line is a row: pipes, or cells parted by tabs.
pub(crate) fn is_row(line: &str) -> bool {
    let line = line.trim_end();
    (line.len() > 2 && line.starts_with('|') && line.ends_with('|'))
        || line.contains(" | ")
        || line.trim().contains('\t')
}

/// Whether a line only parts others: a rule of a table (`|---|:-:|`), a thematic break, what stands under
/// a heading.
pub(crate) fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|c| matches!(c, '-' | '=' | '|' | ':' | '+' | '*' | '_' | ' '))
}

/// Whether a sentence ends as one: with a full stop or its like, inside quotes and brackets or not.
pub(crate) fn is_finished(sentence: &str) -> bool {
    let bare = sentence.trim_end_matches(|c: char| {
        matches!(c, '"' | '\'' | '”' | '’' | '»' | '“' | ')' | ']' | '*' | '_') || c.is_whitespace()
    });
    bare.ends_with(['.', '!', '?', '…', '。', '！', '？', ';', '।', '؟', '۔', '։'])
}

/// The cells that say something. Where no sign parts them, figures do.
fn cells(row: &str) -> Vec<&str> {
    let says = |cell: &&str| cell.contains(char::is_alphanumeric);
    if row.contains(['|', '\t']) {
        return row.split(['|', '\t']).map(str::trim).filter(says).collect();
    }
    let is_figure = |word: &str| !word.contains(char::is_alphabetic);
    let behind = row.rsplit(' ').take_while(|word| is_figure(word)).map(|word| word.len() + 1).sum::<usize>();
    let (label, figures) = row.split_at(row.len().saturating_sub(behind));
    std::iter::once(label.trim()).chain(figures.split_whitespace()).filter(says).collect()
}

fn is_year(cell: &str) -> bool {
    cell.len() == 4 && cell.parse::<u16>().is_ok_and(|year| (1000..2100).contains(&year))
}

/// Whether the cells that could be years follow one another as years do above columns, or come again. Other
/// numbers of four digits do not.
fn are_years(cells: &[&str]) -> bool {
    let years = cells.iter().filter(|cell| is_year(cell)).filter_map(|cell| cell.parse().ok());
    let years: Vec<u16> = years.collect();
    let follows =
        |(before, year): (usize, &u16)| years[before].abs_diff(*year) <= 1 || years[..before].contains(year);
    years.iter().skip(1).enumerate().all(follows)
}

/// Whether a cell is a number, with a unit or without, that tells no time and names nothing: `4.7 km`, but
/// not `2023`, `2019/20`, `Q1`, `SQL-92` or `May 2023`.
fn is_quantity(cell: &str) -> bool {
    let num_letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    let behind_letters = cell.trim_start_matches(char::is_alphabetic);
    let behind_hyphen = behind_letters.strip_prefix('-').unwrap_or(behind_letters);
    let is_label =
        behind_letters.len() < cell.len() && behind_hyphen.starts_with(|c: char| c.is_ascii_digit());
    let is_date = is_period(cell) || (num_letters > 0 && names_year(cell));
    cell.contains(|c: char| c.is_ascii_digit()) && num_letters <= 3 && !is_label && !is_date
}

/// Whether a cell is a year, or begins with one and goes on as a season or a month does.
fn is_period(cell: &str) -> bool {
    let Some((year, rest)) = cell.split_at_checked(4) else { return false };
    is_year(year)
        && rest.len() <= 5
        && !rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','))
}

/// Whether a year is among the words of a line, as in heads of columns.
fn names_year(line: &str) -> bool {
    line.split(|c: char| !c.is_ascii_digit()).any(is_year)
}

/// Whether a line is rows that were run together, as happens in the text of a PDF: it has several figures
/// and ends with one.
fn is_run_together(line: &str) -> bool {
    let is_figure = |word: &str| {
        let num_digits = word.chars().filter(char::is_ascii_digit).count();
        num_digits < word.len() && word.contains(['.', ',']) || num_digits > 2 && !is_year(word)
    };
    let words = line.split_whitespace();
    let figures = words.map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()));
    let ends_so = line.rsplit(' ').next().is_some_and(|word| !word.contains(char::is_alphabetic));
    ends_so && figures.filter(|word| is_figure(word)).count() > 1
}

/// Lines without their ends, in order.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    text.split_inclusive(['\n', '\u{c}', '\u{2029}']).map(move |line| {
        let begin = start;
        start += line.len();
        begin..begin + line.trim_end_matches(['\n', '\r', '\u{c}', '\u{2029}']).len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands above the row that holds `cell`.
    fn above(text: &str, cell: &str, has_pages: bool) -> Option<String> {
        let at = text.find(cell).unwrap();
        columns_of(text, None, at..at + cell.len(), has_pages)
    }

    const STATEMENT: &str = "Eel Trust\n\nAccounts\n\n(In thousands)\n\nAssets\n\nJune 30,\n\n2023 2022\n\n\
        Boats | $ 41 | $ 38\nNets | 7 | 9\n\nDebts\n\nLoans | 12 | 14\n\n\
        In 2023 the trust bought a second boat, as is told in note 4 below.\n\nWages | 5 | 6\n";

    #[test]
    fn heads_of_columns_hold_for_all_rows_until_a_sentence() {
        let heads = Some("(In thousands) / Assets / June 30, / 2023 2022".to_owned());
        assert_eq!(above(STATEMENT, "Boats", true), heads);
        assert_eq!(above(STATEMENT, "Loans", true), heads);
        assert_eq!(above(STATEMENT, "Wages", true), None);
        assert_eq!(above(STATEMENT, "Assets", true), None, "it is no row");
    }

    #[test]
    fn heads_that_come_again_hold_from_there_on() {
        let text =
            "2023 2022\nBoats | 41 | 38\nMay 31, 2021\nBoats | 35 | 30\n | 2019 | 2018\nBoats | 29 | 28\n";
        assert_eq!(above(text, "41", true).as_deref(), Some("2023 2022"));
        assert_eq!(above(text, "35", true).as_deref(), Some("May 31, 2021"));
        assert_eq!(above(text, "29", true).as_deref(), Some("| 2019 | 2018"));
    }

    #[test]
    fn a_row_of_years_is_of_heads_and_a_pair_is_not() {
        let text = "Fish | 2023 | 2022\nEels | 41 | 38\nTrout | 2021 | 2020\nEels | 35 | 30\n";
        assert_eq!(above(text, "41", true).as_deref(), Some("Fish | 2023 | 2022"));
        assert_eq!(above(text, "35", true).as_deref(), Some("Trout | 2021 | 2020"));
        let pairs = "Built | 1874\nLength | 4.7 km\n";
        assert_eq!(above(pairs, "Length", true), None);
        let quarters = "River | Q1 2023 | Q2 | 2019/20 | 2023-04\nThorn | 41 | 3.5 t | 9 % | 12\n";
        assert_eq!(above(quarters, "Thorn", true), quarters.lines().next().map(str::to_owned));
    }

    #[test]
    fn names_with_figures_in_them_are_heads_and_no_years() {
        let words = "Word | SQL-92 | SQL:2016\nABS | none | reserved\nACOS | none | none\n";
        assert_eq!(above(words, "ACOS", false).as_deref(), Some("Word | SQL-92 | SQL:2016"));
        let share = "Share of the eels of that gate which were counted before midnight";
        let long = format!("Gate | {share} in 2022, by keepers | {share} in 2023, by keepers");
        let sheet = format!("{long}\nThorn | 4 | 5\nAlder | 6 | 7\n");
        assert_eq!(above(&sheet, "Alder", false), Some(long));
        let years = "Year | Gate | Keeper\n2016 | Thorn | Lind\n2017 | Alder | Lind\n";
        assert_eq!(above(years, "2017", false).as_deref(), Some("Year | Gate | Keeper"));
        let link = |of: &str| {
            format!(
                "{of} | https://eels.org/counts/of/the/keepers/{of} | https://eels.org/tables/of/gates/{of}\n"
            )
        };
        let links = format!("what | counts | tables\n{}{}{}", link("a"), link("2016"), link("b"));
        assert_eq!(above(&links, "b |", false).as_deref(), Some("what | counts | tables"));
    }

    #[test]
    fn figures_that_could_be_years_are_figures() {
        let text =
            "Ladder | 2023 | 2022\nFirst | 1036 | 2036\nSecond | 1500 | 1800\n1200 | 1350\nThird | 4 | 5\n";
        assert_eq!(above(text, "Third", true).as_deref(), Some("Ladder | 2023 | 2022"));
        let twice = "First | 4 | 5\n | 2022 | 2021 | 2020 | 2022 | 2021 | 2020\nThird | 4 | 5\n";
        assert_eq!(above(twice, "Third", true).as_deref(), Some("| 2022 | 2021 | 2020 | 2022 | 2021 | 2020"));
    }

    #[test]
    fn a_row_of_dates_is_of_heads() {
        let text = "Eels | 1 | 2\nJuly 29, 2023 | May 28, 2023 | July 30, 2022\nTrout | 41 | 38 | 35\n";
        assert_eq!(above(text, "Trout", true).as_deref(), text.lines().nth(1));
    }

    #[test]
    fn what_is_said_in_a_cell_ends_no_table_that_is_laid_out_anew() {
        let text = "River | Eels | Note\nThorn | 412 | Counted twice.\nTern | 9 | None\n";
        assert_eq!(above(text, "Tern", false).as_deref(), Some("River | Eels | Note"));
        assert_eq!(above(text, "Tern", true), None, "on a page it may be prose");
    }

    #[test]
    fn the_heads_of_a_wide_sheet_are_told() {
        let heads = (0..40).map(|number| format!("measure {number}")).collect::<Vec<_>>().join(" | ");
        let text = format!("{heads}\n{}\n", "7 | ".repeat(39) + "8 kg");
        assert_eq!(above(&text, "8 kg", false), Some(heads));
    }

    #[test]
    fn rows_that_were_run_together_are_rows_and_long_lines_are_no_heads() {
        let together =
            "2023 2022\nBoats $ 1,441 $ 1,238 Oars 41.5 38.2\nNets | 7 | 9\n2021\nSails 1,300 1,200\n";
        assert_eq!(above(together, "Oars", true).as_deref(), Some("2023 2022"));
        assert_eq!(above(together, "Nets", true).as_deref(), Some("2023 2022"));
        assert_eq!(above(together, "Sails", true).as_deref(), Some("2021"));
        let long = format!(
            "2023 2022\nBoats | 41 | 38\n{} in the year before:\nNets | 7 | 9\n",
            "and so on ".repeat(20)
        );
        assert_eq!(above(&long, "Nets", true), None);
    }

    #[test]
    fn without_pages_a_table_ends_with_a_blank_line() {
        let text = "| River | Eels |\n|---|---|\n| Thorn | 412 |\n\n## Boats\n\n| Tern | 9 |\n";
        assert_eq!(above(text, "Thorn", false).as_deref(), Some("| River | Eels |"));
        assert_eq!(above(text, "Tern", false), None);
    }

    #[test]
    fn a_text_may_begin_inside_a_table() {
        let text = "Nets | 7 | 9\nLoans | 12 | 14\n\n | 2019 | 2018\nBoats | 29 | 28\n";
        let of = |cell: &str| {
            let at = text.find(cell).unwrap();
            columns_of(text, Some("2023 2022"), at..at + 1, true)
        };
        assert_eq!(of("Loans").as_deref(), Some("2023 2022"));
        assert_eq!(of("Boats").as_deref(), Some("| 2019 | 2018"));
    }
}
