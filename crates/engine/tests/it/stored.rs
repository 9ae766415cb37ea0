//! Through the real store and back.

use std::sync::Arc;

use langley_engine::{Intake, IntakeOptions, Recorder, RecorderHandle, RecorderOptions};
use langley_model::{CaptureSink, Outcome, Redactor, RedactorOptions, Tokens};
use langley_store::{Announce, Store, StoreOptions};

use crate::kit::{self, Script};

/// A recorder over a store in a folder of its own.
pub(crate) struct Home {
    pub(crate) store: Store,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) recorder: RecorderHandle,
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::with(RecorderOptions::default(), |_| {}, Box::new(|_| {}))
    }

    pub(crate) fn with(
        recorder: RecorderOptions,
        change: impl FnOnce(&mut StoreOptions),
        announce: Announce,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = StoreOptions::new(folder.path().join("langley.db"));
        change(&mut options);
        let store = Store::open(options, announce).unwrap();
        let intake = Intake::new(IntakeOptions::default());
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        let recorder = Recorder::spawn(
            recorder,
            Arc::clone(&intake),
            store.clone(),
            &redactor,
            &kit::no_live_feed(),
        )
        .unwrap();
        Self { store, redactor, intake, recorder, folder }
    }

    pub(crate) fn play(&self, script: &Script) {
        assert!(self.intake.open(Box::new(script.opened.clone())));
        for piece in &script.pieces {
            assert!(self.intake.offer(piece.clone()));
        }
        CaptureSink::close(&*self.intake, script.closed());
    }

    /// Waits, within bounds, until `met`.
    pub(crate) fn until(&self, met: impl Fn(&Self) -> bool) {
        let give_up = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !met(self) {
            let stats = self.recorder.stats();
            assert!(std::time::Instant::now() < give_up, "waited in vain: {stats:?}");
            std::thread::yield_now();
        }
    }

    /// The store with everything that was played, and the folder it is in.
    pub(crate) fn finish(self) -> (Store, tempfile::TempDir) {
        self.recorder.join();
        self.store.flush().unwrap();
        (self.store, self.folder)
    }
}

#[test]
fn a_recorded_flow_is_read_back_with_its_events_and_message() {
    let home = Home::new();
    let script = Script::messages(r#"{"model":"m","stream":true,"messages":[]}"#)
        .sse()
        .data(kit::answer(&["stored ", "text"]).as_bytes())
        .end();
    home.play(&script);
    let (store, _folder) = home.finish();
    let flow = store.flow(script.flow).unwrap().unwrap();
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!(flow.usage.output, Some(Tokens(12)));
    assert_eq!(flow.event_count, 7);
    let counters = store.counters();
    assert_eq!((counters.flows_total, counters.events_total), (1, 7));
    assert!(store.message(script.flow).unwrap().is_some());
    store.close();
}
