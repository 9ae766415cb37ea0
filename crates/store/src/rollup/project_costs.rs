//! What projects cost, by hour and day: sums of what was used and what it cost, beside those of all flows.

use std::collections::HashMap;

use langley_model::Flow;
use rusqlite::{Connection, OptionalExtension};

use super::costs::{CostBy, CostGroup, CostKey, CostQuery, CostReport, Unpriced};
use super::group::Group;
use super::measure::Tally;
use super::named_sums::{NamedRow, NamedSums};
use super::query::GroupBy;
use super::sums::{Costs, Sums};
use crate::codec::number;
use crate::error::StoreError;
use crate::store::Store;

pub(super) const SUMS: NamedSums = NamedSums {
    table: "project_costs",
    column: "project",
    names: "projects",
    columns: "sums",
    by: CostBy::Project,
    // Models without a price are listed.
    always: &[GroupBy::Provider, GroupBy::Model],
};

impl Store {
    /// Costs by project and by what the rollups know, or of one project; what is of no project is what is left of
    /// all.
    pub(super) fn costs_of_projects(&self, query: &CostQuery) -> Result<CostReport, StoreError> {
        let usual = query.by.iter().filter_map(|by| match by {
            CostBy::Usage(by) => Some(*by),
            _ => None,
        });
        let usual: Vec<GroupBy> = usual.collect();
        let place = query.by.iter().position(|by| *by == CostBy::Project);
        let only = query.project.as_deref();
        let mut report = match only {
            Some(_) => CostReport::default(),
            None => self.costs_of_rollups(query, &usual)?,
        };
        let mut groups: HashMap<Vec<CostKey>, Sums> = HashMap::new();
        let of_none = |mut keys: Vec<CostKey>| {
            if let Some(place) = place {
                keys.insert(place, CostKey::Name(None));
            }
            keys
        };
        for group in std::mem::take(&mut report.groups) {
            groups.entry(of_none(group.keys)).or_default().merge(&group.sums);
        }
        let mut unpriced = Unpriced::default();
        self.readers().read(|conn| {
            Ok(SUMS.read(conn, query, only, |found| {
                let sums = decode(found.row.get_ref(NamedRow::FIRST)?.as_blob()?).sums();
                if only.is_some() {
                    report.totals.merge(&sums);
                    let model = (Some(&*found.group.provider), Some(&*found.group.model));
                    unpriced.add(model, sums.tally(Tally::Unpriced));
                } else if let Some(place) = place {
                    let mut keys = found.keys.clone();
                    keys[place] = CostKey::Name(None);
                    groups.entry(keys).or_default().take_out_all(&sums);
                }
                groups.entry(found.keys).or_default().merge(&sums);
                Ok(())
            })?)
        })?;
        if only.is_some() {
            report.unpriced = unpriced.models();
        }
        // What was added between the two readings is taken out of what it is not in yet.
        let is_told = |sums: &Sums| sums.tally(Tally::Flows).cast_signed() >= 0 && !sums.is_empty();
        let groups = groups.into_iter().filter(|(_, sums)| is_told(sums));
        let group = |(keys, sums)| CostGroup { keys, session: None, sums, tool: None };
        report.groups = groups.map(group).collect();
        Ok(report)
    }
}

/// By how much a transaction changes them.
#[derive(Debug, Default)]
pub(super) struct ProjectCosts(HashMap<(Group, String), Costs>);

impl ProjectCosts {
    /// Adds a flow.
    pub(super) fn add(&mut self, flow: &Flow) {
        if let Some(costs) = self.of(flow) {
            costs.merge(&Costs::of(flow));
        }
    }

    /// Takes a flow out that was added as it is here.
    pub(super) fn take_out(&mut self, flow: &Flow) {
        if let Some(costs) = self.of(flow) {
            costs.take_out(&Costs::of(flow));
        }
    }

    fn of(&mut self, flow: &Flow) -> Option<&mut Costs> {
        let project = flow.project.as_ref()?;
        Some(self.0.entry((Group::of(flow), project.id.clone())).or_default())
    }

    /// Writes the changes; the transaction is about to end.
    pub(super) fn write(self, conn: &Connection) -> rusqlite::Result<()> {
        let mut days: HashMap<(Group, String), Costs> = HashMap::new();
        for ((group, project), change) in self.0 {
            if !change.is_empty() {
                put(conn, 0, (&group, &project), &change)?;
                days.entry((group.by_day(), project)).or_default().merge(&change);
            }
        }
        for ((day, project), change) in &days {
            if !change.is_empty() {
                put(conn, 1, (day, project), change)?;
            }
        }
        Ok(())
    }
}

/// Changes the sums of a row; what adds up to nothing has none.
fn put(
    conn: &Connection,
    span: i64,
    (group, project): (&Group, &str),
    change: &Costs,
) -> rusqlite::Result<()> {
    let Group { at, host, provider, model, agent } = group;
    let number = conn
        .prepare_cached("SELECT id FROM projects WHERE name = ?1")?
        .query_row([project], |row| row.get::<_, i64>(0))
        .optional()?;
    // A name that got no number is in no sum.
    let Some(number) = number else { return Ok(()) };
    let key = (span, at, number, host, provider, model, agent);
    let of = "span = ?1 AND at = ?2 AND project = ?3 AND host = ?4 AND provider = ?5 AND model = ?6 AND agent = ?7";
    let known: Option<Vec<u8>> = conn
        .prepare_cached(&format!("SELECT sums FROM project_costs WHERE {of}"))?
        .query_row(key, |row| row.get(0))
        .optional()?;
    let mut costs = known.map_or_else(Costs::default, |known| decode(&known));
    costs.merge(change);
    if costs.is_empty() {
        conn.prepare_cached(&format!("DELETE FROM project_costs WHERE {of}"))?.execute(key)?;
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT OR REPLACE INTO project_costs (span, at, project, host, provider, model, agent, sums)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((span, at, number, host, provider, model, agent, encode(&costs)))?;
    Ok(())
}

fn encode(costs: &Costs) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * costs.0.len());
    for value in costs.0 {
        number::put(&mut out, value);
    }
    out
}

/// What [`encode`] wrote; what is damaged, or is of an earlier version, has less.
pub(super) fn decode(mut raw: &[u8]) -> Costs {
    let mut costs = Costs::default();
    for value in &mut costs.0 {
        *value = number::take(&mut raw).unwrap_or(0);
    }
    costs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_back_and_what_is_cut_off_is_nothing() {
        let mut costs = Costs::default();
        for (value, place) in costs.0.iter_mut().zip(1_u64..) {
            *value = place << (place % 40);
        }
        let written = encode(&costs);
        assert_eq!(decode(&written), costs);
        assert_eq!(decode(&written[..1]).0[0], costs.0[0]);
        assert!(decode(&[]).is_empty());
    }
}
