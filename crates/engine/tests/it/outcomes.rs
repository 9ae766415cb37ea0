//! Every way a flow can end.

use langley_model::{Break, Ending, Outcome, Side, Tokens};

use crate::kit::{self, Rig, Script};

const ASK: &str =
    r#"{"model":"claude-ask","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

fn outcome(script: &Script) -> Outcome {
    script.play().flow(script.flow).outcome.unwrap()
}

#[test]
fn a_whole_answer_is_completed() {
    let script = Script::messages(ASK).sse().data(kit::answer(&["ok"]).as_bytes()).end();
    assert_eq!(outcome(&script), Outcome::Completed);
}

#[test]
fn a_status_of_400_or_more_is_the_providers_error_with_its_words() {
    let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let script = Script::messages(ASK)
        .head(529, &[("content-type", "application/json")])
        .data(body.as_bytes())
        .end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::ProviderError));
    assert_eq!(flow.error_kind.as_deref(), Some("overloaded_error"));
    assert_eq!(flow.error_message.as_deref(), Some("Overloaded"));
}

#[test]
fn an_error_in_mid_stream_is_the_providers_error_with_what_came_before() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Later"}}"#;
    let stream = kit::start() + &kit::text_start(0) + &kit::text(0, "half") + &kit::event(error);
    let script = Script::messages(ASK).sse().data(stream.as_bytes()).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::ProviderError));
    assert_eq!(flow.error_kind.as_deref(), Some("overloaded_error"));
    assert_eq!(flow.usage.input, Some(Tokens(25)));
    assert_eq!(flow.usage.output, None);
    let message = rows.message(script.flow).unwrap();
    assert!(!message.blocks[0].complete);
    assert_eq!(message.error.as_ref().unwrap().message.as_deref(), Some("Later"));
}

#[test]
fn an_error_of_no_type_in_mid_stream_is_the_providers_error_in_every_dialect() {
    for (path, before, kind) in [
        (
            "/v1/responses",
            r#"{"type":"response.output_text.delta","output_index":0,"delta":"half"}"#,
            "429",
        ),
        ("/v1/chat/completions", r#"{"choices":[{"index":0,"delta":{"content":"half"}}]}"#, "429"),
        (
            "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse",
            r#"{"candidates":[{"content":{"parts":[{"text":"half"}]}}]}"#,
            "UNAVAILABLE",
        ),
        (
            "/v1beta/interactions",
            r#"{"event_type":"interaction.created","interaction":{"id":"v1_x"}}"#,
            "UNAVAILABLE",
        ),
    ] {
        let error = r#"{"error":{"message":"Overloaded","status":"UNAVAILABLE","code":429}}"#;
        let stream = format!("data: {before}\n\ndata: {error}\n\n");
        let script = Script::post(path, &[]).request_end().sse().data(stream.as_bytes()).end();
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert_eq!(flow.outcome, Some(Outcome::ProviderError), "{path}");
        assert_eq!(flow.error_message.as_deref(), Some("Overloaded"), "{path}");
        assert_eq!(flow.error_kind.as_deref(), Some(kind), "{path}");
        assert_eq!((flow.decode_note.as_ref(), flow.unknown_events), (None, 0), "{path}");
    }
    let bare = kit::start() + "data: {\"error\":{\"message\":\"Overloaded\"}}\n\n";
    let script = Script::messages(ASK).sse().data(bare.as_bytes()).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::ProviderError));
    assert_eq!(flow.error_message.as_deref(), Some("Overloaded"));
}

#[test]
fn an_interrupted_stream_keeps_its_input_count_and_no_output_count() {
    let stream = kit::start() + &kit::text_start(0) + &kit::text(0, "half a sen") + "event: con";
    for (ending, expected) in [
        (Ending::ClientGone, Outcome::ClientGone),
        (Ending::UpstreamGone, Outcome::UpstreamGone),
        (Ending::TimedOut, Outcome::TimedOut),
        (Ending::Unaccounted, Outcome::Lost),
    ] {
        let script = Script::messages(ASK).sse().data(stream.as_bytes()).ends(ending);
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert_eq!(flow.outcome, Some(expected));
        assert_eq!((flow.usage.input, flow.usage.output), (Some(Tokens(25)), None));
        assert_eq!(flow.usage.cache_read, Some(Tokens(7)));
        assert_eq!(flow.stop_reason, None);
        assert_eq!(flow.event_count, 3);
        assert_eq!(rows.events(script.flow).len(), 3);
    }
}

#[test]
fn an_agent_that_leaves_after_the_last_event_has_its_answer() {
    let stream = kit::answer(&["done"]);
    let script = Script::messages(ASK).sse().data(stream.as_bytes()).ends(Ending::ClientGone);
    assert_eq!(outcome(&script), Outcome::Completed);
}

#[test]
fn a_refused_request_says_why() {
    let mut script = Script::messages(ASK).ends(Ending::Refused);
    script.closed.status = Some(502);
    script.closed.reason = Some("no route to api.anthropic.com".into());
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.outcome, flow.status), (Some(Outcome::Refused), Some(502)));
    assert_eq!(flow.reason.as_deref(), Some("no route to api.anthropic.com"));
    assert_eq!(flow.ttfb, None);
    assert_eq!(flow.model_requested.as_deref(), Some("claude-ask"));
}

