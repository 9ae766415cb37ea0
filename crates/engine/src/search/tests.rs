//! Stores for tests: flows that said something, and one of them damaged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use langley_model::{
    Attributed, Body, ConnectionId, Flow, FlowId, Micros, Outcome, Provider, Record, Redactor,
    RedactorOptions, Side,
};
use langley_store::{Store, StoreOptions};

/// The first bytes of every zstd frame (RFC 8878, 3.1.1).
const FRAME: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// A folder for a store.
pub(crate) struct Given {
    path: PathBuf,
    pub(crate) redactor: Arc<Redactor>,
}

impl Given {
    pub(crate) fn new(folder: &Path) -> Self {
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        Self { path: folder.join("langley.db"), redactor }
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(StoreOptions::new(&self.path), Box::new(|_| ())).unwrap()
    }

    /// Puts ended flows of one session and of these times, whose requests say these texts.
    pub(crate) fn put(&self, store: &Store, said: &[(i64, &str)]) {
        for (at, text) in said {
            let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(*at));
            flow.outcome = Some(Outcome::Completed);
            flow.ended_at = Some(flow.started_at);
            flow.session = Some(Attributed { id: "s".into(), source: "header:test" });
            (flow.method, flow.path) = ("POST".into(), "/v1/responses".into());
            flow.provider = Some(Provider::OpenAi);
            let body = format!(r#"{{"input":"{text}"}}"#).into_bytes();
            let body = Body {
                flow: flow.id,
                side: Side::Client,
                original_len: body.len() as u64,
                bytes: self.redactor.body(body),
                media_type: None,
                truncated: false,
                pieces: Vec::new(),
            };
            let records = [Record::Flow(Arc::new(flow)), Record::Body(body)];
            let records = records.into_iter().map(|record| self.redactor.seal(record));
            store.submit(records.collect()).unwrap();
        }
        store.flush().unwrap();
    }

    /// Damages the one text of a closed store that is so long that it was compressed on its own, so that it is seen.
    pub(crate) fn damage(&self) {
        let mut file = std::fs::read(&self.path).unwrap();
        let frames: Vec<_> = (0..file.len() - 4).filter(|at| file[*at..*at + 4] == FRAME).collect();
        assert_eq!(frames.len(), 1);
        file[frames[0]] = 0;
        std::fs::write(&self.path, file).unwrap();
    }
}
