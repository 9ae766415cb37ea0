//! What is asked of flows and sessions is answered around a page that cannot be read.

use std::collections::BTreeSet;

use langley_model::{Flow, Micros, Passage, Place, Record, SearchText, Side};
use langley_store::{CostBy, CostQuery, FlowFilter, IndexEntry, SearchQuery, Store, Tally};

use crate::given::{Fixture, body, ended, headers, message, noise, of, redactor, session};
use crate::spoiled::with_spoiled;

/// Flows of a store, and the time of the first.
const FLOWS: i64 = 400;
const START: i64 = 1_000;

fn flows() -> Vec<Flow> {
    let flow = |at| {
        let mut flow = ended(START + at);
        flow.session = session(&format!("session {}", at % 200));
        flow.preview = Some(format!("flow {at} and what makes its row a little longer"));
        flow
    };
    (0..FLOWS).map(flow).collect()
}

/// A store of these flows, in whose new text `waits` stands.
fn stored(flows: &[Flow]) -> Fixture {
    let fixture = Fixture::new();
    fixture.write(flows.iter().map(of).collect());
    let entry = |flow: &Flow| {
        let passages = vec![Passage::new(Place::Prompt, String::from("who waits"))];
        let text = redactor().seal(SearchText { flow: flow.id, whole: false, passages });
        IndexEntry { revision: fixture.store.flow(flow.id).unwrap().unwrap().revision(), text }
    };
    fixture.store.index(flows.iter().map(entry).collect()).unwrap();
    fixture
}

#[test]
fn what_belongs_to_a_flow_is_read_though_the_index_of_ids_cannot_be() {
    let (fixture, flows) = (Fixture::new(), flows());
    let records = |flow: &Flow| -> [Record; 4] {
        let noise = noise(flow.started_at.0.cast_unsigned());
        let headers = headers(flow.id, Side::Client, false, &[("a", "b")]);
        [of(flow), body(flow.id, Side::Client, noise), headers, message(flow.id)]
    };
    fixture.write(flows.iter().flat_map(records).collect());
    let fixture = with_spoiled(fixture, "flows_by_id", 1);
    let store = &fixture.store;
    for Flow { id, .. } in flows {
        assert!(store.body(id, Side::Client).unwrap().is_some());
        assert!(store.headers(id, Side::Client).unwrap().is_some());
        assert!(store.message(id).unwrap().is_some() && store.events(id, None, 9, None).is_ok());
        assert!(!store.retired(id).unwrap().request_body && store.flow(id).unwrap().is_some());
        assert!(store.request_end(id, 6).is_ok() && store.request_number(id).unwrap().is_some());
    }
}

/// All pages of a search and of a listing by the same word.
fn listed(store: &Store, filter: &FlowFilter) -> [(BTreeSet<i64>, u64); 2] {
    let query = SearchQuery::parse("waits").unwrap();
    let by_words = FlowFilter { q: Some(String::from("waits")), ..filter.clone() };
    type Listed = (Vec<i64>, u64, Option<String>);
    let walk = |page: &dyn Fn(Option<&str>) -> Listed| {
        let (mut seen, mut damaged, mut cursor) = (BTreeSet::new(), 0, None);
        loop {
            let (items, some, next) = page(cursor.as_deref());
            seen.extend(items);
            damaged += some;
            cursor = next;
            if cursor.is_none() {
                return (seen, damaged);
            }
        }
    };
    let searched = walk(&|cursor| {
        let page = store.search(&query, None, filter, cursor, 150).unwrap();
        let items = page.items.iter().map(|hit| hit.flow.started_at.0).collect();
        (items, page.damaged, page.next_cursor)
    });
    let listed = walk(&|cursor| {
        let page = store.flows(&by_words, cursor, 150).unwrap();
        (page.items.iter().map(|flow| flow.started_at.0).collect(), page.damaged, page.next_cursor)
    });
    [searched, listed]
}

#[test]
fn words_are_found_and_flows_counted_around_a_page_of_flows_whatever_else_is_asked() {
    let fixture = with_spoiled(stored(&flows()), "flows", 2);
    let store = &fixture.store;
    let all = store.flows(&FlowFilter::default(), None, 500).unwrap();
    let damaged = all.damaged;
    assert!((10..200).contains(&damaged), "{damaged}");
    let sound: BTreeSet<i64> = all.items.iter().map(|flow| flow.started_at.0).collect();
    let (start, end) = (Micros(START), Micros(START + FLOWS));
    for filter in [
        FlowFilter::default(),
        FlowFilter { since: Some(start), ..FlowFilter::default() },
        FlowFilter { until: Some(end), ..FlowFilter::default() },
        FlowFilter { since: Some(start), until: Some(end), ..FlowFilter::default() },
    ] {
        for (seen, left_out) in listed(store, &filter) {
            assert_eq!((&seen, left_out), (&sound, damaged), "{filter:?}");
        }
        let there = sound.len() as u64;
        let count = store.count_flows(&filter).unwrap();
        let some = store.count_some(&filter).unwrap();
        // Sums know the others, too.
        let known = if filter == FlowFilter::default() { there + damaged } else { there };
        assert_eq!((count, some.flows, some.more), (known, known, false), "{filter:?}");
    }
    let none = FlowFilter { since: Some(end), ..FlowFilter::default() };
    assert!(listed(store, &none).iter().all(|(seen, _)| seen.is_empty()));
    assert_eq!(store.counters().damaged_flows, damaged);
}

#[test]
fn sessions_on_a_page_that_cannot_be_read_are_told_from_their_flows() {
    let fixture = with_spoiled(stored(&flows()), "sessions", 1);
    let store = &fixture.store;
    let sessions = store.sessions((None, None), None, 500).unwrap().items;
    assert_eq!(sessions.len(), 200);
    for session in sessions {
        assert_eq!(session.sums.tally(Tally::Flows), 2, "{}", session.id);
        assert_eq!(store.session(&session.id).unwrap().unwrap().sums, session.sums);
    }
    let facets = store.facets(None).unwrap().sessions;
    assert_eq!(facets.len(), 200);
    assert!(facets.iter().all(|facet| facet.count == 2 && facet.opening.is_some()));
    let query = CostQuery { by: vec![CostBy::Session], groups_max: 500, ..CostQuery::default() };
    let costs = store.costs(&query).unwrap();
    assert_eq!((costs.groups.len(), costs.from_flows), (200, true));
    assert_eq!(costs.totals.tally(Tally::Flows), FLOWS.cast_unsigned());
}

#[test]
fn facets_are_told_around_a_page_of_flows_that_cannot_be_read() {
    let fixture = with_spoiled(stored(&flows()), "flows", 2);
    let facets = fixture.store.facets(Some("session")).unwrap().sessions;
    assert_eq!(facets.len(), 200);
    let began = facets.iter().filter(|facet| facet.first_at.is_some()).count();
    assert!(began < 200 && began > 100, "of the others nobody knows when they began: {began}");
}
