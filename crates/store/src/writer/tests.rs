//! Faults of the writer's own, which nobody outside can bring about.

use std::sync::Arc;

use langley_model::{
    ConnectionId, DropReason, Flow, FlowId, Micros, Outcome, Record, Redactor, RedactorOptions,
};

use super::batch::Touched;
use super::{CACHE_KB, PRESSED_CACHE_KB, press};
use crate::connect;
use crate::options::StoreOptions;
use crate::store::Store;

/// Where a flow goes whose writing panics.
const FAULT: &str = "/fault";

/// Panics over a flow that asks for it.
pub(super) fn fault(touched: &Touched<'_>) {
    assert!(touched.flow.is_none_or(|flow| flow.path != FAULT), "a fault of ours");
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
