//! `ibid backup` and `ibid restore`: everything into one file, from a server that goes on meanwhile,
//! and a data folder from such a file. Restoring is the one command that speaks to no server.

use std::fs::File;
use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use ibid::backup;

use super::answer::count;
use super::connect::Client;

/// Write everything to one file: documents, sessions, answers.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid backup ibid-monday.tar
  ibid backup - | zstd > ibid.tar.zst      # to standard output

The server may run and be in use; what was acknowledged when the command began is in the file.")]
pub(crate) struct Backup {
    /// The file to write, which must not exist; `-` for standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Make a data folder of a backup.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid restore ibid-monday.tar ./restored
  ibid --data ./restored serve

The search index is not in a backup; it is built again when the folder is first used.")]
pub(crate) struct Restore {
    /// A file that `ibid backup` wrote.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder to make; it must not exist, or be empty.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) async fn run(client: &Client, backup: &Backup) -> Result<()> {
    if backup.file.as_os_str() == "-" {
        return client.copy("/api/backup", &[], &mut stdout().lock()).await;
    }
    let shown = backup.file.display();
    if backup.file.exists() {
        bail!("`{shown}` is there already: name another file");
    }
    let folder = match backup.file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    // Under its name only once it is whole and on disk.
    let mut part =
        tempfile::NamedTempFile::new_in(&folder).with_context(|| format!("can't write `{shown}`"))?;
    client.copy("/api/backup", &[], part.as_file_mut()).await?;
    part.as_file().sync_all()?;
    let bytes = part.as_file().metadata()?.len();
    part.persist_noclobber(&backup.file).with_context(|| format!("can't write `{shown}`"))?;
    File::open(&folder)?.sync_all()?;
    writeln!(stdout(), "{shown}: {bytes} bytes; bring it back with `ibid restore {shown} DIR`")?;
    Ok(())
}

pub(crate) async fn restore(restore: &Restore) -> Result<()> {
    let shown = restore.file.display();
    let file = File::open(&restore.file).with_context(|| format!("can't read `{shown}`"))?;
    let restored = backup::restore(file, &restore.folder).await?;
    let folder = restore.folder.display();
    writeln!(
        stdout(),
        "{folder}: {}, {}, {}; use it with `ibid --data {folder} serve`",
        count(restored.documents, "document"),
        count(restored.sessions, "session"),
        count(restored.messages, "message"),
    )?;
    Ok(())
}
