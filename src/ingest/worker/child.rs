//! The child's side: lower the limits, put up the walls, read standard input, extract, split, write the frames.
//! It is meant to die of anything unforeseen; the parent puts the death into words.

use std::io::{BufWriter, Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::confine::confine;
use super::{Extraction, Reply, Request, fork_server, self_test};
use crate::document::Passage;
use crate::ingest::columns::add_columns;
use crate::ingest::extract::{ExtractError, Extracted, Limits, Sandbox, extract, size_in_words};
use crate::ingest::passages::{View, split};

/// Parsers recurse into what they read; this much stack outlasts their own limits of depth.
const STACK_BYTES: usize = 64 << 20;
const MAX_OPEN_FILES: u64 = 16;

/// Runs the worker: a fork server on standard input, whose children read uploads; or the self-test.
pub fn main() -> ExitCode {
    match std::env::args().nth(2).as_deref() {
        None => fork_server::serve(answer),
        Some(self_test::FLAG) => self_test::run(),
        Some(_) => ExitCode::from(2),
    }
}

/// Answers a request: the original is standard input.
fn answer(request: &Request) -> ExitCode {
    if lower_limits(&request.limits).is_err() {
        return ExitCode::from(3);
    }
    if let Err(missing) = confine()
        && request.limits.sandbox == Sandbox::Required
    {
        let refusal = ExtractError::Server { detail: missing.to_string() };
        return if write(Err(refusal)).is_ok() { ExitCode::SUCCESS } else { ExitCode::from(4) };
    }
    let out_of_memory = ExtractError::OutOfMemory { limit: size_in_words(request.limits.memory_bytes) };
    let found = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        match thread.spawn_scoped(scope, || read(request)).map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(found)) => found,
            Ok(Err(_panic)) => Err(ExtractError::Crashed),
            Err(_no_thread) => Err(out_of_memory),
        }
    });
    match write(found) {
        Ok(()) => ExitCode::SUCCESS,
        // The parent has gone, there is nobody to tell.
        Err(_) => ExitCode::from(4),
    }
}

fn lower_limits(limits: &Limits) -> rustix::io::Result<()> {
    let set = |resource, current: u64, maximum: u64| {
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })
    };
    set(Resource::As, limits.memory_bytes, limits.memory_bytes)?;
    set(Resource::Cpu, limits.seconds, limits.seconds + 1)?;
    set(Resource::Fsize, 0, 0)?;
    set(Resource::Nofile, MAX_OPEN_FILES, MAX_OPEN_FILES)?;
    set(Resource::Core, 0, 0)
}

fn read(request: &Request) -> Result<(Extracted, Vec<Passage>), ExtractError> {
    let server = |error: std::io::Error| ExtractError::Server { detail: error.to_string() };
    let mut input = std::io::stdin().lock();
    let size = rustix::fs::fstat(&input).map(|stat| u64::try_from(stat.st_size).unwrap_or(0)).unwrap_or(0);
    let mut bytes = Vec::new();
    // One byte more lets `read_to_end` see the end without growing.
    let room = usize::try_from(size).ok().and_then(|size| bytes.try_reserve_exact(size.checked_add(1)?).ok());
    if room.is_none() {
        return Err(ExtractError::OutOfMemory { limit: size_in_words(request.limits.memory_bytes) });
    }
    input.read_to_end(&mut bytes).map_err(server)?;
    let extracted = extract(&bytes, &request.name, &request.limits)?;
    drop(bytes);
    let mut passages = split(View::from(&extracted));
    add_columns(&extracted, &mut passages);
    Ok((extracted, passages))
}

fn write(found: Result<(Extracted, Vec<Passage>), ExtractError>) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    let (extracted, passages) = match found {
        Ok(found) => found,
        Err(error) => {
            write_line(&mut out, &Reply::Failed(error))?;
            return out.flush();
        }
    };
    let reply = Reply::Found(Extraction {
        media_type: extracted.media_type.to_owned(),
        title: extracted.title,
        language: extracted.language,
        pages: (!extracted.pages.is_empty())
            .then(|| u32::try_from(extracted.pages.len()).unwrap_or(u32::MAX)),
        notes: extracted.notes,
        num_passages: u32::try_from(passages.len()).unwrap_or(u32::MAX),
        text_bytes: extracted.text.len() as u64,
    });
    write_line(&mut out, &reply)?;
    out.write_all(extracted.text.as_bytes())?;
    for page in &extracted.pages {
        write_line(&mut out, page)?;
    }
    for passage in &passages {
        write_line(&mut out, passage)?;
    }
    out.flush()
}

fn write_line(out: &mut impl Write, value: &impl serde::Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
