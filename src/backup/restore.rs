//! From an archive to a data folder. What is in an archive is not trusted: only names that a backup
//! writes are taken, and an original that does not have the bytes of its version is refused.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{END, End, HEAD, Head, OF_DOCUMENT, RECORDS};
use crate::document::Document;
use crate::format::{self, FORMAT};
use crate::space::Space;
use crate::store::{Batch, Line, Store, StoreError, keys};

/// Records restored in one change.
const PAGE: usize = 200;

/// Why an archive was not restored. What was written of the folder is removed again.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// It would be mixed with something else.
    #[error("`{0}` is there already: name a folder that does not exist, or an empty one")]
    NotEmpty(String),
    /// A later program made it.
    #[error(
        "the backup was made by a newer ibid (format {found}; this one knows up to {FORMAT}): use that one"
    )]
    Newer {
        /// Its version.
        found: u32,
    },
    /// It is no backup, or not what a backup was.
    #[error("the backup can't be used: {0}; nothing was restored")]
    Damaged(String),
    /// The store refused.
    #[error("the backup can't be restored: {0}")]
    Store(#[from] StoreError),
    /// The system refused.
    #[error("the backup can't be restored: {0}")]
    Io(#[from] io::Error),
}

/// What was restored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restored {
    /// Documents, in every state.
    pub documents: u64,
    /// Sessions.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
}

/// Makes a data folder of an archive. It can be opened only once all of it is there.
///
/// # Errors
/// Every [`RestoreError`]; then there is no folder.
pub async fn restore(archive: impl Read + Send + 'static, data: &Path) -> Result<Restored, RestoreError> {
    let is_taken =
        std::fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some()) || data.is_file();
    if is_taken {
        return Err(RestoreError::NotEmpty(data.display().to_string()));
    }
    let outcome = restore_into(archive, data).await;
    if outcome.is_err() {
        // It stays shut in any case.
        let _ = std::fs::remove_dir_all(data);
    }
    outcome
}

async fn restore_into(archive: impl Read + Send + 'static, data: &Path) -> Result<Restored, RestoreError> {
    std::fs::create_dir_all(data)?;
    format::begin_restore(data)?;
    let folder = data.to_owned();
    let unpacked = spawn_blocking(move || unpack(archive, &folder)).await.map_err(io::Error::from)??;
    let space = Arc::new(Space::open(data, 0));
    let store = Store::open(&data.join("store"), space).await?;
    let restored = fill(&store, &unpacked).await?;
    drop(store);
    format::end_restore(data)?;
    Ok(restored)
}

/// The files of an archive, in their places.
struct Unpacked {
    records: File,
    end: End,
    /// The digests of the originals.
    versions: BTreeMap<Uuid, String>,
}

fn unpack(archive: impl Read, data: &Path) -> Result<Unpacked, RestoreError> {
    let mut archive = tar::Archive::new(archive);
    let mut records = None;
    let mut versions = BTreeMap::new();
    let mut num_files = 0;
    let mut is_backup = false;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let name = path.to_string_lossy().into_owned();
        match name.as_str() {
            HEAD => {
                let head: Head = json(&mut entry)?;
                if head.format > FORMAT {
                    return Err(RestoreError::Newer { found: head.format });
                }
                is_backup = true;
            }
            _ if !is_backup => return Err(RestoreError::Damaged("it is no backup of ibid".to_owned())),
            RECORDS => {
                let mut file = tempfile::tempfile_in(data)?;
                copy(&mut entry, &mut file)?;
                records = Some(file);
            }
            END => {
                let end: End = json(&mut entry)?;
                let records = records.filter(|_| end.files == num_files);
                let records = records.ok_or_else(|| damaged("some of it is missing"))?;
                return Ok(Unpacked { records, end, versions });
            }
            _ => {
                let place = place(&name).ok_or_else(|| damaged(&format!("it holds a strange `{name}`")))?;
                let folder = data.join(&place);
                let folder = folder.parent().unwrap_or(data);
                std::fs::create_dir_all(folder)?;
                let mut file = File::create_new(data.join(&place))?;
                let digest = copy(&mut entry, &mut file)?;
                file.sync_all()?;
                File::open(folder)?.sync_all()?;
                if let Some(id) = original(&name) {
                    versions.insert(id, digest);
                }
                num_files += 1;
            }
        }
    }
    Err(damaged("it was cut short"))
}

