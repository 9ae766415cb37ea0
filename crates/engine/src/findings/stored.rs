//! The store, as detectors ask it on a suspicion.

use std::time::Duration;

use langley_model::{Finding, Flow, FlowId, MicroUsd, Micros, Side, Stored as ReadBack};
use langley_protocol::dialect::dialect_for;
use langley_store::{Kept, Measure, Store, StoreError, UsageQuery};

use super::facts::Facts;
use super::price::Prices;
use super::prompt::Prompt;
use super::sources::{DayPart, Recalled, Sources, Usual};
use crate::background::try_work;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// So far back it is looked for what is usual.
const USUAL_US: i64 = 7 * DAY_US;

/// A store, with how the facts of a flow are read from it.
pub(crate) struct Stored<'a, R> {
    pub(crate) store: &'a Store,
    pub(crate) prices: &'a dyn Prices,
    /// The flow that is looked at. Damage to another one is that one's, and is counted when it is looked at.
    pub(crate) of: FlowId,
    /// Reads the facts of a flow; none when there are none.
    pub(crate) read: R,
}

impl<R> Stored<'_, R> {
    fn read_prompt(&self, flow: FlowId) -> Result<Option<Prompt>, StoreError> {
        let Some(flow) = self.store.flow(flow)? else { return Ok(None) };
        let Some((_, dialect)) = dialect_for(&flow.method, &flow.host, &flow.path) else {
            return Ok(None);
        };
        let body = self.store.body(flow.id, Side::Client)?;
        Ok(body.and_then(|body| Prompt::read(dialect.seams(), &body.bytes)))
    }
}

impl<R: Fn(Flow) -> Result<Option<Facts>, StoreError>> Sources for Stored<'_, R> {
    fn before(&self, flow: &Flow, most: usize) -> Result<Recalled, StoreError> {
        let earlier = self.store.ended_before(flow, most)?;
        let mut recalled = Recalled { facts: Vec::new(), is_all: earlier.is_all };
        for flow in earlier.flows.into_iter().map(ReadBack::into_inner) {
            let read = try_work(flow.id, "reading an earlier flow", || (self.read)(flow))?;
            recalled.is_all &= read.is_some();
            recalled.facts.extend(read.flatten());
        }
        Ok(recalled)
    }

    fn kept(&self, finding: &Finding) -> Result<Kept, StoreError> {
        self.store.kept_finding(finding)
    }

    fn is_shown_by(&self, flow: FlowId) -> Result<bool, StoreError> {
        self.store.shows_finding(flow)
    }

    fn prompt(&self, flow: FlowId) -> Result<Option<Prompt>, StoreError> {
        if flow == self.of {
            return self.read_prompt(flow);
        }
        let read = try_work(flow, "reading an earlier request", || self.read_prompt(flow))?;
        Ok(read.flatten())
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

    fn spent(&self, flow: &Flow, part: DayPart) -> Result<Option<MicroUsd>, StoreError> {
        let day = flow.started_at.0.div_euclid(DAY_US) * DAY_US;
        let last = day + DAY_US - 1;
        let until = match part {
            DayPart::UpToFlow => flow.started_at.0.min(last),
            DayPart::Whole => last,
        };
        let query = UsageQuery {
            since: Some(Micros(day)),
            until: Some(Micros(until)),
            ..UsageQuery::default()
        };
        let cost = self.store.usage(&query)?.totals.figure(Measure::Cost).known();
        Ok(cost.map(|micro| MicroUsd(micro.cast_signed())))
    }

    fn prices(&self) -> &dyn Prices {
        self.prices
    }
}
