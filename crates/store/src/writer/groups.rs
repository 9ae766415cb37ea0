//! How many new flows are alike: gathered over a transaction and written once for each kind, because a
//! row for each flow costs as much as the flow's own.
//!
//! Changes and deletions, which are fewer, are the schema's own triggers.

use std::collections::HashMap;

use langley_model::{Flow, Outcome, Provider};
use rusqlite::Connection;

/// What makes flows alike, as `flow_groups` has it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Kind {
    session: String,
    host: String,
    provider: &'static str,
    model: String,
    outcome: &'static str,
    status: u16,
}

impl Kind {
    fn is_of(&self, flow: &Flow) -> bool {
        let model = flow.model.as_deref().or(flow.model_requested.as_deref());
        self.session == flow.session.as_ref().map_or("", |session| &session.id)
            && self.host == flow.host
            && self.provider == flow.provider.map_or("", Provider::as_str)
            && self.model == model.unwrap_or_default()
            && self.outcome == flow.outcome.map_or("", Outcome::as_str)
            && self.status == flow.status.unwrap_or(0)
    }
}

/// The new flows of a transaction.
#[derive(Debug, Default)]
pub(super) struct Groups {
    kinds: HashMap<Kind, Added>,
    /// The flows counted last are mostly of one kind: it is compared before it is looked up.
    last: Option<(Kind, Added)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Added {
    flows: i64,
    newest: i64,
}

impl Groups {
    /// Counts a flow whose row was just made, with the key `n`.
    pub(super) fn add(&mut self, n: i64, flow: &Flow) {
        let model = flow.model.as_ref().or(flow.model_requested.as_ref());
        let alike = self.last.as_mut().filter(|(kind, _)| kind.is_of(flow));
        if let Some((_, added)) = alike {
            added.flows += 1;
            added.newest = added.newest.max(n);
            return;
        }
        self.settle();
        let kind = Kind {
            session: flow.session.as_ref().map(|session| session.id.clone()).unwrap_or_default(),
            host: flow.host.clone(),
            provider: flow.provider.map_or("", Provider::as_str),
            model: model.cloned().unwrap_or_default(),
            outcome: flow.outcome.map_or("", Outcome::as_str),
            status: flow.status.unwrap_or(0),
        };
        self.last = Some((kind, Added { flows: 1, newest: n }));
    }

    fn settle(&mut self) {
        if let Some((kind, Added { flows, newest })) = self.last.take() {
            let sum = self.kinds.entry(kind).or_default();
            sum.flows += flows;
            sum.newest = sum.newest.max(newest);
        }
    }

    /// Writes the counts; the transaction is about to end.
    pub(super) fn write(mut self, conn: &Connection) -> rusqlite::Result<()> {
        self.settle();
        let mut statement = conn.prepare_cached(
            "INSERT INTO flow_groups VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET flows = flows + ?7, newest = max(newest, ?8)",
        )?;
        for (kind, added) in self.kinds {
            let Kind { session, host, provider, model, outcome, status } = kind;
            statement.execute((
                session,
                host,
                provider,
                model,
                outcome,
                status,
                added.flows,
                added.newest,
            ))?;
        }
        Ok(())
    }
}
