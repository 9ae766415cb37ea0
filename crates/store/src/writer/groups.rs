//! How many new flows are alike: gathered over a transaction and written once for each kind, because a
//! row for each flow costs as much as the flow's own.
//!
//! Changes and deletions, which are fewer, are the schema's own triggers.

use langley_model::{Flow, Outcome, Provider};
use rusqlite::Connection;

use crate::places::Places;

/// What makes flows alike, as `flow_groups` has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    session: String,
    host: String,
    provider: &'static str,
    model: String,
    outcome: &'static str,
    status: u16,
}

impl Kind {
    fn of(flow: &Flow) -> Self {
        Self {
            session: flow.session.as_ref().map(|session| session.id.clone()).unwrap_or_default(),
            host: flow.host.clone(),
            provider: flow.provider.map_or("", Provider::as_str),
            model: flow.known_model().unwrap_or_default().to_owned(),
            outcome: flow.outcome.map_or("", Outcome::as_str),
            status: flow.status.unwrap_or(0),
        }
    }

    fn is_of(&self, flow: &Flow) -> bool {
        self.session == flow.session.as_ref().map_or("", |session| &session.id)
            && self.host == flow.host
            && self.provider == flow.provider.map_or("", Provider::as_str)
            && self.model == flow.known_model().unwrap_or_default()
            && self.outcome == flow.outcome.map_or("", Outcome::as_str)
            && self.status == flow.status.unwrap_or(0)
    }
}

/// The new flows of a transaction.
#[derive(Debug, Default)]
pub(super) struct Groups(Places<Kind, Added>);

#[derive(Debug, Default)]
struct Added {
    flows: i64,
    newest: i64,
}

impl Groups {
    /// Counts a flow whose row was just made, with the key `n`.
    pub(super) fn add(&mut self, n: i64, flow: &Flow) {
        let added = self.0.of(|kind| kind.is_of(flow), || Kind::of(flow));
        added.flows += 1;
        added.newest = added.newest.max(n);
    }

    /// Writes the counts; the transaction is about to end.
    pub(super) fn write(self, conn: &Connection) -> rusqlite::Result<()> {
        let mut statement = conn.prepare_cached(
            "INSERT INTO flow_groups VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET flows = flows + ?7, newest = max(newest, ?8)",
        )?;
        for (kind, added) in self.0.rows() {
            let Kind { session, host, provider, model, outcome, status } = kind;
            let row = (session, host, provider, model, outcome, status, added.flows, added.newest);
            statement.execute(row)?;
        }
        Ok(())
    }
}
