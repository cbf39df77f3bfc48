//! What can go wrong, told apart by what the caller can do about it.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use uuid::Uuid;

/// Why the index could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The folder was written by another version of ibid. Set it aside and rebuild from the store.
    #[error("the index has schema `{found}`, this version needs `{expected}`: rebuild it")]
    OtherSchema {
        /// What the folder says of itself.
        found: String,
        /// What this version writes.
        expected: String,
    },
    /// Files are missing, cut short or altered. Set the folder aside and rebuild from the store.
    #[error("the index is damaged ({0}): rebuild it")]
    Damaged(String),
    /// Another process writes to the folder, and only one may.
    #[error("the index is in use by another process")]
    Locked,
    /// The disk refused. The index is as it was before the call.
    #[error("the index could not be read or written: {0}")]
    Io(#[source] Arc<io::Error>),
    /// A document's passages could not be read. Nothing of the call was applied.
    #[error("the passages of document `{document}` could not be read: {source}")]
    Passages {
        /// The document that was being put.
        document: Uuid,
        /// What its iterator reported.
        source: io::Error,
    },
    /// The search engine broke a rule of its own. The index is as it was before the call.
    #[error("the index failed: {0}")]
    Engine(String),
}

impl From<io::Error> for IndexError {
    fn from(error: io::Error) -> Self {
        from_io(Arc::new(error))
    }
}

impl From<TantivyError> for IndexError {
    fn from(error: TantivyError) -> Self {
        match error {
            TantivyError::IoError(error) => from_io(error),
            TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { io_error, .. })
            | TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. })
            | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error, .. }) => from_io(io_error),
            TantivyError::OpenReadError(OpenReadError::IncompatibleIndex(found))
            | TantivyError::IncompatibleIndex(found) => Self::OtherSchema {
                found: format!("{found:?}"),
                expected: crate::schema::VERSION.to_string(),
            },
            TantivyError::OpenReadError(error) => Self::Damaged(error.to_string()),
            TantivyError::DataCorruption(error) => Self::Damaged(format!("{error:?}")),
            TantivyError::DeserializeError(error) => Self::Damaged(error.to_string()),
            TantivyError::SchemaError(error) => Self::Damaged(error),
            TantivyError::LockFailure(LockError::IoError(error), _) => from_io(error),
            TantivyError::LockFailure(LockError::LockBusy, _) => Self::Locked,
            error => {
                let words = error.to_string();
                told_in(&words).map_or(Self::Engine(words), |error| from_io(Arc::new(error)))
            }
        }
    }
}

/// What the system reported, where its words alone came back from the engine.
fn told_in(words: &str) -> Option<io::Error> {
    let (_, code) = words.rsplit_once("(os error ")?;
    let (code, _) = code.split_once(')')?;
    code.parse().ok().map(io::Error::from_raw_os_error)
}

/// A file that ends too early or holds nonsense is damage, however the engine words it; what the
/// system reports is the disk's doing.
fn from_io(error: Arc<io::Error>) -> IndexError {
    // The engine may have put the system's report into an error of its own.
    let wrapped = if error.raw_os_error().is_none() { told_in(&error.to_string()) } else { None };
    let error = wrapped.map_or(error, Arc::new);
    let is_nonsense = match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => true,
        io::ErrorKind::Other => error.raw_os_error().is_none(),
        _ => false,
    };
    if is_nonsense { IndexError::Damaged(error.to_string()) } else { IndexError::Io(error) }
}

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread is at this moment caught and reported as
/// [`IndexError::Damaged`]: a program's panic hook need not print it.
#[must_use]
pub fn is_guarded() -> bool {
    IS_GUARDED.get()
}

/// Runs `work` and reports a panic in it as damage: the engine trusts its own files, and on
/// altered ones it may slice beyond an end before it notices.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
    let before = IS_GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(before);
    outcome.unwrap_or_else(|panic| Err(IndexError::Damaged(reason(&*panic))))
}

fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unreadable files")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tantivy::TantivyError;

    use super::IndexError;

    #[test]
    fn a_full_disk_is_one_also_when_only_words_tell_of_it() {
        let told = |words: &str| IndexError::from(TantivyError::InternalError(words.to_owned()));
        let full = told("No space left on device (os error 28)");
        assert!(matches!(&full, IndexError::Io(error) if error.kind() == ErrorKind::StorageFull), "{full}");
        let wrapped = IndexError::from(std::io::Error::other("No space left on device (os error 28)"));
        assert!(
            matches!(&wrapped, IndexError::Io(error) if error.kind() == ErrorKind::StorageFull),
            "{wrapped}"
        );
        for words in ["the merge ended", "it says (os error", "(os error none)"] {
            assert!(matches!(told(words), IndexError::Engine(_)), "{words}");
        }
    }
}
