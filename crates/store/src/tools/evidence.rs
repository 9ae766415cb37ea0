//! What hooks, telemetry and transcripts tell of calls: kept as it comes, and joined by the analysis.

use langley_model::{Micros, Redacted, ToldStep, ToldTool, ToolOutcome, ToolSource};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::StoreError;
use crate::flow_row::signed;
use crate::store::Store;
use crate::totals::total;

/// Up to which piece of evidence all was joined.
pub(super) const READ: &str = "tool_evidence_read";

/// Pieces of evidence that are looked at of one call.
const MOST: i64 = 64;

/// Evidence that waits to be joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreshEvidence {
    /// The calls that it is of, by their keys.
    pub calls: Vec<u64>,
    /// The last of it; none where nothing waits.
    pub last: Option<i64>,
}

impl Store {
    /// Keeps what a hook or telemetry tells of calls; what is known already adds nothing.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn keep_tool_evidence(&self, told: Vec<Redacted<ToldTool>>) -> Result<(), StoreError> {
        self.job(move |site| {
            let change = site.change()?;
            told.iter().try_for_each(|told| keep(&change, None, told))?;
            change.commit()
        })
    }

    /// What is told of the call with this key, in the order of time.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn tool_evidence(&self, call: u64) -> Result<Vec<ToldTool>, StoreError> {
        self.readers().read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT call, source, step, at, session, name, arguments, outcome FROM tool_evidence
                 WHERE call = ?1 ORDER BY at, step LIMIT ?2",
            )?;
            let rows = statement.query_map((signed(call), MOST), read)?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
        })
    }

    /// Evidence that was not joined yet, the first that came first: at most `limit` pieces.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn fresh_tool_evidence(&self, limit: usize) -> Result<FreshEvidence, StoreError> {
        self.readers().read(|conn| {
            let after = total(conn, READ)?.unwrap_or(0);
            let mut statement = conn.prepare_cached(
                "SELECT id, call FROM tool_evidence WHERE id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query((after, limit))?;
            let mut fresh = FreshEvidence::default();
            while let Some(row) = rows.next()? {
                fresh.last = Some(row.get(0)?);
                fresh.calls.push(row.get::<_, i64>(1)?.cast_unsigned());
            }
            fresh.calls.sort_unstable();
            fresh.calls.dedup();
            Ok(fresh)
        })
    }

    /// Whether a hook has told of a call of this session before `at`.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn has_hooks(&self, session: u64, at: Micros) -> Result<bool, StoreError> {
        self.readers().read(|conn| {
            let found = conn
                .prepare_cached(
                    "SELECT 1 FROM tool_evidence WHERE source = 1 AND session = ?1 AND at < ?2 LIMIT 1",
                )?
                .query_row((signed(session), at.0), |_| Ok(()))
                .optional()?;
            Ok(found.is_some())
        })
    }
}

/// Keeps a word, of this conversation where a transcript has it.
pub(crate) fn keep(
    change: &Connection,
    conversation: Option<i64>,
    told: &ToldTool,
) -> rusqlite::Result<()> {
    let arguments: Option<Vec<u8>> = told
        .arguments
        .as_ref()
        .map(|digests| digests.iter().flat_map(|digest| digest.to_le_bytes()).collect());
    change
        .prepare_cached(
            "INSERT OR IGNORE INTO tool_evidence
                 (conversation, call, source, step, at, session, name, arguments, outcome)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(rusqlite::params![
            conversation,
            signed(told.key),
            told.source as u8,
            told.step as u8,
            told.at.0,
            told.session.map(signed),
            told.name.map(signed),
            arguments,
            told.outcome.map(ToolOutcome::number),
        ])?;
    Ok(())
}

/// A row; none where it names what this version does not know.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<ToldTool>> {
    let digest = |column| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
    };
    let Some(source) = ToolSource::of_number(row.get(1)?) else { return Ok(None) };
    let Some(step) = ToldStep::ALL.get(usize::from(row.get::<_, u8>(2)?)).copied() else {
        return Ok(None);
    };
    let arguments: Option<Vec<u8>> = row.get(6)?;
    let arguments = arguments.map(|bytes| {
        let (digests, _) = bytes.as_chunks::<4>();
        digests.iter().map(|digest| u32::from_le_bytes(*digest)).collect()
    });
    Ok(Some(ToldTool {
        key: row.get::<_, i64>(0)?.cast_unsigned(),
        source,
        step,
        at: Micros(row.get(3)?),
        session: digest(4)?,
        name: digest(5)?,
        arguments,
        outcome: row.get::<_, Option<u8>>(7)?.and_then(ToolOutcome::of_number),
    }))
}
