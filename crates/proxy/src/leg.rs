//! The agent's connection of HTTP/1.1 or HTTP/2, as seen from below hyper.
//!
//! hyper writes answers in its own way: it sends trailers only to whoever asked for them, ends an answer
//! of unknown length in chunks, and answers what it cannot read without a word. What passes here is the
//! bytes that it has written, in their order, so that the few which must be others can be exchanged: once
//! all before them have left, what is written next is known. And the socket is lent, not given away: a
//! connection that must not end in order is ended by whoever gets it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use langley_model::Break;
use parking_lot::Mutex;

use crate::tied::{Tie, is_of_connection};
use crate::unread::Unread;
use crate::upstream::H2_STREAMS;

/// So often everything that was written must leave before it is known that nothing was left behind: the
/// first time may have begun too early.
const TIMES: u64 = 2;
/// What hyper lets wait of one stream of HTTP/2, in bytes.
const STREAM_WAITS: u64 = 400 * 1024;
/// So much is written behind what waits at most, where every stream has its turn.
const BEHIND: u64 = H2_STREAMS as u64 * STREAM_WAITS;
/// What may come before an answer's head, and in the same piece.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// An agent's connection, shared by those who answer on it.
#[derive(Debug, Default)]
pub(crate) struct Leg {
    /// Who serves, where streams have tasks of their own.
    task: AtomicWaker,
    /// Somebody waits until everything has left.
    is_awaited: AtomicBool,
    /// Something else is to be sent than what is written.
    is_exchanging: AtomicBool,
    /// Bodies of requests that are read.
    reading: AtomicUsize,
    /// Bytes that were written, and those of them before the last flush. Only for streams that share it.
    written: AtomicU64,
    flushed: AtomicU64,
    /// The end of the answer is that of the connection.
    ends_with_answer: AtomicBool,
    is_encrypted: AtomicBool,
    stage: AtomicU8,
    /// Where it breaks off with one of the provider's.
    tie: Option<Tie>,
    state: Mutex<State>,
}

/// The body of a request is read.
pub(crate) struct Reading(Arc<Leg>);

impl Drop for Reading {
    fn drop(&mut self) {
        let left = self.0.reading.fetch_sub(1, Ordering::Relaxed) - 1;
        if left == 0 && self.0.is_at(Stage::Draining) {
            self.0.set(Stage::Idle);
        }
    }
}

/// What an HTTP/1.1 connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Stage {
    /// Nobody looks.
    Unwatched,
    /// No request is being answered: what is written now are the library's own words.
    Idle,
    /// One is.
    Answering,
    /// One was, and the end of its answer is on its way.
    Answered,
    /// One was, and some of it is still read.
    Draining,
}

/// When somebody began to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    times: u64,
    written: u64,
}

#[derive(Debug, Default)]
struct State {
    /// How often everything has left, while somebody waited for it.
    times: u64,
    waiting: Vec<Waker>,
    is_served: bool,
    exchange: Option<Exchanged>,
    ending: Option<Break>,
    unread: Unread,
}

/// Bytes in the place of others.
#[derive(Debug)]
enum Exchanged {
    /// What is written next begins with the first, and is sent with the second.
    Awaited(&'static [u8], Bytes),
    /// So many written bytes are sent in this form, of which so many have gone out.
    Sending { covers: usize, form: Bytes, sent: usize },
}

impl Leg {
    /// One that serves HTTP/1.1.
    pub(crate) fn http1() -> Arc<Self> {
        let leg = Arc::<Self>::default();
        leg.set(Stage::Idle);
        leg
    }

    /// One whose streams end by themselves.
    pub(crate) fn http2() -> Arc<Self> {
        Arc::default()
    }

    /// The same, where one connection of the provider's is behind all of them.
    pub(crate) fn tied() -> Arc<Self> {
        Arc::new(Self { tie: Some(Tie::default()), ..Self::default() })
    }

