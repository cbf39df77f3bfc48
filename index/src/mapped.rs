//! The folder whose files an index has mapped into memory. The engine notes every file it ever maps and
//! forgets none by itself, so that a server that is written to for weeks would grow with each commit.

use std::path::Path;

use tantivy::directory::MmapDirectory;

use crate::error::IndexError;

/// A folder, or none for an index in memory.
pub(crate) struct Mapped(Option<MmapDirectory>);

impl Mapped {
    pub(crate) fn open(path: &Path) -> Result<(Self, MmapDirectory), IndexError> {
        let directory = MmapDirectory::open(path).map_err(tantivy::TantivyError::from)?;
        Ok((Self(Some(directory.clone())), directory))
    }

    pub(crate) const fn nothing() -> Self {
        Self(None)
    }

    /// Forgets the files that nobody reads any more; cheap, for after each change.
    pub(crate) fn forget_unread(&self) {
        if let Some(directory) = &self.0 {
            // To be asked what it has mapped is when the engine looks what it no longer has.
            let _ = directory.get_cache_info();
        }
    }
}
