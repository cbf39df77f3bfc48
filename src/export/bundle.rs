//! The bundle: a session with all that its citations rest on, and a seal over the whole. What holds
//! in it, and what does not any more, is for [`crate::verify`] to say.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Wanted;
use crate::access::Caller;
use crate::app::App;
use crate::document::{Document, PassageId, Status};
use crate::session::{Message, Role, Session};
use crate::store::keys;
use crate::{Error, sessions};

/// What a bundle calls itself.
pub const FORMAT: &str = "ibid-export";
/// The version of the format.
pub const VERSION: u32 = 1;
/// The most text that a bundle carries, in bytes.
const MAX_TEXT_BYTES: usize = 256 * 1024 * 1024;

/// A session to keep and to check.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Bundle {
    /// Always `ibid-export`.
    pub format: String,
    /// The version of the format, now 1.
    pub version: u32,
    /// When it was made.
    pub exported_at: Timestamp,
    /// The session.
    pub session: Session,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// The documents that were cited, given to a writer or noted from, as far as they still exist.
    pub documents: Vec<BundledDocument>,
    /// The passages around each citation, and those given to a writer.
    pub passages: Vec<BundledPassage>,
    /// SHA-256 over everything else, see [`seal`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal: String,
}

/// A document as a bundle knows it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BundledDocument {
    /// The document; its `version` is the SHA-256 of the original bytes.
    #[serde(flatten)]
    pub document: Document,
    /// SHA-256 of the stored text, in hex.
    pub text_sha256: String,
    /// The stored text, if it was asked for: all ranges are byte offsets into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Words of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BundledPassage {
    /// The document.
    pub document_id: Uuid,
    /// The passage; a longer stretch given to a writer is named by the passage that matched.
    pub passage_id: PassageId,
    /// First byte in the stored text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The words themselves.
    pub text: String,
}

/// Writes a bundle with its seal: SHA-256 over every key and value of the rest, objects by their
/// keys in order, so that indenting or reordering the file does not break it. A number with a
/// fraction counts with four digits of it.
#[must_use]
pub fn seal(bundle: &Bundle) -> Vec<u8> {
    let unsealed = Bundle { seal: String::new(), ..bundle.clone() };
    let mut value = to_value(&unsealed);
    let seal = seal_of(&value);
    if let Value::Object(fields) = &mut value {
        fields.insert("seal".to_owned(), Value::String(seal));
    }
    serde_json::to_vec_pretty(&value)
        .unwrap_or_else(|error| unreachable!("a JSON value always encodes: {error}"))
}

/// The seal that belongs to a bundle as it was read.
pub(crate) fn seal_of(bundle: &Value) -> String {
    let mut hasher = Sha256::new();
    digest(bundle, &mut hasher, true);
    crate::hex(&hasher.finalize())
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    crate::hex(&Sha256::digest(bytes))
}

/// By way of its text, where numbers stand as in every other answer of the server.
fn to_value(bundle: &Bundle) -> Value {
    serde_json::to_vec(bundle)
        .and_then(|text| serde_json::from_slice(&text))
        .unwrap_or_else(|error| unreachable!("bundles are plain data with string keys: {error}"))
}

/// Lengths go before contents, so that no two values read alike.
fn digest(value: &Value, hasher: &mut Sha256, is_top: bool) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(truth) => hasher.update(if *truth { b"t" } else { b"f" }),
        Value::Number(number) => {
            let text = match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => number.to_string(),
                (_, Some(number), _) => number.to_string(),
                (.., number) => format!("{:.4}", number.unwrap_or_default()),
            };
            hasher.update(format!("d{}:{text}", text.len()));
        }
        Value::String(text) => hasher.update(format!("s{}:{text}", text.len())),
        Value::Array(items) => {
            hasher.update(format!("a{}:", items.len()));
            items.iter().for_each(|item| digest(item, hasher, false));
        }
        Value::Object(fields) => {
            let fields: BTreeMap<&String, &Value> =
                fields.iter().filter(|(name, _)| !(is_top && *name == "seal")).collect();
            hasher.update(format!("o{}:", fields.len()));
            for (name, value) in fields {
                hasher.update(format!("k{}:{name}", name.len()));
                digest(value, hasher, false);
            }
        }
    }
}

