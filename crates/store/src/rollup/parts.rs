//! What projects cost between moments, to the second: from the sums by hour, which outlive the flows, and in an hour in
//! which a moment lies from its flows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use langley_model::Micros;

use super::costs::{CostBy, CostKey, CostQuery, filter_of, is_asked, of_asked};
use super::named_sums::NamedRow;
use super::project_costs::{SUMS, decode};
use super::query::{GroupBy, UsageQuery};
use super::sums::{Costs, Sums};
use crate::damage::sound_flows;
use crate::error::StoreError;
use crate::filter::{Condition, Order};
use crate::hours::HOUR_US;
use crate::store::Store;

/// Flows of a project that are looked through for a part's sessions.
const LOOKED_THROUGH: usize = 200;

/// Projects of a place that are asked.
const PROJECTS: usize = 8;

/// Projects, each in a place, and moments that part what the projects of a place did.
#[derive(Clone, Debug, Default)]
pub struct Parting {
    /// The place of a project.
    pub of_project: HashMap<String, usize>,
    /// Of each place its moments, the earliest first.
    pub marks: Vec<Vec<Micros>>,
}

impl Parting {
    /// In which part of a place a time lies: as many moments are before it.
    fn part(&self, place: usize, at: i64) -> usize {
        self.marks[place].partition_point(|mark| mark.0 < at)
    }
}

/// Sessions of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartSessions {
    /// Their ids.
    pub ids: Vec<String>,
    /// Whether not all its flows were looked through.
    pub more: bool,
}

impl Store {
    /// What the flows that `query` names cost in parts, by place and number. Where flows of the hour of a moment are
    /// gone, they count to the part in which the hour begins.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn costs_in_parts(
        &self,
        query: &CostQuery,
        parting: &Parting,
    ) -> Result<BTreeMap<(usize, usize), Sums>, StoreError> {
        let by_hour =
            CostQuery { by: vec![CostBy::Usage(GroupBy::Hour), CostBy::Project], ..query.clone() };
        self.read_sound(|conn, damaged| {
            let mut parts: BTreeMap<(usize, usize), Costs> = BTreeMap::new();
            // By place, hour and project.
            let mut parted: BTreeMap<(usize, i64, String), Costs> = BTreeMap::new();
            SUMS.read(conn, &by_hour, query.project.as_deref(), |row| {
                let [CostKey::Hour(Micros(from)), CostKey::Name(Some(project))] = &*row.keys else {
                    return Ok(());
                };
                let Some(&place) = parting.of_project.get(project) else { return Ok(()) };
                let costs = decode(row.row.get_ref(NamedRow::FIRST)?.as_blob()?);
                let last = from.saturating_add(HOUR_US - 1);
                let part = parting.part(place, *from);
                let sums = if part == parting.part(place, last) {
                    parts.entry((place, part)).or_default()
                } else {
                    parted.entry((place, *from, project.clone())).or_default()
                };
                sums.merge(&costs);
                Ok(())
            })?;
            for ((place, from, project), mut costs) in parted {
                let (since, until) = (Micros(from), Micros(from.saturating_add(HOUR_US)));
                let flows = CostQuery {
                    by: Vec::new(),
                    project: Some(project),
                    usage: UsageQuery {
                        since: Some(since),
                        until: Some(until),
                        ..query.usage.clone()
                    },
                    ..CostQuery::default()
                };
                type Found = BTreeMap<usize, Costs>;
                let found = of_asked(conn, &flows, damaged, |found: &mut Found, _, flow| {
                    let part = parting.part(place, flow.started_at.0);
                    found.entry(part).or_default().merge(&Costs::of(flow));
                    Ok(())
                })?;
                for (part, of_flows) in found {
                    parts.entry((place, part)).or_default().merge(&of_flows);
                    costs.take_out(&of_flows);
                }
                // What is left is of flows that are gone.
                if costs.0[0].cast_signed() > 0 {
                    parts.entry((place, parting.part(place, from))).or_default().merge(&costs);
                }
            }
            parts.retain(|_, costs| !costs.is_empty());
            Ok(parts.into_iter().map(|(part, costs)| (part, costs.sums())).collect())
        })
    }

    /// The sessions of the newest flows of a part that are kept and that `query` names.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn sessions_of_part(
        &self,
        query: &CostQuery,
        parting: &Parting,
        (place, part): (usize, usize),
    ) -> Result<PartSessions, StoreError> {
        let mut filter = filter_of(query);
        let marks = &parting.marks[place];
        let after = part.checked_sub(1).map(|before| Micros(marks[before].0.saturating_add(1)));
        let end = marks.get(part).map(|mark| Micros(mark.0.saturating_add(1)));
        filter.since = filter.since.max(after);
        filter.until = [filter.until, end].into_iter().flatten().min();
        self.read_sound(|conn, damaged| {
            let (mut ids, mut more) = (BTreeSet::new(), false);
            let projects = parting.of_project.iter().filter(|(_, of)| **of == place);
            for (nth, (project, _)) in projects.enumerate() {
                if nth == PROJECTS {
                    more = true;
                    break;
                }
                filter.project = Some(project.clone());
                let (all, of_keys) = (Condition::of(&filter), Condition::of_keys(&filter));
                let newest = (Order::NewestFirst, LOOKED_THROUGH + 1);
                let mut flows = sound_flows(conn, &of_keys, &all, newest, damaged)?;
                more |= flows.len() > LOOKED_THROUGH;
                flows.truncate(LOOKED_THROUGH);
                let asked = flows.into_iter().filter(|(_, flow)| is_asked(query, flow));
                ids.extend(asked.filter_map(|(_, flow)| flow.into_inner().session.map(|it| it.id)));
            }
            Ok(PartSessions { ids: ids.into_iter().collect(), more })
        })
    }
}
