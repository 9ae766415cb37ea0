//! The parts of a flow that lie away from its row: headers, bodies, message.

use langley_model::{Flow, FlowId, HeaderBlock, Message, Side, Stored};
use rusqlite::OptionalExtension;

use super::flows::found_key;
use crate::codec::message_json;
use crate::content::{content, content_end, pieces};
use crate::damage::sound_flows;
use crate::error::StoreError;
use crate::filter::{Condition, Order};
use crate::store::Store;

/// Headers and trailers of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowHeaders {
    /// The headers; none when they were not seen.
    pub headers: Option<HeaderBlock>,
    /// The trailers; none when there were none.
    pub trailers: Option<HeaderBlock>,
}

/// A body of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBody {
    /// The redacted bytes, content encoding undone.
    pub bytes: Vec<u8>,
    /// Media type as stated.
    pub media_type: Option<String>,
    /// Decoded length before any cut, as far as it was seen.
    pub original_len: u64,
    /// Whether bytes are missing at the end.
    pub truncated: bool,
}

/// A piece of a request's body. The same piece of another request is this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PieceId {
    number: i64,
    /// The beginning of its digest: numbers of contents that are gone are given again.
    digest: [u8; 5],
}

/// A request that lies in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPieces {
    /// Its pieces, in order.
    pub pieces: Vec<PieceId>,
    /// Length of the body, what stands between the pieces included.
    pub len: u64,
}

