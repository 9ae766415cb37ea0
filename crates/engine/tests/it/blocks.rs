//! Blocks of five hours: those of the whole history, whatever part of it is asked for.

use std::sync::Arc;

use langley_engine::{Block, blocks};
use langley_model::{
    ConnectionId, Flow, FlowId, Micros, Outcome, Provider, Record, Redactor, RedactorOptions,
    Tokens, Usage,
};
use langley_store::{Store, StoreOptions, UsageQuery};

const HOUR: i64 = 3_600_000_000;

/// A day, at its beginning in UTC.
const START: i64 = 20_000 * 24 * HOUR;

struct Kept {
    store: Store,
    redactor: Redactor,
    _folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        Self { store, redactor, _folder: folder }
    }

    fn put(&self, provider: Provider, path: &str, hour: i64, usage: Usage) {
        let at = Micros(START + hour * HOUR);
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), at);
        (flow.provider, flow.path) = (Some(provider), path.into());
        flow.outcome = Some(Outcome::Completed);
        flow.usage = usage;
        let record = self.redactor.seal(Record::Flow(Arc::new(flow)));
        self.store.submit(vec![record]).unwrap();
    }

    fn used(&self, hours: impl IntoIterator<Item = i64>) {
        for hour in hours {
            let usage = Usage { output: Some(Tokens(1)), ..Usage::default() };
            self.put(Provider::Anthropic, "/v1/messages", hour, usage);
        }
        self.store.flush().unwrap();
    }

    fn blocks(&self, query: &UsageQuery, now: i64) -> Vec<Block> {
        self.store.flush().unwrap();
        blocks(&self.store, query, Micros(START + now * HOUR)).unwrap().blocks
    }

    /// When the blocks between two hours begin, and how many flows each has.
    fn between(&self, since: Option<i64>, until: Option<i64>) -> Vec<(i64, u64)> {
        let at = |hour: Option<i64>| hour.map(|hour| Micros(START + hour * HOUR));
        let query = UsageQuery { since: at(since), until: at(until), ..UsageQuery::default() };
        let told = |block: Block| {
            let flows = block.sums.tally(langley_store::Tally::Flows);
            ((block.start.0 - START) / HOUR, flows)
        };
        self.blocks(&query, 10_000).into_iter().map(told).collect()
    }
}

#[test]
fn the_blocks_of_a_span_are_those_of_the_whole_history_each_of_them_whole() {
    let record = Kept::new();
    // Without a rest: blocks of 0, 8, 16 and so on, each with two uses.
    record.used((0..12).map(|number| number * 4));
    let all = record.between(None, None);
    assert_eq!(all, [0, 8, 16, 24, 32, 40].map(|hour| (hour, 2)));
    // The use of hour 12 is of the block that began with hour 8.
    assert_eq!(record.between(Some(10), None), all[1..]);
    assert_eq!(record.between(Some(18), Some(33)), all[2..5]);
    // Further back than a day.
    assert_eq!(record.between(Some(44), None), all[5..]);
    assert_eq!(record.between(Some(45), None), []);
}

#[test]
fn after_a_rest_of_five_hours_nothing_before_it_counts() {
    let record = Kept::new();
    record.used([0, 4, 8, 12, 17, 21]);
    assert_eq!(record.between(Some(18), None), [(17, 2)]);
    assert_eq!(record.between(Some(17), None), [(17, 2)]);
}

#[test]
fn who_never_rested_in_a_month_is_told_blocks_that_begin_with_it() {
    let record = Kept::new();
    record.used((0..300).map(|number| number * 4));
    // A month before hour 1004 lies hour 260, from where each block has two uses; of the whole history one
    // would begin with hour 1000.
    assert_eq!(record.between(Some(1_004), None)[0], (1_004, 2));
}

#[test]
fn the_pace_is_the_same_for_what_means_the_same_whoever_served_it() {
    let tokens = |count| Some(Tokens(count));
    let usage = |input, output| Usage {
        input: tokens(input),
        cache_read: tokens(6_000),
        cache_write_5m: tokens(1_000),
        output: tokens(output),
        reasoning: tokens(1_500),
        ..Usage::default()
    };
    let record = Kept::new();
    let providers = [
        (Provider::Anthropic, "/v1/messages", usage(2_500, 4_000)),
        (Provider::OpenAi, "/v1/responses", usage(9_500, 4_000)),
        (Provider::Gemini, "/v1beta/models/g:generateContent", usage(9_500, 2_500)),
    ];
    for (provider, path, usage) in providers {
        record.put(provider, path, 0, usage);
        let query = UsageQuery { provider: Some(provider), ..UsageQuery::default() };
        let pace = record.blocks(&query, 1).remove(0).pace.unwrap();
        // 2,500 of new input, 1,000 written and 4,000 of output in an hour.
        assert_eq!(pace.tokens_per_minute, 7_500 / 60, "{provider:?}");
    }
}
