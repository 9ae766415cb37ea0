//! The open flows: what arrives is written to the right page, and at the end of each turn whatever
//! is due goes to the store.
//!
//! There is no clock in here: captures bring their own time, and a turn is told what time it is.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use langley_model::{
    Capture, Chunk, Closed, DropReason, Flow, FlowId, Micros, Opened, Outcome, Part, Record,
    Redacted, Tick, add_note,
};

use crate::bench::Bench;
use crate::exchange::Exchange;
use crate::intake::Entry;
use crate::outbox::Outbox;
use crate::written::Written;

/// Body bytes after which a turn is taken in the middle of a batch.
const TURN_BYTES: usize = 2 << 20;

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NotebookFigures {
    pub(crate) captures: u64,
    pub(crate) strays: u64,
    pub(crate) panics: u64,
    pub(crate) decode_errors: u64,
    pub(crate) flows_lost: u64,
    pub(crate) refusals: u64,
}

/// All open flows.
pub(crate) struct Notebook {
    pub(crate) bench: Bench,
    pub(crate) outbox: Outbox,
    flows: HashMap<FlowId, Box<Exchange>>,
    /// Flows with something to write at the end of this turn.
    touched: Vec<FlowId>,
    /// Flows with something to write later, the earliest first.
    due: VecDeque<(Tick, FlowId)>,
    fed: usize,
    figures: NotebookFigures,
}

impl Notebook {
    pub(crate) fn new(bench: Bench, outbox: Outbox) -> Self {
        Self {
            bench,
            outbox,
            flows: HashMap::new(),
            touched: Vec::new(),
            due: VecDeque::new(),
            fed: 0,
            figures: NotebookFigures::default(),
        }
    }

    pub(crate) const fn figures(&self) -> NotebookFigures {
        self.figures
    }

    pub(crate) fn open_flows(&self) -> usize {
        self.flows.len()
    }

    /// Time from `now` until something has to be written; none when nothing waits.
    pub(crate) fn due_in(&self, now: Tick) -> Option<Duration> {
        self.due.front().map(|(due, _)| due.since(now))
    }

    /// Takes what the tap saw. Returns whether it was an ending.
    pub(crate) fn take(&mut self, entry: Entry) -> bool {
        self.figures.captures += u64::from(matches!(entry, Entry::Capture(_)));
        self.enter(entry)
    }

    /// Writes it to its page.
    fn enter(&mut self, entry: Entry) -> bool {
        match entry {
            Entry::Gap(id, direction, gap) => {
                self.work(id, |exchange, _| exchange.gap(Tick::now(), direction, gap));
                self.follow(id);
            }
            Entry::Capture(Capture::Opened(opened)) => self.open(*opened),
            Entry::Capture(Capture::Request(chunk)) => {
                self.piece(chunk, |exchange, _, part, bench| exchange.request(part, bench));
            }
            Entry::Capture(Capture::Response(chunk)) => {
                self.piece(chunk, Exchange::response);
            }
            Entry::Capture(Capture::Frame(side, chunk)) => {
                let id = chunk.flow;
                self.piece(chunk, |exchange, at, part, bench| {
                    exchange.frame(at, side, &part, bench);
                });
                self.follow(id);
            }
            Entry::Capture(Capture::Closed(closed)) => return self.close(*closed),
            Entry::Capture(Capture::Tunnel(tunnel)) => {
                let record = self.bench.redactor.seal(Record::Tunnel(*tunnel));
                self.outbox.put(None, vec![record]);
            }
        }
        false
    }

    /// Writes what is due at `now` and hands it to the store.
    pub(crate) fn turn(&mut self, now: Tick) {
        self.fed = 0;
        let mut touched = std::mem::take(&mut self.touched);
        for id in touched.drain(..) {
            if let Some(exchange) = self.flows.get_mut(&id) {
                exchange.is_touched = false;
                let outbox = &mut self.outbox;
                self.figures.panics += contained(exchange, &mut self.bench, |exchange, bench| {
                    Self::write(exchange, now, bench, outbox);
                });
                let has_later =
                    exchange.has_waiting() || !matches!(exchange.written, Written::Fresh(_));
                if has_later && !exchange.is_due {
                    exchange.is_due = true;
                    self.due.push_back((later(now, self.bench.options.flush_after), id));
                }
            }
        }
        touched.shrink_to(1_024);
        self.touched = touched;
        self.write_due(now);
        self.outbox.send(&self.bench.redactor);
        self.trim();
        self.bench.rest();
    }

    /// Counts flows or tunnels that the intake refused whole.
    pub(crate) fn refused(&mut self, reason: DropReason, count: u64) {
        self.outbox.losses.add(None, reason, count, 0);
    }

