//! What hooks and transcripts tell, joined to what passed on the wire, whichever of the two came first.

use std::fs;
use std::sync::Arc;

use langley_engine::{Importer, PriceBook, analyse, user_roots};
use langley_model::{
    Attributed, Ending, EstimateSource, Micros, Redactor, RedactorOptions, Tokens, ToldStep,
    ToldTool, ToolOutcome, ToolSource, UsageEstimate, Violation,
};
use langley_protocol::tools::digest;
use langley_store::{KeptCall, Store};
use serde_json::{Value, json};

use crate::kit::{Script, start, text, text_start};
use crate::stored::Home;
use crate::tools::{BASE, Lane, all_calls, id, result};

fn redactor() -> Arc<Redactor> {
    Arc::new(Redactor::new(RedactorOptions::default()).unwrap())
}

/// A transcript of one line for each of these, brought in.
fn import(store: &Store, session: &str, lines: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.path().join(format!("{session}.jsonl")), lines).unwrap();
    let mut importer = Importer::new(
        store.clone(),
        redactor(),
        langley_engine::InferenceKey::default(),
        PriceBook::vendored(),
    )
    .unwrap();
    importer.look(&user_roots(vec![folder.path().to_owned()]), true, Micros::now()).unwrap();
    while importer.step().unwrap() {}
}

/// A time of the day on which the lanes are played.
fn at(second: i64) -> String {
    format!("2023-11-14T23:00:{second:02}Z")
}

fn told_call(session: &str, second: i64, name: &str, tool: &str, input: &Value) -> Value {
    json!({"type": "assistant", "sessionId": session, "timestamp": at(second), "message": {
        "id": format!("msg_{name}"), "role": "assistant", "model": "m",
        "content": [{"type": "tool_use", "id": id(name), "name": tool, "input": input}],
    }})
}

fn told_result(session: &str, second: i64, name: &str, said: &str, failed: bool) -> Value {
    json!({"type": "user", "sessionId": session, "timestamp": at(second), "message": {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": id(name), "content": said, "is_error": failed}],
    }})
}

const REFUSED: &str = "The user doesn't want to proceed with this tool use.";

/// Four calls that come back, and what transcripts say of them: nothing else of `A`, that `B` is another tool, that
/// `C` was refused and ran all the same, and that `D` is of another session.
fn four_calls(store_first: impl Fn(&Store), then: impl Fn(&Store)) -> Vec<KeptCall> {
    let home = Home::new();
    store_first(&home.store);
    let mut lane = Lane::new(&home, "S", None);
    lane.turn(0, json!("go"), &["A", "B", "C", "D"]);
    let results = ["A", "B", "C", "D"].map(|name| result(name, "done"));
    lane.turn(10, json!(results), &[]);
    let (store, _folder) = home.finish();
    analyse(&store, &redactor(), Micros(BASE + 20_000_000)).unwrap();
    then(&store);
    analyse(&store, &redactor(), Micros(BASE + 20_000_000)).unwrap();
    let calls = all_calls(&store);
    let runs = store.invocation(calls[0].flow, 0).unwrap().unwrap().executions.clone();
    assert_eq!(runs.len(), 1, "of A");
    let run = &runs[0];
    assert_eq!((run.source, run.outcome), (ToolSource::Transcript, Some(ToolOutcome::Succeeded)));
    assert_eq!((run.began_us, run.ended_us), (1_000_000, Some(5_000_000)));
    calls
}

fn transcripts(store: &Store) {
    let mine = [
        told_call("S", 1, "A", "A", &json!({"of": "A", "added": false})),
        told_call("S", 1, "B", "Other", &json!({"of": "B"})),
        told_call("S", 1, "C", "C", &json!({"of": "C"})),
        told_result("S", 2, "C", REFUSED, true),
        told_result("S", 4, "C", "done", false),
        told_result("S", 5, "A", "done", false),
    ];
    import(store, "S", &mine);
    import(store, "T", &[told_call("T", 1, "D", "D", &json!({"of": "D"}))]);
}

#[test]
fn transcripts_are_joined_to_tool_calls_whichever_came_first() {
    for calls in [four_calls(|_| (), transcripts), four_calls(transcripts, |_| ())] {
        let found: Vec<(String, Vec<Violation>)> = calls
            .iter()
            .map(|it| (it.name.clone(), it.call.as_ref().unwrap().violations.iter().collect()))
            .collect();
        let expected = [
            ("A".to_owned(), vec![]),
            ("B".to_owned(), vec![Violation::SourcesDisagree]),
            ("C".to_owned(), vec![Violation::ExecutedAfterDenial]),
            ("D".to_owned(), vec![Violation::CrossesSession]),
        ];
        assert_eq!(found, expected);
    }
}

#[test]
fn a_call_of_which_no_hook_told_is_noted_until_one_does() {
    let home = Home::new();
    let hook = |name: &str, second: i64| {
        redactor().seal(ToldTool {
            key: digest(id(name).as_bytes()),
            source: ToolSource::Hook,
            step: ToldStep::Began,
            at: Micros(BASE + second * 1_000_000),
            session: Some(digest(b"S")),
            name: None,
            arguments: None,
            outcome: None,
        })
    };
    home.store.keep_tool_evidence(vec![hook("A", 1)]).unwrap();
    let mut lane = Lane::new(&home, "S", None);
    lane.turn(0, json!("go"), &["A"]);
    lane.turn(10, json!([result("A", "done")]), &["B"]);
    lane.turn(20, json!([result("B", "done")]), &[]);
    let (store, _folder) = home.finish();
    let missed = || {
        analyse(&store, &redactor(), Micros(BASE + 30_000_000)).unwrap();
        let calls = all_calls(&store).into_iter().map(|it| it.call.unwrap());
        calls.map(|call| call.violations.contains(Violation::HookMissing)).collect::<Vec<_>>()
    };
    assert_eq!(missed(), [false, true]);
    store.keep_tool_evidence(vec![hook("B", 11)]).unwrap();
    assert_eq!(missed(), [false, false]);
}

