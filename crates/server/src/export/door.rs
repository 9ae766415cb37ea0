//! The door of exports: a thread writes, the answer takes what it wrote, and neither runs ahead.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use langley_store::Told;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{mpsc, oneshot};

use super::{ExportError, ExportFormat, write_export};
use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::flows::filter;
use crate::params::Params;

/// Bytes of a piece, and pieces between the thread and the answer.
const PIECE: usize = 64 << 10;
const PIECES: usize = 4;

/// How long a reader may take nothing; then its place is given to others.
const IDLE: Duration = Duration::from_mins(1);

/// Exports every matching flow, streamed: `ndjson` (one flow a line), `json` (`{items}`) and `csv` newest
/// first; `html` (what was said, one page that needs nothing else) and `har` (HTTP Archive 1.2 with headers
/// and bodies) oldest first. What is damaged is left out and counted: in `damaged` of `json`, a last line
/// without an `id` of `ndjson`, the `comment` of `har`, the foot of `html`; always in `/api/stats`
/// (`damaged_flows`) and the log.
#[utoipa::path(
    get, path = "/api/flows/export", tag = "flows", operation_id = "export_flows",
    params(
        ("format" = Option<String>, Query, description = "ndjson (default), json, csv, html or har"),
        crate::openapi::FlowQuery,
    ),
    responses(
        (status = 200, description = "The flows, streamed", content_type = "application/x-ndjson", body = String),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 429, body = ErrorBody),
    )
)]
pub(crate) async fn export(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Response, ApiError> {
    let (filter, params) = filter(params, &["format"])?;
    let words = ExportFormat::ALL.map(ExportFormat::as_str).join(", ");
    let format = params.parsed("format", words, ExportFormat::parse)?;
    let format = format.unwrap_or(ExportFormat::Ndjson);
    let permit = doors.export_place()?;
    let (pieces, taken) = mpsc::channel(PIECES);
    let (end, whole) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let mut out = Pieces::new(pieces, IDLE);
        let written =
            write_export((&doors.store(), Told::Open), doors.redactor(), &filter, format, &mut out);
        match &written {
            Ok(done) => {
                if let Some(lack) = done.lack() {
                    tracing::warn!(%lack, "an export is not whole");
                }
            }
            Err(error) => tracing::warn!(%error, "an export broke off"),
        }
        // The answer may have gone.
        let _ = end.send(written.map(drop));
        drop(permit);
    });
    let mut rest = Rest { first: None, taken, whole };
    // As long as nothing was said, a failure can still be told as one.
    rest.first = rest.taken.recv().await;
    let body = if rest.first.is_some() {
        Body::from_stream(stream::unfold(Some(rest), next))
    } else {
        match rest.whole.await.map_err(ApiError::internal)? {
            Ok(()) => Body::empty(),
            Err(ExportError::Store(error)) => return Err(error.into()),
            Err(ExportError::Write(error)) => return Err(ApiError::internal(error)),
        }
    };
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"langley-flows.{}\"", format.as_str()),
        ),
    ];
    Ok((headers, body).into_response())
}

/// What is left of an answer.
struct Rest {
    /// The piece that was waited for before anything was answered.
    first: Option<Piece>,
    taken: mpsc::Receiver<Piece>,
    /// The word that these were all.
    whole: oneshot::Receiver<Result<(), ExportError>>,
}

type Piece = Bytes;

/// The next piece. An answer that is not whole is broken off, so that it cannot be taken for one.
async fn next(rest: Option<Rest>) -> Option<(io::Result<Piece>, Option<Rest>)> {
    let mut rest = rest?;
    let piece = match rest.first.take() {
        Some(first) => Some(first),
        None => rest.taken.recv().await,
    };
    match piece {
        Some(piece) => Some((Ok(piece), Some(rest))),
        None if matches!(rest.whole.await, Ok(Ok(()))) => None,
        None => Some((Err(io::Error::other("the export failed")), None)),
    }
}

/// Gathers what is written into pieces; waits while the answer is behind, but not for ever.
struct Pieces {
    pieces: mpsc::Sender<Piece>,
    piece: Vec<u8>,
    /// How long a reader may take nothing.
    patience: Duration,
    runtime: Handle,
}

impl Pieces {
    fn new(pieces: mpsc::Sender<Piece>, patience: Duration) -> Self {
        Self { pieces, piece: Vec::with_capacity(PIECE), patience, runtime: Handle::current() }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = &bytes[..bytes.len().min(PIECE)];
        self.piece.extend_from_slice(part);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let sent = self.pieces.send_timeout(Bytes::from(piece), self.patience);
        self.runtime.block_on(sent).map_err(|error| match error {
            SendTimeoutError::Timeout(_) => {
                io::Error::new(io::ErrorKind::TimedOut, "its reader took nothing for a minute")
            }
            SendTimeoutError::Closed(_) => {
                io::Error::new(io::ErrorKind::BrokenPipe, "the reader has gone")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes eight pieces; no more than `PIECES` of them find room unless somebody reads.
    async fn written(pieces: mpsc::Sender<Piece>) -> io::Result<()> {
        let writing = tokio::task::spawn_blocking(move || {
            Pieces::new(pieces, Duration::from_millis(20)).write_all(&vec![b'x'; 8 * PIECE])
        });
        writing.await.unwrap()
    }

    #[tokio::test]
    async fn an_export_that_nobody_reads_ends_and_is_broken_off() {
        let (pieces, taken) = mpsc::channel(PIECES);
        let (end, whole) = oneshot::channel();
        let error = written(pieces).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(end);
        let mut rest = Some(Rest { first: None, taken, whole });
        for _ in 0..PIECES {
            let (piece, left) = next(rest).await.unwrap();
            assert_eq!(piece.unwrap().len(), PIECE);
            rest = left;
        }
        let (broken, left) = next(rest).await.unwrap();
        assert!(broken.is_err() && left.is_none());
    }

    #[tokio::test]
    async fn an_export_ends_when_its_reader_goes() {
        let (pieces, taken) = mpsc::channel(PIECES);
        drop(taken);
        assert_eq!(written(pieces).await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
