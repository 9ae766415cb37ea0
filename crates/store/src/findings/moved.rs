//! Findings of a flow whose session becomes known: they are that session's.

use langley_model::{FindingKind, FindingState};
use rusqlite::{Connection, OptionalExtension};

use super::keep::add;

/// Kinds of what is found of a day, a model or the record.
const OF_NONE: [FindingKind; 3] =
    [FindingKind::CaptureGap, FindingKind::DailyBudget, FindingKind::UnpricedModel];

/// A finding of the session that the flow was of.
struct Shown {
    id: i64,
    key: String,
    /// Flows that show it.
    times: u64,
    /// What the flow says that it cost.
    cost: Option<i64>,
}

/// Has what a flow shows of its session follow it into another one. What other flows show of the first one too stays
/// there as well; what is known of the other one gets the flow as evidence.
pub(crate) fn follow(
    conn: &Connection,
    flow: i64,
    (from, to): (Option<String>, Option<String>),
) -> rusqlite::Result<()> {
    for Shown { id, key, times, cost } in shown(conn, flow, from.as_deref())? {
        let Some(key) = key_of(&key, to.as_deref()) else { continue };
        let known: Option<i64> = conn
            .prepare_cached("SELECT id FROM findings WHERE key = ?1")?
            .query_row([&key], |row| row.get(0))
            .optional()?;
        let target = match known {
            None if times <= 1 => {
                // With all of its evidence, and what a person made of it.
                conn.prepare_cached("UPDATE findings SET key = ?2, session_id = ?3 WHERE id = ?1")?
                    .execute((id, &key, &to))?;
                continue;
            }
            None => conn
                .prepare_cached(
                    "INSERT INTO findings (key, kind, state, severity, session_id, agent_id, first_at,
                         last_at, times, words)
                     SELECT ?2, kind, state, severity, ?3, agent_id, ?4, ?4, 0, words
                     FROM findings WHERE id = ?1",
                )?
                .insert((id, &key, &to, flow))?,
            Some(known) => known,
        };
        if add(conn, target, flow, cost)? && known.is_some() {
            reopen(conn, target, id)?;
        }
        // What nothing shows any more is gone.
        conn.prepare_cached("DELETE FROM finding_flows WHERE finding = ?1 AND flow = ?2")?
            .execute((id, flow))?;
    }
    Ok(())
}

/// Opens what was resolved and has new evidence, unless a person is done with that, too.
fn reopen(conn: &Connection, resolved: i64, evidence_of: i64) -> rusqlite::Result<()> {
    let [open, done, muted] =
        [FindingState::Open, FindingState::Resolved, FindingState::Muted].map(FindingState::as_str);
    conn.prepare_cached(
        "UPDATE findings SET state = ?3 WHERE id = ?1 AND state = ?4
             AND NOT EXISTS (SELECT 1 FROM findings WHERE id = ?2 AND state IN (?4, ?5))",
    )?
    .execute((resolved, evidence_of, open, done, muted))?;
    Ok(())
}

fn shown(conn: &Connection, flow: i64, session: Option<&str>) -> rusqlite::Result<Vec<Shown>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, key, times, finding_flows.micro_usd FROM finding_flows JOIN findings ON id = finding
         WHERE flow = ?1 AND shows AND session_id IS ?2",
    )?;
    let rows = statement.query_map((flow, session), |row| {
        let times = row.get::<_, i64>(2)?.max(0).cast_unsigned();
        Ok(Shown { id: row.get(0)?, key: row.get(1)?, times, cost: row.get(3)? })
    })?;
    rows.collect()
}

/// The key of the same finding in another session: that stands between its kind and its subject. None where it is of no
/// session, as what is found of a day or a model.
fn key_of(key: &str, session: Option<&str>) -> Option<String> {
    let (kind, rest) = key.split_once('\n')?;
    let (known, subject) = rest.split_once('\n')?;
    // Of a flow without a session, these are of no session whatever flow shows them.
    let is_of_none = known.is_empty() && OF_NONE.iter().any(|it| it.as_str() == kind);
    (!is_of_none).then(|| format!("{kind}\n{}\n{subject}", session.unwrap_or_default()))
}
