//! Reading raw bodies, while they are written or afterwards.

use std::ops::Range;
use std::path::{Path, PathBuf};

use langley_model::{FlowId, Side};
use rusqlite::{Connection, OptionalExtension};

use super::{refuse_newer, side_number, version};
use crate::codec::pack::unpack;
use crate::connect;
use crate::error::StoreError;

/// The file of raw bodies, opened for reading.
#[derive(Debug)]
pub struct RawFile {
    conn: Connection,
    path: PathBuf,
    /// Whether the file has its tables: one whose making was cut short has none.
    is_made: bool,
}

/// Whether there are raw bodies in the file at `path`, or parts of removed ones in its log. Where nobody can tell,
/// as in a folder that cannot be looked into, there may be: yes.
#[must_use]
pub fn holds_raw_bodies(path: &Path) -> bool {
    if matches!(path.try_exists(), Ok(false)) {
        return false;
    }
    let has_log = std::fs::metadata(connect::beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    has_log || !RawFile::open(path).and_then(|file| file.is_empty()).unwrap_or(false)
}

/// What is known of a body as it travelled, beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawBody {
    /// Bytes that were kept; content encoding still applied.
    pub bytes: u64,
    /// What is missing before, between or behind them, as ranges of the whole body.
    pub missing: Vec<Range<u64>>,
    /// Whether the flow's end was seen, so that what is missing at the end is known.
    pub ended: bool,
}

impl RawFile {
    /// Opens the file.
    ///
    /// # Errors
    /// There is none, it cannot be read, or is one of a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let conn = connect::reader(path)?;
        let found = version(&conn).map_err(|error| StoreError::of(error, path))?;
        refuse_newer(found, path)?;
        Ok(Self { conn, path: path.to_owned(), is_made: found > 0 })
    }

    fn is_empty(&self) -> Result<bool, StoreError> {
        if !self.is_made {
            return Ok(true);
        }
        let read = || self.conn.prepare("SELECT 1 FROM raw_pieces")?.exists(());
        read().map(|holds| !holds).map_err(|error| StoreError::of(error, &self.path))
    }

    /// Every body of which something was kept, in the order of their flows.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn bodies(&self) -> Result<Vec<(FlowId, Side)>, StoreError> {
        if !self.is_made {
            return Ok(Vec::new());
        }
        let read = || -> rusqlite::Result<Vec<(FlowId, Side)>> {
            let mut statement = self
                .conn
                .prepare("SELECT DISTINCT flow, side FROM raw_pieces ORDER BY flow, side")?;
            let rows = statement.query_map((), |row| {
                let side = if row.get::<_, i64>(1)? == 0 { Side::Client } else { Side::Upstream };
                Ok((FlowId::from_bytes(row.get(0)?), side))
            })?;
            rows.collect()
        };
        read().map_err(|error| StoreError::of(error, &self.path))
    }

    /// Shows a body of a flow to `see`, piece by piece, until that returns `false`; none when nothing of
    /// the body was kept.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn body(
        &self,
        flow: FlowId,
        side: Side,
        mut see: impl FnMut(&[u8]) -> bool,
    ) -> Result<Option<RawBody>, StoreError> {
        if !self.is_made {
            return Ok(None);
        }
        let fail = |error| StoreError::of(error, &self.path);
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT offset, codec, len, bytes FROM raw_pieces WHERE flow = ?1 AND side = ?2
                 ORDER BY offset",
            )
            .map_err(fail)?;
        let mut rows = statement.query((flow.as_bytes(), side_number(side))).map_err(fail)?;
        let (mut body, mut reached) = (RawBody::default(), 0);
        while let Some(row) = rows.next().map_err(fail)? {
            let offset: i64 = row.get(0).map_err(fail)?;
            let packed = row.get_ref(3).map_err(fail)?.as_blob().map_err(|e| fail(e.into()))?;
            let piece = unpack(row.get(1).map_err(fail)?, row.get(2).map_err(fail)?, packed)?;
            let offset = offset.cast_unsigned();
            if offset > reached {
                body.missing.push(reached..offset);
            }
            reached = offset + piece.len() as u64;
            body.bytes += piece.len() as u64;
            if !see(&piece) {
                return Ok(Some(body));
            }
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
        Ok((body.bytes > 0 || body.ended).then_some(body))
    }
}