/// Puts the records into the store, without those of what was deleted while the backup was made.
async fn fill(store: &Store, unpacked: &Unpacked) -> Result<Restored, RestoreError> {
    use std::io::Seek as _;
    let Unpacked { records, end, versions } = unpacked;
    (&*records).rewind()?;
    let mut restored = Restored::default();
    let mut num_records = 0;
    let mut batch = Batch::new();
    for (number, line) in BufReader::new(records).lines().enumerate() {
        let line = line?;
        let line: Line<'_> = serde_json::from_str(&line).map_err(|_| damaged("a record can't be read"))?;
        num_records += 1;
        if is_gone(&line, end) {
            continue;
        }
        if let Some(id) = line.key.strip_prefix(keys::DOCUMENTS).and_then(|id| id.parse().ok()) {
            let document: Document = serde_json::from_str(line.value.get())
                .map_err(|_| damaged("a document's record can't be read"))?;
            if versions.get(&id) != Some(&document.version) {
                return Err(damaged(&format!("the original of `{}` is not what it was", document.name)));
            }
            restored.documents += 1;
        }
        restored.sessions += u64::from(line.key.starts_with(keys::SESSIONS));
        restored.messages += u64::from(keys::answer(&line.key).is_some());
        batch = batch.put_line(line);
        if number % PAGE == PAGE - 1 {
            store.commit(std::mem::take(&mut batch)).await?;
        }
    }
    store.commit(batch).await?;
    match num_records == end.records {
        true => Ok(restored),
        false => Err(damaged("some records are missing")),
    }
}

/// Whether a record belongs to something deleted after the moment of the backup.
fn is_gone(line: &Line<'_>, end: &End) -> bool {
    let ids = line.key.split('/').chain([line.value.get().trim_matches('"')]);
    let is_named = ids
        .filter_map(|id| id.parse::<Uuid>().ok())
        .any(|id| end.gone_documents.contains(&id) || end.gone_sessions.contains(&id));
    let of_run = line.key.starts_with(keys::RUNS)
        && end.gone_sessions.iter().any(|session| line.value.get().contains(&session.to_string()));
    is_named || of_run
}

/// Where a file of the archive belongs; None for a name that no backup writes.
fn place(name: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = name.split('/').collect();
    let is_id = |part: &str| part.parse::<Uuid>().is_ok_and(|id| id.to_string() == part);
    let is_ours = match parts[..] {
        ["documents", id, file] => is_id(id) && OF_DOCUMENT.contains(&file),
        ["answers", session, file] => is_id(session) && file.strip_suffix(".jsonl").is_some_and(is_id),
        _ => false,
    };
    is_ours.then(|| parts.iter().collect())
}

fn original(name: &str) -> Option<Uuid> {
    name.strip_prefix("documents/")?.strip_suffix("/original")?.parse().ok()
}

/// Copies all there is and gives its digest.
fn copy(from: &mut impl Read, to: &mut impl io::Write) -> Result<String, RestoreError> {
    let mut digest = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        let length = from.read(&mut piece).map_err(broken)?;
        if length == 0 {
            return Ok(crate::hex(&digest.finalize()));
        }
        digest.update(&piece[..length]);
        to.write_all(&piece[..length])?;
    }
}

fn json<T: DeserializeOwned>(entry: &mut impl Read) -> Result<T, RestoreError> {
    serde_json::from_reader(entry).map_err(|error| damaged(&error.to_string()))
}

fn damaged(words: &str) -> RestoreError {
    RestoreError::Damaged(words.to_owned())
}

/// What the archive itself gives as an error is its damage, not the system's.
#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn broken(error: io::Error) -> RestoreError {
    damaged(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_backup_writes_have_a_place() {
        let id = Uuid::nil();
        assert!(place(&format!("documents/{id}/original")).is_some());
        assert!(place(&format!("answers/{id}/{id}.jsonl")).is_some());
        for name in [
            "../../etc/passwd".to_owned(),
            "/etc/passwd".to_owned(),
            format!("documents/{id}/../x"),
            format!("documents/{id}/original/x"),
            "documents/x/original".to_owned(),
            format!("answers/{id}/{id}.sh"),
            "store/db".to_owned(),
            String::new(),
        ] {
            assert!(place(&name).is_none(), "{name}");
        }
    }
}
