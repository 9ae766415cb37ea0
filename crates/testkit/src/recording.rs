//! A capture sink that keeps everything, for tests of the proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use langley_model::{
    Capture, CaptureSink, Closed, Ending, FlowId, HeaderBlock, Mode, Opened, Part, ResponseHead,
    Side, Tick, Tunnel,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The sink's side: hand it to the proxy.
#[derive(Debug, Default)]
pub struct RecordingSink {
    seen: Mutex<Seen>,
    changed: Notify,
    refuse_flows: AtomicBool,
    refuse_pieces: AtomicBool,
}

#[derive(Debug, Default)]
struct Seen {
    flows: Vec<SeenFlow>,
    tunnels: Vec<Tunnel>,
    asserted: Vec<FlowId>,
}

/// What was captured of one flow.
#[derive(Clone, Debug)]
pub struct SeenFlow {
    /// Its opening.
    pub opened: Opened,
    /// The request's body.
    pub request: Vec<u8>,
    /// Pieces the request's body came in.
    pub request_pieces: usize,
    /// The request's trailers.
    pub request_trailers: HeaderBlock,
    /// Whether the request ended cleanly.
    pub request_ended: bool,
    /// The answer's head.
    pub head: Option<ResponseHead>,
    /// When it passed.
    pub head_at: Option<Tick>,
    /// The answer's body.
    pub response: Vec<u8>,
    /// Pieces the answer's body came in.
    pub response_pieces: usize,
    /// The answer's trailers.
    pub response_trailers: HeaderBlock,
    /// Whether the answer ended cleanly.
    pub response_ended: bool,
    /// Raw bytes after a switch, from the agent.
    pub frames_up: Vec<u8>,
    /// Raw bytes after a switch, from the provider.
    pub frames_down: Vec<u8>,
    /// Its end.
    pub closed: Option<Closed>,
}

/// The test's side. Dropping it panics when a flow ended and nobody said how it should have.
#[derive(Debug)]
pub struct Recording {
    sink: Arc<RecordingSink>,
}

