//! What sessions, tasks and subagents cost over all time: from the sums that the writer keeps of each.

use std::cmp::Reverse;
use std::collections::HashMap;

use rusqlite::Connection;

use super::costs::{CostBy, CostGroup, CostKey, CostQuery, CostReport, Unpriced};
use super::fill::{Filled, Scope};
use super::measure::Tally;
use super::query::{GroupBy, UsageQuery};
use super::sums::Costs;
use super::table::{Table, read_costs};
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Costs by session, by task or by subagent, over all time; none where something else is asked for, or
    /// flows of an earlier version are still to be added.
    pub(super) fn costs_of_belongings(
        &self,
        query: &CostQuery,
    ) -> Result<Option<CostReport>, StoreError> {
        let table = match *query.by {
            [CostBy::Session] => Table::Sessions,
            [CostBy::Task] => Table::Tasks,
            [CostBy::Subagent] => Table::Agents,
            _ => return Ok(None),
        };
        if !is_unbounded(query) {
            return Ok(None);
        }
        let report = self.readers().read(|conn| {
            for scope in Scope::ALL {
                if scope.filled(conn)? != Filled::Wholly {
                    return Ok(None);
                }
            }
            let mut report = CostReport { from_flows: true, ..CostReport::default() };
            let mut rows =
                if table == Table::Agents { by_subagent(conn)? } else { by_name(conn, table)? };
            let mut totals = Costs::default();
            rows.iter().for_each(|row| totals.merge(&row.costs));
            report.totals = totals.sums();
            // One more than are told says that there are more.
            let most = query.groups_max.saturating_add(1);
            if rows.len() > most {
                rows.select_nth_unstable_by(most, |one, other| one.order().cmp(&other.order()));
                rows.truncate(most);
            }
            report.groups = rows.into_iter().map(Named::group).collect();
            Ok(Some(report))
        })?;
        let Some(mut report) = report else { return Ok(None) };
        if report.totals.tally(Tally::Unpriced) > 0 {
            // These sums know no models.
            let by = vec![GroupBy::Provider, GroupBy::Model];
            let asked = UsageQuery { by, costs_alone: true, ..UsageQuery::default() };
            let mut unpriced = Unpriced::default();
            for group in &self.usage(&asked)?.groups {
                let model = (group.provider.as_deref(), group.model.as_deref());
                unpriced.add(model, group.sums.tally(Tally::Unpriced));
            }
            report.unpriced = unpriced.models();
        }
        Ok(Some(report))
    }
}

/// Whether nothing but all flows is asked for.
fn is_unbounded(query: &CostQuery) -> bool {
    let UsageQuery { since, until, host, provider, model, agent, .. } = &query.usage;
    since.is_none()
        && until.is_none()
        && provider.is_none()
        && [host, model, agent, &query.session, &query.project].into_iter().all(Option::is_none)
}

/// What stands in a row, or what is left of it.
struct Named {
    name: Option<String>,
    /// Of a subagent.
    session: Option<String>,
    costs: Costs,
}

impl Named {
    /// The dearest first, as [`CostReport::put_in_order`] has them.
    fn order(&self) -> (Reverse<u64>, &Option<String>, &Option<String>) {
        (Reverse(self.costs.cost()), &self.name, &self.session)
    }

    fn group(self) -> CostGroup {
        let Self { name, session, costs } = self;
        CostGroup { keys: vec![CostKey::Name(name)], session, sums: costs.sums(), tool: None }
    }
}

/// One for each row of a table with one name.
fn by_name(conn: &Connection, table: Table) -> rusqlite::Result<Vec<Named>> {
    let mut rows = Vec::new();
    each(conn, table, |[name, _], costs| {
        rows.push(Named { name: Some(name), session: None, costs });
    })?;
    Ok(rows)
}

/// One for each subagent, and for each session what its own agent asked: all that no subagent did.
fn by_subagent(conn: &Connection) -> rusqlite::Result<Vec<Named>> {
    // Few sessions have subagents.
    let (mut of_subagents, mut rows) = (HashMap::<String, Costs>::new(), Vec::new());
    each(conn, Table::Agents, |[session, agent], costs| {
        of_subagents.entry(session.clone()).or_default().merge(&costs);
        rows.push(Named { name: Some(agent), session: Some(session), costs });
    })?;
    each(conn, Table::Sessions, |[session, _], mut costs| {
        if let Some(others) = of_subagents.get(&session) {
            costs.take_out(others);
        }
        if !costs.is_empty() {
            rows.push(Named { name: None, session: Some(session), costs });
        }
    })?;
    Ok(rows)
}

/// Reads the names of each row of a table, the second one empty where it has but one, and what it used and cost.
fn each(
    conn: &Connection,
    table: Table,
    mut take: impl FnMut([String; 2], Costs),
) -> rusqlite::Result<()> {
    let names = table.key().len();
    let mut statement = conn.prepare_cached(table.select_costs())?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let second = if names > 1 { row.get(1)? } else { String::new() };
        take([row.get(0)?, second], read_costs(row, names)?);
    }
    Ok(())
}
