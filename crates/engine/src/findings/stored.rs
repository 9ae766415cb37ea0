//! The store, as detectors ask it on a suspicion.

use std::time::Duration;

use langley_model::{Flow, FlowId, MicroUsd, Micros, Side};
use langley_protocol::dialect::dialect_for;
use langley_store::{Measure, Store, StoreError, UsageQuery};

use super::facts::Facts;
use super::price::Prices;
use super::prompt::Prompt;
use super::sources::{Sources, Usual};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// So far back it is looked for what is usual.
const USUAL_US: i64 = 7 * DAY_US;

/// A store, with how the facts of a flow are read from it.
pub(crate) struct Stored<'a, R> {
    pub(crate) store: &'a Store,
    pub(crate) prices: &'a dyn Prices,
    /// Reads the facts of a flow; none when there are none.
    pub(crate) read: R,
}

impl<R: Fn(Flow) -> Result<Option<Facts>, StoreError>> Sources for Stored<'_, R> {
    fn before(&self, flow: &Flow, most: usize) -> Result<Vec<Facts>, StoreError> {
        let mut facts = Vec::new();
        for earlier in self.store.ended_before(flow, most)? {
            facts.extend((self.read)(earlier.into_inner())?);
        }
        Ok(facts)
    }

    fn prompt(&self, flow: FlowId) -> Result<Option<Prompt>, StoreError> {
        let Some(flow) = self.store.flow(flow)? else { return Ok(None) };
        let Some((_, dialect)) = dialect_for(&flow.method, &flow.host, &flow.path) else {
            return Ok(None);
        };
        let body = self.store.body(flow.id, Side::Client)?;
        Ok(body.and_then(|body| Prompt::read(dialect.seams(), &body.bytes)))
    }

    fn usual(&self, flow: &Flow) -> Result<Option<Usual>, StoreError> {
        let Some(model) = flow.known_model() else { return Ok(None) };
        let query = UsageQuery {
            since: Some(Micros(flow.started_at.0 - USUAL_US)),
            until: Some(flow.started_at),
            host: Some(flow.host.clone()),
            model: Some(model.to_owned()),
            ..UsageQuery::default()
        };
        let totals = self.store.usage(&query)?.totals;
        let measure = if flow.ttft.is_some() { Measure::Ttft } else { Measure::Ttfb };
        let median = totals.spread(measure).and_then(|spread| spread.percentile(50));
        let answers = totals.figure(measure).flows;
        Ok(median.map(|nanos| Usual { median: Duration::from_nanos(nanos), answers }))
    }

    fn spent(&self, flow: &Flow) -> Result<Option<MicroUsd>, StoreError> {
        let day = flow.started_at.0.div_euclid(DAY_US) * DAY_US;
        // To the end of the hour, and of no other day.
        let query = UsageQuery {
            since: Some(Micros(day)),
            until: Some(Micros(flow.started_at.0.min(day + DAY_US - 1))),
            ..UsageQuery::default()
        };
        let cost = self.store.usage(&query)?.totals.figure(Measure::Cost).known();
        Ok(cost.map(|micro| MicroUsd(micro.cast_signed())))
    }

    fn prices(&self) -> &dyn Prices {
        self.prices
    }
}