impl Recording {
    /// An empty recording.
    #[must_use]
    #[allow(
        clippy::new_without_default,
        reason = "a default that panics when dropped would surprise"
    )]
    pub fn new() -> Self {
        Self { sink: Arc::new(RecordingSink::default()) }
    }

    /// The sink to give to the proxy.
    #[must_use]
    pub fn sink(&self) -> Arc<RecordingSink> {
        Arc::clone(&self.sink)
    }

    /// The flows so far, in order of opening.
    #[must_use]
    pub fn flows(&self) -> Vec<SeenFlow> {
        self.sink.seen.lock().flows.clone()
    }

    /// The tunnels so far.
    #[must_use]
    pub fn tunnels(&self) -> Vec<Tunnel> {
        self.sink.seen.lock().tunnels.clone()
    }

    /// From now on no flow is taken, as when too many are open.
    pub fn refuse_flows(&self, refuse: bool) {
        self.sink.refuse_flows.store(refuse, Ordering::SeqCst);
    }

    /// From now on no piece is taken, as when the queue is full.
    pub fn refuse_pieces(&self, refuse: bool) {
        self.sink.refuse_pieces.store(refuse, Ordering::SeqCst);
    }

    /// Looks after every change until `look` finds something.
    ///
    /// # Panics
    /// When ten seconds pass first.
    pub async fn wait_for<T>(&self, mut look: impl FnMut(&[SeenFlow]) -> Option<T>) -> T {
        let found = async {
            loop {
                let changed = self.sink.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(found) = look(&self.sink.seen.lock().flows) {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(10), found).await {
            Ok(found) => found,
            Err(_) => panic!("ten seconds passed without what was waited for: {:#?}", self.flows()),
        }
    }

    /// Waits until the flow opened as number `index` (from 0) has ended, and checks how.
    ///
    /// # Panics
    /// When it ended otherwise, or not within ten seconds.
    pub async fn assert_ending(&self, index: usize, ending: Ending) -> SeenFlow {
        let flow = self
            .wait_for(|flows| flows.get(index).filter(|flow| flow.closed.is_some()).cloned())
            .await;
        self.sink.seen.lock().asserted.push(flow.opened.flow);
        flow.check();
        let found = flow.closed.as_ref().map(|closed| closed.ending);
        assert_eq!(found, Some(ending), "{} {}", flow.opened.method, flow.opened.target);
        flow
    }

    /// Says that the endings of this recording are not what the test is about.
    pub fn endings_do_not_matter(&self) {
        let mut seen = self.sink.seen.lock();
        let all: Vec<_> = seen.flows.iter().map(|flow| flow.opened.flow).collect();
        seen.asserted.extend(all);
    }
}

impl SeenFlow {
    /// What holds for every flow, however it ended.
    fn check(&self) {
        let Some(closed) = &self.closed else { return };
        let begun = self.opened.at;
        assert!(begun <= closed.at, "ended before it began: {self:#?}");
        if let Some(head_at) = self.head_at {
            let in_order = begun <= head_at && head_at <= closed.at;
            assert!(in_order, "answered before it began, or after its end: {self:#?}");
        }
        let setup = self.opened.setup.unwrap_or_default();
        assert!(
            setup.tls_ns.is_none() || setup.connect_ns.is_some(),
            "no TLS without a connection"
        );
        // Behind CONNECT the connection is there before the request's head is; a flow in absolute form
        // looks the same here.
        if self.opened.mode == Mode::Reverse {
            let made = [setup.connect_ns, setup.tls_ns].into_iter().flatten().sum();
            let first = self.head_at.unwrap_or(closed.at).since(begun);
            assert!(Duration::from_nanos(made) <= first, "answered while connecting: {self:#?}");
        }
        match closed.ending {
            Ending::Unreached | Ending::TimedOut | Ending::Refused => {
                assert!(closed.reason.is_some(), "nobody says why: {self:#?}");
            }
            Ending::ClientGone | Ending::UpstreamGone => {
                let is_told = closed.reason.is_some() || closed.broke.is_some();
                assert!(is_told, "nobody says what broke it off: {self:#?}");
            }
            Ending::Whole | Ending::Unaccounted => {}
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let seen = self.sink.seen.lock();
        for flow in &seen.flows {
            flow.check();
            if let Some(closed) = &flow.closed {
                assert!(
                    seen.asserted.contains(&flow.opened.flow),
                    "{} {} ended as {:?}, and the test did not say whether it should",
                    flow.opened.method,
                    flow.opened.target,
                    closed.ending
                );
            }
        }
    }
}

impl RecordingSink {
    fn change(&self, flow: FlowId, change: impl FnOnce(&mut SeenFlow)) {
        let mut seen = self.seen.lock();
        let known = seen.flows.iter_mut().rev().find(|known| known.opened.flow == flow);
        change(known.expect("a capture of a flow that was never opened"));
        drop(seen);
        self.changed.notify_waiters();
    }
}

impl CaptureSink for RecordingSink {
    fn open(&self, opened: Box<Opened>) -> bool {
        if self.refuse_flows.load(Ordering::SeqCst) {
            return false;
        }
        self.seen.lock().flows.push(SeenFlow {
            opened: *opened,
            request: Vec::new(),
            request_pieces: 0,
            request_trailers: HeaderBlock::new(),
            request_ended: false,
            head: None,
            head_at: None,
            response: Vec::new(),
            response_pieces: 0,
            response_trailers: HeaderBlock::new(),
            response_ended: false,
            frames_up: Vec::new(),
            frames_down: Vec::new(),
            closed: None,
        });
        self.changed.notify_waiters();
        true
    }

    fn offer(&self, capture: Capture) -> bool {
        if self.refuse_pieces.load(Ordering::SeqCst) {
            return false;
        }
        match capture {
            Capture::Request(chunk) => self.change(chunk.flow, |flow| match chunk.part {
                Part::Head(_) => panic!("a request's piece carries an answer's head"),
                Part::Data(data) => {
                    flow.request.extend_from_slice(&data);
                    flow.request_pieces += 1;
                }
                Part::Trailers(lines) => flow.request_trailers = *lines,
                Part::End => flow.request_ended = true,
            }),
            Capture::Response(chunk) => self.change(chunk.flow, |flow| match chunk.part {
                Part::Head(head) => {
                    flow.head = Some(*head);
                    flow.head_at = Some(chunk.at);
                }
                Part::Data(data) => {
                    flow.response.extend_from_slice(&data);
                    flow.response_pieces += 1;
                }
                Part::Trailers(lines) => flow.response_trailers = *lines,
                Part::End => flow.response_ended = true,
            }),
            Capture::Frame(side, chunk) => self.change(chunk.flow, |flow| {
                if let Part::Data(data) = chunk.part {
                    match side {
                        Side::Client => flow.frames_up.extend_from_slice(&data),
                        Side::Upstream => flow.frames_down.extend_from_slice(&data),
                    }
                }
            }),
            Capture::Opened(_) | Capture::Closed(_) | Capture::Tunnel(_) => {
                panic!("this capture has a method of its own")
            }
        }
        true
    }

    fn close(&self, closed: Box<Closed>) {
        self.change(closed.flow, |flow| {
            assert!(flow.closed.is_none(), "a flow ended twice: {:?}", flow.closed);
            flow.closed = Some(*closed);
        });
    }

    fn tunnel(&self, tunnel: Tunnel) {
        self.seen.lock().tunnels.push(tunnel);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use langley_model::Setup;

    use super::*;
    use crate::Playbook;

    fn play(recording: &Recording) {
        let mut play = Playbook::new();
        play.post("/v1/messages", b"{}").answer(200, &[]).data("ok").end().close(Ending::Whole);
        play.play_into(&*recording.sink());
    }

    #[tokio::test]
    async fn a_played_flow_is_seen_whole() {
        let recording = Recording::new();
        play(&recording);
        let flow = recording.assert_ending(0, Ending::Whole).await;
        assert_eq!(flow.request, b"{}");
        assert_eq!(flow.response, b"ok");
        assert!(flow.request_ended && flow.response_ended);
    }

    #[test]
    #[should_panic(expected = "answered while connecting")]
    fn a_connection_that_took_longer_than_its_flow_fails_the_test() {
        let recording = Recording::new();
        let mut play = Playbook::new();
        play.open_with("GET", "/", &[], |opened| {
            opened.mode = Mode::Reverse;
            opened.setup = Some(Setup { connect_ns: Some(u64::MAX / 2), tls_ns: Some(1) });
        })
        .close(Ending::Whole);
        play.play_into(&*recording.sink());
    }

    #[test]
    #[should_panic(expected = "the test did not say whether it should")]
    fn an_ending_left_unasserted_fails_the_test() {
        play(&Recording::new());
    }
}
