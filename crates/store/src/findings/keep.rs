//! Findings, written between two batches: a new one, or more evidence for one that is known.

use langley_model::{Finding, FindingKind, FindingState, FlowId, Redacted, Violation};
use rusqlite::{Connection, OptionalExtension};

use super::words::Words;
use crate::error::StoreError;
use crate::query::key;
use crate::store::Store;
use crate::writer::{Budget, Site};

/// Flows of evidence that are written in one transaction.
const AT_ONCE: u32 = 256;

/// What is known of a finding.
struct Known {
    id: i64,
    state: FindingState,
    last_at: i64,
}

impl Store {
    /// Keeps findings; one that is known gets more evidence, and the same evidence again changes nothing but
    /// the words. Returns the numbers of those that are new or have new evidence, once committed.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was written until then stays.
    pub fn keep_findings(&self, findings: Vec<Redacted<Finding>>) -> Result<Vec<i64>, StoreError> {
        let mut changed = Vec::new();
        let mut left = findings;
        left.reverse();
        while !left.is_empty() {
            let mut some = std::mem::take(&mut left);
            let written = self.job(move |site| Ok((write_some(site, &mut some)?, some)))?;
            changed.extend(written.0);
            left = written.1;
        }
        changed.sort_unstable();
        changed.dedup();
        Ok(changed)
    }

    /// Says what a person made of a finding; whether there is one of this number.
    ///
    /// # Errors
    /// The store is closed or cannot be written.
    pub fn judge_finding(&self, id: i64, state: FindingState) -> Result<bool, StoreError> {
        self.job(move |site| {
            let judged = site
                .conn
                .execute("UPDATE findings SET state = ?2 WHERE id = ?1", (id, state.as_str()))?;
            Ok(judged > 0)
        })
    }
}

/// Writes findings from the end of the list, as many as the budget lets; the numbers of those that say
/// something new.
fn write_some(
    site: &Site<'_>,
    findings: &mut Vec<Redacted<Finding>>,
) -> rusqlite::Result<Vec<i64>> {
    let mut budget = Budget::new(AT_ONCE);
    let mut changed = Vec::new();
    let change = site.change()?;
    while let Some(finding) = findings.pop() {
        changed.extend(write(&change, &finding)?);
        if !budget.spend(1 + finding.beside.len()) {
            break;
        }
    }
    change.commit()?;
    Ok(changed)
}

/// Takes back that a flow shows a violation. What nothing shows any more is gone.
pub(crate) fn take_back(
    conn: &Connection,
    flow: i64,
    violation: Violation,
) -> rusqlite::Result<()> {
    let mut told = conn.prepare_cached(
        "SELECT id, key FROM finding_flows JOIN findings ON id = finding
         WHERE flow = ?1 AND shows AND kind = ?2",
    )?;
    let mut rows = told.query((flow, FindingKind::LifecycleViolation.as_str()))?;
    let mut gone: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        // The subject is the last of the key.
        if row.get_ref(1)?.as_str()?.rsplit('\n').next() == Some(violation.code()) {
            gone.push(row.get(0)?);
        }
    }
    for finding in gone {
        conn.prepare_cached("DELETE FROM finding_flows WHERE finding = ?1 AND flow = ?2")?
            .execute((finding, flow))?;
    }
    Ok(())
}

/// Writes a finding; its number when it says something new. Nothing when its flow is gone.
pub(crate) fn write(
    conn: &Connection,
    finding: &Redacted<Finding>,
) -> rusqlite::Result<Option<i64>> {
    let Some((flow, _)) = key(conn, finding.flow)? else { return Ok(None) };
    let cost = finding.cost.map(|cost| cost.0);
    let (id, is_new) = match known(conn, finding)? {
        Some(known) => {
            let is_new = add(conn, known.id, flow, cost)?;
            // Flows are not always looked at in order: the latest has the words.
            if flow >= known.last_at {
                describe(conn, known.id, finding)?;
            }
            if is_new && known.state.seen_again() != known.state {
                conn.prepare_cached("UPDATE findings SET state = ?2 WHERE id = ?1")?
                    .execute((known.id, known.state.seen_again().as_str()))?;
            }
            (known.id, is_new)
        }
        None => {
            let id = insert(conn, finding, flow)?;
            add(conn, id, flow, cost)?;
            (id, true)
        }
    };
    beside(conn, id, &finding.beside)?;
    Ok(is_new.then_some(id))
}

