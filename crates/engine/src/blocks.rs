//! Blocks of five hours, as Claude's plans count them: one begins with the hour of the first use, and the next
//! use after its end begins another.
//!
//! Sums by the hour are enough for that: a block begins on the hour, so no hour lies in two of them.

use langley_model::Micros;
use langley_store::{Measure, Sums, Tally, UsageGroup};

/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;

/// How long a block lasts.
const BLOCK_US: i64 = 5 * HOUR_US;

/// A block of five hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The hour of its first use.
    pub start: Micros,
    /// Five hours later.
    pub end: Micros,
    /// The beginning of the hour of its last use.
    pub last_hour: Micros,
    /// What its flows add up to.
    pub sums: Sums,
    /// How fast it is used up; only of the one that goes on.
    pub pace: Option<Pace>,
}

/// How fast a block is used up, since its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Microseconds since its beginning.
    pub elapsed_us: i64,
    /// Millionths of a dollar for an hour.
    pub cost_per_hour: i64,
    /// What it will have cost at its end, in millionths of a dollar, if it goes on so.
    pub projected_cost: i64,
    /// Tokens for a minute: input that was not cached, cache writes, and output.
    pub tokens_per_minute: u64,
}

/// The blocks of some hours, which are in order, as it is `now`.
#[must_use]
pub fn blocks(hours: &[UsageGroup], now: Micros) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (hour, sums) in hours.iter().filter_map(|group| Some((group.hour?, &group.sums))) {
        if !is_use(sums) {
            continue;
        }
        match blocks.last_mut().filter(|block| hour < block.end) {
            Some(block) => {
                block.last_hour = hour;
                block.sums.merge(sums);
            }
            None => blocks.push(Block {
                start: hour,
                end: Micros(hour.0.saturating_add(BLOCK_US)),
                last_hour: hour,
                sums: sums.clone(),
                pace: None,
            }),
        }
    }
    if let Some(block) = blocks.last_mut().filter(|block| (block.start..block.end).contains(&now)) {
        block.pace = Some(pace(block, now));
    }
    blocks
}

/// Whether anything was used: other requests begin no block.
fn is_use(sums: &Sums) -> bool {
    let measures = [Measure::Input, Measure::Output, Measure::Cost];
    sums.tally(Tally::Unpriced) > 0
        || measures.into_iter().any(|measure| sums.figure(measure).flows > 0)
}

fn pace(block: &Block, now: Micros) -> Pace {
    let elapsed = i128::from(now.0.saturating_sub(block.start.0).max(1));
    let cost = i128::from(block.sums.figure(Measure::Cost).sum.cast_signed());
    let of = |span: i64| i64::try_from(cost * i128::from(span) / elapsed).unwrap_or(i64::MAX);
    let tokens: u128 =
        [Measure::InputUncached, Measure::CacheWrite5m, Measure::CacheWrite1h, Measure::Output]
            .into_iter()
            .map(|measure| u128::from(block.sums.figure(measure).sum))
            .sum();
    let tokens_per_minute = tokens * 60_000_000 / elapsed.unsigned_abs();
    Pace {
        elapsed_us: now.0.saturating_sub(block.start.0),
        cost_per_hour: of(HOUR_US),
        projected_cost: of(BLOCK_US),
        tokens_per_minute: u64::try_from(tokens_per_minute).unwrap_or(u64::MAX),
    }
}