    /// What ties it to a connection of the provider's.
    pub(crate) const fn tie(&self) -> Option<&Tie> {
        self.tie.as_ref()
    }

    /// Calls the task that serves it.
    pub(crate) fn serve(&self) {
        self.task.wake();
    }

    fn set(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    fn is_at(&self, stage: Stage) -> bool {
        self.stage.load(Ordering::Relaxed) == stage as u8
    }

    /// A request was understood, and its answer will follow.
    pub(crate) fn begins(&self) {
        self.set(Stage::Answering);
        self.ends_with_answer.store(false, Ordering::Relaxed);
        self.state.lock().unread = Unread::default();
    }

    /// Nobody will say any more of the answer.
    pub(crate) fn ends(&self) {
        if self.is_at(Stage::Answering) {
            self.set(Stage::Answered);
        }
    }

    /// The body of a request is read, until that is dropped.
    pub(crate) fn reads(self: &Arc<Self>) -> Reading {
        self.reading.fetch_add(1, Ordering::Relaxed);
        Reading(Arc::clone(self))
    }

    /// The agent will know the end of its answer by that of the connection (RFC 9112 §6.3).
    pub(crate) fn end_with_answer(&self) {
        self.ends_with_answer.store(true, Ordering::Relaxed);
    }

    /// Whether a connection that ends in order would make a whole answer of a part.
    pub(crate) fn ends_with_answer(&self) -> bool {
        self.ends_with_answer.load(Ordering::Relaxed)
    }

    /// Whether the agent can tell an end that nobody has announced from one in order.
    pub(crate) fn tells_unannounced(&self) -> bool {
        self.is_http1() && self.is_encrypted.load(Ordering::Relaxed)
    }

    /// Whether it speaks HTTP/1.1.
    pub(crate) fn is_http1(&self) -> bool {
        !self.is_at(Stage::Unwatched)
    }

    /// The connection becomes something else.
    pub(crate) fn leave_alone(&self) {
        self.set(Stage::Unwatched);
    }

    /// Ready when everything that was written before the first call has left. `since` is the caller's, and
    /// none at first.
    pub(crate) fn poll_left(&self, since: &mut Option<Since>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        let written = self.written.load(Ordering::Relaxed);
        let begun = since.get_or_insert(Since { times: state.times, written });
        let has_left = state.times >= begun.times + TIMES || written >= begun.written + BEHIND;
        if !state.is_served || has_left {
            return Poll::Ready(());
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        self.is_awaited.store(true, Ordering::Release);
        drop(state);
        self.task.wake();
        Poll::Pending
    }

    /// Waits until everything that was written so far has left.
    pub(crate) async fn left(&self) {
        let mut since = None;
        std::future::poll_fn(|cx| self.poll_left(&mut since, cx)).await;
    }

    /// What is written next begins with `expected`; `instead` is sent in its place. Everything before it
    /// must have left.
    pub(crate) fn exchange(&self, expected: &'static [u8], instead: impl Into<Bytes>) {
        self.state.lock().exchange = Some(Exchanged::Awaited(expected, instead.into()));
        self.is_exchanging.store(true, Ordering::Release);
    }

    /// The connection ends as the provider's did, unless it has streams that end by themselves.
    pub(crate) fn end_by(&self, how: Break) {
        if self.is_http1() || self.breaks_by(&how) {
            self.state.lock().ending.get_or_insert(how);
        }
    }

    /// Whether that is a break of the provider's connection with which this one breaks off.
    pub(crate) fn breaks_by(&self, how: &Break) -> bool {
        self.tie.is_some() && is_of_connection(how)
    }

    /// How it must end; none where in order.
    pub(crate) fn ending(&self) -> Option<Break> {
        self.state.lock().ending.clone()
    }

    /// What was not understood.
    pub(crate) fn take_unread(&self) -> Unread {
        std::mem::take(&mut self.state.lock().unread)
    }
}

/// What the bytes on their way do with a [`Leg`].
impl Leg {
    /// The task that serves is polled.
    pub(crate) fn served_by(&self, waker: &Waker) {
        if self.is_at(Stage::Unwatched) {
            self.task.register(waker);
        }
    }

    /// Bytes were read.
    pub(crate) fn has_read(&self, bytes: &[u8]) {
        if !self.is_at(Stage::Idle) || bytes.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        state.unread.grows(bytes);
    }

    /// Whether `bytes` are the library's own words, which are kept back.
    pub(crate) fn keeps_back(&self, bytes: &[u8]) -> bool {
        if !self.is_at(Stage::Idle) {
            return false;
        }
        self.state.lock().unread.answer.extend_from_slice(bytes);
        true
    }

    /// Whether something was kept back.
    pub(crate) fn has_kept_back(&self) -> bool {
        !self.state.lock().unread.answer.is_empty()
    }

    /// Whether bytes go out as they are written.
    pub(crate) fn is_plain(&self) -> bool {
        !self.is_at(Stage::Idle) && !self.is_exchanging.load(Ordering::Acquire)
    }

    /// So many bytes were written.
    pub(crate) fn has_written(&self, count: usize) {
        if self.is_at(Stage::Unwatched) {
            self.written.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Everything that was written has left.
    pub(crate) fn has_left(&self) {
        if self.is_at(Stage::Answered) {
            let is_reading = self.reading.load(Ordering::Relaxed) > 0;
            self.set(if is_reading { Stage::Draining } else { Stage::Idle });
        }
        let written = self.written.load(Ordering::Relaxed);
        if self.flushed.swap(written, Ordering::Relaxed) != written {
            // HTTP/2 sends one frame after the other: only when it has none to write do none wait.
            if self.is_awaited.load(Ordering::Acquire) {
                self.task.wake();
            }
            return;
        }
        if self.is_awaited.load(Ordering::Acquire) && self.is_awaited.swap(false, Ordering::AcqRel)
        {
            let waiting = {
                let mut state = self.state.lock();
                state.times += 1;
                std::mem::take(&mut state.waiting)
            };
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// The connection is served from now on.
    pub(crate) fn is_lent(&self, is_encrypted: bool) {
        self.is_encrypted.store(is_encrypted, Ordering::Relaxed);
        self.state.lock().is_served = true;
    }

    /// The connection is not served any more.
    pub(crate) fn is_over(&self) {
        let waiting = {
            let mut state = self.state.lock();
            state.is_served = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// The form in which `written` goes out, as far as it has not yet, where that is another one.
    pub(crate) fn exchanged(&self, written: &[u8]) -> Option<Bytes> {
        if !self.is_exchanging.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.state.lock();
        if let Some(Exchanged::Awaited(expected, instead)) = &state.exchange {
            let begins = if written.starts_with(CONTINUE) { CONTINUE.len() } else { 0 };
            let (before, head) = written.split_at(begins);
            if head.is_empty() {
                return None;
            }
            state.exchange = head.strip_prefix(*expected).map(|rest| Exchanged::Sending {
                covers: written.len(),
                form: [before, instead, rest].concat().into(),
                sent: 0,
            });
        }
        let Some(Exchanged::Sending { form, sent, .. }) = &state.exchange else {
            self.is_exchanging.store(false, Ordering::Release);
            return None;
        };
        Some(form.slice(*sent..))
    }

    /// So many of the other bytes are out; how many of the written ones that are, once all of them are.
    pub(crate) fn has_exchanged(&self, count: usize) -> Option<usize> {
        let mut state = self.state.lock();
        let Some(Exchanged::Sending { covers, form, sent }) = &mut state.exchange else {
            return None;
        };
        *sent += count;
        if *sent < form.len() {
            return None;
        }
        let covers = *covers;
        state.exchange = None;
        self.is_exchanging.store(false, Ordering::Release);
        Some(covers)
    }
}
