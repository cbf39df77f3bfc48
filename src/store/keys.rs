//! Every key of the store, in one place. Ids are UUIDv7, so keys of a kind sort by time.

use jiff::Timestamp;
use uuid::Uuid;

/// All documents.
pub const DOCUMENTS: &str = "document/";
/// All sessions, most recently used first.
pub const RECENT_SESSIONS: &str = "recent/";
/// All messages of all sessions.
pub const MESSAGES: &str = "message/";
/// All answers being made.
pub const RUNS: &str = "run/";

/// All requests that carried a key.
pub const IDEMPOTENCY: &str = "idempotency/";

/// A request that carried a key, by its digest.
#[must_use]
pub fn idempotency(digest: &str) -> String {
    format!("{IDEMPOTENCY}{digest}")
}

/// A document.
#[must_use]
pub fn document(id: Uuid) -> String {
    format!("{DOCUMENTS}{id}")
}

/// The document with these bytes in this collection.
#[must_use]
pub fn document_by_version(collection: Option<&str>, version: &str) -> String {
    format!("by-version/{}/{version}", segment(collection.unwrap_or("")))
}

/// The newest document of this name in this collection.
#[must_use]
pub fn document_by_name(collection: Option<&str>, name: &str) -> String {
    format!("by-name/{}/{}", segment(collection.unwrap_or("")), segment(name))
}

/// A session.
#[must_use]
pub fn session(id: Uuid) -> String {
    format!("session/{id}")
}

/// A session's place in the list of sessions, latest first.
#[must_use]
pub fn recent_session(updated_at: Timestamp, id: Uuid) -> String {
    let millisecond = u64::try_from(updated_at.as_millisecond()).unwrap_or(0);
    format!("{RECENT_SESSIONS}{:016x}/{id}", u64::MAX - millisecond)
}

/// All messages of a session.
#[must_use]
pub fn messages(session: Uuid) -> String {
    format!("{MESSAGES}{session}/")
}

/// A message.
#[must_use]
pub fn message(session: Uuid, id: Uuid) -> String {
    format!("{MESSAGES}{session}/{id}")
}

/// All reactions to the answers of a session.
#[must_use]
pub fn reactions(session: Uuid) -> String {
    format!("reaction/{session}/")
}

/// A reader's reaction to an answer.
#[must_use]
pub fn reaction(session: Uuid, message: Uuid, reader: &str) -> String {
    format!("{}{message}/{}", reactions(session), segment(reader))
}

/// All citations of a document.
#[must_use]
pub fn citations(document: Uuid) -> String {
    format!("cited/{document}/")
}

/// A citation of a document: the later the answer, the later the key, and within an answer the
/// other way round, so that read backwards the latest answers come first and each from its beginning.
#[must_use]
pub fn citation(document: Uuid, message: Uuid, place: u32) -> String {
    format!("{}{message}/{:08x}", citations(document), u32::MAX - place)
}

/// An answer being made.
#[must_use]
pub fn run(message: Uuid) -> String {
    format!("{RUNS}{message}")
}

/// A part of a key that may hold any character: its slashes and percent signs are escaped, so
/// that it can't reach into another part.
fn segment(text: &str) -> String {
    text.replace('%', "%25").replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_slashes_stays_one_segment() {
        assert_ne!(document_by_name(Some("a/b"), "c"), document_by_name(Some("a"), "b/c"));
        assert_eq!(document_by_name(None, "a/b%"), "by-name//a%2Fb%25");
    }

    #[test]
    fn later_sessions_sort_first() {
        let id = Uuid::nil();
        let early = Timestamp::from_millisecond(1_000).unwrap();
        let late = Timestamp::from_millisecond(2_000).unwrap();
        assert!(recent_session(late, id) < recent_session(early, id));
    }
}
