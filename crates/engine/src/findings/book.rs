//! Findings ask the price book.

use std::sync::Arc;

use langley_model::{CostClass, Flow, MicroUsd, Rates, UsageEstimate};
use parking_lot::Mutex;

use super::price::{Prices, Pricing, TokenPrices};
#[cfg(test)]
use crate::price::Lack;
use crate::price::{PriceBook, Pricer};

/// The prices of a book. A flow that has been priced keeps those it was priced by.
#[derive(Debug)]
pub struct BookPrices {
    book: Arc<PriceBook>,
    pricer: Mutex<Pricer>,
}

impl BookPrices {
    /// Those of this book.
    #[must_use]
    pub fn new(book: Arc<PriceBook>) -> Self {
        Self { pricer: Mutex::new(Pricer::new(Arc::clone(&book))), book }
    }
}

impl Prices for BookPrices {
    fn pricing(&self, flow: &Flow) -> Pricing {
        if let Some(terms) = &flow.terms {
            return Pricing::Known(of_tokens(&terms.rates));
        }
        let mut pricer = self.pricer.lock();
        match pricer.quote(flow) {
            Some(quote) => Pricing::Known(of_tokens(&quote.terms.rates)),
            None => Pricing::Unknown(pricer.lack(flow)),
        }
    }

    fn window(&self, flow: &Flow) -> Option<u64> {
        self.book.window_of(flow)
    }

    fn beyond(&self, flow: &Flow, estimate: &UsageEstimate) -> Option<MicroUsd> {
        self.pricer.lock().beyond(flow, estimate)
    }
}

fn of_tokens(rates: &Rates) -> TokenPrices {
    /// Attodollars in a millionth of a millionth of a dollar.
    const PICO: u64 = 1_000_000;
    let of = |class| rates.of(class).map(|rate| rate.attodollars() / PICO);
    TokenPrices {
        input: of(CostClass::Input),
        cache_read: of(CostClass::CacheRead),
        cache_write_5m: of(CostClass::CacheWrite5m),
        cache_write_1h: of(CostClass::CacheWrite1h),
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{ConnectionId, FlowId, Micros, Outcome, Provider, Tokens, Usage};

    use super::*;

    #[test]
    fn a_flow_has_the_prices_of_its_model_and_day() {
        let prices = BookPrices::new(PriceBook::vendored());
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1_790_000_000_000_000));
        flow.provider = Some(Provider::Anthropic);
        flow.model = Some("claude-sonnet-4-5-20250929".into());
        flow.outcome = Some(Outcome::Completed);
        flow.usage =
            Usage { input: Some(Tokens(10)), output: Some(Tokens(10)), ..Usage::default() };
        // Three dollars a million, a tenth of it from the cache, a quarter more into it, twice for an hour.
        let expected = TokenPrices {
            input: Some(3_000_000),
            cache_read: Some(300_000),
            cache_write_5m: Some(3_750_000),
            cache_write_1h: Some(6_000_000),
        };
        assert_eq!(prices.pricing(&flow), Pricing::Known(expected));
        assert!(prices.window(&flow).is_some_and(|window| window >= 200_000));
        flow.model = Some("nobody-knows-1".into());
        assert_eq!(
            (prices.pricing(&flow), prices.window(&flow)),
            (Pricing::Unknown(Lack::Model), None)
        );
    }

    #[test]
    fn of_a_known_model_it_is_told_what_has_no_price() {
        let prices = BookPrices::new(PriceBook::vendored());
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1_790_000_000_000_000));
        flow.provider = Some(Provider::Anthropic);
        flow.model = Some("claude-sonnet-4-5-20250929".into());
        flow.usage = Usage { output: Some(Tokens(10)), ..Usage::default() };
        flow.service_tier = Some("standard+fast".into());
        assert_eq!(prices.pricing(&flow), Pricing::Unknown(Lack::Tier("fast".into())));
        (flow.provider, flow.service_tier) = (Some(Provider::Mistral), None);
        flow.model = Some("mistral-large-2512".into());
        flow.usage.web_search_requests = Some(1);
        assert_eq!(prices.pricing(&flow), Pricing::Unknown(Lack::Class(CostClass::WebSearch)));
    }
}
