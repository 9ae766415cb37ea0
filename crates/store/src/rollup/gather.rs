//! By how much a transaction changes the sums: gathered in memory and written once for each group, because
//! a row for each flow would cost as much as the flow's own.

use std::collections::HashMap;

use langley_model::Flow;
use rusqlite::Connection;

use super::group::Group;
use super::sums::Sums;
use super::table::{Key, Table};
use crate::places::Places;

/// The changes of a transaction. Langley's own checks are no part of any sum: nobody's agent asked.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    groups: Places<Group, Sums>,
    /// With the highest key of a flow.
    sessions: Places<String, (i64, Sums)>,
}

impl Gathered {
    /// The flow with the key `n` is now as `after`; it is part of the sums as it was `before`, or not yet.
    pub(crate) fn change(&mut self, n: i64, before: Option<&Flow>, after: &Flow) {
        if after.is_own_check() {
            return;
        }
        if let Some(before) = before {
            self.group(before).take_out(before);
            self.leave(before);
        }
        self.group(after).add(after);
        if let Some((newest, sums)) = self.session(after) {
            *newest = n.max(*newest);
            sums.add(after);
        }
    }

    /// A flow is about to be removed that is part of the sums, which outlive it; its session does not.
    pub(super) fn leave(&mut self, flow: &Flow) {
        if !flow.is_own_check()
            && let Some((_, sums)) = self.session(flow)
        {
            sums.take_out(flow);
        }
    }

    /// A flow is about to be removed that is no part of the sums yet.
    pub(super) fn add_last(&mut self, flow: &Flow) {
        if !flow.is_own_check() {
            self.group(flow).add(flow);
        }
    }

    fn group(&mut self, flow: &Flow) -> &mut Sums {
        self.groups.of(|group| group.is_of(flow), || Group::of(flow))
    }

    fn session(&mut self, flow: &Flow) -> Option<&mut (i64, Sums)> {
        let session = &flow.session.as_ref()?.id;
        Some(self.sessions.of(|known| known == session, || session.clone()))
    }

    /// Writes the changes; the transaction is about to end.
    pub(crate) fn write(self, conn: &Connection) -> rusqlite::Result<()> {
        let mut days: HashMap<Group, Sums> = HashMap::new();
        for (group, change) in self.groups.rows() {
            if !change.is_empty() {
                Table::Hourly.change(conn, Key::Group(group), change)?;
                days.entry(group.by_day()).or_default().merge(change);
            }
        }
        for (group, change) in &days {
            if !change.is_empty() {
                Table::Daily.change(conn, Key::Group(group), change)?;
            }
        }
        for (session, (newest, change)) in self.sessions.rows() {
            if !change.is_empty() {
                Table::Sessions.change(conn, Key::Session(session), change)?;
            }
            conn.prepare_cached(
                "UPDATE sessions SET newest = ?2 WHERE session_id = ?1 AND newest < ?2",
            )?
            .execute((session, newest))?;
        }
        Ok(())
    }
}
