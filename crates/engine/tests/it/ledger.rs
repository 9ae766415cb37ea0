//! What passed held against what transcripts tell.

use std::fs;
use std::sync::Arc;

use langley_engine::{Importer, InferenceKey, LedgerReason, PriceBook, ledger, user_roots};
use langley_model::{
    Attributed, ConnectionId, Flow, FlowId, Micros, Outcome, Provider, Record, Redactor,
    RedactorOptions, Tokens,
};
use langley_store::{FlowFilter, Store, StoreOptions};
use tempfile::TempDir;

/// 2025-09-01.
const START: i64 = 1_756_684_800_000_000;

struct Rig {
    folder: TempDir,
    store: Store,
    redactor: Arc<Redactor>,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        Self { folder, store, redactor }
    }

    /// A flow of session `S`, so many seconds after the start.
    fn pass(&self, second: i64, change: impl FnOnce(&mut Flow)) {
        let at = Micros(START + second * 1_000_000);
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), at);
        flow.provider = Some(Provider::Anthropic);
        flow.model_requested = Some(String::from("claude-opus-5-5"));
        flow.session = Some(Attributed { id: String::from("S"), source: "header" });
        flow.outcome = Some(Outcome::Completed);
        change(&mut flow);
        let record = self.redactor.seal(Record::Flow(Arc::new(flow)));
        self.store.submit(vec![record]).unwrap();
        self.store.flush().unwrap();
    }

    /// An answered flow.
    fn answer(&self, second: i64, id: &str, output: u64) {
        self.pass(second, |flow| {
            flow.message_id = Some(format!("msg_{id}"));
            flow.provider_request_id = Some(format!("req_{id}"));
            flow.usage.output = Some(Tokens(output));
        });
    }

    fn tell(&self, session: &str, lines: &[String]) {
        let folder = self.folder.path().join("transcripts");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{session}.jsonl")), lines.concat()).unwrap();
        let (store, redactor) = (self.store.clone(), Arc::clone(&self.redactor));
        let mut importer =
            Importer::new(store, redactor, InferenceKey::default(), PriceBook::vendored()).unwrap();
        importer.look(&user_roots(vec![folder]), true, Micros::now()).unwrap();
        while importer.step().unwrap() {}
    }
}

