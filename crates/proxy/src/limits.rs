//! Bounds of an exchange: the size of its heads, and how long it may take.
//!
//! Time is bounded only where the user says so. A live stream is never cut: what moves is not idle, what
//! waits for a slow reader is not either, and the bound on the whole does not count for an answer that
//! streams once it has begun.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, Sleep};

use crate::refusal::Refusal;
use crate::tap::FlowTap;

/// Silence is looked for so many times within the bound on it.
const LOOKS: u32 = 4;

/// Media types of answers that are streams of events.
const STREAMS: [&str; 2] = ["text/event-stream", "application/vnd.amazon.eventstream"];

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request's head; beyond them the answer is 431.
    pub header_bytes: u32,
    /// Lines of a request's head; beyond them the answer is 431.
    pub header_count: usize,
    /// How long nothing may pass in either direction.
    pub idle: Option<Duration>,
    /// How long an exchange may take: to its end, or to the head of an answer that is a stream.
    pub total: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { header_bytes: 384 * 1024, header_count: 100, idle: None, total: None }
    }
}

/// Which bound an exchange has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    Idle(Duration),
    Total(Duration),
}

impl Overdue {
    /// What a person reads of it.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Idle(after) => format!(
                "nothing has passed for {} s, which is the bound that proxy.limits.idle_seconds sets",
                after.as_secs()
            ),
            Self::Total(after) => format!(
                "the exchange took longer than {} s, which is the bound that \
                 proxy.limits.total_seconds sets",
                after.as_secs()
            ),
        }
    }

    /// The answer where none has begun.
    pub(crate) fn refusal(self) -> Refusal {
        let status = StatusCode::GATEWAY_TIMEOUT;
        Refusal::new(status, "exchange_timed_out", self.reason()).overdue()
    }
}

/// Looks at an exchange from time to time.
pub(crate) struct Watch {
    idle: Option<Duration>,
    /// When the exchange is over, and how long that was from its start.
    total: Option<(Instant, Duration)>,
    next: Pin<Box<Sleep>>,
    /// Bytes that had passed at the last look, and the looks since then that saw no more.
    passed: u64,
    silent: u32,
}

impl Watch {
    /// A watch from now on; none where nothing is bounded.
    pub(crate) fn new(limits: &Limits) -> Option<Box<Self>> {
        if limits.idle.is_none() && limits.total.is_none() {
            return None;
        }
        let total = limits.total.map(|total| (Instant::now() + total, total));
        let mut watch = Box::new(Self {
            idle: limits.idle,
            total,
            next: Box::pin(tokio::time::sleep(Duration::ZERO)),
            passed: 0,
            silent: 0,
        });
        watch.rest();
        Some(watch)
    }

    /// The answer's head has come.
    pub(crate) fn head(&mut self, headers: &HeaderMap) {
        self.silent = 0;
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let media = media.split(';').next().unwrap_or("").trim();
        if STREAMS.iter().any(|stream| media.eq_ignore_ascii_case(stream)) {
            self.total = None;
        }
    }

    /// Ready when a bound is passed.
    pub(crate) fn poll(&mut self, tap: &FlowTap, cx: &mut Context<'_>) -> Poll<Overdue> {
        while self.next.as_mut().poll(cx).is_ready() {
            if let Some((end, total)) = self.total
                && Instant::now() >= end
            {
                return Poll::Ready(Overdue::Total(total));
            }
            let passed = tap.passed();
            self.silent = if passed == self.passed { self.silent + 1 } else { 0 };
            self.passed = passed;
            if let Some(idle) = self.idle
                && self.silent >= LOOKS
            {
                return Poll::Ready(Overdue::Idle(idle));
            }
            if self.idle.is_none() && self.total.is_none() {
                return Poll::Pending;
            }
            self.rest();
        }
        Poll::Pending
    }

    /// Sleeps until the next look.
    fn rest(&mut self) {
        let look = self.idle.map(|idle| Instant::now() + idle / LOOKS);
        let end = self.total.map(|(end, _)| end);
        if let Some(next) = look.into_iter().chain(end).min() {
            self.next.as_mut().reset(next);
        }
    }
}

#[cfg(test)]
mod tests;
