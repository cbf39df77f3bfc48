//! The version of the data folder: what is older opens, what is newer is refused before anything in
//! it is touched.

use std::io;
use std::path::Path;

use thiserror::Error;

/// The version this program writes. Folders without one were written before it was noted, and are
/// like version 1.
pub const FORMAT: u32 = 1;

const FILE: &str = "format";
/// There while a backup is being restored into the folder.
const RESTORING: &str = "restoring";

/// Why a data folder is not opened.
#[derive(Debug, Error)]
pub enum FormatError {
    /// A later program wrote it.
    #[error(
        "it was written by a newer ibid (format {found}; this one knows up to {FORMAT}): use that one, or bring \
         back a backup made before the upgrade with `ibid restore FILE DIR`"
    )]
    Newer {
        /// Its version.
        found: u32,
    },
    /// Its version can't be read.
    #[error(
        "its file `{FILE}` is damaged: it should hold the number {FORMAT}. Keep the folder as it is, and bring \
         back the last backup into a new one with `ibid restore FILE DIR`"
    )]
    Damaged,
    /// A restore into it never came to its end.
    #[error("a backup was being restored into it and not all of it arrived: remove it and restore again")]
    HalfRestored,
    /// The system refused.
    #[error("its file `{FILE}` can't be used: {0}")]
    Io(#[from] io::Error),
}

/// Checks that this program may open the folder, and notes the version in one that has none.
///
/// # Errors
/// Every [`FormatError`].
pub fn check(data: &Path) -> Result<(), FormatError> {
    if data.join(RESTORING).exists() {
        return Err(FormatError::HalfRestored);
    }
    match std::fs::read_to_string(data.join(FILE)) {
        Ok(text) => match text.trim().parse() {
            Ok(1..=FORMAT) => Ok(()),
            Ok(found) if found > FORMAT => Err(FormatError::Newer { found }),
            _ => Err(FormatError::Damaged),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(note(data)?),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(FormatError::Damaged),
        Err(error) => Err(error.into()),
    }
}

fn note(data: &Path) -> io::Result<()> {
    // Whole or absent: a crash must not leave a number cut short.
    let written = data.join("format.new");
    std::fs::write(&written, format!("{FORMAT}\n"))?;
    std::fs::File::open(&written)?.sync_all()?;
    std::fs::rename(written, data.join(FILE))?;
    std::fs::File::open(data)?.sync_all()
}

/// Keeps the folder shut until [`end_restore`].
pub(crate) fn begin_restore(data: &Path) -> io::Result<()> {
    std::fs::File::create_new(data.join(RESTORING))?.sync_all()?;
    std::fs::File::open(data)?.sync_all()
}

/// Lets the folder be opened.
pub(crate) fn end_restore(data: &Path) -> io::Result<()> {
    note(data)?;
    std::fs::remove_file(data.join(RESTORING))?;
    std::fs::File::open(data)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_folders_open_and_newer_or_damaged_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        check(folder.path()).unwrap();
        check(folder.path()).unwrap();
        for (text, opens) in
            [("1\n", true), ("2", false), ("99", false), ("", false), ("0", false), ("x", false)]
        {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(check(folder.path()).is_ok(), opens, "{text:?}");
        }
        std::fs::write(folder.path().join(FILE), "2").unwrap();
        assert!(matches!(check(folder.path()), Err(FormatError::Newer { found: 2 })));
        std::fs::write(folder.path().join(FILE), b"\xff\xfe").unwrap();
        assert!(matches!(check(folder.path()), Err(FormatError::Damaged)));
    }
}
