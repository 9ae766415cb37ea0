//! What tools cost, asked: by tool, and by whatever costs are told apart by beside it. From sums over any span of
//! time; by session, task or subagent, and of one session, from the flows that are kept.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::costs::{CostBy, CostGroup, CostKey, CostQuery, CostReport, each, keys, told};
use super::fill::{Filled, Scope};
use super::group::{DAY_HOURS, Group};
use super::measure::{Measure, Tally};
use super::query::{GroupBy, Span, UsageGroup, UsageQuery, asked_hours, local_day};
use super::sums::{Figure, Sums};
use super::tool_shares::decode;
use super::tool_sums::{COLUMNS, ToolCostSums, ToolCostTally};
use crate::error::StoreError;
use crate::filter::Condition;
use crate::store::Store;

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

/// The tool's name in its place among the keys.
fn named(query: &CostQuery, keys: &mut [CostKey], tool: &str) {
    for (by, key) in query.by.iter().zip(keys) {
        if *by == CostBy::Tool {
            *key = CostKey::Name(Some(tool.to_owned()));
        }
    }
}

/// From the sums: whole days, and the hours before and behind them.
fn of_sums(conn: &Connection, query: &CostQuery) -> rusqlite::Result<Found> {
    let Span { from, to } = asked_hours(&query.usage);
    let by = |by| query.by.contains(&CostBy::Usage(by));
    let has_other_days = by(GroupBy::Day) && query.usage.offset_minutes != 0;
    // Far from any bound, so that days can be counted in hours.
    let (from, to) = (from.max(i64::MIN / 64), to.min(i64::MAX / 64));
    let first = from.saturating_add(DAY_HOURS - 1).div_euclid(DAY_HOURS);
    let last = to.div_euclid(DAY_HOURS);
    let mut found = Found::new();
    if first < last && !by(GroupBy::Hour) && !has_other_days {
        add(conn, query, 1, Span { from: first, to: last }, &mut found)?;
        add(conn, query, 0, Span { from, to: first * DAY_HOURS }, &mut found)?;
        add(conn, query, 0, Span { from: last * DAY_HOURS, to }, &mut found)?;
    } else {
        add(conn, query, 0, Span { from, to }, &mut found)?;
    }
    Ok(found)
}

/// Adds the rows of hours (0) or of days (1).
fn add(
    conn: &Connection,
    query: &CostQuery,
    kind: i64,
    span: Span,
    found: &mut Found,
) -> rusqlite::Result<()> {
    let usage = &query.usage;
    let mut condition = Condition::default();
    let bounds: [Value; 3] = [kind.into(), span.from.into(), span.to.into()];
    condition.and("span = ? AND at >= ? AND at < ?", bounds);
    let UsageQuery { host, provider, model, agent, .. } = usage;
    let provider = provider.map(|provider| provider.as_str().to_owned());
    for (column, text) in
        [("host", host), ("provider", &provider), ("model", model), ("agent", agent)]
    {
        if let Some(text) = text {
            condition.and(&format!("{column} = ?"), [text.clone().into()]);
        }
    }
    let sql = format!(
        "SELECT (SELECT name FROM tools WHERE id = tool), at, host, provider, model, agent, {COLUMNS}
         FROM tool_costs{}",
        condition.sql()
    );
    let by: Vec<GroupBy> = query
        .by
        .iter()
        .map(|by| match by {
            CostBy::Usage(by) => *by,
            // It is named below.
            _ => GroupBy::Host,
        })
        .collect();
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&condition.parameters))?;
    while let Some(row) = rows.next()? {
        let tool: String = row.get(0)?;
        let at: i64 = row.get(1)?;
        let group = Group {
            at: if kind == 0 { at } else { at.saturating_mul(DAY_HOURS) },
            host: row.get(2)?,
            provider: row.get(3)?,
            model: row.get(4)?,
            agent: row.get(5)?,
        };
        let mut keys = told(&by, &labelled(usage, group));
        named(query, &mut keys, &tool);
        found.entry((keys, None)).or_default().add(&ToolCostSums::read(row, 6)?, 1);
    }
    Ok(())
}

/// A group of an hour as a group of the rollups.
fn labelled(usage: &UsageQuery, group: Group) -> UsageGroup {
    UsageGroup {
        hour: Some(group.hour()),
        day: Some(local_day(usage, &group)),
        host: Some(group.host),
        provider: Some(group.provider),
        model: Some(group.model),
        agent: Some(group.agent),
        sums: Sums::default(),
    }
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
            named(query, &mut keys, &names[&tool]);
            found.entry((keys, session.clone())).or_default().add(&sums, 1);
        });
        Ok(())
    };
    each(conn, query, |n, flow| {
        if failed.is_none() {
            failed = add(n, flow).err();
        }
    })?;
    failed.map_or(Ok(found), Err)
}
