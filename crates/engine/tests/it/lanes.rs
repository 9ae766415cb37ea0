//! Several threads record, and one that fails is seen.

use std::sync::Arc;

use langley_engine::{Intake, IntakeOptions, RecordSink, Recorder, RecorderOptions};
use langley_model::{CaptureSink, Record, Redacted, Redactor, RedactorOptions};

use crate::kit::{self, Rig, Script};

const ASK: &str = r#"{"model":"m","messages":[]}"#;

/// A store with a fault of its own.
struct Faulty;

impl RecordSink for Faulty {
    fn submit(&self, _batch: Vec<Redacted<Record>>) -> Result<(), Vec<Redacted<Record>>> {
        unreachable!("the store's own fault")
    }
}

#[test]
fn flows_of_all_lanes_are_recorded() {
    let intake = IntakeOptions { lanes: 4, ..IntakeOptions::default() };
    let rig = Rig::with(RecorderOptions::default(), intake, &kit::no_live_feed());
    // Ids are random at their end: that 64 of them miss a lane happens once in 25 million runs.
    let scripts: Vec<Script> = (0..64).map(|_| Script::messages(ASK).head(204, &[])).collect();
    for script in &scripts {
        rig.play(script);
    }
    rig.until(|rig| rig.recorder.stats().open_flows == 0 && rig.intake.stats().items == 0);
    assert_eq!(rig.recorder.stats().strays_total, 0);
    let rows = rig.finish();
    assert!(scripts.iter().all(|script| rows.flow(script.flow).status == Some(204)));
}

#[test]
fn a_thread_that_fails_is_counted_and_its_flows_are_refused() {
    let intake = Intake::new(IntakeOptions { lanes: 1, ..IntakeOptions::default() });
    let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
    let live = kit::no_live_feed();
    let recorder =
        Recorder::spawn(RecorderOptions::default(), Arc::clone(&intake), Faulty, &redactor, &live)
            .unwrap();
    let script = Script::messages(ASK);
    assert!(intake.open(Box::new(script.opened.clone())));
    CaptureSink::close(&*intake, script.closed());
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while recorder.stats().threads_failed == 0 {
        assert!(std::time::Instant::now() < give_up, "the fault was not seen");
        std::thread::yield_now();
    }
    assert!(!intake.open(Box::new(Script::messages(ASK).opened)));
    assert_eq!(intake.stats().flows_without_room, 1);
    recorder.join();
}
