//! Every key of the store, in one place. Ids are UUIDv7, so keys of a kind sort by time.

use jiff::Timestamp;
use uuid::Uuid;

use crate::access::User;

/// All documents.
pub const DOCUMENTS: &str = "document/";
/// All messages of all sessions.
pub const MESSAGES: &str = "message/";
/// All answers being made.
pub const RUNS: &str = "run/";

/// All sessions.
pub const SESSIONS: &str = "session/";
/// All sessions that have expired.
pub const EXPIRED: &str = "expired/";
/// All API keys.
pub const KEYS: &str = "key/";
/// What all answers being made hold of quotas.
pub const HELD: &str = "held/";
/// What all users have used.
pub const USAGE: &str = "usage/";
/// The period of what is counted for good.
pub const ALL_TIME: &str = "all";

/// All stream sessions.
pub const STREAM_SESSIONS: &str = "stream/";
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

/// The list of a user's documents. The local user's is that of all records, others have one of ids.
#[must_use]
pub fn documents_of(owner: &User) -> String {
    of(owner, DOCUMENTS)
}

/// A user's document with these bytes in this collection.
#[must_use]
pub fn document_by_version(owner: &User, collection: Option<&str>, version: &str) -> String {
    of(owner, &format!("by-version/{}/{version}", segment(collection.unwrap_or(""))))
}

/// A user's newest document of this name in this collection.
#[must_use]
pub fn document_by_name(owner: &User, collection: Option<&str>, name: &str) -> String {
    of(owner, &format!("by-name/{}/{}", segment(collection.unwrap_or("")), segment(name)))
}

/// Where a document stands for searches: with its owner, or in a collection of theirs.
#[must_use]
pub fn place(owner: &User, collection: Option<&str>) -> String {
    let owner = segment(owner.as_str());
    collection.map_or(owner.clone(), |collection| format!("{owner}/{}", segment(collection)))
}

/// With whom all of a user's collections are shared.
#[must_use]
pub fn sharings(owner: &User) -> String {
    format!("sharing/{}/", segment(owner.as_str()))
}

/// With whom a collection is shared.
#[must_use]
pub fn sharing(owner: &User, collection: &str) -> String {
    format!("{}{}", sharings(owner), segment(collection))
}

/// What others share with a user, or with everyone.
#[must_use]
pub fn grants(reader: Option<&User>) -> String {
    format!("grant/{}/", reader.map(|reader| segment(reader.as_str())).unwrap_or_default())
}

/// That a collection is shared with a user, or with everyone.
#[must_use]
pub fn grant(reader: Option<&User>, owner: &User, collection: &str) -> String {
    format!("{}{}/{}", grants(reader), segment(owner.as_str()), segment(collection))
}

/// A session.
#[must_use]
pub fn session(id: Uuid) -> String {
    format!("{SESSIONS}{id}")
}

/// A user's sessions, most recently used first: all, or those of a project, a task, or both.
#[must_use]
pub fn recent_sessions(owner: &User, project: Option<&str>, task: Option<&str>) -> String {
    match (project, task) {
        (None, None) => of(owner, "recent/"),
        (project, task) => {
            let [project, task] = [project, task].map(|name| segment(name.unwrap_or_default()));
            of(owner, &format!("recent-in/{project}/{task}/"))
        }
    }
}

/// A session's place in such a list.
#[must_use]
pub fn recent_session(list: &str, updated_at: Timestamp, id: Uuid) -> String {
    let millisecond = u64::try_from(updated_at.as_millisecond()).unwrap_or(0);
    format!("{list}{:016x}/{id}", u64::MAX - millisecond)
}

/// A stream session.
#[must_use]
pub fn stream_session(id: Uuid) -> String {
    format!("{STREAM_SESSIONS}{id}")
}

/// How often a stream session was opened.
#[must_use]
pub fn openings(stream_session: Uuid) -> String {
    format!("openings/{stream_session}")
}

/// The session that a user's client gave this name.
#[must_use]
pub fn chat(owner: &User, name: &str) -> String {
    of(owner, &format!("chat/{}", segment(name)))
}

/// That a session has expired.
#[must_use]
pub fn expired(session: Uuid) -> String {
    format!("{EXPIRED}{session}")
}

/// An API key, by its digest.
#[must_use]
pub fn key(digest: &str) -> String {
    format!("{KEYS}{digest}")
}

/// What an answer being made holds of its user's quota.
#[must_use]
pub fn held(message: Uuid) -> String {
    format!("{HELD}{message}")
}

/// How much of something a user has used in a period.
#[must_use]
pub fn usage(period: &str, user: &User, what: &str) -> String {
    format!("{USAGE}{period}/{}/{what}", segment(user.as_str()))
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
pub fn reaction(session: Uuid, message: Uuid, reader: &User) -> String {
    format!("{}{message}/{}", reactions(session), segment(reader.as_str()))
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

/// The session and the message that a key of a message names.
#[must_use]
pub fn answer(key: &str) -> Option<(Uuid, Uuid)> {
    let (session, message) = key.strip_prefix(MESSAGES)?.split_once('/')?;
    Some((session.parse().ok()?, message.parse().ok()?))
}

/// An answer being made.
#[must_use]
pub fn run(message: Uuid) -> String {
    format!("{RUNS}{message}")
}

/// A key among those of a user. The local user's stand alone: they were there before any other.
fn of(user: &User, key: &str) -> String {
    if user.is_local() { key.to_owned() } else { format!("of/{}/{key}", segment(user.as_str())) }
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
        let local = User::default();
        assert_ne!(document_by_name(&local, Some("a/b"), "c"), document_by_name(&local, Some("a"), "b/c"));
        assert_eq!(document_by_name(&local, None, "a/b%"), "by-name//a%2Fb%25");
    }

    #[test]
    fn no_name_reaches_into_the_keys_of_another_user() {
        let user = |name: &str| User::new(name).unwrap();
        assert!(recent_sessions(&user("a"), None, None).starts_with("of/a/"));
        assert!(!recent_sessions(&user("a/recent"), None, None).starts_with("of/a/"));
        assert_ne!(grants(None), grants(Some(&user("%"))));
        assert_ne!(place(&user("a/b"), None), place(&user("a"), Some("b")));
    }

    #[test]
    fn no_project_reaches_into_the_list_of_another_or_of_a_task() {
        let local = User::default();
        let list = |project, task| recent_sessions(&local, project, task);
        let lists =
            [list(None, None), list(Some("a"), None), list(None, Some("a")), list(Some("a"), Some("a"))];
        for (at, one) in lists.iter().enumerate() {
            let others = lists.iter().enumerate().filter(|(other, _)| *other != at);
            assert!(others.into_iter().all(|(_, other)| !other.starts_with(one.as_str())), "{one}");
        }
        assert_ne!(list(Some("a/a"), None), list(Some("a"), Some("a")));
    }

    #[test]
    fn later_sessions_sort_first() {
        let id = Uuid::nil();
        let early = Timestamp::from_millisecond(1_000).unwrap();
        let late = Timestamp::from_millisecond(2_000).unwrap();
        let local = User::default();
        let all = recent_sessions(&local, None, None);
        assert!(recent_session(&all, late, id) < recent_session(&all, early, id));
    }
}
