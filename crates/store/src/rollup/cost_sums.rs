//! What sessions, tasks and subagents cost: from the sums that the writer keeps of each. Between two moments these
//! are those of what lies between them from end to end; what began before or went on after is told from its flows.

use std::cmp::Reverse;
use std::collections::HashMap;

use langley_model::Micros;
use rusqlite::Connection;

use super::costs::{CostBy, CostGroup, CostKey, CostQuery, CostReport, Unpriced, of_belonging};
use super::fill::{Filled, Scope};
use super::measure::Tally;
use super::query::{GroupBy, UsageQuery};
use super::sums::Costs;
use super::table::{Table, read_costs};
use crate::error::StoreError;
use crate::filter::KEY_SLACK_US;
use crate::store::Store;

impl Store {
    /// Costs by session or by task, or by subagent over all time; none where something else is asked for, or
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
        let span = Span::of(query);
        if !is_of_all(query) || span.is_some() && table == Table::Agents {
            return Ok(None);
        }
        let report = self.read_sound(|conn, damaged| {
            for scope in Scope::ALL {
                if scope.filled(conn)? != Filled::Wholly {
                    return Ok(None);
                }
            }
            let mut report = CostReport { from_flows: true, ..CostReport::default() };
            let mut rows = match (table, span) {
                (Table::Agents, _) => by_subagent(conn)?,
                (_, None) => by_name(conn, table)?,
                (_, Some(span)) => span.by_name(conn, table, query, damaged)?,
            };
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
            let asked = UsageQuery { by, costs_alone: true, ..query.usage.clone() };
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

/// Whether all flows are asked for, or all between two moments.
fn is_of_all(query: &CostQuery) -> bool {
    let UsageQuery { host, provider, model, agent, .. } = &query.usage;
    provider.is_none()
        && [host, model, agent, &query.session, &query.project].into_iter().all(Option::is_none)
}

/// The time between two moments.
#[derive(Clone, Copy, Debug)]
struct Span {
    since: Micros,
    until: Micros,
}

impl Span {
    /// What is asked for; none for all time.
    fn of(query: &CostQuery) -> Option<Self> {
        let UsageQuery { since, until, .. } = query.usage;
        (since.is_some() || until.is_some()).then(|| Self {
            since: since.unwrap_or(Micros(i64::MIN)),
            until: until.unwrap_or(Micros(i64::MAX)),
        })
    }

    /// One for each row of a table with one name, by the flows that began in this time.
    fn by_name(
        self,
        conn: &Connection,
        table: Table,
        query: &CostQuery,
        damaged: &mut Vec<i64>,
    ) -> rusqlite::Result<Vec<Named>> {
        let (mut rows, mut parted) = (Vec::new(), Vec::new());
        let [column] = table.key() else { return Ok(rows) };
        let mut earlier = conn.prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 FROM flows WHERE {column} = ?1 AND n < ?2 AND started_at < ?3)"
        ))?;
        // A key is not lower than the time at which its flow began, and not much higher.
        let (since, key) = (self.since.0, self.since.0.saturating_add(KEY_SLACK_US));
        each(conn, table, |[name, _], costs, newest| {
            if newest < since {
                return Ok(());
            }
            if newest >= self.until.0 || earlier.query_row((&name, key, since), |row| row.get(0))? {
                parted.push(name);
            } else {
                rows.push(Named { name: Some(name), session: None, costs });
            }
            Ok(())
        })?;
        for name in parted {
            let costs = of_belonging(
                conn,
                query,
                Some((column, &name)),
                damaged,
                |costs: &mut Costs, _, flow| {
                    costs.merge(&Costs::of(flow));
                    Ok(())
                },
            )?;
            if !costs.is_empty() {
                rows.push(Named { name: Some(name), session: None, costs });
            }
        }
        Ok(rows)
    }
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
    each(conn, table, |[name, _], costs, _| {
        rows.push(Named { name: Some(name), session: None, costs });
        Ok(())
    })?;
    Ok(rows)
}

/// One for each subagent, and for each session what its own agent asked: all that no subagent did.
fn by_subagent(conn: &Connection) -> rusqlite::Result<Vec<Named>> {
    // Few sessions have subagents.
    let (mut of_subagents, mut rows) = (HashMap::<String, Costs>::new(), Vec::new());
    each(conn, Table::Agents, |[session, agent], costs, _| {
        of_subagents.entry(session.clone()).or_default().merge(&costs);
        rows.push(Named { name: Some(agent), session: Some(session), costs });
        Ok(())
    })?;
    each(conn, Table::Sessions, |[session, _], mut costs, _| {
        if let Some(others) = of_subagents.get(&session) {
            costs.take_out(others);
        }
        if !costs.is_empty() {
            rows.push(Named { name: None, session: Some(session), costs });
        }
        Ok(())
    })?;
    Ok(rows)
}

/// Reads the names of each row of a table, the second one empty where it has but one, what it used and cost, and the
/// key of its newest flow.
fn each(
    conn: &Connection,
    table: Table,
    mut take: impl FnMut([String; 2], Costs, i64) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let names = table.key().len();
    let mut statement = conn.prepare_cached(table.select_costs())?;
    let newest = statement.column_count() - 1;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let second = if names > 1 { row.get(1)? } else { String::new() };
        let newest = row.get::<_, Option<i64>>(newest)?.unwrap_or(i64::MAX);
        take([row.get(0)?, second], read_costs(row, names)?, newest)?;
    }
    Ok(())
}
