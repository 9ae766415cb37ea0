//! What the analysis hands over, written between two batches.

use langley_model::{
    Finding, Redacted, Revision, ToolCall, ToolExecution, ToolOutcome, ToolSource,
};
use rusqlite::{Connection, OptionalExtension};

use super::evidence::READ;
use super::row;
use super::sums::{Gathered, Group};
use crate::damage::decoded;
use crate::error::StoreError;
use crate::findings;
use crate::flow_row::signed;
use crate::hours::hour_of;
use crate::rollup::{ShareEntry, ToolCostChange};
use crate::store::Store;
use crate::traits::{self, Traits};
use crate::waiting::Waiting;
use crate::writer::{Budget, Site};

/// A call, for its row.
#[derive(Clone, Debug)]
pub struct CallEntry {
    /// The key of its flow.
    pub key: i64,
    /// Which one of the flow's calls.
    pub position: u32,
    /// What is known of it; none takes the row away.
    pub call: Option<Redacted<ToolCall>>,
    /// Its runs, in place of those known.
    pub executions: Option<Vec<ToolExecution>>,
    /// What is wrong about it, as findings of its flow: written with the row, because who finds the row
    /// written does not look for them again.
    pub findings: Vec<Redacted<Finding>>,
}

/// What the analysis of some flows came to.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// The flows that were read, by their keys, and the state that was.
    pub read: Vec<(i64, Revision)>,
    /// Calls that are new or have changed.
    pub calls: Vec<CallEntry>,
    /// What was found beside what is wrong about calls.
    pub findings: Vec<Redacted<Finding>>,
    /// What tools have of the flows.
    pub shares: Vec<ShareEntry>,
    /// Flows of which another one tells that they have to be looked at once more, by their keys.
    pub again: Vec<i64>,
    /// Flows whose tokens are to be counted, by their keys.
    pub uncounted: Vec<i64>,
    /// Up to which piece all evidence of other sources was joined, where that is more than before.
    pub evidence: Option<i64>,
}

impl Analysis {
    /// Whether there is nothing to be written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let Self { read, calls, findings, shares, again, uncounted, evidence } = self;
        read.is_empty()
            && calls.is_empty()
            && findings.is_empty()
            && shares.is_empty()
            && again.is_empty()
            && uncounted.is_empty()
            && evidence.is_none()
    }
}

impl Store {
    /// Keeps what the analysis came to, and returns the numbers of the findings that are new or have new
    /// evidence. A finding of a violation that a call has no more is taken back.
    ///
    /// It is done in transactions so short that recording does not wait for them. One that breaks off between
    /// two of them leaves nothing half done: a call's row and what is wrong about it are written together, and
    /// flows are done with after all else. One that has changed since it was read goes on waiting.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was written until then stays.
    pub fn keep_analysis(&self, analysis: Analysis) -> Result<Vec<i64>, StoreError> {
        let Analysis { read, calls, findings, mut shares, again, uncounted, evidence } = analysis;
        let (mut left, mut found) = (calls, Vec::new());
        left.reverse();
        while !left.is_empty() {
            let mut entries = std::mem::take(&mut left);
            let written = self.job(move |site| {
                let written = write(site, &mut entries);
                if written.is_err() {
                    site.forget_tools();
                }
                written.map(|found| (found, entries))
            })?;
            found.extend(written.0);
            left = written.1;
        }
        found.extend(self.keep_findings(findings)?);
        while !shares.is_empty() {
            shares = self.job(move |site| {
                let written = write_shares(site, &mut shares);
                if written.is_err() {
                    site.forget_tools();
                }
                written.map(|()| shares)
            })?;
        }
        found.sort_unstable();
        found.dedup();
        self.job(move |site| {
            let change = site.change()?;
            for (key, revision) in &read {
                Waiting::Analysis.is_done(&change, *key, *revision)?;
            }
            Waiting::Analysis.note_earlier(&change, &again)?;
            Waiting::Tokens.note_earlier(&change, &uncounted)?;
            if let Some(last) = evidence {
                change
                    .prepare_cached("INSERT OR REPLACE INTO totals (name, value) VALUES (?1, ?2)")?
                    .execute((READ, last))?;
            }
            change.commit()
        })?;
        Ok(found)
    }
}

/// Writes shares from the end of the list, as many as the budget lets, with what they change of the sums.
fn write_shares(site: &mut Site<'_>, shares: &mut Vec<ShareEntry>) -> rusqlite::Result<()> {
    let mut budget = Budget::new(u32::MAX);
    let change = site.change()?;
    let mut sums = ToolCostChange::default();
    while let Some(entry) = shares.pop() {
        entry.write(site, &change, &mut sums)?;
        if !budget.spend(1) {
            break;
        }
    }
    sums.write(&change)?;
    change.commit()
}

