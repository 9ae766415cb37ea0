//! Gemini calls: what the path says, and streams that are a JSON array.

use langley_model::{Block, Content, Ending, Outcome, Provider, Side, Tokens};

use crate::gaps;
use crate::kit::{Rows, Script};

const PATH: &str = "/v1beta/models/gemini-2.5-pro:streamGenerateContent";
const ASK: &str = r#"{"contents":[{"role":"user","parts":[{"text":"Say hello"}]}]}"#;

fn ask(path: &str) -> Script {
    Script::post(path, &[]).request(ASK.as_bytes()).request_end()
}

fn json(script: Script) -> Script {
    script.head(200, &[("content-type", "application/json; charset=UTF-8")])
}

/// One chunk, laid out as the provider lays out the elements of an array.
fn chunk(text: &str, rest: &str) -> String {
    format!(
        "{{\n  \"candidates\": [\n    {{\"content\": {{\"parts\": [{{\"text\": \"{text}\"}}], \
         \"role\": \"model\"}}{rest}}}\n  ],\n  \"usageMetadata\": {{\"promptTokenCount\": 9, \
         \"candidatesTokenCount\": 3}},\n  \"modelVersion\": \"gemini-2.5-pro-001\",\n  \
         \"responseId\": \"r1\"\n}}\n"
    )
}

fn array(texts: &[&str]) -> String {
    let last = texts.len() - 1;
    let chunks: Vec<_> = (0..)
        .zip(texts)
        .map(|(at, text)| chunk(text, if at == last { ", \"finishReason\": \"STOP\"" } else { "" }))
        .collect();
    format!("[{}]", chunks.join(",\r\n"))
}

/// The answer's texts, one for each block.
fn texts(rows: &Rows, script: &Script) -> Vec<String> {
    let text = |block: Block| match block.content {
        Content::Text { text, .. } => text,
        other => format!("{other:?}"),
    };
    rows.message(script.flow).unwrap().blocks.iter().cloned().map(text).collect()
}

#[test]
fn the_model_and_the_stream_are_those_of_the_path() {
    for (path, model, streams) in [
        (PATH, "gemini-2.5-pro", true),
        ("/v1/models/gemini-2.5-flash:generateContent?key=k", "gemini-2.5-flash", false),
        (
            "/v1/projects/p/locations/l/publishers/google/models/m:streamGenerateContent?alt=sse",
            "m",
            true,
        ),
    ] {
        let script = ask(path);
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert_eq!(flow.provider, Some(Provider::Gemini), "{path}");
        assert_eq!(flow.model_requested.as_deref(), Some(model));
        assert_eq!(flow.streaming, Some(streams));
        assert_eq!(flow.preview.as_deref(), Some("Say hello"));
        // Without a request body, too.
        let script = Script::post(path, &[]).request_end();
        let flow = script.play().flow(script.flow).clone();
        assert_eq!((flow.model_requested.as_deref(), flow.streaming), (Some(model), Some(streams)));
    }
}

#[test]
fn interactions_and_code_assist_are_flows_as_other_calls_are() {
    let cassette = include_bytes!("../../../protocol/tests/cassettes/gemini/interaction.sse");
    let script = Script::post("/v1beta/interactions", &[])
        .request(br#"{"model":"gemini-3-pro","input":"Find cafes","stream":true}"#)
        .request_end()
        .sse()
        .data_by(cassette, 100)
        .end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.provider, flow.outcome), (Some(Provider::Gemini), Some(Outcome::Completed)));
    assert_eq!(flow.message_id.as_deref(), Some("v1_abc"));
    assert_eq!(flow.tool_names, ["google_search", "read_file"]);
    assert_eq!((flow.streaming, flow.unknown_events), (Some(true), 0));
    assert_eq!(flow.usage.input, Some(Tokens(140)));

    let cassette = include_bytes!("../../../protocol/tests/cassettes/gemini/code_assist.sse");
    let script = Script::post("/v1internal:streamGenerateContent?alt=sse", &[])
        .request(
            br#"{"model":"gemini-3-pro","project":"p","request":{"session_id":"s-1",
                "contents":[{"role":"user","parts":[{"text":"List"}]}]}}"#,
        )
        .request_end()
        .sse()
        .data_by(cassette, 100)
        .end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.provider, flow.outcome), (Some(Provider::Gemini), Some(Outcome::Completed)));
    assert_eq!(flow.model_requested.as_deref(), Some("gemini-3-pro"));
    assert_eq!((flow.streaming, flow.event_count), (Some(true), 3));
    let session = flow.session.as_ref().unwrap();
    assert_eq!((session.id.as_str(), session.source), ("s-1", "body:request.session_id"));
    assert_eq!(flow.tool_names, ["ls"]);
}

