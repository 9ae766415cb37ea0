//! Blocks of five hours, as Claude's plans count them: one begins with the hour of the first use, and the next
//! use after its end begins another.
//!
//! Sums by the hour are enough for that: a block begins on the hour, so no hour lies in two of them. Where one
//! begins depends on all uses before it back to a rest of five hours, so what lies before the asked time is
//! read as well.

use langley_model::{CostClass, Micros};
use langley_store::{GroupBy, Measure, Store, StoreError, Sums, Tally, UsageGroup, UsageQuery};

/// Microseconds of an hour.
pub(crate) const HOUR_US: i64 = 3_600_000_000;

/// How long a block lasts.
const BLOCK_US: i64 = 5 * HOUR_US;

/// How far before the asked time a rest is looked for: a day, which most nights are in, and then a month. Who
/// has not rested for five hours in all of that is told blocks that begin with the first use of the month.
const LOOK_BACK_US: [i64; 2] = [24 * HOUR_US, 31 * 24 * HOUR_US];

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
    /// Tokens for a minute: all that is billed but what was read from the cache.
    pub tokens_per_minute: u64,
}

/// Blocks of a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockReport {
    /// By time.
    pub blocks: Vec<Block>,
    /// Whether flows of an earlier version are still to be added.
    pub filling: bool,
}

/// The blocks of the flows that `query` names, as it is `now`: those of the whole history of which a part lies
/// within the asked span, each of them whole. By what the query groups is not looked at.
///
/// # Errors
/// A failure of the store.
pub fn blocks(store: &Store, query: &UsageQuery, now: Micros) -> Result<BlockReport, StoreError> {
    let read = |since| {
        let later = |until: Micros| Micros(until.0.saturating_add(BLOCK_US));
        let until = query.until.map(later);
        let by = vec![GroupBy::Hour];
        let asked = UsageQuery { by, since, until, costs_alone: true, ..query.clone() };
        store.usage(&asked)
    };
    let report = match query.since {
        None => read(None)?,
        Some(since) => {
            let [day, month] = LOOK_BACK_US.map(|span| Micros(since.0.saturating_sub(span)));
            let report = read(Some(day))?;
            let is_enough = is_rested(day, &report.groups, since);
            if is_enough { report } else { read(Some(month))? }
        }
    };
    let found = BlockReport::of_hours(&report.groups, (query.since, query.until), now);
    Ok(BlockReport { filling: report.filling, ..found })
}

impl BlockReport {
    /// The blocks of some hours, which are in order, of which a part lies within a span, as it is `now`.
    pub(crate) fn of_hours(
        hours: &[UsageGroup],
        (since, until): (Option<Micros>, Option<Micros>),
        now: Micros,
    ) -> Self {
        let mut blocks = of_hours(hours, now);
        blocks.retain(|block| {
            since.is_none_or(|since| block.end > since)
                && until.is_none_or(|until| block.start < until)
        });
        Self { blocks, filling: false }
    }
}

/// Whether there is a rest between `start` and the first use from `since` on: what is used after it begins a
/// block, whatever was before.
fn is_rested(start: Micros, hours: &[UsageGroup], since: Micros) -> bool {
    // What was used just before is not known: as if something had been.
    let mut last = start.0.div_euclid(HOUR_US).saturating_sub(1).saturating_mul(HOUR_US);
    for hour in uses(hours).map(|(hour, _)| hour) {
        if hour.0.saturating_sub(last) >= BLOCK_US {
            return true;
        }
        if hour >= since {
            return false;
        }
        last = hour.0;
    }
    since.0.saturating_sub(last) >= BLOCK_US
}

/// The hours in which anything was used.
fn uses(hours: &[UsageGroup]) -> impl Iterator<Item = (Micros, &Sums)> {
    let timed = hours.iter().filter_map(|group| Some((group.hour?, &group.sums)));
    timed.filter(|(_, sums)| is_use(sums))
}

/// The blocks of some hours, which are in order, as it is `now`.
fn of_hours(hours: &[UsageGroup], now: Micros) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (hour, sums) in uses(hours) {
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
    let is_new = |class: &CostClass| class.is_tokens() && *class != CostClass::CacheRead;
    let tokens: u128 = CostClass::ALL
        .into_iter()
        .filter(is_new)
        .map(|class| u128::from(block.sums.figure(Measure::units_of(class)).sum))
        .sum();
    let tokens_per_minute = tokens * 60_000_000 / elapsed.unsigned_abs();
    Pace {
        elapsed_us: now.0.saturating_sub(block.start.0),
        cost_per_hour: of(HOUR_US),
        projected_cost: of(BLOCK_US),
        tokens_per_minute: u64::try_from(tokens_per_minute).unwrap_or(u64::MAX),
    }
}
