//! What came of calls, which a later line tells: records of calls are written with a place for it, and handed on once
//! it is told, or once the file went on for so long that nobody waits for it any more.

use langley_model::ToolOutcome;

/// Bytes of a file behind a call in which its result is looked for.
const AWAITED: u64 = 16 << 20;

/// Bytes that are kept for an outcome, as JSON: most take them all, so that what stands behind them need not move.
pub(super) const PLACE: usize = {
    let (mut longest, mut at) = ("null".len(), 0);
    while at < ToolOutcome::ALL.len() {
        let len = ToolOutcome::ALL[at].as_str().len() + 2;
        longest = if len > longest { len } else { longest };
        at += 1;
    }
    longest
};

/// Places for outcomes in records that are written, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited {
    places: Vec<Place>,
    /// Up to which of them nothing is waited for.
    settled: usize,
}

#[derive(Clone, Debug)]
struct Place {
    /// Where it begins, and which record it is of.
    at: usize,
    record: usize,
    /// A digest of the call's id.
    call: u64,
    /// Where the call's line begins in the file.
    offset: u64,
    outcome: Option<ToolOutcome>,
}

impl Place {
    const fn is_awaited(&self, here: u64) -> bool {
        self.outcome.is_none() && here.saturating_sub(self.offset) <= AWAITED
    }
}

impl Awaited {
    /// Keeps a place for what comes of a call.
    pub(super) fn keep(&mut self, (at, record): (usize, usize), (call, offset): (u64, u64)) {
        self.places.push(Place { at, record, call, offset, outcome: None });
    }

    /// Whether something is waited for at this place of the file.
    pub(super) fn waits(&mut self, here: u64) -> bool {
        while self.places.get(self.settled).is_some_and(|place| !place.is_awaited(here)) {
            self.settled += 1;
        }
        self.settled < self.places.len()
    }

    /// Takes what came of a call, as is told at this place of the file.
    pub(super) fn take(&mut self, call: u64, here: u64, outcome: impl FnOnce() -> ToolOutcome) {
        let of_call = |place: &&mut Place| place.call == call && place.is_awaited(here);
        let mut places = self.places[self.settled..].iter_mut().filter(of_call);
        let Some(first) = places.next() else { return };
        let outcome = Some(outcome());
        first.outcome = outcome;
        places.for_each(|place| place.outcome = outcome);
    }

    /// Forgets the places of what was written from this record on.
    pub(super) fn truncate(&mut self, records: usize) {
        let left = self.places.partition_point(|place| place.record < records);
        self.places.truncate(left);
        self.settled = self.settled.min(left);
    }

    /// Writes what is known into its places, and closes what they have too much.
    pub(super) fn fill(&mut self, bytes: &mut Vec<u8>, ends: &mut [usize]) {
        // Up to where all is where it belongs, and by how much the rest is too far behind.
        let (mut done, mut ended, mut spare) = (0, 0, 0);
        for Place { at, record, outcome, .. } in self.places.drain(..) {
            bytes.copy_within(if spare > 0 { done..at } else { 0..0 }, done - spare);
            ends[ended..record].iter_mut().for_each(|end| *end -= spare);
            let place = &mut bytes[at - spare..];
            let len = match outcome {
                Some(outcome) => {
                    let word = outcome.as_str();
                    place[0] = b'"';
                    place[1..=word.len()].copy_from_slice(word.as_bytes());
                    place[word.len() + 1] = b'"';
                    word.len() + 2
                }
                None => {
                    place[..4].copy_from_slice(b"null");
                    4
                }
            };
            (done, ended) = (at + PLACE, record);
            spare += PLACE - len;
        }
        if spare > 0 {
            bytes.copy_within(done.., done - spare);
            bytes.truncate(bytes.len() - spare);
            ends[ended..].iter_mut().for_each(|end| *end -= spare);
        }
        self.settled = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_does_not_tell_within_a_bound_is_waited_for_no_more() {
        let mut awaited = Awaited::default();
        awaited.keep((0, 0), (1, 0));
        awaited.keep((20, 1), (2, 1));
        assert!(awaited.waits(AWAITED + 1));
        // The first is too far behind.
        awaited.take(1, AWAITED + 1, || unreachable!());
        awaited.take(2, AWAITED + 1, || ToolOutcome::Failed);
        assert!(!awaited.waits(AWAITED + 1));
    }

    proptest! {
        #[test]
        fn outcomes_stand_where_their_places_were_whatever_stands_between(
            records in proptest::collection::vec(
                (0..30_usize, proptest::collection::vec(0..7_usize, 0..3)),
                0..20,
            ),
        ) {
            let (mut bytes, mut ends, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            let mut awaited = Awaited::default();
            for (nth, (len, calls)) in records.into_iter().enumerate() {
                let mut text = "x".repeat(len);
                bytes.extend_from_slice(text.as_bytes());
                for call in calls {
                    awaited.keep((bytes.len(), nth), (call as u64, 0));
                    bytes.extend_from_slice(&[b' '; PLACE]);
                    let word = ToolOutcome::ALL.get(call).map(|it| format!("\"{}\"", it.as_str()));
                    text.push_str(word.as_deref().unwrap_or("null"));
                }
                bytes.push(b'\n');
                ends.push(bytes.len());
                expected.push(text + "\n");
            }
            for (call, outcome) in ToolOutcome::ALL.into_iter().enumerate() {
                awaited.take(call as u64, 0, || outcome);
            }
            awaited.fill(&mut bytes, &mut ends);
            let mut start = 0;
            let found: Vec<_> = ends
                .iter()
                .map(|end| String::from_utf8(bytes[std::mem::replace(&mut start, *end)..*end].to_vec()).unwrap())
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
