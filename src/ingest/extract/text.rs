//! Plain text, source code, JSON and XML, kept as written; and comma-separated values, a row a line.

use super::ExtractError;
use super::compose::Composer;

pub(super) fn read(text: &str, out: &mut Composer) -> Result<(), ExtractError> {
    out.verbatim(text)
}

/// Rows keep their words together, cells joined by ` | `; quoted cells may hold line feeds.
pub(super) fn read_csv(text: &str, name: &str, out: &mut Composer) -> Result<(), ExtractError> {
    let tabs = [".tsv", ".tab"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    let delimiter = if tabs { '\t' } else { delimiter(text) };
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            c if quoted => cell.push(c),
            c if c == delimiter => cells.push(std::mem::take(&mut cell)),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                cells.push(std::mem::take(&mut cell));
                out.row(&cells)?;
                cells.clear();
            }
            c => cell.push(c),
        }
    }
    cells.push(cell);
    out.row(&cells)
}

/// The candidate that occurs most in the first lines.
fn delimiter(text: &str) -> char {
    let count = |c: char| text.lines().take(10).map(|line| line.matches(c).count()).sum::<usize>();
    [',', ';', '\t', '|'].into_iter().rev().max_by_key(|c| count(*c)).unwrap_or(',')
}
