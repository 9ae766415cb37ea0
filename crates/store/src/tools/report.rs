//! What the calls of each tool add up to, over any span of time or in one session.

use std::collections::HashMap;

use langley_model::{MicroUsd, Micros};
use rusqlite::Connection;

use super::order::ToolOrder;
use super::row::{kept, select};
use super::sums::{COLUMNS, ToolSums, ToolTally};
use crate::damage::told_apart;
use crate::error::StoreError;
use crate::hours::{DAY_HOURS, HOUR_US, hour_of};
use crate::store::Store;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolQuery {
    /// Of flows that began in the hour of this time or later.
    pub since: Option<Micros>,
    /// Of flows that began before this time, or in the same hour.
    pub until: Option<Micros>,
    /// Of this session; its flows that are kept.
    pub session: Option<String>,
    /// In which order.
    pub order: ToolOrder,
    /// Whether what they cost is not told: to add it up may take far longer than the rest.
    pub without_costs: bool,
}

/// A tool, and what its calls add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolTotals {
    /// The tool.
    pub name: String,
    /// The sums.
    pub sums: ToolSums,
    /// What it cost; none where that is not known.
    pub cost: Option<MicroUsd>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolReport {
    /// The tools in the order that was asked for, and those that are alike by calls and name.
    pub tools: Vec<ToolTotals>,
    /// What all of them add up to.
    pub totals: ToolSums,
    /// What those cost of which it is known; none where it is known of none.
    pub cost: Option<MicroUsd>,
    /// Whether flows still wait to be analysed. Those that were removed before are waited for no more, and in no
    /// sums.
    pub is_behind: bool,
}

impl Store {
    /// What the calls of each tool add up to.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn tools(&self, query: &ToolQuery) -> Result<ToolReport, StoreError> {
        let is_behind = self.analysis_state()?.waiting > 0;
        let sums = match &query.session {
            Some(session) => self.of_session(session, query)?,
            None => self.of_time(query)?,
        };
        let mut report = ToolReport { is_behind, ..ToolReport::default() };
        for (name, sums) in sums {
            if sums.tally(ToolTally::Calls) > 0 {
                report.totals.merge(&sums);
                report.tools.push(ToolTotals { name, sums, cost: None });
            }
        }
        let calls = |tool: &ToolTotals| tool.sums.tally(ToolTally::Calls);
        report.tools.sort_by(|one, other| {
            calls(other).cmp(&calls(one)).then_with(|| one.name.cmp(&other.name))
        });
        // Where what they cost cannot be read, the rest is told without it.
        if !query.without_costs || query.order == ToolOrder::Cost {
            told_apart(self.put_costs(&mut report, query))?;
        }
        query.order.sort(&mut report.tools);
        Ok(report)
    }

    /// From the calls themselves: a session has few.
    fn of_session(
        &self,
        session: &str,
        query: &ToolQuery,
    ) -> Result<HashMap<String, ToolSums>, StoreError> {
        let (from, to) = hours(query);
        self.readers().read(|conn| {
            let sql = format!("{} WHERE flows.session_id = ?1", select());
            let mut statement = conn.prepare_cached(&sql)?;
            let mut rows = statement.query([session])?;
            let mut found: HashMap<String, ToolSums> = HashMap::new();
            while let Some(row) = rows.next()? {
                let call = kept(row)?;
                let hour = hour_of(call.started_at.0);
                if let Some(told) = &call.call
                    && (from..to).contains(&hour)
                {
                    found.entry(call.name).or_default().add(call.position, told);
                }
            }
            Ok(found)
        })
    }

    /// From the sums: whole days, and the hours before and behind them.
    fn of_time(&self, query: &ToolQuery) -> Result<HashMap<String, ToolSums>, StoreError> {
        let (from, to) = hours(query);
        let first_day = from.saturating_add(DAY_HOURS - 1).div_euclid(DAY_HOURS);
        let last_day = to.div_euclid(DAY_HOURS);
        self.readers().read(|conn| {
            let mut found = HashMap::new();
            if first_day < last_day {
                add(conn, (1, first_day, last_day), &mut found)?;
                add(conn, (0, from, first_day.saturating_mul(DAY_HOURS)), &mut found)?;
                add(conn, (0, last_day.saturating_mul(DAY_HOURS), to), &mut found)?;
            } else {
                add(conn, (0, from, to), &mut found)?;
            }
            Ok(found)
        })
    }
}

/// The hours that are asked for: from this one to before that one. Without a bound, far away from any.
fn hours(query: &ToolQuery) -> (i64, i64) {
    const FAR: i64 = i64::MAX / HOUR_US / 64 * DAY_HOURS;
    let hour = |time: Micros| hour_of(time.0);
    let to = query.until.map_or(FAR, |until| {
        // A bound at the beginning of an hour leaves that hour out.
        hour(Micros(until.0.saturating_sub(1))) + 1
    });
    (query.since.map_or(-FAR, hour), to)
}

/// Adds the rows of a span, from the first to before the last.
fn add(
    conn: &Connection,
    (span, from, to): (i64, i64, i64),
    found: &mut HashMap<String, ToolSums>,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT (SELECT name FROM tools WHERE id = tool), {COLUMNS} FROM tool_sums
         WHERE span = ?1 AND at >= ?2 AND at < ?3"
    ))?;
    let mut rows = statement.query((span, from, to))?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        found.entry(name).or_default().merge(&ToolSums::read(row, 1)?);
    }
    Ok(())
}
