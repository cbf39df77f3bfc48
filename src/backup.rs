//! Backups: one archive with every record of the store as it was at one moment and every file that
//! these records name, made beside whatever else goes on. The index is not in it, since it can be
//! made anew. Restoring checks each original against its version and leaves the rest to `App::open`.

mod restore;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Error;
use crate::app::App;
use crate::format::FORMAT;
use crate::session::{Message, Role};
use crate::store::{Line, keys};

pub use restore::{RestoreError, Restored, restore};

/// The first entry: what the archive is.
const HEAD: &str = "ibid-backup.json";
/// The records, as [`Line`]s.
const RECORDS: &str = "store.jsonl";
/// The last entry: without it the archive was cut short.
const END: &str = "end.json";
/// The files of a document.
const OF_DOCUMENT: [&str; 3] = ["original", "text", "layout.json"];

/// What an archive is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    /// The version of the data folder it was made from.
    format: u32,
    /// The program that made it.
    ibid: String,
    /// The moment whose state it holds.
    at: Timestamp,
}

/// What came of making it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct End {
    records: u64,
    files: u64,
    /// Documents deleted while it was made.
    gone_documents: BTreeSet<Uuid>,
    /// Sessions deleted while it was made.
    gone_sessions: BTreeSet<Uuid>,
}

/// A backup whose moment is fixed, still to be written.
pub struct Backup {
    app: Arc<App>,
    head: Head,
    records: File,
    num_records: u64,
}

impl Backup {
    /// Fixes the moment: whatever is acknowledged by now will be in it.
    ///
    /// # Errors
    /// [`Error::DiskFull`] if there is no room for a copy of the records, or if the store fails.
    pub async fn begin(app: &Arc<App>) -> Result<Self, Error> {
        app.space.admit()?;
        let records = tempfile::tempfile_in(&app.config.data)?;
        let at = app.store.now();
        let num_records = app.store.snapshot(records.try_clone()?).await?;
        let head = Head { format: FORMAT, ibid: env!("CARGO_PKG_VERSION").to_owned(), at };
        Ok(Self { app: Arc::clone(app), head, records, num_records })
    }

    /// Writes the archive; blocks.
    ///
    /// # Errors
    /// If a file can't be read, or `out` takes no more.
    pub fn write(mut self, out: impl Write) -> io::Result<()> {
        let mut archive = tar::Builder::new(out);
        let when = u64::try_from(self.head.at.as_second()).unwrap_or(0);
        put_json(&mut archive, HEAD, when, &self.head)?;
        self.records.rewind()?;
        put(&mut archive, RECORDS, when, self.records.metadata()?.len(), &self.records)?;
        self.records.rewind()?;
        let mut end = End { records: self.num_records, ..End::default() };
        for line in BufReader::new(&self.records).lines() {
            let line = line?;
            let Line { key, value } = serde_json::from_str(&line)?;
            if let Some(id) = key.strip_prefix(keys::DOCUMENTS).and_then(|id| id.parse().ok()) {
                let folder = self.app.files.folder(id);
                for name in OF_DOCUMENT {
                    let path = format!("documents/{id}/{name}");
                    let is_there = copy(&mut archive, &path, when, &folder.join(name))?;
                    end.files += u64::from(is_there);
                    // Text and layout come later than the original.
                    if !is_there && name == OF_DOCUMENT[0] {
                        end.gone_documents.insert(id);
                    }
                }
            } else if let Some((session, message)) = keys::answer(&key)
                && serde_json::from_str::<Message>(value.get())?.role == Role::Assistant
            {
                let path = format!("answers/{session}/{message}.jsonl");
                let is_there = copy(&mut archive, &path, when, &self.app.config.data.join(&path))?;
                end.files += u64::from(is_there);
                if !is_there {
                    end.gone_sessions.insert(session);
                }
            }
        }
        put_json(&mut archive, END, when, &end)?;
        archive.into_inner()?.flush()
    }
}

/// Puts in what has this length; an answer that grows meanwhile is taken as long as it was.
fn put(
    archive: &mut tar::Builder<impl Write>,
    name: &str,
    when: u64,
    length: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(length);
    header.set_mode(0o600);
    header.set_mtime(when);
    archive.append_data(&mut header, name, content.take(length))
}

fn put_json(
    archive: &mut tar::Builder<impl Write>,
    name: &str,
    when: u64,
    value: &impl Serialize,
) -> io::Result<()> {
    let json = serde_json::to_vec(value)?;
    put(archive, name, when, json.len() as u64, &json[..])
}

/// Puts a file in, if there is one.
fn copy(archive: &mut tar::Builder<impl Write>, name: &str, when: u64, path: &Path) -> io::Result<bool> {
    match File::open(path) {
        Ok(file) => put(archive, name, when, file.metadata()?.len(), &file).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