/// Writes entries from the end of the list, as many as the budget lets; the numbers of the findings that say
/// something new.
fn write(site: &mut Site<'_>, entries: &mut Vec<CallEntry>) -> rusqlite::Result<Vec<i64>> {
    let mut budget = Budget::new(u32::MAX);
    let change = site.change()?;
    let (mut sums, mut found) = (Gathered::default(), Vec::new());
    while let Some(entry) = entries.pop() {
        entry.write(site, &change, &mut sums)?;
        for finding in &entry.findings {
            found.extend(findings::write(&change, finding)?);
        }
        if !budget.spend(1) {
            break;
        }
    }
    sums.write(&change)?;
    change.commit()?;
    Ok(found)
}

impl CallEntry {
    fn write(
        &self,
        site: &mut Site<'_>,
        change: &Connection,
        sums: &mut Gathered,
    ) -> rusqlite::Result<()> {
        let (flow, position) = (self.key, self.position);
        // The flow may have been removed.
        let Some((hour, agent)) = flow_of(change, flow)? else { return Ok(()) };
        let group = |tool| Group { hour, tool, agent: agent.clone() };
        let before = row::read(change, flow, position)?;
        if let Some((tool, Some(before))) = &before {
            sums.of(group(*tool)).take_out(position, before);
        }
        if let Some(call) = &self.call {
            let Some(tool) = site.tool_number(&call.name, flow)? else { return Ok(()) };
            sums.of(group(tool)).add(position, call);
            let kept = match &self.executions {
                Some(executions) => executions.clone(),
                None => executions(change, flow, position)?,
            };
            row::write(change, (flow, position, tool), call)?;
            keep_executions(change, (flow, position), &kept)?;
        } else {
            change
                .prepare_cached("DELETE FROM tool_calls WHERE flow = ?1 AND position = ?2")?
                .execute((flow, position))?;
        }
        let of = |call: Option<&ToolCall>| call.map(|call| call.violations).unwrap_or_default();
        let before = of(before.as_ref().and_then(|(_, before)| before.as_ref()));
        let now = of(self.call.as_deref());
        for gone in before.iter().filter(|it| !now.contains(*it)) {
            // Another call of the flow may have it still.
            if !row::has_violation(change, flow, gone)? {
                findings::take_back(change, flow, gone)?;
            }
        }
        Ok(())
    }
}

/// The hour in which a flow began, and its agent, whatever else of it can be read.
fn flow_of(conn: &Connection, key: i64) -> rusqlite::Result<Option<(i64, String)>> {
    let sql = format!("SELECT started_at, {}, agent FROM flows WHERE n = ?1", traits::NAME);
    let row = conn.prepare_cached(&sql)?.query_row([key], |row| {
        let name: Option<String> = row.get(1)?;
        let agent = match name.as_deref().and_then(Traits::parse) {
            Some(traits) => traits.agent().map(str::to_owned),
            None => row.get(2)?,
        };
        Ok((row.get(0)?, agent.unwrap_or_default()))
    });
    // Of one that says neither the key tells the time.
    let (began, agent) = match decoded(("the agent of a call's flow", key), row.optional())? {
        Some(None) => return Ok(None),
        Some(Some(read)) => read,
        None => (key, String::new()),
    };
    Ok(Some((hour_of(began), agent)))
}

const BACKGROUNDED: u8 = 1;
const INFERRED: u8 = 2;

fn keep_executions(
    conn: &Connection,
    (flow, position): (i64, u32),
    executions: &[ToolExecution],
) -> rusqlite::Result<()> {
    if executions.is_empty() {
        return Ok(());
    }
    let mut put = conn.prepare_cached(
        "INSERT OR REPLACE INTO tool_executions
             (flow, position, number, source, flags, began_us, ended_us, outcome)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for run in executions {
        let flags = if run.backgrounded { BACKGROUNDED } else { 0 }
            | if run.inferred { INFERRED } else { 0 };
        put.execute((
            flow,
            position,
            signed(run.number),
            run.source as u8,
            flags,
            run.began_us,
            run.ended_us,
            run.outcome.map(ToolOutcome::number),
        ))?;
    }
    Ok(())
}

/// The runs of a call, in order.
pub(super) fn executions(
    conn: &Connection,
    flow: i64,
    position: u32,
) -> rusqlite::Result<Vec<ToolExecution>> {
    let mut statement = conn.prepare_cached(
        "SELECT number, source, flags, began_us, ended_us, outcome FROM tool_executions
         WHERE flow = ?1 AND position = ?2 ORDER BY number",
    )?;
    let mut rows = statement.query((flow, position))?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let flags: u8 = row.get(2)?;
        let Some(source) = ToolSource::of_number(row.get(1)?) else { continue };
        runs.push(ToolExecution {
            number: row.get::<_, i64>(0)?.cast_unsigned(),
            source,
            began_us: row.get(3)?,
            ended_us: row.get(4)?,
            backgrounded: flags & BACKGROUNDED != 0,
            outcome: row.get::<_, Option<u8>>(5)?.and_then(ToolOutcome::of_number),
            inferred: flags & INFERRED != 0,
        });
    }
    Ok(runs)
}
