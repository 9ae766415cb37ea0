//! The lens on estimates by bytes: where the tokenizer of the model is known, its count takes their place.
//!
//! Counting takes longer than a recorder's thread has, and needs a vocabulary; so it waits until every flow was looked
//! at. An estimate by bytes stands until then, and where the text is not kept.

use std::sync::Arc;
use std::time::Instant;

use langley_model::{EstimateSource, Flow, Micros, Side, Tokens, UsageEstimate};
use langley_store::{Analysis, Store, StoreError};

use super::{Lens, Reading};
use crate::background::{Bell, try_work};
use crate::estimate::shown;
use crate::findings::Prices;
use crate::tokenizer::{Count, Encoding, Ended, Vocabulary};

/// The lens.
pub(super) struct Tokenized {
    prices: Arc<dyn Prices>,
    bell: Bell,
    vocabulary: Vocabulary,
    /// Flows that are to be counted, by their keys.
    found: Vec<i64>,
}

impl Tokenized {
    /// Prices what is counted by `prices`; when `bell` calls for the end, what is not counted yet waits for the
    /// next start.
    pub(super) fn new(prices: Arc<dyn Prices>, bell: Bell) -> Self {
        Self { prices, bell, vocabulary: Vocabulary::default(), found: Vec::new() }
    }

    /// Counts a flow's tokens, where that is still of use.
    fn amend(&mut self, store: &Store, key: i64, flow: &Flow) -> Result<(), StoreError> {
        let Some(estimate) = by_bytes(flow) else { return Ok(()) };
        let Some(encoding) = Encoding::of(flow) else { return Ok(()) };
        let Some(mut counted) = self.count(store, flow, encoding, estimate)? else {
            return Ok(());
        };
        counted.cost = self.prices.beyond(flow, &counted);
        store.amend_flow(key, move |flow| {
            // What a transcript tells goes before.
            if by_bytes(flow).is_some() {
                flow.estimate = Some(counted);
            }
        })?;
        Ok(())
    }

    /// What `estimate` is of, counted; none where something of it is not kept.
    fn count(
        &mut self,
        store: &Store,
        flow: &Flow,
        encoding: Encoding,
        estimate: UsageEstimate,
    ) -> Result<Option<UsageEstimate>, StoreError> {
        let is_ending = || self.bell.is_ending();
        let Some(vocabulary) = self.vocabulary.of(encoding, Instant::now()) else {
            return Ok(None);
        };
        let (mut input, mut output): (Option<Tokens>, Option<Tokens>) = (None, None);
        if estimate.output.is_some() {
            let Some(message) = store.message(flow.id)? else { return Ok(None) };
            let mut count = Count::new(vocabulary, &is_ending);
            shown(&message).try_for_each(|text| count.text(text)).map_err(closed)?;
            output = Some(count.total());
        }
        if estimate.input.is_some() {
            let Some(body) = store.body(flow.id, Side::Client)? else { return Ok(None) };
            let mut count = Count::new(vocabulary, &is_ending);
            count.body(&body.bytes).map_err(closed)?;
            input = Some(count.total());
        }
        Ok(UsageEstimate::of(EstimateSource::Tokenizer, input, output))
    }
}

/// The estimate of a flow, where bytes are all that it goes by.
fn by_bytes(flow: &Flow) -> Option<UsageEstimate> {
    flow.estimate.filter(|it| it.source == EstimateSource::Bytes)
}

/// A thread that is to end leaves its step undone, which is what it does where the store is closed.
const fn closed(_: Ended) -> StoreError {
    StoreError::Closed
}

impl Lens for Tokenized {
    fn look(&mut self, _: &Store, reading: &mut Reading) -> Result<(), StoreError> {
        let flow = &reading.flow;
        if by_bytes(flow).is_some() && Encoding::of(flow).is_some() {
            self.found.push(reading.key);
        }
        Ok(())
    }

    /// Counts one flow, so that what is recorded meanwhile is looked at before the next.
    fn wait(&mut self, store: &Store, _: Micros) -> Result<bool, StoreError> {
        let Some(key) = store.next_uncounted()? else { return Ok(false) };
        if let Some(flow) = store.flow_of_key(key)? {
            // What cannot be counted keeps its estimate, and no other flow from being counted.
            try_work(flow.id, "counting tokens", || self.amend(store, key, &flow))?;
        }
        store.is_counted(key)?;
        Ok(true)
    }