    /// Ends every open flow: nothing more will be heard of them.
    pub(crate) fn end_all(&mut self, now: Tick, wall: Micros, reason: &str) {
        let mut ids: Vec<FlowId> = self.flows.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.work(id, |exchange, bench| exchange.lose(now, wall, reason, bench));
            if let Some(mut exchange) = self.flows.remove(&id) {
                exchange.give_up(now, wall, reason);
                self.figures.flows_lost += 1;
                self.finish(exchange);
            }
        }
        self.turn(now);
    }

    /// Takes what a WebSocket has shown of its calls, which are flows of their own.
    fn follow(&mut self, id: FlowId) {
        let entries = self.flows.get_mut(&id).map(|exchange| exchange.take_entries());
        for entry in entries.unwrap_or_default() {
            // They were no captures, and their endings were never promised a slot in the intake.
            self.enter(entry);
        }
    }

    fn open(&mut self, opened: Opened) {
        let id = opened.flow;
        let bench = &self.bench;
        match catch_unwind(AssertUnwindSafe(|| Exchange::open(opened, bench))) {
            Ok(mut exchange) => {
                exchange.is_touched = true;
                self.flows.insert(id, exchange);
                self.touched.push(id);
            }
            Err(_) => self.figures.panics += 1,
        }
    }

    fn piece(&mut self, chunk: Chunk, take: impl FnOnce(&mut Exchange, Tick, Part, &mut Bench)) {
        let Chunk { flow, at, part } = chunk;
        if let Part::Data(data) = &part {
            self.fed += data.len();
        }
        self.work(flow, |exchange, bench| take(exchange, at, part, bench));
        if self.fed > TURN_BYTES {
            self.turn(Tick::now());
        }
    }

    fn close(&mut self, mut closed: Closed) -> bool {
        let id = closed.flow;
        self.work(id, |exchange, bench| exchange.close(&mut closed, bench));
        self.follow(id);
        let Some(mut exchange) = self.flows.remove(&id) else { return true };
        exchange.conclude(closed);
        let (request, response) = (exchange.flow.request_gap, exchange.flow.response_gap);
        let chunks = request.chunks + response.chunks;
        let bytes = request.bytes + response.bytes;
        self.outbox.losses.add(Some(id), DropReason::CaptureQueueFull, chunks, bytes);
        self.finish(exchange);
        true
    }

    /// Hands out everything of a flow that has its outcome.
    fn finish(&mut self, mut exchange: Box<Exchange>) {
        self.figures.decode_errors += u64::from(exchange.has_decode_error());
        let is_refused = exchange.flow.outcome == Some(Outcome::Refused);
        self.figures.refusals += u64::from(is_refused);
        self.figures.panics += contained(&mut exchange, &mut self.bench, |exchange, bench| {
            exchange.tell_owed();
            exchange.leave(bench);
            exchange.estimate();
            bench.pricer.price(&mut exchange.flow);
            exchange.flush(bench);
            #[cfg(test)]
            tests::fault(&exchange.flow, "/fault");
        });
        let id = exchange.flow.id;
        let mut records = std::mem::take(&mut exchange.out);
        let is_known = exchange.written != Written::Never;
        let state = self.sealed(exchange.flow);
        // A flow the store knows is declared ended after its last part, a new one before its first.
        if is_known {
            records.push(state);
        } else {
            records.insert(0, state);
        }
        self.outbox.put(Some(id), records);
    }

    /// The last state of a flow; where that cannot be redacted, only that there was one and how it ended.
    fn sealed(&mut self, flow: Box<Flow>) -> Redacted<Record> {
        let mut bare = Flow::new(flow.id, flow.connection, flow.started_at);
        (bare.outcome, bare.ended_at) = (flow.outcome, flow.ended_at);
        let redactor = &self.bench.redactor;
        let sealed = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(test)]
            tests::fault(&flow, "/fault-of-redaction");
            redactor.seal(Record::Flow(Arc::from(flow)))
        }));
        sealed.unwrap_or_else(|_| {
            self.figures.panics += 1;
            add_note(&mut bare.decode_note, "all but its end was lost to an internal error");
            redactor.seal(Record::Flow(Arc::new(bare)))
        })
    }

    /// Works on one flow.
    fn work(&mut self, id: FlowId, work: impl FnOnce(&mut Exchange, &mut Bench)) {
        let Some(exchange) = self.flows.get_mut(&id) else {
            self.figures.strays += 1;
            return;
        };
        self.figures.panics += contained(exchange, &mut self.bench, work);
        if !exchange.is_touched {
            exchange.is_touched = true;
            self.touched.push(id);
        }
    }

    /// Hands out what of an open flow is ready.
    fn write(exchange: &mut Exchange, now: Tick, bench: &Bench, outbox: &mut Outbox) {
        let due = exchange.is_state_due(now, bench.options.state_every);
        let state = due.then(|| exchange.state(bench));
        #[cfg(test)]
        tests::fault(&exchange.flow, "/fault");
        let mut records = std::mem::take(&mut exchange.out);
        if let Some(state) = state {
            records.insert(0, state);
            exchange.written = Written::Fresh(now);
        }
        outbox.put(Some(exchange.flow.id), records);
    }

    fn write_due(&mut self, now: Tick) {
        while let Some(&(due, id)) = self.due.front() {
            if due > now {
                break;
            }
            self.due.pop_front();
            let Some(exchange) = self.flows.get_mut(&id) else { continue };
            let outbox = &mut self.outbox;
            self.figures.panics += contained(exchange, &mut self.bench, |exchange, bench| {
                exchange.flush(bench);
                Self::write(exchange, now, bench, outbox);
            });
            exchange.is_due = !matches!(exchange.written, Written::Fresh(_));
            if exchange.is_due {
                self.due.push_back((later(now, self.bench.options.flush_after), id));
            }
        }
        if self.due.is_empty() && self.due.capacity() > 4_096 {
            self.due = VecDeque::new();
        }
    }

    fn trim(&mut self) {
        let flows = &mut self.flows;
        self.outbox.trim(&self.bench.redactor, &mut |id, lost| {
            let Some(exchange) = flows.get_mut(&id) else { return false };
            lost.parts.mark(&mut exchange.flow);
            if lost.state {
                exchange.written = Written::Never;
            }
            exchange.stale();
            true
        });
    }
}

