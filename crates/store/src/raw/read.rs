//! Reading raw bodies, while they are written or afterwards.

use std::ops::Range;
use std::path::{Path, PathBuf};

use langley_model::{FlowId, Side};
use rusqlite::{Connection, OptionalExtension};

use super::side_number;
use crate::codec::pack::unpack;
use crate::connect;
use crate::error::StoreError;

/// The file of raw bodies, opened for reading.
#[derive(Debug)]
pub struct RawFile {
    conn: Connection,
    path: PathBuf,
}

/// A body as it travelled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawBody {
    /// Its pieces, one after the other; content encoding still applied.
    pub bytes: Vec<u8>,
    /// What is missing before, between or behind them, as ranges of the whole body.
    pub missing: Vec<Range<u64>>,
    /// Whether the flow's end was seen, so that what is missing at the end is known.
    pub ended: bool,
}

impl RawFile {
    /// Opens the file.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { conn: connect::reader(path)?, path: path.to_owned() })
    }

    /// A body of a flow; none when nothing of it was kept.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn body(&self, flow: FlowId, side: Side) -> Result<Option<RawBody>, StoreError> {
        let fail = |error| StoreError::of(error, &self.path);
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT offset, codec, len, bytes FROM raw_pieces WHERE flow = ?1 AND side = ?2
                 ORDER BY offset",
            )
            .map_err(fail)?;
        let mut rows = statement.query((flow.as_bytes(), side_number(side))).map_err(fail)?;
        let (mut body, mut reached, mut any) = (RawBody::default(), 0, false);
        while let Some(row) = rows.next().map_err(fail)? {
            let offset: i64 = row.get(0).map_err(fail)?;
            let packed = row.get_ref(3).map_err(fail)?.as_blob().map_err(|e| fail(e.into()))?;
            let piece = unpack(row.get(1).map_err(fail)?, row.get(2).map_err(fail)?, packed)?;
            let offset = offset.cast_unsigned();
            if offset > reached {
                body.missing.push(reached..offset);
            }
            reached = offset + piece.len() as u64;
            body.bytes.extend_from_slice(&piece);
            any = true;
        }
        let length = match side {
            Side::Client => "request_bytes",
            Side::Upstream => "response_bytes",
        };
        let whole: Option<i64> = self
            .conn
            .query_row(
                &format!("SELECT {length} FROM raw_flows WHERE flow = ?1"),
                [flow.as_bytes()],
                |row| row.get(0),
            )
            .optional()
            .map_err(fail)?;
        body.ended = whole.is_some();
        let whole = whole.unwrap_or(0).cast_unsigned();
        if whole > reached {
            body.missing.push(reached..whole);
        }
        Ok((any || body.ended).then_some(body))
    }
}
