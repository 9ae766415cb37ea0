//! What tokens cost, as far as findings ask: the room that keeps prices answers it.

use langley_model::{Flow, MicroUsd, Tokens, UsageEstimate};

use crate::price::Lack;

/// Prices of one input token, in millionths of a millionth of a US dollar (3 dollars a million are 3,000,000).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenPrices {
    /// Not in the cache.
    pub input: Option<u64>,
    /// Read from the cache.
    pub cache_read: Option<u64>,
    /// Written to the cache for five minutes.
    pub cache_write_5m: Option<u64>,
    /// Written to the cache for an hour.
    pub cache_write_1h: Option<u64>,
}

/// What is known of a flow's price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pricing {
    /// There is no price book.
    NoBook,
    /// The book does not have this.
    Unknown(Lack),
    /// The prices of its day.
    Known(TokenPrices),
}

/// Whoever knows prices.
pub trait Prices: Send + Sync {
    /// The prices of a flow.
    fn pricing(&self, flow: &Flow) -> Pricing;

    /// How many tokens its model can read.
    fn window(&self, flow: &Flow) -> Option<u64>;

    /// What an estimate comes to beside what is known of a flow's cost.
    fn beyond(&self, flow: &Flow, estimate: &UsageEstimate) -> Option<MicroUsd>;
}

/// Nobody knows prices.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPrices;

impl Prices for NoPrices {
    fn pricing(&self, _flow: &Flow) -> Pricing {
        Pricing::NoBook
    }

    fn window(&self, _flow: &Flow) -> Option<u64> {
        None
    }

    fn beyond(&self, _flow: &Flow, _estimate: &UsageEstimate) -> Option<MicroUsd> {
        None
    }
}

impl Pricing {
    const fn known(&self) -> Option<&TokenPrices> {
        match self {
            Self::Known(prices) => Some(prices),
            Self::NoBook | Self::Unknown(_) => None,
        }
    }

    /// What so many tokens of `flow`'s input cost more than the cache's price would have been. What was
    /// written to the cache counts first: it stands before what was not.
    pub(super) fn wasted(&self, flow: &Flow, tokens: u64) -> Option<MicroUsd> {
        let prices = self.known()?;
        let read = u128::from(prices.cache_read?);
        let usage = &flow.usage;
        let classes = [
            (usage.cache_write_1h, prices.cache_write_1h),
            (usage.cache_write_5m, prices.cache_write_5m),
            (usage.input_uncached(flow.dialect()), prices.input),
        ];
        let (mut left, mut sum) = (tokens, 0_u128);
        for (billed, price) in classes {
            let of_it = billed.map_or(0, |Tokens(billed)| billed).min(left);
            if of_it > 0 {
                sum += u128::from(of_it) * u128::from(price?).saturating_sub(read);
                left -= of_it;
            }
        }
        micro_usd(sum)
    }

    /// What so many input tokens cost at the lowest price that applies: read from the cache, or new where
    /// nothing was.
    pub(super) fn carried(&self, flow: &Flow, tokens: u64) -> Option<MicroUsd> {
        let prices = self.known()?;
        let is_cached = flow.usage.cache_read.is_some_and(|Tokens(read)| read > 0);
        let price = if is_cached { prices.cache_read } else { prices.input }?;
        micro_usd(u128::from(tokens) * u128::from(price))
    }
}

/// Rounded half-even.
fn micro_usd(pico: u128) -> Option<MicroUsd> {
    let (whole, rest) = (pico / 1_000_000, pico % 1_000_000);
    let is_up = rest > 500_000 || (rest == 500_000 && whole % 2 == 1);
    i64::try_from(whole + u128::from(is_up)).ok().map(MicroUsd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use langley_model::{ConnectionId, FlowId, Micros, Usage};

    const PRICES: Pricing = Pricing::Known(TokenPrices {
        input: Some(3_000_000),
        cache_read: Some(300_000),
        cache_write_5m: Some(3_750_000),
        cache_write_1h: Some(6_000_000),
    });

    fn flow(usage: Usage) -> Flow {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        flow.usage = usage;
        flow
    }

    #[test]
    fn what_was_billed_again_costs_the_difference_to_a_read() {
        let usage = Usage {
            input: Some(Tokens(500)),
            cache_read: Some(Tokens(0)),
            cache_write_5m: Some(Tokens(10_000)),
            ..Usage::default()
        };
        let wasted = |tokens| PRICES.wasted(&flow(usage), tokens);
        // 10,000 × (3.75 − 0.30) dollars a million.
        assert_eq!(wasted(10_000), Some(MicroUsd(34_500)));
        // 100 more of plain input × (3 − 0.30).
        assert_eq!(wasted(10_100), Some(MicroUsd(34_770)));
        assert_eq!(wasted(0), Some(MicroUsd(0)));
        assert_eq!(Pricing::Unknown(Lack::Model).wasted(&flow(usage), 1), None);
        let half = Pricing::Known(TokenPrices { cache_write_5m: None, ..TokenPrices::default() });
        assert_eq!(half.wasted(&flow(usage), 1), None, "missing is not zero");
    }

    #[test]
    fn what_is_carried_along_costs_what_a_read_costs_where_there_is_a_cache() {
        let read = Usage { cache_read: Some(Tokens(9)), ..Usage::default() };
        assert_eq!(PRICES.carried(&flow(read), 10_000), Some(MicroUsd(3_000)));
        assert_eq!(PRICES.carried(&flow(Usage::default()), 10_000), Some(MicroUsd(30_000)));
    }

    #[test]
    fn money_is_rounded_half_even() {
        assert_eq!(micro_usd(1_500_000), Some(MicroUsd(2)));
        assert_eq!(micro_usd(2_500_000), Some(MicroUsd(2)));
        assert_eq!(micro_usd(2_500_001), Some(MicroUsd(3)));
    }
}