impl Store {
    /// Headers and trailers of one side; none when the flow is unknown.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn headers(
        &self,
        id: FlowId,
        side: Side,
    ) -> Result<Option<Stored<FlowHeaders>>, StoreError> {
        self.readers().read(|conn| {
            let Some((n, revision)) = found_key(conn, id)? else { return Ok(None) };
            let sql = match side {
                Side::Client => "SELECT request_headers, request_trailers FROM flows WHERE n = ?1",
                Side::Upstream => {
                    "SELECT response_headers, response_trailers FROM flows WHERE n = ?1"
                }
            };
            let blobs: Option<(Option<i64>, Option<i64>)> = conn
                .prepare_cached(sql)?
                .query_row([n], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let (headers, trailers) = blobs.unwrap_or_default();
            let lines = |blob: Option<i64>| {
                blob.map(|blob| content(conn, blob).map(HeaderBlock::from_bytes)).transpose()
            };
            let headers = FlowHeaders { headers: lines(headers)?, trailers: lines(trailers)? };
            Ok(Some(Stored::read_back(headers, revision)))
        })
    }

    /// The end of a request that lies in pieces: it reads as the whole does, with `null` in place of all
    /// pieces but the last `kept`. None when it does not lie in pieces, or there is none.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn request_end(&self, id: FlowId, kept: usize) -> Result<Option<Vec<u8>>, StoreError> {
        self.readers().read(|conn| {
            let Some((n, _)) = found_key(conn, id)? else { return Ok(None) };
            let blob: Option<Option<i64>> = conn
                .prepare_cached("SELECT request_body FROM flows WHERE n = ?1")?
                .query_row([n], |row| row.get(0))
                .optional()?;
            let Some(blob) = blob.flatten() else { return Ok(None) };
            content_end(conn, blob, kept)
        })
    }

    /// Which pieces a request is made of. None when it does not lie in pieces, or there is none.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn request_pieces(&self, id: FlowId) -> Result<Option<RequestPieces>, StoreError> {
        self.readers().read(|conn| {
            let Some((n, _)) = found_key(conn, id)? else { return Ok(None) };
            let blob: Option<Option<i64>> = conn
                .prepare_cached("SELECT request_body FROM flows WHERE n = ?1")?
                .query_row([n], |row| row.get(0))
                .optional()?;
            let Some(blob) = blob.flatten() else { return Ok(None) };
            let Some((pieces, len)) = pieces(conn, blob)? else { return Ok(None) };
            let mut hash = conn.prepare_cached("SELECT hash FROM blobs WHERE id = ?1")?;
            let mut named = Vec::with_capacity(pieces.len());
            for number in pieces {
                let digest = hash.query_row([number], |row| {
                    let hash = row.get_ref(0)?.as_bytes()?;
                    Ok(hash.first_chunk().copied().unwrap_or_default())
                });
                named.push(PieceId { number, digest: digest.optional()?.unwrap_or_default() });
            }
            Ok(Some(RequestPieces { pieces: named, len: len as u64 }))
        })
    }

    /// The text of a piece.
    ///
    /// # Errors
    /// A failure of the file, or a piece that is damaged or gone.
    pub fn piece(&self, id: PieceId) -> Result<Vec<u8>, StoreError> {
        self.readers().read(|conn| content(conn, id.number))
    }

    /// The body of one side; none when there is none, or the flow is unknown.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn body(&self, id: FlowId, side: Side) -> Result<Option<Stored<StoredBody>>, StoreError> {
        self.readers().read(|conn| {
            let Some((n, revision)) = found_key(conn, id)? else { return Ok(None) };
            let sql = match side {
                Side::Client => {
                    "SELECT request_body, request_media_type, request_original_len,
                         request_truncated
                     FROM flows WHERE n = ?1 AND request_body IS NOT NULL"
                }
                Side::Upstream => {
                    "SELECT response_body, response_media_type, response_original_len,
                         response_truncated
                     FROM flows WHERE n = ?1 AND response_body IS NOT NULL"
                }
            };
            let row: Option<(i64, Option<String>, i64, bool)> = conn
                .prepare_cached(sql)?
                .query_row([n], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
                .optional()?;
            let Some((blob, media_type, original_len, truncated)) = row else { return Ok(None) };
            let bytes = content(conn, blob)?;
            let original_len = original_len.cast_unsigned();
            let body = StoredBody { bytes, media_type, original_len, truncated };
            Ok(Some(Stored::read_back(body, revision)))
        })
    }

    /// Earlier flows of the same session whose requests may be those that this one goes on from, the
    /// latest first: the same client or subagent asked the same API for the same model. Where none did,
    /// for whatever model.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn earlier_requests(
        &self,
        id: FlowId,
        limit: usize,
    ) -> Result<Vec<Stored<Flow>>, StoreError> {
        self.read_sound(|conn, damaged| {
            let Some((n, _)) = found_key(conn, id)? else { return Ok(Vec::new()) };
            let session: Option<String> = conn
                .prepare_cached("SELECT session_id FROM flows WHERE n = ?1")?
                .query_row([n], |row| row.get(0))?;
            let Some(session) = session else { return Ok(Vec::new()) };
            let mut of = Condition::default();
            of.and("session_id = ? AND n < ?", [session.into(), n.into()]);
            let mut found = Vec::new();
            for model in ["IS", "IS NOT"] {
                let mut and = Condition::default();
                and.and("request_body IS NOT NULL", []);
                let alike = "(method, provider, agent_id)
                    IS (SELECT method, provider, agent_id FROM flows WHERE n = ?)";
                and.and(alike, [n.into()]);
                let asked = format!(
                    "model_requested {model} (SELECT model_requested FROM flows WHERE n = ?)"
                );
                and.and(&asked, [n.into()]);
                let last = (Order::NewestFirst, limit);
                found = sound_flows(conn, &of, &and, last, damaged)?;
                if !found.is_empty() {
                    break;
                }
            }
            Ok(found.into_iter().map(|(_, flow)| flow).collect())
        })
    }

    /// The assembled answer; none when there is none, or the flow is unknown.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn message(&self, id: FlowId) -> Result<Option<Stored<Message>>, StoreError> {
        self.readers().read(|conn| {
            let Some((n, revision)) = found_key(conn, id)? else { return Ok(None) };
            let blob: Option<Option<i64>> = conn
                .prepare_cached("SELECT message FROM flows WHERE n = ?1")?
                .query_row([n], |row| row.get(0))
                .optional()?;
            let Some(blob) = blob.flatten() else { return Ok(None) };
            let json = content(conn, blob)?;
            Ok(Some(Stored::read_back(message_json::decode(&json)?, revision)))
        })
    }
}
