//! The parent's side of the frames: checks them while they stream into temporary files.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;
use tokio::fs::File;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter,
};

use super::{Extraction, Reply};
use crate::document::Passage;
use crate::ingest::extract::{ExtractError, Limits};

const BUFFER_BYTES: usize = 128 << 10;
/// No honest line is longer: notes, titles and heading paths are clipped.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Why no answer came.
#[derive(Debug)]
pub(super) enum Broken {
    /// The child said that it can't read the file.
    Refused(ExtractError),
    /// The output ended before the answer did.
    Ended,
    /// The output is not what was agreed.
    Protocol,
    /// The parent's own files failed.
    Disk(io::Error),
}

/// A whole answer, in files that vanish unless they are kept.
#[derive(Debug)]
pub(super) struct Received {
    extraction: Extraction,
    text: NamedTempFile,
    passages: NamedTempFile,
}

pub(super) async fn receive(
    stream: impl AsyncRead + Unpin,
    out_dir: &Path,
    limits: &Limits,
) -> Result<Received, Broken> {
    let mut stream = BufReader::with_capacity(BUFFER_BYTES, stream);
    let extraction = match read_line::<Reply>(&mut stream).await? {
        Reply::Failed(error) => return Err(Broken::Refused(error)),
        Reply::Found(extraction) => extraction,
    };
    if extraction.text_bytes > limits.text_bytes as u64 {
        return Err(Broken::Protocol);
    }
    let (text, mut text_out) = temporary(out_dir).map_err(Broken::Disk)?;
    copy_text(&mut stream, &mut text_out, extraction.text_bytes).await?;
    let (passages, mut passages_out) = temporary(out_dir).map_err(Broken::Disk)?;
    copy_passages(&mut stream, &mut passages_out, &extraction).await?;
    if !stream.fill_buf().await.map_err(|_| Broken::Ended)?.is_empty() {
        return Err(Broken::Protocol);
    }
    Ok(Received { extraction, text, passages })
}

impl Received {
    /// Makes the files durable under their names.
    pub(super) async fn keep(self, out_dir: &Path) -> io::Result<Extraction> {
        let out_dir = out_dir.to_owned();
        let Self { extraction, text, passages } = self;
        let keep = move || {
            for (file, name) in [(text, "text"), (passages, "passages.json")] {
                file.as_file().sync_all()?;
                file.persist(out_dir.join(name))?;
            }
            std::fs::File::open(&out_dir)?.sync_all()
        };
        tokio::task::spawn_blocking(keep).await??;
        Ok(extraction)
    }
}

fn temporary(dir: &Path) -> io::Result<(NamedTempFile, BufWriter<File>)> {
    let file = tempfile::Builder::new().prefix(".extracting-").tempfile_in(dir)?;
    let handle = File::from_std(file.as_file().try_clone()?);
    Ok((file, BufWriter::with_capacity(BUFFER_BYTES, handle)))
}

async fn copy_text(
    stream: &mut (impl AsyncBufRead + Unpin),
    out: &mut BufWriter<File>,
    length: u64,
) -> Result<(), Broken> {
    let mut left = length;
    // The first bytes of a character whose others are not here yet.
    let mut carried = Vec::new();
    while left > 0 {
        let buffer = stream.fill_buf().await.map_err(|_| Broken::Ended)?;
        if buffer.is_empty() {
            return Err(Broken::Ended);
        }
        let piece = &buffer[..usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len())];
        carried = unfinished(carried, piece)?;
        out.write_all(piece).await.map_err(Broken::Disk)?;
        let read = piece.len();
        left -= read as u64;
        stream.consume(read);
    }
    if !carried.is_empty() {
        return Err(Broken::Protocol);
    }
    out.flush().await.map_err(Broken::Disk)
}

/// Checks that `carried` and `piece` together are UTF-8, but for a character cut off at the end.
fn unfinished(mut carried: Vec<u8>, mut piece: &[u8]) -> Result<Vec<u8>, Broken> {
    while !carried.is_empty() && !piece.is_empty() {
        carried.push(piece[0]);
        piece = &piece[1..];
        match std::str::from_utf8(&carried) {
            Ok(_) => carried.clear(),
            Err(error) if error.error_len().is_some() => return Err(Broken::Protocol),
            Err(_) => {}
        }
    }
    match std::str::from_utf8(piece) {
        Ok(_) => {}
        Err(error) if error.error_len().is_some() => return Err(Broken::Protocol),
        Err(error) => carried = piece[error.valid_up_to()..].to_vec(),
    }
    Ok(carried)
}

