//! Faults of the writer's own, which nobody outside can bring about.

use std::sync::Arc;

use langley_model::{
    Body, ConnectionId, DropReason, Flow, FlowId, Loss, Micros, Outcome, Record, Redactor,
    RedactorOptions, Side,
};

use super::batch::Touched;
use super::{CACHE_KB, PRESSED_CACHE_KB, press};
use crate::connect;
use crate::options::StoreOptions;
use crate::store::Store;

/// Where a flow goes whose writing panics.
const FAULT: &str = "/fault";

/// Panics over a flow, and a body, that ask for it.
pub(super) fn fault(touched: &Touched<'_>) {
    assert!(touched.flow.is_none_or(|flow| flow.path != FAULT), "a fault of ours");
    let mut bodies = touched.bodies.iter().flatten();
    assert!(bodies.all(|body| body.media_type.as_deref() != Some(FAULT)), "a fault of ours");
}

/// A store that takes records, and those of one flow: its states, and bodies of which some are at fault.
struct Given {
    store: Store,
    redactor: Redactor,
    flow: Flow,
    _folder: tempfile::TempDir,
}

impl Given {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(7));
        Self { store, redactor, flow, _folder: folder }
    }

    fn write(&self, records: Vec<Record>) {
        let records = records.into_iter().map(|record| self.redactor.seal(record));
        self.store.submit(records.collect()).unwrap();
        self.store.flush().unwrap();
    }

    fn state(&self, path: &str, outcome: Option<Outcome>) -> Record {
        let path = path.to_owned();
        Record::Flow(Arc::new(Flow { path, outcome, ..self.flow.clone() }))
    }

    fn body(&self, media_type: &str) -> Record {
        Record::Body(Body {
            flow: self.flow.id,
            side: Side::Client,
            bytes: self.redactor.body(b"said".to_vec()),
            media_type: Some(media_type.to_owned()),
            original_len: 4,
            truncated: false,
            pieces: Vec::new(),
        })
    }

    fn stored(&self) -> Flow {
        self.store.flow(self.flow.id).unwrap().unwrap().into_inner()
    }
}

#[test]
fn a_flow_whose_last_state_is_given_up_is_lost_and_does_not_stay_open() {
    let given = Given::new();
    given.write(vec![given.state("/", None)]);
    let events = langley_model::EventRun::new(given.flow.id);
    given.write(vec![given.state(FAULT, Some(Outcome::Completed)), Record::Events(events)]);
    let flow = given.stored();
    assert_eq!(flow.outcome, Some(Outcome::Lost));
    assert!(flow.reason.unwrap().starts_with("Its end could not be written"));
    assert_eq!(given.store.counters().open_flows, 0);
    // One that has ended already stays as it ended.
    given.write(vec![given.state("/", Some(Outcome::Completed))]);
    given.write(vec![given.state(FAULT, Some(Outcome::Completed))]);
    assert_eq!(given.stored().outcome, Some(Outcome::Completed));
}

#[test]
fn a_body_that_is_given_up_is_told_by_its_flow_whether_it_is_open_or_has_ended() {
    for ended_before in [false, true] {
        let given = Given::new();
        let outcome = ended_before.then_some(Outcome::Completed);
        given.write(vec![given.state("/", outcome)]);
        given.write(vec![given.body("text/plain"), given.body(FAULT)]);
        assert_eq!(given.stored().body_truncated, ended_before, "an open one says it later");
        if !ended_before {
            given.write(vec![given.state("/", None)]);
            given.write(vec![given.state("/", Some(Outcome::Completed))]);
        }
        let flow = given.stored();
        assert!(flow.body_truncated && flow.decode_note.is_some());
        assert_eq!((flow.request_gap.chunks, flow.request_gap.bytes), (1, 4), "once");
    }
}

#[test]
fn what_others_gave_up_of_a_flow_is_told_by_its_row() {
    let given = Given::new();
    given.write(vec![given.state("/", None)]);
    let lost = Loss { events: 3, end: true, ..Loss::default() };
    // Of one that is not stored there is nothing to say.
    given.write(vec![Record::Loss(given.flow.id, lost), Record::Loss(FlowId::new(), lost)]);
    let flow = given.stored();
    assert_eq!((flow.outcome, flow.dropped_events), (Some(Outcome::Lost), 3));
    assert_eq!(given.store.drops(None, 9).unwrap().items.len(), 0);
}

fn of(path: &str, at: i64) -> Record {
    let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(at));
    flow.path = path.to_owned();
    flow.outcome = Some(Outcome::Completed);
    Record::Flow(Arc::new(flow))
}

#[test]
fn a_record_that_the_writer_panics_over_costs_itself_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::new(folder.path().join("langley.db"));
    let store = Store::open(options, Box::new(|_| ())).unwrap();
    let redactor = Redactor::new(RedactorOptions::default()).unwrap();
    let write = |records: Vec<Record>| {
        store.submit(records.into_iter().map(|record| redactor.seal(record)).collect()).unwrap();
        store.flush().unwrap();
    };
    write((0..9).map(|at| of(if at == 2 { FAULT } else { "/" }, at)).collect());
    let counters = store.counters();
    assert_eq!((counters.flows_total, counters.records_dropped), (8, 1));
    assert!(store.is_failing(), "although its neighbours were written after it");
    write(vec![of("/", 9)]);
    assert!(!store.is_failing());
    assert_eq!(store.counters().flows_total, 9);
    let dropped = store.drops(None, 10).unwrap().items;
    assert_eq!((dropped[0].reason, dropped[0].count), (DropReason::WriteFailed, 1));
    store.close();
}

#[test]
fn while_much_waits_the_log_may_be_longer_and_more_pages_are_at_hand() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::new(folder.path().join("langley.db"));
    let conn = connect::writer(&options).unwrap();
    let bounds = || {
        let of = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        (of("wal_autocheckpoint"), of("cache_size"))
    };
    let calm = (1000, -CACHE_KB);
    assert_eq!(bounds(), calm);
    press(&conn, true, 1000);
    assert_eq!(bounds(), (4000, -PRESSED_CACHE_KB));
    press(&conn, false, 1000);
    assert_eq!(bounds(), calm);
}
