//! What one response used and cost, in few bytes: a long history has millions of them.

use langley_model::{MicroUsd, Micros, Provider, Redactor, Tokens, Usage};
use langley_protocol::transcript::UsageLine;
use serde::{Deserialize, Serialize};

use super::digest::digest_128;
use super::names::{Name, Names};

/// Classes of usage, in the order of [`Usage`]'s members.
const CLASSES: usize = 7;
/// The place of the output among them.
const OUTPUT: usize = 4;

/// Stands for a number that is not known: each byte of a record is touched whenever a history is told.
const UNKNOWN: i64 = i64::MIN;

/// A response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spent {
    /// The halves of a digest of its two ids; zero where it has not both.
    #[serde(with = "postcard::fixint::le")]
    high: u64,
    #[serde(with = "postcard::fixint::le")]
    low: u64,
    /// Microseconds since 1970 of the line that told most of it; [`UNKNOWN`] where that does not say.
    #[serde(with = "postcard::fixint::le")]
    at_us: i64,
    /// What it cost; [`UNKNOWN`] where its price is not known.
    cost_micro_usd: i64,
    /// Its place in [`Provider::ALL`].
    provider: u8,
    pub(super) session: Name,
    pub(super) agent_id: Name,
    pub(super) folder: Name,
    pub(super) model: Name,
    pub(super) tier: Name,
    /// Which classes are known, a bit each.
    known: u8,
    units: [u32; CLASSES],
}

impl Spent {
    /// What a line tells; none where a number is beyond anything that a response can use.
    pub(super) fn of(
        line: &UsageLine<'_>,
        (names, redactor): (&mut Names, &Redactor),
        session: Option<&str>,
    ) -> Option<Self> {
        let usage = &line.usage;
        let tokens = |tokens: Option<Tokens>| tokens.map(|Tokens(tokens)| tokens);
        let stated = [
            tokens(usage.input),
            tokens(usage.cache_read),
            tokens(usage.cache_write_5m),
            tokens(usage.cache_write_1h),
            tokens(usage.output),
            tokens(usage.reasoning),
            usage.web_search_requests,
        ];
        let (mut known, mut units) = (0, [0; CLASSES]);
        for (place, number) in stated.into_iter().enumerate() {
            if let Some(number) = number {
                known |= 1 << place;
                units[place] = u32::try_from(number).ok()?;
            }
        }
        let response = line.response().map_or(0, |ids| digest_128(&ids.map(str::as_bytes)));
        let provider = Provider::ALL.iter().position(|it| *it == line.provider)?;
        let mut number = |name: Option<&str>| names.number(name, redactor);
        Some(Self {
            high: (response >> 64) as u64,
            low: response as u64,
            at_us: line.at.map_or(UNKNOWN, |Micros(at)| at),
            cost_micro_usd: UNKNOWN,
            provider: u8::try_from(provider).ok()?,
            session: number(line.session.as_deref().or(session)),
            agent_id: number(line.agent_id.as_deref()),
            folder: number(line.folder.as_deref()),
            model: number(line.model.as_deref()),
            tier: number(Some(line.tier.as_str()).filter(|tier| !tier.is_empty())),
            known,
            units,
        })
    }

    /// A digest of its two ids; zero where it has not both.
    pub(super) const fn response(&self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// What it used, in the provider's own sense.
    pub(super) fn usage(&self) -> Usage {
        let units =
            |place: usize| (self.known & (1 << place) != 0).then(|| u64::from(self.units[place]));
        let tokens = |place| units(place).map(Tokens);
        Usage {
            input: tokens(0),
            cache_read: tokens(1),
            cache_write_5m: tokens(2),
            cache_write_1h: tokens(3),
            output: tokens(4),
            reasoning: tokens(5),
            web_search_requests: units(6),
        }
    }

    /// When the line was written that told most of it; none where that does not say.
    pub(super) fn at(&self) -> Option<Micros> {
        known(self.at_us).map(Micros)
    }

    /// What it cost; none where its price is not known.
    pub(super) fn cost(&self) -> Option<MicroUsd> {
        known(self.cost_micro_usd).map(MicroUsd)
    }

    pub(super) fn set_cost(&mut self, cost: Option<MicroUsd>) {
        self.cost_micro_usd = cost.map_or(UNKNOWN, |MicroUsd(cost)| cost);
    }

    /// Who served it.
    pub(super) fn provider(&self) -> Provider {
        // A place is written by the version that reads it.
        Provider::ALL.get(usize::from(self.provider)).copied().unwrap_or(Provider::ALL[0])
    }

    /// Whether a line of the same response tells more of it: it is written again while it grows, and the one with
    /// the greatest output is the last.
    pub(super) const fn is_less_than(&self, line: &Self) -> bool {
        self.units[OUTPUT] < line.units[OUTPUT]
    }

    /// Takes what another line of the same response tells, where that is more.
    pub(super) fn grow(&mut self, line: &Self) {
        if self.is_less_than(line) {
            let at_us = known(line.at_us).unwrap_or(self.at_us);
            *self = Self { at_us, ..*line };
        }
    }
}

fn known(number: i64) -> Option<i64> {
    Some(number).filter(|number| *number != UNKNOWN)
}
