//! The agent's connection of HTTP/1.1 or HTTP/2, as seen from below hyper.
//!
//! hyper writes answers in its own way: it sends trailers only to whoever asked for them, ends an answer
//! of unknown length in chunks, and answers what it cannot read without a word. What passes here is the
//! bytes that it has written, in their order, so that the few which must be others can be exchanged: once
//! all before them have left, what is written next is known. And the socket is lent, not given away: a
//! connection that must not end in order is ended by whoever gets it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use langley_model::Break;
use parking_lot::Mutex;

/// Bytes of a request's head that are kept until it is understood, in case it never is.
const HEAD_KEPT: usize = 1024;
/// The longest word that is taken for a method.
const METHOD_MAX: usize = 32;
/// So often everything that was written must leave before it is known that nothing was left behind: the
/// first time may have begun too early.
const TIMES: u64 = 2;

/// An agent's connection, shared by those who answer on it.
#[derive(Debug, Default)]
pub(crate) struct Leg {
    /// Who serves, where streams have tasks of their own.
    task: AtomicWaker,
    /// Somebody waits until everything has left.
    is_awaited: AtomicBool,
    /// Something else is to be sent than what is written.
    is_exchanging: AtomicBool,
    /// The body of a request is read.
    is_reading: AtomicBool,
    stage: AtomicU8,
    state: Mutex<State>,
}

/// The body of a request is read.
pub(crate) struct Reading(Arc<Leg>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.is_reading.store(false, Ordering::Relaxed);
        if self.0.is_at(Stage::Draining) {
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

/// A request that was not understood.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// Its beginning.
    pub(crate) head: Vec<u8>,
    /// How much of it there was.
    pub(crate) bytes: usize,
    /// The answer's head that the library wrote, which was kept back.
    pub(crate) answer: Vec<u8>,
}

impl Unread {
    /// The status that the library has chosen; none where it said nothing.
    pub(crate) fn status(&self) -> Option<u16> {
        // "HTTP/1.1 400 …"
        std::str::from_utf8(self.answer.get(9..12)?).ok()?.parse().ok()
    }

    /// Method and path of the first line, as far as there are any; a long path is cut.
    pub(crate) fn line(&self) -> (String, String) {
        let end = self.head.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let line = String::from_utf8_lossy(&self.head[..end.unwrap_or(self.head.len())]);
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default();
        // What is no method is no request either: of such bytes nothing is said.
        if http::Method::from_bytes(method.as_bytes()).is_err() || method.len() > METHOD_MAX {
            return Default::default();
        }
        let target = words.next().unwrap_or_default();
        let path = match target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => target,
        };
        let mut path: String = match path.starts_with('/') {
            true => path.chars().filter(|c| !c.is_control()).collect(),
            false => String::new(),
        };
        if end.is_none() && self.head.len() >= HEAD_KEPT {
            path.push('…');
        }
        (method.to_owned(), path)
    }
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

    fn set(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    fn is_at(&self, stage: Stage) -> bool {
        self.stage.load(Ordering::Relaxed) == stage as u8
    }

    /// A request was understood, and its answer will follow.
    pub(crate) fn begins(&self) {
        self.set(Stage::Answering);
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
        self.is_reading.store(true, Ordering::Relaxed);
        Reading(Arc::clone(self))
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
    pub(crate) fn poll_left(&self, since: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        let begun = *since.get_or_insert(state.times);
        if !state.is_served || state.times >= begun + TIMES {
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

    /// A connection of HTTP/1.1 ends as the provider's did.
    pub(crate) fn end_by(&self, how: Break) {
        if self.is_http1() {
            self.state.lock().ending.get_or_insert(how);
        }
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
        let unread = &mut state.unread;
        unread.bytes += bytes.len();
        let room = HEAD_KEPT.saturating_sub(unread.head.len()).min(bytes.len());
        unread.head.extend_from_slice(&bytes[..room]);
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

    /// Everything that was written has left.
    pub(crate) fn has_left(&self) {
        if self.is_at(Stage::Answered) {
            let is_reading = self.is_reading.load(Ordering::Relaxed);
            self.set(if is_reading { Stage::Draining } else { Stage::Idle });
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
    pub(crate) fn is_lent(&self) {
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
            state.exchange = written.strip_prefix(*expected).map(|rest| Exchanged::Sending {
                covers: written.len(),
                form: [instead, rest].concat().into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_was_not_understood_method_and_path_are_told_where_there_are_any() {
        let line = |head: &[u8]| {
            let (method, path) = Unread { head: head.to_vec(), ..Unread::default() }.line();
            format!("{method} {path}")
        };
        assert_eq!(line(b"GET /a?b=c HTTP/1.1\r\nX : y\r\n"), "GET /a?b=c");
        assert_eq!(line(b"POST http://a.example/v1/x HTTP/9\n"), "POST /v1/x");
        assert_eq!(line(b"GET http://a.example HTTP/9\n"), "GET /");
        assert_eq!(line(b"CONNECT nowhere HTTP/1.1\r\n"), "CONNECT ");
        assert_eq!(line(b"GET"), "GET ");
        assert_eq!(line(b""), " ");
        assert_eq!(line(b"\x16\x03\x01 /x"), " ");
        assert_eq!(line("Größe /x".as_bytes()), " ");
        assert_eq!(line(&[b'A'; 40]), " ");
        let long = [b"GET /".as_slice(), &[b'x'; HEAD_KEPT - 5]].concat();
        assert!(line(&long).ends_with("xx…"));
    }
}
