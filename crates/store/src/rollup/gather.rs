//! By how much a transaction changes the sums: gathered in memory and written once for each group, because
//! a row for each flow would cost as much as the flow's own.

use std::collections::HashMap;

use langley_model::Flow;
use rusqlite::Connection;

use super::group::Group;
use super::sums::Sums;
use super::table::Table;

/// The changes of a transaction, by hour.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    groups: Vec<(Group, Sums)>,
    places: HashMap<Group, usize>,
    /// The group of the flow before: the next is mostly of it as well.
    last: usize,
}

impl Gathered {
    /// A flow is now as `after`; it is part of the sums as it was `before`, or not yet.
    pub(crate) fn change(&mut self, before: Option<&Flow>, after: &Flow) {
        if let Some(before) = before {
            self.sums(before).take_out(before);
        }
        self.sums(after).add(after);
    }

    fn sums(&mut self, flow: &Flow) -> &mut Sums {
        let alike = self.groups.get(self.last).is_some_and(|(group, _)| group.is_of(flow));
        if !alike {
            let group = Group::of(flow);
            self.last = match self.places.get(&group) {
                Some(place) => *place,
                None => {
                    self.places.insert(group.clone(), self.groups.len());
                    self.groups.push((group, Sums::default()));
                    self.groups.len() - 1
                }
            };
        }
        &mut self.groups[self.last].1
    }

    /// Writes the changes; the transaction is about to end.
    pub(crate) fn write(self, conn: &Connection) -> rusqlite::Result<()> {
        let mut days: HashMap<Group, Sums> = HashMap::new();
        for (group, change) in &self.groups {
            if change.is_empty() {
                continue;
            }
            Table::Hourly.change(conn, group, change)?;
            days.entry(group.by_day()).or_default().merge(change);
        }
        for (group, change) in &days {
            if !change.is_empty() {
                Table::Daily.change(conn, group, change)?;
            }
        }
        Ok(())
    }
}