/// Reads everything an export is made from.
pub(super) async fn gather(
    app: &App,
    caller: &Caller,
    session: Uuid,
    wanted: Wanted,
) -> Result<Bundle, Error> {
    let stored = sessions::get(app, caller, session).await?.value;
    let placed = sessions::history(app, &stored).await?;
    let messages = match wanted.message {
        None => placed.into_iter().filter(|placed| placed.active).map(|placed| placed.message).collect(),
        Some(id) => only(placed.into_iter().map(|placed| placed.message).collect(), id)?,
    };
    let with_text = wanted.documents && wanted.format == super::Format::Json;
    let mut documents = Vec::new();
    let mut room = MAX_TEXT_BYTES;
    for id in named(&messages) {
        let Some(document) = document(app, caller, id, with_text, &mut room).await? else { continue };
        documents.push(document);
    }
    let passages = passages(app, &messages, &documents).await?;
    Ok(Bundle {
        format: FORMAT.to_owned(),
        version: VERSION,
        exported_at: app.store.now(),
        session: stored,
        messages,
        documents,
        passages,
        seal: String::new(),
    })
}

/// A message with the one it belongs to: an answer with its question, a question with its answers.
fn only(messages: Vec<Message>, id: Uuid) -> Result<Vec<Message>, Error> {
    let Some(wanted) = messages.iter().find(|message| message.id == id) else {
        return Err(Error::NotFound { what: "message", id: id.to_string() });
    };
    let question = wanted.parent_id;
    let is_answer = wanted.role == Role::Assistant;
    let belongs = |message: &Message| {
        message.id == id
            || (is_answer && Some(message.id) == question)
            || (!is_answer && message.parent_id == Some(id))
    };
    Ok(messages.into_iter().filter(|message| belongs(message)).collect())
}

/// Every document that messages name, in the order of their ids.
fn named(messages: &[Message]) -> BTreeSet<Uuid> {
    let mut ids = BTreeSet::new();
    for message in messages {
        ids.extend(message.citations.iter().map(|citation| citation.document_id));
        ids.extend(message.sources.iter().map(|source| source.document_id));
        let results = message.steps.iter().filter_map(|step| step.result.as_ref());
        ids.extend(results.flat_map(|result| &result.notes).map(|note| note.passage_id.document));
    }
    ids
}

/// A document, if it is still there and the caller may still read it.
async fn document(
    app: &App,
    caller: &Caller,
    id: Uuid,
    with_text: bool,
    room: &mut usize,
) -> Result<Option<BundledDocument>, Error> {
    let Some(stored) = app.store.get::<Document>(&keys::document(id)).await? else { return Ok(None) };
    if stored.value.status != Status::Ready || !caller.may_read(app, &stored.value).await? {
        return Ok(None);
    }
    let Ok(text) = tokio::fs::read_to_string(app.files.text(id)).await else { return Ok(None) };
    let text_sha256 = sha256(text.as_bytes());
    if with_text {
        *room = room.checked_sub(text.len()).ok_or_else(|| {
            Error::TooLarge(format!(
                "the documents have more than {MAX_TEXT_BYTES} bytes of text; export one answer with \
                 `message`, or leave `documents` out"
            ))
        })?;
    }
    Ok(Some(BundledDocument { document: stored.value, text_sha256, text: with_text.then_some(text) }))
}

/// The passages that are cited or were given to a writer, each stretch once.
async fn passages(
    app: &App,
    messages: &[Message],
    documents: &[BundledDocument],
) -> Result<Vec<BundledPassage>, Error> {
    let known: BTreeSet<Uuid> = documents.iter().map(|known| known.document.id).collect();
    let mut wanted: BTreeMap<(Uuid, usize, usize), PassageId> = BTreeMap::new();
    for message in messages {
        for source in message.sources.iter().filter(|source| known.contains(&source.document_id)) {
            wanted.insert((source.document_id, source.start, source.end), source.passage_id);
        }
        for citation in message.citations.iter().filter(|citation| known.contains(&citation.document_id)) {
            let Ok(layout) = app.files.layout(citation.document_id).await else { continue };
            if let Some(passage) = layout.passages.get(citation.passage_id.ordinal as usize) {
                wanted.insert((citation.document_id, passage.start, passage.end), citation.passage_id);
            }
        }
    }
    let ranges = wanted.keys().map(|(document, start, end)| (*document, *start..*end));
    let texts = app.files.read_texts(ranges.collect()).await?;
    let passages =
        wanted.into_iter().zip(texts).filter_map(|(((document_id, start, end), passage_id), text)| {
            Some(BundledPassage { document_id, passage_id, start, end, text: text.ok()? })
        });
    Ok(passages.collect())
}