/// What a transcript tells of the answer of [`cut_answer`].
fn told_usage(session: &str, output: u64) -> Value {
    json!({"type": "assistant", "sessionId": session, "requestId": "req_1", "timestamp": at(2),
        "message": {"id": "msg_1", "role": "assistant", "model": "claude-opus-5-5", "content": [],
            "usage": {"input_tokens": 25, "cache_read_input_tokens": 7, "output_tokens": output}}})
}

/// An answer that broke off before its usage was told.
fn cut_answer() -> Script {
    cut_answer_of("claude-opus-5-5")
}

fn cut_answer_of(model: &str) -> Script {
    let body = r#"{"model":"MODEL","messages":[{"role":"user","content":"hello"}]}"#;
    let body = &body.replace("MODEL", model);
    let begun = start().replace("claude-x", model) + &text_start(0);
    let stream = begun + &text(0, "what was said");
    let mut script = Script::messages(body).sse().data(stream.as_bytes());
    script = script.ends(Ending::UpstreamGone);
    script.opened.started_at = Micros(BASE);
    script
}

#[test]
fn a_session_and_usage_that_the_wire_does_not_tell_are_those_of_the_transcript() {
    let line = told_usage("S", 33);
    for is_transcript_first in [true, false] {
        let home = Home::new();
        if is_transcript_first {
            import(&home.store, "S", std::slice::from_ref(&line));
        }
        let script = cut_answer();
        home.play(&script);
        let (store, _folder) = home.finish();
        if !is_transcript_first {
            analyse(&store, &redactor(), Micros(BASE)).unwrap();
            let flow = store.flow(script.flow).unwrap().unwrap();
            assert!(flow.session.as_ref().unwrap().is_inferred());
            assert_eq!(flow.estimate.unwrap().source, EstimateSource::Bytes);
            import(&store, "S", std::slice::from_ref(&line));
        }
        analyse(&store, &redactor(), Micros(BASE)).unwrap();
        let flow = store.flow(script.flow).unwrap().unwrap();
        assert_eq!(flow.session, Some(Attributed { id: "S".into(), source: "transcript" }));
        assert_eq!(flow.task, Some(Attributed { id: "S".into(), source: "session" }));
        assert_eq!(flow.usage.output, None, "what the wire did not tell");
        let estimate = flow.estimate.unwrap();
        let expected = UsageEstimate {
            source: EstimateSource::Transcript,
            input: None,
            output: Some(Tokens(33)),
            cost: estimate.cost,
        };
        assert_eq!(estimate, expected);
        // 33 × 20 millionths.
        assert_eq!(estimate.cost.map(|cost| cost.0), Some(660));
        let sessions = store.sessions((None, None), None, 10).unwrap().items;
        let ids: Vec<&str> = sessions.iter().map(|session| session.id.as_str()).collect();
        assert_eq!(ids, ["S"], "and the inferred one is gone");
    }
}

#[test]
fn a_transcript_goes_before_a_tokenizer_whichever_comes_first() {
    let line = told_usage("S", 33);
    for is_transcript_first in [true, false] {
        let home = Home::new();
        if is_transcript_first {
            import(&home.store, "S", std::slice::from_ref(&line));
            // Nothing of it waits to be joined any more.
            analyse(&home.store, &redactor(), Micros(BASE)).unwrap();
        }
        let script = cut_answer_of("gpt-5");
        home.play(&script);
        let (store, _folder) = home.finish();
        if !is_transcript_first {
            analyse(&store, &redactor(), Micros(BASE)).unwrap();
            let estimate = store.flow(script.flow).unwrap().unwrap().estimate.unwrap();
            let expected = (EstimateSource::Tokenizer, None, Some(Tokens(3)));
            assert_eq!((estimate.source, estimate.input, estimate.output), expected);
            import(&store, "S", std::slice::from_ref(&line));
        }
        assert_eq!(told_output(&store, &script), Some(33));
    }
}

/// What is estimated of the output of a flow that was cut.
fn told_output(store: &Store, script: &Script) -> Option<u64> {
    analyse(store, &redactor(), Micros(BASE)).unwrap();
    let estimate = store.flow(script.flow).unwrap().unwrap().estimate?;
    assert_eq!(estimate.source, EstimateSource::Transcript);
    estimate.output.map(|tokens| tokens.0)
}

#[test]
fn what_a_transcript_tells_later_of_a_response_is_joined_too() {
    let (home, script) = (Home::new(), cut_answer());
    home.play(&script);
    let (store, _folder) = home.finish();
    import(&store, "S", &[told_usage("S", 3)]);
    assert_eq!(told_output(&store, &script), Some(3));
    // An agent writes a line for each part of an answer, and the last one tells all of it.
    import(&store, "S", &[told_usage("S", 3), told_usage("S", 33)]);
    assert_eq!(told_output(&store, &script), Some(33));
    // Numbers of what is deleted are given again.
    assert!(store.delete_conversation("S", Micros::now()).unwrap().is_some());
    import(&store, "T", &[told_usage("T", 40)]);
    assert_eq!(told_output(&store, &script), Some(40));
}
