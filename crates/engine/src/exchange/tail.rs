//! Holes in an answer, and the bytes kept of its end, which are put where they belong.

use langley_model::Closed;

use super::Exchange;
use crate::bench::Bench;
use crate::framing::Framing;
use crate::response::Response;
use crate::stream::Stream;

impl Exchange {
    /// Something more came after a hole: what was lost stays lost.
    pub(super) fn settle_hole(&mut self) {
        if let Some(bytes) = self.hole.take() {
            self.position += bytes;
            self.response.gap();
        }
    }

    /// Reads the kept end of an answer whose end itself was not captured.
    pub(super) fn read_tail(&mut self, closed: &Closed, bench: &mut Bench) {
        let Some(tail) = closed.response_tail.as_deref().filter(|tail| !tail.is_empty()) else {
            self.settle_hole();
            return;
        };
        if matches!(self.response, Response::Waiting | Response::Counted)
            && closed.response_gap.chunks > 0
            && self.keeps_bodies
            && self.flow.ttfb.is_none()
            && let Some(dialect) = self.dialect
            && Framing::looks_like_sse(tail)
        {
            let message_max = bench.options.message_max_bytes;
            let (id, decoder) = (self.flow.id, Some(dialect.response()));
            let mut stream = Stream::new(id, Framing::sse(), None, decoder, message_max);
            stream.gap();
            self.response = Response::Stream(Box::new(stream));
            self.flow.streaming = Some(true);
            self.response.feed(tail, self.offset_us(closed.at), bench);
            return;
        }
        if self.hole.is_none() || !self.response.can_resume() {
            self.settle_hole();
            return;
        }
        let tail_start = closed.response_bytes.saturating_sub(tail.len() as u64);
        if let Some(known) = self.position.checked_sub(tail_start) {
            // The kept end reaches back to what was captured: nothing is missing at all.
            self.hole = None;
            let known = usize::try_from(known).unwrap_or(usize::MAX).min(tail.len());
            self.read(closed.at, &tail[known..], bench);
        } else {
            self.settle_hole();
            if self.response.can_resume() {
                self.read(closed.at, tail, bench);
            }
        }
    }
}