fn line(session: &str, second: i64, id: Option<&str>, output: u64) -> String {
    let ids = id.map_or((String::new(), String::new()), |id| {
        (format!(r#","requestId":"req_{id}""#), format!(r#""id":"msg_{id}","#))
    });
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        r#"{{"type":"assistant","sessionId":"{session}","timestamp":"2025-09-01T{hour:02}:{minute:02}:{:02}Z"{},"message":{{{}"model":"claude-opus-5-5","content":[],"usage":{{"output_tokens":{output}}}}}}}"#,
        second % 60,
        ids.0,
        ids.1
    ) + "\n"
}

#[test]
fn responses_are_joined_by_their_ids_and_what_is_left_says_why() {
    let rig = Rig::new();
    rig.answer(100, "a", 5);
    rig.answer(110, "b", 6);
    rig.answer(120, "title", 7);
    rig.pass(130, |flow| flow.outcome = Some(Outcome::ProviderError));
    rig.pass(140, |flow| {
        flow.message_id = Some(String::from("msg_cut"));
        flow.outcome = Some(Outcome::UpstreamGone);
    });
    // By the request alone.
    rig.pass(150, |flow| {
        flow.provider_request_id = Some(String::from("req_r"));
        flow.usage.output = Some(Tokens(9));
    });
    rig.answer(160, "other", 8);
    rig.tell("T", &[line("T", 160, Some("other"), 8)]);
    rig.tell(
        "S",
        &[
            line("S", 50, Some("early"), 1),
            line("S", 101, Some("a"), 2),
            line("S", 101, Some("a"), 5),
            line("S", 111, Some("b"), 4),
            line("S", 151, Some("r"), 9),
            line("S", 170, Some("past"), 3),
            line("S", 180, None, 2),
        ],
    );
    let ledger = ledger(&rig.store, "S").unwrap().unwrap();
    assert_eq!((ledger.wire.responses, ledger.transcript.responses), (7, 6));
    assert_eq!((ledger.joined, ledger.differing), (3, 1), "{ledger:?}");
    assert_eq!(ledger.wire.unpriced, 5, "what failed and what broke off told no usage");
    let gaps: Vec<_> = ledger.gaps.iter().map(|(reason, sum)| (*reason, sum.responses)).collect();
    let expected = [
        (LedgerReason::Failed, 1),
        (LedgerReason::CutOff, 1),
        (LedgerReason::OtherSession, 1),
        (LedgerReason::NotWritten, 1),
        (LedgerReason::BeforeRecord, 1),
        (LedgerReason::NoId, 1),
        (LedgerReason::PassedBy, 1),
    ];
    assert_eq!(gaps, expected);
    assert_eq!(ledger.transcript.usage.output, Some(Tokens(1 + 5 + 4 + 9 + 3 + 2)));
    let differing: Vec<_> = ledger.entries.iter().filter(|entry| entry.reason.is_none()).collect();
    assert_eq!(differing.len(), 1);
    assert_eq!(differing[0].message_id.as_deref(), Some("msg_b"));
    // Both counts come to what is joined and what is left.
    for side in [langley_engine::LedgerSide::Wire, langley_engine::LedgerSide::Transcript] {
        let left: u64 = ledger
            .gaps
            .iter()
            .filter(|(reason, _)| reason.side() == side)
            .map(|(_, sum)| sum.responses)
            .sum();
        let all = match side {
            langley_engine::LedgerSide::Wire => ledger.wire.responses,
            langley_engine::LedgerSide::Transcript => ledger.transcript.responses,
        };
        assert_eq!(left + ledger.joined, all, "{side:?}");
    }
}

#[test]
fn a_session_that_only_one_side_knows_is_told_with_the_reason() {
    let rig = Rig::new();
    assert_eq!(ledger(&rig.store, "S").unwrap(), None);
    rig.answer(100, "a", 5);
    let passed = ledger(&rig.store, "S").unwrap().unwrap();
    assert_eq!(passed.gaps[0].0, LedgerReason::NoTranscript);
    assert_eq!(passed.transcript.cost, None, "what is not known is not nothing");
    rig.tell("T", &[line("T", 200, Some("t"), 1)]);
    let told = ledger(&rig.store, "T").unwrap().unwrap();
    assert_eq!((told.wire.responses, told.gaps[0].0), (0, LedgerReason::NoFlow));
}

#[test]
fn an_exchange_that_passed_twice_was_billed_twice_and_is_told_once() {
    let rig = Rig::new();
    rig.answer(100, "a", 5);
    rig.answer(101, "a", 5);
    rig.tell("S", &[line("S", 101, Some("a"), 5)]);
    let ledger = ledger(&rig.store, "S").unwrap().unwrap();
    assert_eq!((ledger.wire.responses, ledger.transcript.responses, ledger.joined), (2, 1, 1));
    assert_eq!(ledger.gaps.len(), 1);
}

#[test]
fn what_passed_under_another_session_is_found_there_and_named() {
    let rig = Rig::new();
    rig.answer(1, "first", 1);
    let of = |session: Option<&str>, id: &str, second: i64| {
        rig.pass(second, |flow| {
            flow.session = session.map(|id| Attributed { id: id.to_owned(), source: "header" });
            flow.provider_request_id = Some(format!("req_{id}"));
            flow.usage.output = Some(Tokens(7));
        });
    };
    of(Some("T"), "under_t", 5_000);
    of(None, "under_none", 50_000);
    of(Some("T"), "too_early", 60_000);
    let lines = [
        line("S", 1, Some("first"), 1),
        line("S", 5_010, Some("under_t"), 7),
        line("S", 50_010, Some("under_none"), 7),
        line("S", 70_000, Some("too_early"), 7),
    ];
    rig.tell("S", &lines);
    let ledger = ledger(&rig.store, "S").unwrap().unwrap();
    assert!(ledger.is_whole);
    let gaps: Vec<_> = ledger.gaps.iter().map(|(reason, sum)| (*reason, sum.responses)).collect();
    assert_eq!(gaps, [(LedgerReason::PassedElsewhere, 2), (LedgerReason::PassedBy, 1)]);
    let told: Vec<_> = ledger
        .entries
        .iter()
        .map(|entry| (entry.other_session.as_deref(), entry.flow.is_some(), entry.wire.is_some()))
        .collect();
    assert_eq!(told, [(Some("T"), true, true), (None, true, true), (None, false, false)]);

    // And the other way round: the other session's ledger says whose transcript tells of it.
    rig.pass(80_000, |flow| {
        flow.session = Some(Attributed { id: String::from("T"), source: "header" });
        flow.message_id = Some(String::from("msg_under_t"));
    });
    let other = langley_engine::ledger(&rig.store, "T").unwrap().unwrap();
    let named: Vec<_> = other.entries.iter().filter_map(|it| it.other_session.as_deref()).collect();
    assert_eq!(named, ["S"]);
}

#[test]
fn a_response_whose_flow_was_removed_says_so_and_one_that_never_passed_does_not() {
    let rig = Rig::new();
    rig.answer(100, "a", 5);
    rig.answer(110, "b", 5);
    rig.answer(120, "c", 5);
    let lines = [("a", 101), ("b", 111), ("c", 121), ("never", 131)];
    rig.tell("S", &lines.map(|(id, second)| line("S", second, Some(id), 5)));
    let gaps = || {
        let ledger = ledger(&rig.store, "S").unwrap().unwrap();
        ledger.gaps.iter().map(|(reason, sum)| (*reason, sum.responses)).collect::<Vec<_>>()
    };
    assert_eq!(gaps(), [(LedgerReason::PassedBy, 1)]);
    let at = |second: i64| Some(Micros(START + second * 1_000_000));
    let some = FlowFilter { since: at(100), until: at(115), ..FlowFilter::default() };
    rig.store.delete_flows(&some).unwrap();
    assert_eq!(gaps(), [(LedgerReason::FlowRemoved, 2), (LedgerReason::PassedBy, 1)]);
    // Of what was recorded, nothing is left.
    rig.store.delete_flows(&FlowFilter::default()).unwrap();
    assert_eq!(gaps(), [(LedgerReason::BeforeRecord, 1), (LedgerReason::FlowRemoved, 3)]);
}
