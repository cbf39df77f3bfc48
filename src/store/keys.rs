//! Every key of the store, in one place. Ids are UUIDv7, so keys of a kind sort by time.

use jiff::Timestamp;
use uuid::Uuid;

/// All documents.
pub const DOCUMENTS: &str = "document/";
/// All sessions, most recently used first.
pub const RECENT_SESSIONS: &str = "recent/";
/// All sessions.
pub const SESSIONS: &str = "session/";
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
    format!("{SESSIONS}{id}")
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
    format!("message/{session}/")
}

/// A message.
#[must_use]
pub fn message(session: Uuid, id: Uuid) -> String {
    format!("message/{session}/{id}")
}

/// The session and the message that a key of a message names.
#[must_use]
pub fn answer(key: &str) -> Option<(Uuid, Uuid)> {
    let (session, message) = key.strip_prefix("message/")?.split_once('/')?;
    Some((session.parse().ok()?, message.parse().ok()?))
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