/// Does `work` on one flow. A panic in there costs that flow its decoding, and nobody else anything; how many
/// there were.
fn contained(
    exchange: &mut Exchange,
    bench: &mut Bench,
    work: impl FnOnce(&mut Exchange, &mut Bench),
) -> u64 {
    if catch_unwind(AssertUnwindSafe(|| work(exchange, bench))).is_ok() {
        return 0;
    }
    let maimed = catch_unwind(AssertUnwindSafe(|| exchange.maim(bench)));
    1 + u64::from(maimed.is_err())
}

fn later(now: Tick, span: Duration) -> Tick {
    Tick(now.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use langley_model::{Redactor, RedactorOptions};
    use parking_lot::Mutex;

    use super::*;
    use crate::chains::{Chains, Rules};
    use crate::intake::tests::{closed, opened};
    use crate::live::NoLiveFeed;
    use crate::options::RecorderOptions;
    use crate::outbox::RecordSink;

    /// Panics over a flow that asks for it.
    pub(super) fn fault(flow: &Flow, path: &str) {
        assert!(flow.path != path, "a fault of ours");
    }

    #[derive(Default)]
    struct Sink(Mutex<Vec<Arc<Flow>>>);

    impl RecordSink for Sink {
        fn submit(&self, batch: Vec<Redacted<Record>>) -> Result<(), Vec<Redacted<Record>>> {
            let flows = batch.iter().filter_map(|record| match &**record {
                Record::Flow(flow) => Some(Arc::clone(flow)),
                _ => None,
            });
            self.0.lock().extend(flows);
            Ok(())
        }
    }

    #[test]
    fn a_panic_over_what_a_flow_hands_out_is_contained_in_it() {
        let options = RecorderOptions::default();
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        let rules =
            Rules { idle_gap: options.idle_gap, infers_tasks: false, key: options.inference_key };
        let projects = crate::project::Projects::new(options.inference_key, &[]);
        let projects = Arc::new(Mutex::new(projects));
        let shared = (Arc::new(Mutex::new(Chains::new(rules, &[]))), Arc::default(), projects);
        let bench = Bench::new(options, redactor, Arc::new(NoLiveFeed), shared);
        let sink = Arc::new(Sink::default());
        let taken: Arc<dyn RecordSink> = Arc::clone(&sink) as _;
        let mut notebook = Notebook::new(bench, Outbox::new(taken, 100, 1 << 20));
        let paths = ["/fault", "/fault-of-redaction", "/v1/messages"];
        let flows = paths.map(|path| {
            let mut opened = opened(FlowId::new());
            opened.target = path.to_owned();
            let id = opened.flow;
            notebook.take(Entry::Capture(Capture::Opened(opened)));
            id
        });
        // While they are open, and when what is due later is written.
        for at in [1, u64::MAX / 2] {
            notebook.turn(Tick(at));
        }
        for flow in flows {
            assert!(notebook.take(Entry::Capture(Capture::Closed(closed(flow)))));
        }
        notebook.turn(Tick(u64::MAX));
        assert!(notebook.figures().panics >= 4, "{:?}", notebook.figures());
        let told = sink.0.lock();
        for (flow, path) in flows.iter().zip(paths) {
            let last = told.iter().rfind(|told| told.id == *flow).unwrap();
            assert_eq!(last.outcome, Some(Outcome::Completed), "{path}");
            assert_eq!(last.decode_note.is_some(), path != "/v1/messages", "{path}");
        }
    }
}
