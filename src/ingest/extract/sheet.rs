//! Excel workbooks: a sheet is a heading, a row a line with its cells joined. Cells are streamed,
//! since a sheet with one cell in its far corner would be huge as a table.

use std::io::Cursor;

use calamine::{Data, DataRef, ExcelDateTime, Reader, Xls, Xlsx, XlsxError};

use super::archive::Archive;
use super::compose::Composer;
use super::{ExtractError, Limits, xml};

const FORMAT: &str = "Excel workbook";
/// A row keeps columns apart up to this many empty cells in a row.
const MAX_EMPTY_CELLS: u32 = 16;

pub(super) fn read_xlsx(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    // calamine unpacks without bounds of its own.
    archive.check_all()?;
    if let Some(core) = archive.read_if_there("docProps/core.xml")? {
        out.title = xml::first_text(&core, FORMAT, limits, "title");
    }
    drop(archive);
    let damaged = |error: XlsxError| match error {
        XlsxError::Password => ExtractError::Encrypted { format: FORMAT.to_owned() },
        error => ExtractError::damaged(FORMAT, error),
    };
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    for name in book.sheet_names() {
        let mut cells = match book.worksheet_cells_reader(&name) {
            Ok(cells) => cells,
            Err(error) => {
                out.note(&format!("sheet {name} could not be read: {error}"));
                continue;
            }
        };
        out.heading(1, &name)?;
        let mut row = Row::default();
        while let Some(cell) = cells.next_cell().map_err(damaged)? {
            let (line, column) = cell.get_position();
            let words = match cell.get_value() {
                DataRef::SharedString(words) => (*words).to_owned(),
                DataRef::DateTime(time) => date(time),
                value => Data::from(value.clone()).to_string(),
            };
            row.put(line, column, words, out)?;
        }
        row.finish(out)?;
    }
    finish(out)
}

pub(super) fn read_xls(bytes: &[u8], out: &mut Composer) -> Result<(), ExtractError> {
    let mut book: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
        calamine::XlsError::Password => ExtractError::Encrypted { format: FORMAT.to_owned() },
        error => ExtractError::damaged(FORMAT, error),
    })?;
    for name in book.sheet_names() {
        let Ok(range) = book.worksheet_range(&name) else {
            out.note(&format!("sheet {name} could not be read"));
            continue;
        };
        out.heading(1, &name)?;
        let mut row = Row::default();
        for (line, column, value) in range.used_cells() {
            let words = match value {
                Data::DateTime(time) => date(time),
                value => value.to_string(),
            };
            let place = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
            row.put(place(line), place(column), words, out)?;
        }
        row.finish(out)?;
    }
    finish(out)
}

fn finish(out: &Composer) -> Result<(), ExtractError> {
    if out.has_text() { Ok(()) } else { Err(ExtractError::no_text(FORMAT, "upload one with filled cells")) }
}

#[derive(Default)]
struct Row {
    line: u32,
    next_column: u32,
    cells: Vec<String>,
}

impl Row {
    fn put(&mut self, line: u32, column: u32, words: String, out: &mut Composer) -> Result<(), ExtractError> {
        if words.trim().is_empty() {
            return Ok(());
        }
        if line != self.line {
            self.finish(out)?;
            self.line = line;
        }
        if !self.cells.is_empty() {
            let empty = column.saturating_sub(self.next_column).min(MAX_EMPTY_CELLS);
            self.cells.extend((0..empty).map(|_| String::new()));
        }
        self.cells.push(words);
        self.next_column = column.saturating_add(1);
        Ok(())
    }

    fn finish(&mut self, out: &mut Composer) -> Result<(), ExtractError> {
        out.row(&std::mem::take(&mut self.cells))
    }
}

/// ISO 8601, with the time of day where there is one.
fn date(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    if time.is_duration() {
        let seconds = (time.as_f64() * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    if (hour, minute, second) == (0, 0, 0) {
        format!("{year}-{month:02}-{day:02}")
    } else {
        format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}
