//! What is not a flow: tunnels, drops, settings.

use std::path::Path;

use langley_model::{
    ConnectionId, Drop as Dropped, DropReason, FlowId, Micros, Revision, Stored, Tunnel,
    TunnelReason,
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::flows::{Page, page_limit};
use crate::connect;
use crate::cursor::position;
use crate::error::StoreError;
use crate::schema;
use crate::store::Store;

/// A counted drop.
pub type StoredDrop = Stored<Dropped>;

impl Store {
    /// The newest tunnels, at most `limit` (1 to 500).
    ///
    /// # Errors
    /// A failure of the file.
    pub fn tunnels(&self, limit: usize) -> Result<Vec<Stored<Tunnel>>, StoreError> {
        let (limit, _) = page_limit(limit);
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT connection_id, started_at, ended_at, host, port, client_addr, bytes_up,
                     bytes_down, why, reason
                 FROM tunnels ORDER BY started_at DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], tunnel)?;
            // Tunnels are not flows: they carry no revision.
            let stored = |tunnel| Stored::read_back(tunnel, Revision::default());
            Ok(rows.map(|row| row.map(stored)).collect::<Result<_, _>>()?)
        })
    }

    /// Drops, newest first: at most `limit` (1 to 500), after `cursor`.
    ///
    /// # Errors
    /// A cursor that is not one, or a failure of the file.
    pub fn drops(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<StoredDrop>, StoreError> {
        let (limit, asked) = page_limit(limit);
        let [before] = cursor.map_or(Ok([i64::MAX]), position)?;
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, at, flow_id, reason, count, bytes FROM drops
                 WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = statement.query_map((before, asked), |row| {
                let dropped = Dropped {
                    at: Micros(row.get(1)?),
                    flow: row.get::<_, Option<[u8; 16]>>(2)?.map(FlowId::from_bytes),
                    reason: DropReason::parse(row.get_ref(3)?.as_str()?)
                        .unwrap_or(DropReason::WriteFailed),
                    count: row.get::<_, i64>(4)?.cast_unsigned(),
                    bytes: row.get::<_, i64>(5)?.cast_unsigned(),
                };
                Ok((row.get(0)?, Stored::read_back(dropped, Revision::default())))
            })?;
            Ok(Page::cut(rows.collect::<Result<_, _>>()?, limit))
        })
    }

    /// A setting.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.readers().read(|conn| Ok(setting(conn, key)?))
    }

    /// A setting in the file at `path`, also of an earlier schema: all of them keep settings alike, and they
    /// say what becomes of the rest when that is brought up to date.
    ///
    /// # Errors
    /// A missing, damaged, foreign or newer file.
    pub fn setting_at(path: &Path, key: &str) -> Result<Option<String>, StoreError> {
        let conn = connect::reader_of_others(path)?;
        if schema::check(&conn, path)? == 0 {
            return Ok(None);
        }
        setting(&conn, key).map_err(|error| StoreError::of(error, path))
    }

    /// All settings, by key.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn settings(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.readers().read(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT key, value FROM settings ORDER BY key")?;
            let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn setting(conn: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = conn.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
    statement.query_row([key], |row| row.get(0)).optional()
}

fn tunnel(row: &Row<'_>) -> rusqlite::Result<Tunnel> {
    Ok(Tunnel {
        connection: ConnectionId::from_bytes(row.get(0)?),
        started_at: Micros(row.get(1)?),
        ended_at: row.get::<_, Option<i64>>(2)?.map(Micros),
        host: row.get(3)?,
        port: row.get(4)?,
        client_addr: row.get(5)?,
        bytes_up: row.get::<_, i64>(6)?.cast_unsigned(),
        bytes_down: row.get::<_, i64>(7)?.cast_unsigned(),
        why: TunnelReason::parse(row.get_ref(8)?.as_str()?).unwrap_or(TunnelReason::NotListed),
        reason: row.get(9)?,
    })
}
