//! WebSockets: each model call is a flow of its own, everything else an event of the socket's.

use langley_model::{Content, Ending, Flow, Outcome, Provider, Record, Side, Tokens};

use crate::kit::{Rig, Rows, Script};

const SWITCH: &[(&str, &str)] = &[("upgrade", "websocket"), ("connection", "Upgrade")];

pub(crate) fn upgrade() -> Script {
    let mut script =
        Script::post("/v1/responses", &[("upgrade", "WebSocket"), ("session-id", "s-1")])
            .request_end()
            .head(101, SWITCH);
    script.opened.method = "GET".into();
    script.opened.host = "api.openai.com".into();
    script
}

/// The same on HTTP/2, where a 200 is the switch (RFC 8441 §5.1).
fn extended_connect(lines: &[(&str, &str)]) -> Script {
    let mut script =
        Script::post("/v1/responses", &[("session-id", "s-1")]).request_end().head(200, lines);
    script.opened.method = "CONNECT".into();
    script.opened.protocol = Some("websocket".into());
    script.opened.host = "api.openai.com".into();
    script
}

/// A text message in one frame, masked when it comes from the client.
pub(crate) fn text(side: Side, text: &str) -> Vec<u8> {
    frame(side, 0x81, text.as_bytes())
}

fn frame(side: Side, first: u8, payload: &[u8]) -> Vec<u8> {
    let masked = side == Side::Client;
    let mut frame = vec![first, if masked { 0xfe } else { 0x7e }];
    frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    let mask = if masked { [7, 1, 200, 3] } else { [0; 4] };
    if masked {
        frame.extend(mask);
    }
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn create(extra: &str) -> Vec<u8> {
    text(
        Side::Client,
        &format!(
            r#"{{"type":"response.create","model":"gpt-5.4-codex"{extra},"input":[{{"role":"user","content":[{{"type":"input_text","text":"go"}}]}}]}}"#
        ),
    )
}

fn says(event: &str) -> Vec<u8> {
    text(Side::Upstream, event)
}

fn answer(id: &str, said: &str) -> Vec<u8> {
    [
        says(&format!(
            r#"{{"type":"response.created","response":{{"id":"{id}","model":"gpt-5.4-codex"}}}}"#
        )),
        says(&format!(
            "{{\"type\":\"response.output_text.delta\",\"output_index\":0,\n\"content_index\":0,\"delta\":\"{said}\"}}"
        )),
        says(&format!(
            r#"{{"type":"response.completed","response":{{"id":"{id}","status":"completed","usage":{{"input_tokens":9,"output_tokens":4}}}}}}"#
        )),
    ]
    .concat()
}

/// The flows of calls, in the order of their first records.
fn calls(rows: &Rows) -> Vec<&Flow> {
    let mut ids = Vec::new();
    for record in &rows.records {
        if let Record::Flow(flow) = record
            && flow.method == "WS"
            && !ids.contains(&flow.id)
        {
            ids.push(flow.id);
        }
    }
    ids.into_iter().map(|id| rows.flow(id)).collect()
}

#[test]
fn each_call_on_a_websocket_is_a_flow_with_all_that_a_flow_has() {
    let script = upgrade()
        .frame(Side::Client, &create(r#","generate":false"#))
        .frame(Side::Upstream, &answer("resp_1", ""))
        .frame(Side::Client, &frame(Side::Client, 0x89, b""))
        .frame(Side::Client, &create(r#","previous_response_id":"resp_1""#))
        .frame(Side::Upstream, &answer("resp_2", "done"))
        .frame(Side::Client, &frame(Side::Client, 0x88, &[0x03, 0xe8]));
    let rows = script.play();
    let socket = rows.flow(script.flow);
    assert_eq!((socket.status, socket.outcome), (Some(101), Some(Outcome::Completed)));
    assert_eq!(socket.decode_note, None);
    assert_eq!(socket.request_bytes, script.closed.request_bytes);
    let noted: Vec<_> =
        rows.events(script.flow).into_iter().map(|event| (event.kind, event.data)).collect();
    let is = |kind: &str, data: &str| (kind.to_owned(), data.to_owned());
    assert_eq!(noted, [is("client.ping", "{}"), is("client.close", r#"{"code":1000}"#)]);

    let calls = calls(&rows);
    let ids: Vec<_> = calls.iter().map(|call| call.message_id.as_deref()).collect();
    assert_eq!(ids, [Some("resp_1"), Some("resp_2")]);
    let call = calls[1];
    assert_eq!((call.status, call.outcome), (Some(101), Some(Outcome::Completed)));
    assert_eq!(call.provider, Some(Provider::OpenAi));
    assert_eq!(call.model.as_deref(), Some("gpt-5.4-codex"));
    assert_eq!((call.usage.input, call.usage.output), (Some(Tokens(9)), Some(Tokens(4))));
    assert_eq!(call.session.as_ref().map(|session| session.id.as_str()), Some("s-1"));
    assert_eq!((call.path.as_str(), call.connection), ("/v1/responses", socket.connection));
    assert_eq!((call.streaming, call.event_count), (Some(true), 3));
    assert!(call.started_at > socket.started_at && call.duration.is_some());
    let message = rows.message(call.id).unwrap();
    assert_eq!(
        message.blocks[0].content,
        Content::Text { text: "done".into(), citations: Vec::new() }
    );
    let request = rows.body(call.id, Side::Client).unwrap();
    assert!(String::from_utf8_lossy(request.bytes.as_bytes()).contains("previous_response_id"));
    assert_eq!(rows.events(call.id)[2].kind, "response.completed");
}

#[test]
fn http2_opens_a_websocket_in_its_own_way_and_the_record_is_the_same() {
    let mut told = Vec::new();
    for script in [upgrade(), extended_connect(&[])] {
        let script = script
            .frame(Side::Client, &create(""))
            .frame(Side::Upstream, &answer("resp_1", "done"))
            .frame(Side::Client, &frame(Side::Client, 0x89, b""));
        let rows = script.play();
        let socket = rows.flow(script.flow);
        assert_eq!((socket.outcome, socket.decode_note.as_ref()), (Some(Outcome::Completed), None));
        assert_eq!((socket.streaming, socket.event_count), (None, 1));
        let calls = calls(&rows);
        let call = calls[0];
        assert_eq!((calls.len(), call.session.is_some()), (1, true));
        let events: Vec<_> = rows.events(call.id).into_iter().map(|event| event.data).collect();
        let request = rows.body(call.id, Side::Client).unwrap().bytes.as_bytes().to_vec();
        let message = rows.message(call.id).cloned().unwrap();
        told.push((events, request, message.blocks, call.outcome, call.usage));
    }
    assert_eq!(told[0], told[1]);
}

#[test]
fn a_connect_for_something_else_is_counted_and_says_so() {
    let mut script = extended_connect(&[]);
    script.opened.protocol = Some("connect-udp".into());
    let script = script.frame(Side::Client, b"\0\x01").ends(Ending::Whole);
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert!(flow.decode_note.as_ref().unwrap().contains("counted, not decoded"));
}

#[test]
fn frames_may_be_cut_anywhere() {
    let whole: Vec<(Side, Vec<u8>)> = vec![
        (Side::Client, create("")),
        (Side::Upstream, answer("resp_1", "one")),
        (Side::Client, create("")),
        (Side::Upstream, answer("resp_2", "two")),
    ];
    let mut script = upgrade();
    for (side, bytes) in &whole {
        for byte in bytes {
            script = script.frame(*side, &[*byte]);
        }
    }
    let rows = script.play();
    let said: Vec<_> = calls(&rows).iter().map(|call| rows.message(call.id).cloned()).collect();
    let texts: Vec<_> = said
        .iter()
        .map(|message| match &message.as_ref().unwrap().blocks[0].content {
            Content::Text { text, .. } => text.clone(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["one", "two"]);
}

#[test]
fn a_call_whose_socket_goes_away_is_cut_off_by_whoever_left() {
    let cases: [(&[u8], Ending, Outcome); 4] = [
        (&[], Ending::Whole, Outcome::ClientGone),
        (&[], Ending::UpstreamGone, Outcome::UpstreamGone),
        (&[], Ending::Unaccounted, Outcome::Lost),
        (&[0x88, 0x00], Ending::Whole, Outcome::UpstreamGone),
    ];
    for (last, ending, outcome) in cases {
        let half = says(r#"{"type":"response.created","response":{"id":"resp_1"}}"#);
        let script = upgrade()
            .frame(Side::Client, &create(""))
            .frame(Side::Upstream, &half)
            .frame(Side::Upstream, last)
            .ends(ending);
        let rows = script.play();
        let calls = calls(&rows);
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].outcome, Some(outcome), "{ending:?} {last:?}");
        let reason = calls[0].reason.as_deref().unwrap_or_default();
        let is_told =
            reason.ends_with(" closed the connection after one event, in the middle of the answer");
        assert_eq!(is_told, outcome != Outcome::Lost, "{reason:?}");
    }
}

#[test]
fn a_side_that_leaves_without_a_close_frame_has_broken_the_socket_off() {
    let half = says(r#"{"type":"response.created","response":{"id":"resp_1"}}"#);
    let begun = || upgrade().frame(Side::Client, &create("")).frame(Side::Upstream, &half);
    let closed = "the provider closed the connection after one event, in the middle of the answer";
    let failed = "the connection to the provider failed (what was sent is no WebSocket frame \
                  (an unknown kind)) after one event, in the middle of the answer";
    for (last, said) in [
        (&[][..], closed),
        // The middle of a header, and of a payload.
        (&[0x81], closed),
        (&[0x81, 0x05, b'h'], closed),
        (&[0x83, 0x00], failed),
    ] {
        let script = begun().frame(Side::Upstream, last).leaves(Side::Upstream);
        let rows = script.play();
        let calls = calls(&rows);
        assert_eq!((calls.len(), calls[0].reason.as_deref()), (1, Some(said)), "{last:?}");
        let socket = rows.flow(script.flow);
        let closed = "the provider closed the connection while the WebSocket was open";
        assert_eq!(socket.reason.as_deref(), Some(closed), "{last:?}");
        for flow in [calls[0], socket] {
            assert_eq!(flow.outcome, Some(Outcome::UpstreamGone), "{last:?}");
            // It is over when the provider is, not when the agent leaves as well.
            assert!(flow.duration.unwrap().as_secs() < 1, "{:?}", flow.duration);
            let lived = flow.ended_at.unwrap().0 - flow.started_at.0;
            assert_eq!(u128::try_from(lived).unwrap(), flow.duration.unwrap().as_micros());
        }
    }
    let script = begun().leaves(Side::Client);
    let rows = script.play();
    let (socket, call) = (rows.flow(script.flow), calls(&rows)[0]);
    assert_eq!(socket.outcome, Some(Outcome::ClientGone));
    assert_eq!(call.outcome, Some(Outcome::ClientGone));
    // The provider may have said something until the end.
    assert!(call.duration.unwrap().as_secs() >= 2);
}

#[test]
fn a_close_frame_in_the_middle_of_a_call_is_told_with_its_code_and_its_text() {
    let half = says(r#"{"type":"response.created","response":{"id":"resp_1"}}"#);
    let key = format!("sk-ant-{}-{}", "api03", "A1b2C3d4".repeat(8));
    let secret = [&[0x03, 0xf3], format!("no\t{key}").as_bytes()].concat();
    let (boom, bare) = (b"\x03\xf3boom".to_vec(), b"\x03\xe8".to_vec());
    for (side, payload, ending, said) in [
        (Side::Upstream, &boom, Ending::Whole, r#"(WebSocket code 1011, "boom") after one event"#),
        (Side::Upstream, &boom, Ending::ClientGone, r#"(WebSocket code 1011, "boom") after one"#),
        (Side::Upstream, &boom, Ending::UpstreamGone, r#"(WebSocket code 1011, "boom") after one"#),
        (Side::Client, &boom, Ending::Whole, r#"(WebSocket code 1011, "boom") after one event"#),
        (Side::Client, &bare, Ending::UpstreamGone, "(WebSocket code 1000) after one event"),
        (Side::Upstream, &secret, Ending::Whole, r#"(WebSocket code 1011, "no "#),
    ] {
        let script = upgrade()
            .frame(Side::Client, &create(""))
            .frame(Side::Upstream, &half)
            .frame(side, &frame(side, 0x88, payload))
            .leaves(Side::Client)
            .ends(ending);
        let rows = script.play();
        let (socket, call) = (rows.flow(script.flow), calls(&rows)[0]);
        let (who, outcome) = match side {
            Side::Client => ("the agent", Outcome::ClientGone),
            Side::Upstream => ("the provider", Outcome::UpstreamGone),
        };
        let reason = call.reason.as_deref().unwrap();
        assert!(reason.starts_with(&format!("{who} closed the connection {said}")), "{reason}");
        assert!(!reason.contains("A1b2C3d4"), "{reason}");
        assert_eq!((call.outcome, socket.outcome), (Some(outcome), Some(Outcome::Completed)));
        let is_at_once = call.duration.unwrap().as_secs() < 1;
        assert_eq!(is_at_once, side == Side::Upstream, "the provider may say more after the agent");
        let noted = &rows.events(script.flow)[0];
        let is_told = noted.data.contains(r#""code":10"#) && !noted.data.contains("A1b2C3d4");
        assert!(is_told && noted.data.contains("reason") == (payload.len() > 2), "{}", noted.data);
    }
}

#[test]
fn a_side_whose_goodbye_may_have_been_missed_has_broken_nothing_off() {
    let close = |side| frame(side, 0x88, &[0x03, 0xe8]);
    for script in [
        upgrade().frame(Side::Upstream, &close(Side::Upstream)),
        upgrade().frame(Side::Client, &close(Side::Client)),
        // What cannot be read of the agent may have been its close frame.
        upgrade().frame(Side::Client, &[0x83, 0x80, 0, 0, 0, 0]),
    ] {
        let script = script.leaves(Side::Upstream);
        let rows = script.play();
        let socket = rows.flow(script.flow);
        assert_eq!((socket.outcome, &socket.reason), (Some(Outcome::Completed), &None));
    }
}

#[test]
fn a_socket_that_was_closed_in_good_order_is_complete_however_the_connection_ends() {
    let outcome = |frame: &[u8], ending| {
        let mut script = upgrade().frame(Side::Upstream, frame).ends(ending);
        // Nobody knows what is said there, nor when all of it is.
        script.opened.target = "/echo".into();
        script.play().flow(script.flow).outcome
    };
    for (ending, gone) in
        [(Ending::ClientGone, Outcome::ClientGone), (Ending::UpstreamGone, Outcome::UpstreamGone)]
    {
        assert_eq!(outcome(&[0x88, 0x00], ending), Some(Outcome::Completed), "{ending:?}");
        assert_eq!(outcome(&[0x8a, 0x00], ending), Some(gone), "{ending:?}");
    }
}

#[test]
fn an_agent_that_has_its_answers_may_leave_its_socket_without_a_word() {
    let asked = || upgrade().frame(Side::Client, &create(""));
    let answered = || asked().frame(Side::Upstream, &answer("resp_1", "done"));
    let begun = says(r#"{"type":"response.created","response":{"id":"resp_2"}}"#);
    let again = || answered().frame(Side::Client, &create("")).frame(Side::Upstream, &begun);
    let unread = || answered().frame(Side::Client, &[0xf1, 0x80, 0, 0, 0, 0]);
    for (script, ending, socket, last) in [
        (answered(), Ending::ClientGone, Outcome::Completed, Some(Outcome::Completed)),
        (upgrade(), Ending::ClientGone, Outcome::Completed, None),
        (asked(), Ending::ClientGone, Outcome::ClientGone, Some(Outcome::ClientGone)),
        (again(), Ending::ClientGone, Outcome::ClientGone, Some(Outcome::ClientGone)),
        (answered(), Ending::UpstreamGone, Outcome::UpstreamGone, Some(Outcome::Completed)),
        (answered(), Ending::Unaccounted, Outcome::Lost, Some(Outcome::Completed)),
        // What cannot be read may have been one more call.
        (unread(), Ending::ClientGone, Outcome::ClientGone, Some(Outcome::Completed)),
    ] {
        let script = script.ends(ending);
        let rows = script.play();
        assert_eq!(rows.flow(script.flow).outcome, Some(socket), "{ending:?} {last:?}");
        assert_eq!(calls(&rows).last().and_then(|call| call.outcome), last, "{ending:?}");
    }
}

#[test]
fn an_error_answers_a_call_with_its_own_status() {
    let error =
        r#"{"type":"error","status":429,"error":{"code":"rate_limit_exceeded","message":"slow"}}"#;
    let script = upgrade().frame(Side::Client, &create("")).frame(Side::Upstream, &says(error));
    let rows = script.play();
    let call = calls(&rows)[0];
    assert_eq!((call.status, call.outcome), (Some(429), Some(Outcome::ProviderError)));
    assert_eq!(call.error_kind.as_deref(), Some("rate_limit_exceeded"));
    assert_eq!(call.error_message.as_deref(), Some("slow"));
}

#[test]
fn an_error_without_a_type_answers_a_call_as_well() {
    for error in [
        r#"{"error":{"message":"Overloaded","type":"server_error"}}"#,
        r#"{"type":"overloaded","error":{"message":"Overloaded","type":"server_error"}}"#,
    ] {
        let begun = r#"{"type":"response.created","response":{"id":"resp_1"},"error":null}"#;
        let script = upgrade()
            .frame(Side::Client, &create(""))
            .frame(Side::Upstream, &says(begun))
            .frame(Side::Upstream, &says(error))
            .frame(Side::Client, &create(""))
            .frame(Side::Upstream, &answer("resp_2", "done"));
        let rows = script.play();
        let calls = calls(&rows);
        assert_eq!(calls[0].outcome, Some(Outcome::ProviderError), "{error}");
        assert_eq!(calls[0].error_kind.as_deref(), Some("server_error"));
        assert_eq!(calls[0].error_message.as_deref(), Some("Overloaded"));
        assert_eq!(calls[1].outcome, Some(Outcome::Completed), "the next one is answered");
        assert_eq!(calls[1].message_id.as_deref(), Some("resp_2"));
    }
}

#[test]
fn a_secret_in_any_message_is_redacted() {
    let key = format!("sk-ant-{}-{}", "api03", "A1b2C3d4".repeat(12));
    let script = upgrade()
        .frame(
            Side::Client,
            &text(Side::Client, &format!(r#"{{"type":"session.update","k":"{key}"}}"#)),
        )
        .frame(Side::Client, &create(&format!(r#","user":"{key}""#)))
        .frame(Side::Upstream, &answer("resp_1", &key));
    let rows = script.play();
    assert_eq!(rows.events(script.flow)[0].kind, "client.text");
    let everything: String = rows
        .records
        .iter()
        .map(|record| match record {
            Record::Events(run) => String::from_utf8_lossy(run.text.as_bytes()).into_owned(),
            Record::Body(body) => String::from_utf8_lossy(body.bytes.as_bytes()).into_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    for kept in ["session.update", "response.create", "response.output_text.delta"] {
        assert!(everything.contains(kept), "{kept}");
    }
    assert!(!everything.contains("A1b2C3d4A1b2C3d4"), "the key is nowhere");
}

#[test]
fn what_cannot_be_read_is_said_and_counted_as_before() {
    let script = upgrade()
        .frame(Side::Client, &create(""))
        .frame(Side::Upstream, &[0xff, 0xff, 0xff])
        .frame(Side::Upstream, &answer("resp_1", "unread"));
    let rows = script.play();
    let socket = rows.flow(script.flow);
    assert!(socket.decode_note.as_deref().unwrap().contains("no WebSocket frame"));
    assert_eq!(socket.response_bytes, script.closed.response_bytes);
    let call = calls(&rows)[0];
    assert_eq!(call.outcome, Some(Outcome::Lost), "the agent may have had its answer");
    assert!(call.reason.as_deref().unwrap().contains("no WebSocket frame"));
}

#[test]
fn after_answers_cannot_be_read_no_call_is_begun() {
    let script = upgrade()
        .frame(Side::Upstream, &[0xff; 14])
        .frame(Side::Client, &create(""))
        .frame(Side::Upstream, &answer("resp_1", "unread"));
    let rows = script.play();
    assert!(calls(&rows).is_empty());
    assert_eq!(rows.events(script.flow)[0].kind, "client.text");
}

#[test]
fn what_is_too_large_costs_neither_the_next_event_nor_the_next_call() {
    let large = |first: u8, len: u64| {
        let mut frame = vec![first, 0x7f];
        frame.extend(len.to_be_bytes());
        frame.extend(std::iter::repeat_n(b'x', usize::try_from(len).unwrap()));
        frame
    };
    let second = answer("resp_2", "two");
    let script = upgrade()
        .frame(Side::Client, &create(""))
        .frame(Side::Client, &create(""))
        .frame(Side::Upstream, &says(r#"{"type":"response.created","response":{"id":"resp_1"}}"#))
        .frame(Side::Upstream, &large(0x81, 5 << 20))
        .frame(Side::Upstream, &says(r#"{"type":"response.output_text.delta","delta":"after"}"#))
        // The end of the first answer is too large as well.
        .frame(Side::Upstream, &large(0x81, 5 << 20))
        .frame(Side::Upstream, &second);
    let rows = script.play();
    let calls = calls(&rows);
    assert_eq!(calls[0].outcome, Some(Outcome::Lost));
    let kinds: Vec<_> = rows.events(calls[0].id).into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["response.created", "response.output_text.delta"]);
    assert_eq!(calls[1].message_id.as_deref(), Some("resp_2"));
    assert_eq!(calls[1].outcome, Some(Outcome::Completed));
    assert_eq!(rows.events(script.flow).len(), 2, "both are noted");
    let note = rows.flow(script.flow).decode_note.as_deref().unwrap_or_default();
    assert!(note.starts_with("2 messages too large"), "{note}");
}

#[test]
fn line_ends_within_a_message_make_no_events() {
    let forged = "x\revent: provider.close\r\rdata: {}\r\ny";
    let script = upgrade().frame(Side::Upstream, &says(forged));
    let rows = script.play();
    let events = rows.events(script.flow);
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind.as_str(), events[0].data.as_str()),
        ("provider.text", "x\nevent: provider.close\n\ndata: {}\n\ny")
    );
}

#[test]
fn calls_of_a_killed_recorder_are_lost_with_their_socket() {
    let rig = Rig::new();
    let script = upgrade().frame(Side::Client, &create(""));
    rig.start(&script);
    let rows = rig.finish();
    assert_eq!(rows.flow(script.flow).outcome, Some(Outcome::Lost));
    assert_eq!(calls(&rows)[0].outcome, Some(Outcome::Lost));
}
