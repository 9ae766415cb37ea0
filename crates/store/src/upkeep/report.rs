//! What is kept for how long, and what a run of maintenance has done.

use std::time::Duration;

use langley_model::Micros;
use rusqlite::{Connection, Row};

use crate::error::StoreError;
use crate::flow_row::signed;
use crate::store::Store;

/// Runs that are remembered.
const REMEMBERED: i64 = 100;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what is kept, in days; 0 keeps it for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Flows, with their messages and all else; tunnels and drops go with their age.
    pub flows_days: u32,
    /// Stream events.
    pub events_days: u32,
    /// Bodies that were not parsed, or that stand beside what was parsed from them.
    pub bodies_days: u32,
    /// What agents wrote of their sessions, by the newest line of each; kept for ever by default.
    pub transcripts_days: u32,
    /// Share of free pages, in percent, beyond which the file is made smaller.
    pub vacuum_free_percent: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            flows_days: 30,
            events_days: 7,
            bodies_days: 3,
            transcripts_days: 0,
            vacuum_free_percent: 20,
        }
    }
}

/// The time before which something of that many days is too old; none when it is kept for ever.
pub(super) fn cutoff(now: Micros, days: u32) -> Option<Micros> {
    let span = i64::try_from((DAY * days).as_micros()).unwrap_or(i64::MAX);
    (days > 0).then(|| Micros(now.0.saturating_sub(span)))
}

/// A run of maintenance: when it was, and what it removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// When it began.
    pub started_at: Micros,
    /// When it ended.
    pub ended_at: Micros,
    /// Flows removed.
    pub flows: u64,
    /// Stream events removed, those of removed flows included.
    pub events: u64,
    /// Bodies removed from flows that stay.
    pub bodies: u64,
    /// Stored contents removed because nothing referred to them any more.
    pub contents: u64,
    /// Tunnels removed.
    pub tunnels: u64,
    /// Rows about drops removed; their sums stay.
    pub drops: u64,
    /// Bytes by which the database file became smaller.
    pub freed_bytes: u64,
    /// Times something was to be removed from a flow, or the flow itself, and stays because the file is damaged
    /// where it, or what belongs to it, lies. Not known of an earlier process.
    pub stay: u64,
}

impl Upkeep {
    /// Keeps the run among the remembered ones.
    pub(super) fn write(&self, conn: &Connection) -> rusqlite::Result<()> {
        conn.execute(
            "INSERT INTO upkeep (started_at, ended_at, flows, events, bodies, contents, tunnels,
                 drops, freed_bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            (
                self.started_at.0,
                self.ended_at.0,
                signed(self.flows),
                signed(self.events),
                signed(self.bodies),
                signed(self.contents),
                signed(self.tunnels),
                signed(self.drops),
                signed(self.freed_bytes),
            ),
        )?;
        conn.execute(
            "DELETE FROM upkeep WHERE id <= (SELECT max(id) FROM upkeep) - ?1",
            [REMEMBERED],
        )?;
        Ok(())
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok(Self {
            started_at: Micros(row.get(0)?),
            ended_at: Micros(row.get(1)?),
            flows: count(2)?,
            events: count(3)?,
            bodies: count(4)?,
            contents: count(5)?,
            tunnels: count(6)?,
            drops: count(7)?,
            freed_bytes: count(8)?,
            stay: 0,
        })
    }
}

impl Store {
    /// The remembered runs of maintenance, newest first; at most a hundred.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn upkeep_runs(&self) -> Result<Vec<Upkeep>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT started_at, ended_at, flows, events, bodies, contents, tunnels, drops,
                     freed_bytes
                 FROM upkeep ORDER BY id DESC",
            )?;
            let runs = statement.query_map((), Upkeep::read)?;
            Ok(runs.collect::<Result<_, _>>()?)
        })
    }
}
