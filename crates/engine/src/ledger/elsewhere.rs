//! Responses that a session's transcript tells of and that passed under another session: a client that names none on the
//! wire, or a session that was taken up again under another id.

use std::collections::{HashMap, HashSet};

use langley_model::{Flow, Micros, ToldResponse};
use langley_store::{FlowFilter, Store, StoreError};

use super::{COMPARED, PAGE};

/// How long before it was written a response may have been asked for, and how far clocks may differ, in microseconds.
const BEFORE: i64 = 3_600_000_000;
const AFTER: i64 = 60_000_000;

/// Responses that passed, but not under the session whose transcript tells of them.
#[derive(Default)]
pub(super) struct Elsewhere {
    flows: Vec<Flow>,
    by_message: HashMap<String, usize>,
    by_request: HashMap<String, usize>,
    /// Whether all flows of the time were looked at.
    pub(super) is_whole: bool,
}

impl Elsewhere {
    /// Looks for them among the flows that began before they were written, a tenth of as many as are compared at most.
    pub(super) fn of<'a>(
        store: &Store,
        session: &str,
        told: impl Iterator<Item = &'a ToldResponse>,
    ) -> Result<Self, StoreError> {
        let told: Vec<&ToldResponse> = told.filter(|told| has_id(told)).collect();
        let ids = |of: fn(&ToldResponse) -> &Option<String>| -> HashSet<&str> {
            told.iter().filter_map(|told| of(told).as_deref()).filter(|id| !id.is_empty()).collect()
        };
        let (messages, requests) = (ids(|told| &told.message_id), ids(|told| &told.request_id));
        let mut found = Self { is_whole: true, ..Self::default() };
        let mut left = COMPARED / 10;
        for (since, until) in spans(&told) {
            let filter =
                FlowFilter { since: Some(since), until: Some(until), ..FlowFilter::default() };
            let mut cursor: Option<String> = None;
            loop {
                let page = store.flows_oldest_first(&filter, cursor.as_deref(), PAGE)?;
                left = left.saturating_sub(page.items.len());
                for flow in page.items.into_iter().map(langley_model::Stored::into_inner) {
                    let is_asked = |ids: &HashSet<&str>, id: &Option<String>| {
                        id.as_deref().is_some_and(|id| ids.contains(id))
                    };
                    let is_others = flow.session.as_ref().is_none_or(|it| it.id != session);
                    if is_others
                        && (is_asked(&messages, &flow.message_id)
                            || is_asked(&requests, &flow.provider_request_id))
                    {
                        found.take(flow);
                    }
                }
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
                if left == 0 {
                    found.is_whole = false;
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    fn take(&mut self, flow: Flow) {
        let at = self.flows.len();
        self.by_message.extend(flow.message_id.clone().map(|id| (id, at)));
        self.by_request.extend(flow.provider_request_id.clone().map(|id| (id, at)));
        self.flows.push(flow);
    }

    pub(super) fn of_response(&self, told: &ToldResponse) -> Option<&Flow> {
        let by = |places: &HashMap<String, usize>, id: &Option<String>| {
            id.as_ref().and_then(|id| places.get(id)).map(|at| &self.flows[*at])
        };
        by(&self.by_message, &told.message_id).or_else(|| by(&self.by_request, &told.request_id))
    }
}

/// When responses may have been asked for, in the order of time; what overlaps is one span.
fn spans(told: &[&ToldResponse]) -> Vec<(Micros, Micros)> {
    let mut times: Vec<i64> = told.iter().filter_map(|told| told.at).map(|at| at.0).collect();
    times.sort_unstable();
    let mut spans: Vec<(Micros, Micros)> = Vec::new();
    for at in times {
        let (since, until) = (Micros(at.saturating_sub(BEFORE)), Micros(at.saturating_add(AFTER)));
        match spans.last_mut() {
            Some(last) if last.1 >= since => last.1 = until,
            _ => spans.push((since, until)),
        }
    }
    spans
}

/// Whether it can be known on both sides.
pub(super) fn has_id(told: &ToldResponse) -> bool {
    told.message_id.is_some() || told.request_id.as_deref().is_some_and(|id| !id.is_empty())
}
