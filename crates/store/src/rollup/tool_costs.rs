//! What tools cost, asked: by tool, and by whatever costs are told apart by beside it. From sums over any span of
//! time; by session, task or subagent, and of one session, from the flows that are kept.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::costs::{CostBy, CostGroup, CostKey, CostQuery, CostReport, each, keys};
use super::fill::{Filled, Scope};
use super::measure::{Measure, Tally};
use super::named_sums::{NamedRow, NamedSums, put_name};
use super::sums::{Figure, Sums};
use super::tool_shares::decode;
use super::tool_sums::{COLUMNS, ToolCostSums, ToolCostTally};
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
        let found = self.readers().read(|conn| {
            if Scope::Rollups.filled(conn)? != Filled::Wholly {
                report.filling = true;
            }
            Ok(if is_summed { of_sums(conn, query)? } else { of_flows(conn, query)? })
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

fn of_flows(conn: &Connection, query: &CostQuery) -> rusqlite::Result<Found> {
    let mut names = HashMap::new();
    let mut name = conn.prepare_cached("SELECT name FROM tools WHERE id = ?1")?;
    let mut shares = conn.prepare_cached("SELECT shares FROM tool_shares WHERE flow = ?1")?;
    let mut found = Found::new();
    let mut failed = None;
    let mut add = |n: i64, flow: &langley_model::Flow| -> rusqlite::Result<()> {
        let row: Option<Vec<u8>> = shares.query_row([n], |row| row.get(0)).optional()?;
        // What is damaged is told of no tool.
        let Some(Ok(shares)) = row.map(|row| decode(&row)) else { return Ok(()) };
        for part in &shares.parts {
            if let std::collections::hash_map::Entry::Vacant(free) = names.entry(part.tool) {
                free.insert(name.query_row([part.tool], |row| row.get::<_, String>(0))?);
            }
        }
        let (flow_keys, session) = keys(query, flow);
        ToolCostSums::each(flow, &shares, |tool, sums| {
            let mut keys = flow_keys.clone();
            put_name(&query.by, CostBy::Tool, &mut keys, &names[&tool]);
            found.entry((keys, session.clone())).or_default().add(&sums, 1);
        });
        Ok(())
    };
    each(conn, query, &mut |n, flow| {
        if failed.is_none() {
            failed = add(n, flow).err();
        }
    })?;
    failed.map_or(Ok(found), Err)
}