#[test]
fn a_stream_that_is_a_json_array_is_events_and_a_message() {
    let answer = array(&["Hel", "lo, ", "you"]);
    for size in [1, 7, 10_000] {
        let script = json(ask(PATH)).data_by(answer.as_bytes(), size).end();
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert_eq!(flow.outcome, Some(Outcome::Completed));
        assert_eq!((flow.streaming, flow.event_count, flow.unknown_events), (Some(true), 3, 0));
        assert_eq!(flow.model.as_deref(), Some("gemini-2.5-pro-001"));
        assert_eq!(flow.message_id.as_deref(), Some("r1"));
        assert_eq!(flow.stop_reason.as_deref(), Some("STOP"));
        assert_eq!((flow.usage.input, flow.usage.output), (Some(Tokens(9)), Some(Tokens(3))));
        assert!(flow.ttft.is_some() && flow.decode_note.is_none(), "{flow:?}");
        assert_eq!(texts(&rows, &script), ["Hello, you"]);
        let events = rows.events(script.flow);
        assert_eq!(events.len(), 3);
        assert!(events.iter().all(|event| event.kind == "message"));
        assert_eq!(events[1].data, chunk("lo, ", "").trim_end());
        assert!(rows.body(script.flow, Side::Upstream).is_none());
    }
}

#[test]
fn the_event_form_of_a_stream_says_the_same() {
    let one_line = |text: &str, rest: &str| chunk(text, rest).replace('\n', "");
    let stream = format!(
        "data: {}\r\n\r\ndata: {}\r\n\r\n",
        one_line("Hel", ""),
        one_line("lo", ", \"finishReason\": \"STOP\"")
    );
    let script = ask(&format!("{PATH}?alt=sse")).sse().data_by(stream.as_bytes(), 5).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.outcome, flow.event_count), (Some(Outcome::Completed), 2));
    assert_eq!(texts(&rows, &script), ["Hello"]);
}

#[test]
fn a_stream_that_stops_before_its_reason_is_no_whole_answer() {
    let answer = array(&["Hel", "lo"]);
    let half = answer.find(",\r\n").unwrap() + 40;
    let script = json(ask(PATH)).data(&answer.as_bytes()[..half]).ends(Ending::UpstreamGone);
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.event_count, 1);
    assert_eq!(flow.decode_note.as_deref(), Some("the last event was cut off"));
    assert_eq!(flow.usage.output, None, "not final");
    assert_eq!(texts(&rows, &script), ["Hel"]);
}

#[test]
fn a_refusal_of_a_stream_is_one_body_and_an_error() {
    let refusal =
        r#"[{"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}]"#;
    let script = ask(PATH).head(429, &[("content-type", "application/json")]);
    let script = script.data(refusal.as_bytes()).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.error_kind.as_deref(), Some("RESOURCE_EXHAUSTED"));
    assert_eq!(flow.error_message.as_deref(), Some("slow down"));
    assert_eq!(flow.event_count, 0);
    assert!(rows.body(script.flow, Side::Upstream).is_some());
}

#[test]
fn a_whole_answer_is_a_body_and_a_message() {
    let answer = chunk("Hello", ", \"finishReason\": \"STOP\"");
    let script = json(ask("/v1beta/models/gemini-2.5-pro:generateContent"));
    let script = script.data(answer.as_bytes()).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.outcome, flow.streaming), (Some(Outcome::Completed), Some(false)));
    assert_eq!(texts(&rows, &script), ["Hello"]);
    assert!(rows.body(script.flow, Side::Upstream).is_some());
}

#[test]
fn no_key_in_an_array_reaches_a_row_even_in_pieces_that_each_say_stop() {
    let key = format!("sk-ant-api03-{}", "Zq4Xw9Lm2Vb7Ty5Rp8Kd".repeat(4));
    let pieces: Vec<&str> =
        key.as_bytes().chunks(5).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
    let words = [&["it is "], pieces.as_slice(), &[" indeed"]].concat();
    let stop = ", \"finishReason\": \"STOP\"";
    let chunks: Vec<_> = words.iter().map(|text| chunk(text, stop)).collect();
    for answer in [array(&words), format!("[{}]", chunks.join(",\r\n"))] {
        let script = json(ask(PATH)).data_by(answer.as_bytes(), 50).end();
        let rows = script.play();
        let everything = format!("{:?}", rows.records);
        let text: String = rows.events(script.flow).iter().map(|event| &*event.data).collect();
        for piece in [key.as_str(), &key[13..40], &key[40..]] {
            assert!(!everything.contains(piece) && !text.contains(piece), "{piece}");
        }
        assert_eq!(rows.events(script.flow).len(), words.len());
    }
}

#[test]
fn after_a_gap_an_array_is_read_on_from_the_next_element() {
    let long = "lost ".repeat(6_000);
    let answer = array(&["one ", &long, "three ", "four"]);
    let lost = answer.find("lost ").unwrap();
    let (before, rest) = answer.split_at(lost + 5);
    let (gone, after) = rest.split_at(25_000);
    let script = json(ask(PATH)).data(before.as_bytes()).data(gone.as_bytes());
    let script = script.data(after.as_bytes()).end();
    let rows = gaps::play(&script);
    let flow = rows.flow(script.flow);
    assert_eq!(flow.response_gap.bytes, 25_000);
    assert_eq!(texts(&rows, &script), ["one three four"]);
    assert!(rows.message(script.flow).unwrap().truncated);
    assert_eq!((flow.event_count, flow.stop_reason.as_deref()), (3, Some("STOP")));
    assert_eq!(flow.outcome, Some(Outcome::Completed));
}
