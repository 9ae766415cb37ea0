//! How spans of time spread: a histogram of fixed steps, so that it can be added up and a percentile be
//! told with a known error.
//!
//! A step's width is a quarter of its octave, as HDR histograms have it: what is told is at most an eighth
//! away from what was measured (or 33 µs, for what is shorter than a quarter of a millisecond).

use crate::codec::number;

/// Spans are told apart in units of 65,536 ns.
const UNIT_BITS: u32 = 16;

/// Steps of an octave, as a power of two.
const STEP_BITS: u32 = 2;

/// Counts by step, the steps in ascending order and none of them empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    steps: Vec<(u8, u64)>,
}

impl Spread {
    /// The largest error of [`Self::percentile`], in percent of what was measured.
    pub const ERROR_PERCENT: f64 = 12.5;

    /// Adds `count` spans of so many nanoseconds; wraps around, so that a change may be negative.
    pub(crate) fn add(&mut self, nanos: u64, count: u64) {
        self.add_step(step(nanos), count);
    }

    /// Adds another spread.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (step, count) in &other.steps {
            self.add_step(*step, *count);
        }
    }

    /// Takes another spread out.
    pub(super) fn take_out(&mut self, other: &Self) {
        for (step, count) in &other.steps {
            self.add_step(*step, count.wrapping_neg());
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn add_step(&mut self, step: u8, count: u64) {
        match self.steps.binary_search_by_key(&step, |(step, _)| *step) {
            Ok(place) => {
                let sum = self.steps[place].1.wrapping_add(count);
                if sum == 0 {
                    self.steps.remove(place);
                } else {
                    self.steps[place].1 = sum;
                }
            }
            Err(_) if count == 0 => {}
            Err(place) => self.steps.insert(place, (step, count)),
        }
    }

    /// The span in nanoseconds that so many percent of the spans do not exceed, told as the middle of its
    /// step; none when there is no span.
    #[must_use]
    pub fn percentile(&self, percent: u32) -> Option<u64> {
        let total: u64 = self.steps.iter().map(|(_, count)| count).sum();
        let rank = u128::from(total) * u128::from(percent.min(100));
        let rank = u64::try_from(rank.div_ceil(100)).unwrap_or(total).max(1);
        let mut passed = 0;
        let found = self.steps.iter().find(|(_, count)| {
            passed += count;
            passed >= rank
        });
        found.map(|(step, _)| middle(*step))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.steps.len() * 2);
        for (step, count) in &self.steps {
            bytes.push(*step);
            number::put(&mut bytes, *count);
        }
        bytes
    }

    /// What [`Self::encode`] wrote; none when it is damaged.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut spread = Self::default();
        while let Some((step, rest)) = bytes.split_first() {
            bytes = rest;
            spread.add_step(*step, number::take(&mut bytes)?);
        }
        Some(spread)
    }
}

/// The step of a span.
fn step(nanos: u64) -> u8 {
    let units = nanos >> UNIT_BITS;
    let octave = units.checked_ilog2().unwrap_or(0);
    let step = match octave.checked_sub(STEP_BITS) {
        None => units,
        Some(shift) => u64::from(shift << STEP_BITS) + (units >> shift),
    };
    u8::try_from(step).unwrap_or(u8::MAX)
}

/// The middle of a step, in nanoseconds.
fn middle(step: u8) -> u64 {
    let steps = 1_u64 << STEP_BITS;
    let shift = (u64::from(step) / steps).saturating_sub(1);
    let lower = (u64::from(step) - shift * steps) << shift;
    ((lower << UNIT_BITS) + (1 << (shift + u64::from(UNIT_BITS)) >> 1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_at_most_an_eighth_away_from_what_was_measured() {
        let mut nanos = 250_000_u64;
        while nanos < 48 * 3_600_000_000_000 {
            let told = middle(step(nanos));
            assert!(told.abs_diff(nanos) * 8 <= nanos, "{nanos} was told as {told}");
            nanos += nanos / 37;
        }
        for nanos in [0, 1, 65_535, 65_536, 200_000] {
            assert!(middle(step(nanos)).abs_diff(nanos) <= 32_768, "{nanos}");
        }
        assert!(step(u64::MAX) < u8::MAX);
    }

    #[test]
    fn steps_ascend_with_the_span() {
        let steps: Vec<u8> = (0..63).map(|bits| step(1 << bits)).collect();
        assert!(steps.is_sorted());
        let middles: Vec<u64> = (0..step(1 << 52)).map(middle).collect();
        assert!(middles.is_sorted_by(|a, b| a < b), "{middles:?}");
    }

    #[test]
    fn percentiles_are_those_of_the_spans_that_were_added() {
        let mut spread = Spread::default();
        assert_eq!(spread.percentile(50), None);
        for millis in 1..=100 {
            spread.add(millis * 1_000_000, 1);
        }
        for (percent, millis) in [(50, 50.0), (95, 95.0), (100, 100.0), (0, 1.0)] {
            let told = spread.percentile(percent).unwrap() as f64 / 1e6;
            assert!((told - millis).abs() <= millis / 8.0, "{percent} %: {told} ms");
        }
    }

    #[test]
    fn what_is_taken_out_again_leaves_nothing_and_what_is_written_is_read() {
        let mut spread = Spread::default();
        for nanos in [5, 70_000, 8_000_000, 9_000_000_000_000] {
            spread.add(nanos, 300);
        }
        assert_eq!(Spread::decode(&spread.encode()), Some(spread.clone()));
        let mut less = Spread::default();
        less.take_out(&spread);
        spread.merge(&less);
        assert!(spread.is_empty());
        assert_eq!(Spread::decode(&[7, 0x80]), None);
    }
}
