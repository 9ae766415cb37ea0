//! What tools cost, asked: by tool, and by whatever costs are told apart by beside it. From sums over any span of
//! time; by session, task or subagent, and of one session, from the flows that are kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use langley_model::Flow;
use rusqlite::Connection;

use super::costs::{CostBy, CostGroup, CostKey, CostQuery, CostReport, keys, of_asked};
use super::fill::{Filled, Scope};
use super::measure::{Measure, Tally};
use super::named_sums::{NamedRow, NamedSums, put_name};
use super::query::UsageQuery;
use super::sums::{Figure, Sums};
use super::tool_shares;
use super::tool_sums::{COLUMNS, ToolCostSums, ToolCostTally};
use crate::damage::sound;
use crate::error::StoreError;
use crate::store::Store;

const SUMS: NamedSums = NamedSums {
    table: "tool_costs",
    column: "tool",
    names: "tools",
    columns: COLUMNS,
    by: CostBy::Tool,
    always: &[],
};

/// What costs are told by, and the session of a subagent.
type Label = (Vec<CostKey>, Option<String>);

/// Sums of each label.
type Found = HashMap<Label, ToolCostSums>;

impl Store {
    /// What each tool has of the costs of a span of time, or of a session.
    pub(crate) fn tool_cost_sums(
        &self,
        usage: UsageQuery,
        session: Option<String>,
    ) -> Result<HashMap<String, ToolCostSums>, StoreError> {
        let by = vec![CostBy::Tool];
        let query = CostQuery { by, usage, session, ..CostQuery::default() };
        let found = self.read_sound(|conn, damaged| {
            Ok(match query.session {
                None => of_sums(conn, &query)?,
                Some(_) => of_flows(conn, &query, damaged)?,
            })
        })?;
        let named =
            found.into_iter().filter_map(|((keys, _), sums)| match keys.into_iter().next() {
                Some(CostKey::Name(Some(tool))) => Some((tool, sums)),
                _ => None,
            });
        Ok(named.collect())
    }

    /// Costs by tool; `totals` are those of all flows that are asked for.
    pub(super) fn costs_of_tools(&self, query: &CostQuery) -> Result<CostReport, StoreError> {
        let others = |by: &&CostBy| **by != CostBy::Tool;
        let by: Vec<CostBy> = query.by.iter().filter(others).copied().collect();
        let is_summed =
            query.session.is_none() && by.iter().all(|by| matches!(by, CostBy::Usage(_)));
        let of_all = CostQuery { by: Vec::new(), ..query.clone() };
        let mut report = if is_summed {
            self.costs_of_rollups(&of_all, &[])?
        } else {
            self.costs_of_flows(&of_all)?
        };
        let found = self.read_sound(|conn, damaged| {
            if Scope::Rollups.filled(conn)? != Filled::Wholly {
                report.filling = true;
            }
            Ok(if is_summed { of_sums(conn, query)? } else { of_flows(conn, query, damaged)? })
        })?;
        report.filling |= self.analysis_state()?.waiting > 0;
        let mut tools = ToolCostSums::default();
        found.values().for_each(|sums| tools.add(sums, 1));
        report.tools = Some(tools);
        let groups = found.into_iter().filter(|(_, sums)| !sums.is_empty());
        report.groups = groups.map(group).collect();
        Ok(report)
    }
}

/// A group, with what it costs where all groups have that.
fn group(((keys, session), tool): (Label, ToolCostSums)) -> CostGroup {
    let mut sums = Sums::default();
    sums.count_more(Tally::Flows, tool.tally(ToolCostTally::Flows));
    sums.count_more(Tally::Unpriced, tool.tally(ToolCostTally::Unpriced));
    if let Some(cost) = tool.cost() {
        let sum = cost.rounded().0.cast_unsigned();
        let flows = tool.tally(ToolCostTally::Priced);
        sums.add_figure(Measure::Cost, Figure { sum, flows });
    }
    CostGroup { keys, session, sums, tool: Some(tool) }
}

/// From the sums.
fn of_sums(conn: &Connection, query: &CostQuery) -> rusqlite::Result<Found> {
    let mut found = Found::new();
    SUMS.read(conn, query, None, |row| {
        let sums = ToolCostSums::read(row.row, NamedRow::FIRST)?;
        found.entry((row.keys, None)).or_default().add(&sums, 1);
        Ok(())
    })?;
    Ok(found)
}

/// From the flows, as far as these can be read.
fn of_flows(
    conn: &Connection,
    query: &CostQuery,
    damaged: &mut Vec<i64>,
) -> rusqlite::Result<Found> {
    let mut names: HashMap<i64, String> = HashMap::new();
    let mut name = conn.prepare_cached("SELECT name FROM tools WHERE id = ?1")?;
    of_asked(conn, query, damaged, |found: &mut Found, n, flow: &Flow| {
        // What is damaged is told of no tool.
        let shares = sound(("what tools have of a flow", n), tool_shares::read(conn, n))?;
        let Some(shares) = shares.flatten() else { return Ok(()) };
        for part in &shares.parts {
            if let Entry::Vacant(free) = names.entry(part.tool) {
                free.insert(name.query_row([part.tool], |row| row.get(0))?);
            }
        }
        let (flow_keys, session) = keys(query, flow);
        ToolCostSums::each(flow, &shares, |tool, sums| {
            let mut keys = flow_keys.clone();
            put_name(&query.by, CostBy::Tool, &mut keys, &names[&tool]);
            found.entry((keys, session.clone())).or_default().add(&sums, 1);
        });
        Ok(())
    })
}
