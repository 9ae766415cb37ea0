//! That a store is whole after a kill, and how much of what agents had seen is in it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use langley_model::{Flow, Micros, Outcome};
use langley_store::{FlowFilter, Store};

use super::load::Seen;

/// What is in the store of one round.
pub(super) struct Found {
    /// Flows by their task, with the number of their stored events.
    flows: HashMap<String, (Flow, u64)>,
    pub(super) lost: u64,
}

impl Found {
    /// Reads every flow that began since `since`, and every event of each.
    pub(super) fn read(store: &Store, since: Micros) -> Self {
        let filter = FlowFilter { since: Some(since), ..FlowFilter::default() };
        let (mut flows, mut lost, mut cursor) = (HashMap::new(), 0, None::<String>);
        loop {
            let page = store.flows(&filter, cursor.as_deref(), 500).unwrap();
            for flow in page.items {
                let flow: Flow = (*flow).clone();
                let stored = events(store, &flow);
                assert!(!flow.is_open(), "no flow is open when nothing runs: {flow:?}");
                assert_eq!(
                    stored + flow.dropped_events,
                    flow.event_count,
                    "counted are the events that are there: {flow:?}"
                );
                if flow.outcome == Some(Outcome::Lost) {
                    lost += 1;
                    assert!(flow.reason.is_some(), "{flow:?}");
                }
                if let Some(task) = &flow.task {
                    flows.insert(task.id.clone(), (flow.clone(), stored));
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Self { flows, lost };
            }
        }
    }

    /// Everything that an agent had seen `bound` before the kill is there.
    pub(super) fn holds(&self, seen: &[Seen], killed: Instant, bound: Duration) {
        for seen in seen {
            let old = |at: &&Instant| killed.duration_since(**at) >= bound;
            let events = seen.events.iter().filter(old).count() as u64;
            let whole = seen.whole.as_ref().filter(old);
            if events == 0 && whole.is_none() {
                continue;
            }
            let Some((flow, stored)) = self.flows.get(&seen.task) else {
                panic!("the flow of {} is not there; {events} of its events were old", seen.task);
            };
            assert!(*stored >= events, "{stored} of {events}: {flow:?}");
            if whole.is_some() {
                assert_eq!(flow.outcome, Some(Outcome::Completed), "{flow:?}");
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.flows.len()
    }
}

/// How many events of a flow are stored: each is read, they are in order, and as many as is said.
fn events(store: &Store, flow: &Flow) -> u64 {
    let (mut read, mut after) = (0, None);
    loop {
        let page = store.events(flow.id, after, 500, None).unwrap().unwrap();
        for event in &page.items {
            assert!(after.is_none_or(|after| event.seq > after), "{flow:?}");
            assert!(event.seq < flow.event_count, "{} beyond the last one: {flow:?}", event.seq);
            after = Some(event.seq);
        }
        read += page.items.len() as u64;
        if page.next_after.is_none() {
            assert_eq!(read, page.total, "{flow:?}");
            return read;
        }
    }
}

/// Nothing in the whole file is damaged, and everything in it unpacks.
pub(super) fn is_sound(store: &Store) {
    assert_eq!(store.damage().unwrap(), []);
    let mut seen = 0_u64;
    store.texts(|_, _| seen += 1).unwrap();
    assert!(seen > 0);
}
