//! Which answers cite a document, and where: a small record a citation, written in the commit that
//! stores the end of its answer and removed with the session or the document.

use std::collections::HashMap;
use std::io;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::Caller;
use crate::app::App;
use crate::event::{Citation, Event};
use crate::runs::RunKey;
use crate::session::{Message, Session};
use crate::store::{Batch, Order, Record, keys};
use crate::{Error, documents};

/// Records read at a time.
const PAGE: usize = 200;

/// What is kept of a citation, under the document it cites.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct CitedRecord {
    session: Uuid,
    message: Uuid,
    citation: Citation,
}

/// A place where an answer cites a document.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CitedPlace {
    /// The session.
    pub session_id: Uuid,
    /// The title of the session.
    pub session_title: String,
    /// The answer.
    pub message_id: Uuid,
    /// When the answer was begun.
    pub created_at: Timestamp,
    /// What is cited, and where in the answer.
    #[serde(flatten)]
    pub citation: Citation,
}

/// Up to `limit` citations of a document in answers of the caller, the latest answers first, and where the next page begins.
/// With a page, only those whose quote begins there.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn cited(
    app: &App,
    caller: &Caller,
    document: Uuid,
    page: Option<u32>,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<CitedPlace>, Option<String>), Error> {
    documents::get(app, caller, document).await?;
    let prefix = keys::citations(document);
    let mut after = after.map(str::to_owned);
    let mut places = Vec::new();
    let mut last_taken = None;
    loop {
        let records =
            app.store.scan::<CitedRecord>(&prefix, after.as_deref(), PAGE, Order::Descending).await?;
        let Some((last, _)) = records.last() else { return Ok((places, None)) };
        after = Some(last.clone());
        let known = known(app, caller, &records).await?;
        for (key, record) in records {
            let CitedRecord { session, message, citation } = record.value;
            // A crash in the middle of a deletion can leave a citation without its answer.
            let Some((title, created_at)) = known.get(&message) else { continue };
            if page.is_some_and(|page| citation.page != Some(page)) {
                continue;
            }
            if places.len() == limit {
                return Ok((places, last_taken));
            }
            let (session_title, created_at) = (title.clone(), *created_at);
            let (session_id, message_id) = (session, message);
            places.push(CitedPlace { session_id, session_title, message_id, created_at, citation });
            last_taken = Some(key);
        }
    }
}

/// The answers of these citations that are still there, and the caller's: the title of the session, and the time.
async fn known(
    app: &App,
    caller: &Caller,
    records: &[(String, Record<CitedRecord>)],
) -> Result<HashMap<Uuid, (String, Timestamp)>, Error> {
    let mut answers: Vec<(Uuid, Uuid)> =
        records.iter().map(|(_, record)| (record.value.session, record.value.message)).collect();
    answers.dedup();
    let session_keys: Vec<String> = answers.iter().map(|(session, _)| keys::session(*session)).collect();
    let message_keys: Vec<String> =
        answers.iter().map(|(session, message)| keys::message(*session, *message)).collect();
    let sessions = app.store.get_many::<Session>(&session_keys).await?;
    let messages = app.store.get_many::<Message>(&message_keys).await?;
    let both = sessions.into_iter().zip(messages).filter_map(|(session, message)| {
        let (session, message) = (session?.value, message?.value);
        (session.owner == caller.user).then_some((message.id, (session.title, message.created_at)))
    });
    Ok(both.collect())
}

/// Adds the citations of an answer to a change.
pub(super) fn put<'a>(batch: Batch, key: RunKey, citations: impl IntoIterator<Item = &'a Citation>) -> Batch {
    (0..).zip(citations).fold(batch, |batch, (place, citation)| {
        let record = CitedRecord { session: key.session, message: key.message, citation: citation.clone() };
        batch.put(keys::citation(citation.document_id, key.message, place), &record)
    })
}

/// Adds the removal of an answer's citations to a change.
pub(super) async fn delete(app: &App, batch: Batch, key: RunKey) -> Result<Batch, Error> {
    let events = match app.runs.events(key).await {
        Ok(events) => events,
        // A question, or an answer that was never begun.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(batch),
        Err(error) => return Err(error.into()),
    };
    Ok((0..).zip(citations(&events)).fold(batch, |batch, (place, citation)| {
        batch.delete(keys::citation(citation.document_id, key.message, place))
    }))
}

/// The citations among the events of an answer, in their order.
pub(super) fn citations(answer: &[Event]) -> impl Iterator<Item = &Citation> {
    answer.iter().filter_map(|event| match event {
        Event::Citation { citation } => Some(citation),
        _ => None,
    })
}