#[test]
fn an_unreached_provider_is_its_own_kind_of_end_and_told_once() {
    let said = "Langley: could not reach api.anthropic.com:443: connection refused; next: wait";
    let body = format!(r#"{{"type":"error","error":{{"type":"api_error","message":"{said}"}}}}"#);
    let mut script = Script::messages(ASK)
        .head(502, &[("content-type", "application/json")])
        .data(body.as_bytes())
        .ends(Ending::Unreached);
    script.closed.reason = Some(said.into());
    script.closed.code = Some("upstream_unreachable");
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.outcome, flow.status), (Some(Outcome::UpstreamGone), Some(502)));
    assert_eq!(flow.reason.as_deref(), Some(said));
    assert_eq!(flow.error_kind.as_deref(), Some("upstream_unreachable"));
    assert_eq!(flow.error_message, None);
    assert_eq!(flow.preview.as_deref(), Some("hi"));
    assert!(rows.body(script.flow, Side::Client).is_some());
}

#[test]
fn a_connect_that_reached_nobody_is_known_in_lists_by_its_reason() {
    let mut script = Script::post("", &[]).head(502, &[]).ends(Ending::Unreached);
    script.opened.method = "CONNECT".into();
    script.closed.reason = Some("Langley: could not reach api.anthropic.com:443".into());
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.preview, script.closed.reason);
    assert_eq!((flow.path.as_str(), flow.provider), ("", None));
}

#[test]
fn a_flow_that_is_open_when_langley_stops_is_lost_and_keeps_what_came() {
    let stream = kit::start() + &kit::text_start(0) + &kit::text(0, "so far");
    let script = Script::messages(ASK).sse().data(stream.as_bytes());
    let rig = Rig::new();
    rig.start(&script);
    let rows = rig.finish();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::Lost));
    assert_eq!(flow.reason.as_deref(), Some("Langley stopped before the answer ended"));
    assert!(flow.ended_at.is_some());
    assert_eq!(rows.events(script.flow).len(), 3);
    assert_eq!(rows.message(script.flow).unwrap().blocks.len(), 1);
}

#[test]
fn every_flow_of_many_has_exactly_one_final_state_and_it_is_its_last() {
    let rig = Rig::new();
    let scripts: Vec<_> = (0..300)
        .map(|_| Script::messages(ASK).sse().data(kit::answer(&["x"]).as_bytes()).end())
        .collect();
    for script in &scripts {
        rig.play(script);
    }
    let rows = rig.finish();
    for script in &scripts {
        let ended = rows.records.iter().filter(|record| {
            matches!(record, langley_model::Record::Flow(flow)
                if flow.id == script.flow && flow.outcome.is_some())
        });
        assert_eq!(ended.count(), 1);
        assert_eq!(rows.flow(script.flow).outcome, Some(Outcome::Completed));
    }
}

#[test]
fn what_broke_an_answer_off_is_told_with_its_place_and_a_word_for_the_providers_doing() {
    let stream = kit::start() + &kit::text_start(0) + &kit::text(0, "half a sen");
    for (ending, broke, reason, kind) in [
        (
            Ending::UpstreamGone,
            Break::Reset,
            "the provider reset the connection after 3 events, in the middle of the answer",
            Some("provider_reset"),
        ),
        (
            Ending::UpstreamGone,
            Break::StreamReset("INTERNAL_ERROR".into()),
            "the provider reset the stream (HTTP/2 INTERNAL_ERROR) after 3 events, in the middle of \
             the answer",
            Some("provider_stream_reset"),
        ),
        (
            Ending::ClientGone,
            Break::Gone,
            "the agent went away after 3 events, in the middle of the answer",
            None,
        ),
    ] {
        let mut script = Script::messages(ASK).sse().data(stream.as_bytes()).ends(ending);
        script.closed.broke = Some(broke);
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert_eq!(flow.reason.as_deref(), Some(reason));
        assert_eq!((flow.error_kind.as_deref(), flow.error_message.as_deref()), (kind, None));
    }
}

#[test]
fn refused_flows_are_counted() {
    let rig = Rig::new();
    rig.play(&Script::messages(ASK).ends(Ending::Refused));
    rig.play(&Script::messages(ASK).sse().data(kit::answer(&["x"]).as_bytes()).end());
    rig.play(&Script::messages(ASK).ends(Ending::Refused));
    rig.until(|rig| rig.recorder.stats().refusals_total == 2);
    let stats = rig.recorder.stats();
    assert_eq!((stats.refusals_total, stats.store_refusals_total), (2, 0));
    rig.finish();
}

#[test]
fn an_answer_that_ends_with_its_connection_is_whole_without_a_goodbye_and_says_so() {
    let whole = kit::answer(&["done"]);
    let mut script = Script::messages(ASK).sse().data(whole.as_bytes()).end();
    script.closed.broke = Some(Break::Unannounced);
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.outcome, flow.reason.as_ref()), (Some(Outcome::Completed), None));
    assert_eq!(flow.error_kind, None);
    let note = flow.decode_note.as_deref().unwrap();
    assert!(note.contains("closed without TLS's goodbye (close_notify)"), "{note}");
}

#[test]
fn a_break_after_a_whole_answer_is_no_reason_and_a_providers_own_error_is_kept() {
    let whole = kit::answer(&["done"]);
    let mut script = Script::messages(ASK).sse().data(whole.as_bytes()).ends(Ending::ClientGone);
    script.closed.broke = Some(Break::Gone);
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.outcome, flow.reason.as_ref()), (Some(Outcome::Completed), None));

    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Later"}}"#;
    let stream = kit::start() + &kit::event(error);
    let mut script = Script::messages(ASK).sse().data(stream.as_bytes()).ends(Ending::UpstreamGone);
    script.closed.broke = Some(Break::Closed);
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.error_kind.as_deref(), Some("overloaded_error"));
    assert!(flow.reason.as_deref().unwrap().starts_with("the provider closed the connection"));
}
