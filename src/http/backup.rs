//! A backup over HTTP: an archive of everything, as it was when it was asked for.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::mpsc;

use super::error::Problem;
use crate::Error;
use crate::access::{Caller, Permit};
use crate::app::App;
use crate::backup::Backup;

/// Pieces on their way to a reader, and their size: what a slow one costs.
const PIECES: usize = 4;
const PIECE_BYTES: usize = 64 * 1024;

/// What is written here goes out; whoever writes faster than is read waits.
struct Outlet(mpsc::Sender<io::Result<Bytes>>);

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Ok(Bytes::copy_from_slice(bytes));
        self.0.blocking_send(piece).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) async fn download(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    // It holds what belongs to everyone.
    if !caller.scopes.contains(Permit::Admin) {
        return Err(Error::NotFound { what: "backup", id: "of everything".to_owned() }.into());
    }
    let backup = Backup::begin(&app).await?;
    let (outlet, pieces) = mpsc::channel(PIECES);
    app.tasks.spawn_blocking(move || {
        let out = BufWriter::with_capacity(PIECE_BYTES, Outlet(outlet.clone()));
        if let Err(error) = backup.write(out) {
            tracing::warn!(%error, "a backup was not written to its end");
            // Without this it would look like one that is whole.
            let _ = outlet.blocking_send(Err(error));
        }
    });
    let body = stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    let headers = [
        (header::CONTENT_TYPE, "application/x-tar"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"ibid-backup.tar\""),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}