async fn copy_passages(
    stream: &mut (impl AsyncBufRead + Unpin),
    out: &mut BufWriter<File>,
    extraction: &Extraction,
) -> Result<(), Broken> {
    let mut end = 0;
    out.write_all(b"[").await.map_err(Broken::Disk)?;
    for ordinal in 0..extraction.num_passages {
        let passage: Passage = read_line(stream).await?;
        let in_order = passage.ordinal == ordinal && end <= passage.start && passage.start < passage.end;
        if !in_order || passage.end as u64 > extraction.text_bytes {
            return Err(Broken::Protocol);
        }
        end = passage.end;
        let mut line = serde_json::to_vec(&passage).map_err(|_| Broken::Protocol)?;
        if ordinal > 0 {
            line.splice(0..0, *b",\n");
        }
        out.write_all(&line).await.map_err(Broken::Disk)?;
    }
    out.write_all(b"]\n").await.map_err(Broken::Disk)?;
    out.flush().await.map_err(Broken::Disk)
}

async fn read_line<T: serde::de::DeserializeOwned>(
    stream: &mut (impl AsyncBufRead + Unpin),
) -> Result<T, Broken> {
    let mut line = Vec::new();
    stream.take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await.map_err(|_| Broken::Ended)?;
    match line.last() {
        Some(b'\n') => serde_json::from_slice(&line).map_err(|_| Broken::Protocol),
        _ if line.len() as u64 == MAX_LINE_BYTES => Err(Broken::Protocol),
        _ => Err(Broken::Ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_may_be_cut_between_pieces_but_not_broken() {
        let text = "aé€😀z".as_bytes();
        for size in 1..text.len() {
            let carried = text.chunks(size).try_fold(Vec::new(), unfinished).unwrap();
            assert!(carried.is_empty(), "pieces of {size}");
        }
        assert!(matches!(unfinished(Vec::new(), b"a\xff"), Err(Broken::Protocol)));
        assert!(matches!(unfinished(vec![0xe2], b"a"), Err(Broken::Protocol)));
        assert_eq!(unfinished(Vec::new(), b"a\xe2\x82").unwrap(), b"\xe2\x82");
    }

    #[tokio::test]
    async fn an_answer_that_lies_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let found = |text_bytes: u64, num_passages: u32| {
            let extraction = Extraction {
                media_type: "text/plain".to_owned(),
                title: None,
                language: None,
                pages: None,
                notes: Vec::new(),
                num_passages,
                text_bytes,
            };
            serde_json::to_string(&Reply::Found(extraction)).unwrap()
        };
        let passage = |ordinal: u32, start: usize, end: usize| {
            format!(r#"{{"ordinal":{ordinal},"start":{start},"end":{end}}}"#)
        };
        let limits = Limits { text_bytes: 10, ..Limits::default() };
        let cases = [
            ("a longer text than allowed", format!("{}\n0123456789ab", found(12, 0))),
            ("a range past the end", format!("{}\nabc{}\n", found(3, 1), passage(0, 0, 4))),
            (
                "overlapping ranges",
                format!("{}\nabc{}\n{}\n", found(3, 2), passage(0, 0, 2), passage(1, 1, 3)),
            ),
            ("an ordinal out of order", format!("{}\nabc{}\n", found(3, 1), passage(1, 0, 3))),
            ("more than was announced", format!("{}\nabc{}\n!", found(3, 1), passage(0, 0, 3))),
            ("no JSON at all", "hello\n".to_owned()),
        ];
        for (what, answer) in cases {
            let received = receive(answer.as_bytes(), dir.path(), &limits).await;
            assert!(matches!(received, Err(Broken::Protocol)), "{what}: {received:?}");
        }
        let short = format!("{}\nab", found(3, 0));
        assert!(matches!(receive(short.as_bytes(), dir.path(), &limits).await, Err(Broken::Ended)));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "temporary files are gone");
    }
}