    fn tell(&mut self, work: &mut Analysis) {
        work.uncounted.append(&mut self.found);
        self.vocabulary.rest(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use langley_model::{
        Block, ConnectionId, Content, FlowId, Message, MicroUsd, Outcome, Provider, Record,
        Revision,
    };
    use langley_store::Unread;

    use super::*;
    use crate::analysis::analyst::Worker;
    use crate::analysis::{Analyst, Lookout};
    use crate::background::Step;
    use crate::findings::BookPrices;
    use crate::price::PriceBook;
    use crate::search::tests::Given;

    /// A flow whose answer is said to have taken a hundred tokens, by bytes; whether the answer is kept.
    fn estimated(given: &Given, store: &Store, is_kept: bool) -> (FlowId, Reading) {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1_790_000_000_000_000));
        (flow.method, flow.path) = ("POST".into(), "/v1/chat/completions".into());
        (flow.provider, flow.outcome) = (Some(Provider::OpenAi), Some(Outcome::UpstreamGone));
        flow.model = Some("gpt-5".into());
        flow.estimate = UsageEstimate::of(EstimateSource::Bytes, None, Some(Tokens(100)));
        let id = flow.id;
        let content = Content::Text { text: "hello world".into(), citations: Vec::new() };
        let blocks = vec![Block { index: 0, content, complete: false }];
        let message = Record::Message(id, Box::new(Message { blocks, ..Message::default() }));
        let mut records = vec![Record::Flow(Arc::new(flow))];
        records.extend(is_kept.then_some(message));
        let records = records.into_iter().map(|record| given.redactor.seal(record)).collect();
        store.submit(records).unwrap();
        store.flush().unwrap();
        let key = store.unread(9).unwrap().iter().find(|it| it.flow == id).unwrap().key;
        let next = Unread { key, flow: id, revision: Revision(1) };
        (id, Reading::of(store, &next, Duration::ZERO).unwrap().unwrap())
    }

    /// Has a lens look at a flow, and count it.
    fn count(
        mut lens: Tokenized,
        store: &Store,
        reading: &mut Reading,
    ) -> Result<bool, StoreError> {
        lens.look(store, reading).unwrap();
        let mut work = Analysis::default();
        lens.tell(&mut work);
        store.keep_analysis(work).unwrap();
        lens.wait(store, Micros(9))
    }

    fn lens(bell: Bell) -> Tokenized {
        Tokenized::new(Arc::new(BookPrices::new(PriceBook::vendored())), bell)
    }

    fn estimate(store: &Store, flow: FlowId) -> UsageEstimate {
        store.flow(flow).unwrap().unwrap().estimate.unwrap()
    }

    #[test]
    fn a_flow_is_counted_once_all_was_looked_at_and_is_not_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let store = given.open();
        let (flow, _) = estimated(&given, &store, true);
        let redactor = Arc::clone(&given.redactor);
        let mut worker = Worker::new(store.clone(), redactor, Lookout::default(), Bell::default());
        assert_eq!(worker.step(Micros(9)).unwrap(), Step::Worked);
        assert_eq!(estimate(&store, flow).source, EstimateSource::Bytes, "findings come first");
        // Another process goes on.
        let redactor = Arc::clone(&given.redactor);
        let mut worker = Worker::new(store.clone(), redactor, Lookout::default(), Bell::default());
        assert_eq!(worker.step(Micros(9)).unwrap(), Step::Worked);
        assert_eq!(estimate(&store, flow).source, EstimateSource::Tokenizer);
        assert_eq!(store.unread(9).unwrap().len(), 0);
        assert_eq!(worker.step(Micros(9)).unwrap(), Step::Idle);
    }

    #[test]
    fn a_thread_that_is_to_end_leaves_an_estimate_to_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let store = given.open();
        let (flow, mut reading) = estimated(&given, &store, true);
        let bell = Bell::default();
        let redactor = Arc::clone(&given.redactor);
        // A worker that was ended has its bell say so.
        let idle = Given::new(tempfile::tempdir().unwrap().path()).open();
        drop(Analyst::spawn(idle, redactor, bell.clone(), Lookout::default()).unwrap());
        let done = count(lens(bell), &store, &mut reading);
        assert!(matches!(done, Err(StoreError::Closed)), "{done:?}");
        assert_eq!(estimate(&store, flow).source, EstimateSource::Bytes);
        assert!(lens(Bell::default()).wait(&store, Micros(9)).unwrap(), "it waits still");
        let counted = estimate(&store, flow);
        assert_eq!((counted.source, counted.output), (EstimateSource::Tokenizer, Some(Tokens(2))));
        assert_eq!(counted.cost, Some(MicroUsd(20)));
    }

    #[test]
    fn an_estimate_of_text_that_is_not_kept_stays() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let store = given.open();
        let (flow, mut reading) = estimated(&given, &store, false);
        assert!(count(lens(Bell::default()), &store, &mut reading).unwrap());
        assert_eq!(store.next_uncounted().unwrap(), None);
        let kept = estimate(&store, flow);
        assert_eq!((kept.source, kept.output), (EstimateSource::Bytes, Some(Tokens(100))));
    }
}