fn known(conn: &Connection, finding: &Finding) -> rusqlite::Result<Option<Known>> {
    conn.prepare_cached("SELECT id, state, last_at FROM findings WHERE key = ?1")?
        .query_row([finding.key()], |row| {
            let state: String = row.get(1)?;
            let state = FindingState::parse(&state).unwrap_or_default();
            Ok(Known { id: row.get(0)?, state, last_at: row.get(2)? })
        })
        .optional()
}

fn insert(conn: &Connection, finding: &Finding, flow: i64) -> rusqlite::Result<i64> {
    conn.prepare_cached(
        "INSERT INTO findings
             (key, kind, state, severity, session_id, agent_id, first_at, last_at, times, words)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 0, ?8)",
    )?
    .insert(rusqlite::params![
        finding.key(),
        finding.kind.as_str(),
        FindingState::Open.as_str(),
        finding.severity as i64,
        finding.session,
        finding.agent_id,
        flow,
        Words::encode(finding),
    ])
}

fn describe(conn: &Connection, id: i64, finding: &Finding) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE findings SET severity = ?2, agent_id = ?3, words = ?4 WHERE id = ?1",
    )?
    .execute((id, finding.severity as i64, &finding.agent_id, Words::encode(finding)))?;
    Ok(())
}

/// Adds a flow that shows it; whether it did not already.
pub(super) fn add(
    conn: &Connection,
    id: i64,
    flow: i64,
    cost: Option<i64>,
) -> rusqlite::Result<bool> {
    let before: Option<(bool, Option<i64>)> = conn
        .prepare_cached(
            "SELECT shows, micro_usd FROM finding_flows WHERE finding = ?1 AND flow = ?2",
        )?
        .query_row((id, flow), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let shown = before.filter(|(shows, _)| *shows);
    let known_cost = shown.and_then(|(_, cost)| cost);
    conn.prepare_cached(
        "INSERT INTO finding_flows (finding, flow, shows, micro_usd) VALUES (?1, ?2, TRUE, ?3)
         ON CONFLICT DO UPDATE SET shows = TRUE, micro_usd = excluded.micro_usd",
    )?
    .execute((id, flow, cost))?;
    let change = cost.unwrap_or(0) - known_cost.unwrap_or(0);
    conn.prepare_cached(
        "UPDATE findings SET
             times = times + ?2,
             first_at = min(first_at, ?3),
             last_at = max(last_at, ?3),
             micro_usd = CASE WHEN ?4 THEN ifnull(micro_usd, 0) + ?5 ELSE micro_usd END
         WHERE id = ?1",
    )?
    .execute((id, i64::from(shown.is_none()), flow, cost.is_some(), change))?;
    if cost.is_none() && known_cost.is_some() {
        // It is not known any more: what the rest says is left, if that says anything.
        conn.prepare_cached(
            "UPDATE findings SET micro_usd =
                 (SELECT sum(micro_usd) FROM finding_flows WHERE finding = ?1 AND shows)
             WHERE id = ?1",
        )?
        .execute([id])?;
    }
    Ok(shown.is_none())
}

/// Adds earlier flows that are part of the evidence; those that are gone are left out.
fn beside(conn: &Connection, id: i64, flows: &[FlowId]) -> rusqlite::Result<()> {
    for flow in flows {
        if let Some((flow, _)) = key(conn, *flow)? {
            conn.prepare_cached(
                "INSERT OR IGNORE INTO finding_flows (finding, flow, shows) VALUES (?1, ?2, FALSE)",
            )?
            .execute((id, flow))?;
        }
    }
    Ok(())
}
