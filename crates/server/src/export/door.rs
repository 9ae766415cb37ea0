//! The door of exports: a thread writes, the answer takes what it wrote, and neither runs ahead.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use tokio::sync::mpsc;

use super::{ExportFormat, write_export};
use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::flows::filter;
use crate::params::Params;

/// Bytes of a piece, and pieces between the thread and the answer.
const PIECE: usize = 64 << 10;
const PIECES: usize = 4;

/// Exports every matching flow, streamed: `ndjson` (one flow a line), `json` (`{items}`) and `csv` newest
/// first; `html` (what was said, one page that needs nothing else) and `har` (HTTP Archive 1.2 with headers
/// and bodies) oldest first.
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
    let store = doors.store();
    tokio::task::spawn_blocking(move || {
        let mut out = Pieces { pieces: pieces.clone(), piece: Vec::with_capacity(PIECE) };
        if let Err(error) = write_export(&store, &filter, format, &mut out) {
            tracing::warn!(%error, "an export broke off");
            // The answer is broken off, so that it cannot be taken for a whole one.
            let _ = pieces.blocking_send(Err(io::Error::other("the export failed")));
        }
        drop(permit);
    });
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"langley-flows.{}\"", format.as_str()),
        ),
    ];
    let pieces = stream::unfold(taken, |mut taken| async move {
        let piece: Option<io::Result<Bytes>> = taken.recv().await;
        piece.map(|piece| (piece, taken))
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Gathers what is written into pieces; waits while the answer is behind.
struct Pieces {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
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
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader has gone");
        self.pieces.blocking_send(Ok(Bytes::from(piece))).map_err(gone)
    }
}
