//! Streams and bodies that we wrote in the forms of Chat Completions and Responses.

use langley_model::{Content, Tokens, Usage};
use langley_protocol::dialect::Dialect;
use langley_protocol::openai::{Chat, ChatAnswer, Responses, ResponsesAnswer};

use crate::decoded::{Decoded, body, call, contents, each_cut, text, thinking};

const CHAT_TEXT: &str = include_str!("../cassettes/openai/chat_text.sse");
const CHAT_TOOLS: &str = include_str!("../cassettes/openai/chat_tools.sse");
const RESPONSES: &str = include_str!("../cassettes/openai/responses.sse");

fn all_known(decoded: &Decoded) -> bool {
    decoded.unknown.is_empty() && decoded.events.iter().all(|event| event.3)
}

fn all_complete(decoded: &Decoded) -> bool {
    decoded.ended && decoded.message.blocks.iter().all(|block| block.complete)
}

#[test]
fn a_chat_answer_is_whole_with_its_usage() {
    let decoded = each_cut(CHAT_TEXT, ChatAnswer::new);
    assert_eq!(
        contents(&decoded),
        [thinking("Think \"twice\"", 0), text("Hello, \"world\"\ncafé 漢")]
    );
    assert!(all_known(&decoded) && all_complete(&decoded));
    let message = decoded.message;
    assert_eq!(message.id.as_deref(), Some("chatcmpl-1"));
    assert_eq!(message.model.as_deref(), Some("gpt-5-mini-2026"));
    assert_eq!(message.role.as_deref(), Some("assistant"));
    assert_eq!(message.stop_reason.as_deref(), Some("stop"));
    let expected = Usage {
        input: Some(Tokens(1200)),
        cache_read: Some(Tokens(1024)),
        output: Some(Tokens(90)),
        reasoning: Some(Tokens(64)),
        ..Usage::default()
    };
    assert_eq!(message.usage, expected);
    let kinds: Vec<_> = decoded.events.iter().map(|event| event.0.as_str()).collect();
    assert_eq!(kinds[0], "chat.completion.chunk");
    assert_eq!(kinds.last(), Some(&"[DONE]"));
}

#[test]
fn chat_tool_calls_are_told_apart_by_position_and_id() {
    let decoded = each_cut(CHAT_TOOLS, ChatAnswer::new);
    assert_eq!(
        contents(&decoded),
        [
            thinking("Look.", 0),
            text("On it."),
            call("call_a", "read", r#"{"path":"a.txt"}"#),
            call("call_b", "exec", "await go()"),
            call("call_c", "list", "{}"),
        ]
    );
    assert!(all_known(&decoded) && all_complete(&decoded));
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("tool_calls"));
    assert_eq!(decoded.message.usage.cache_write_5m, Some(Tokens(7)));
}

#[test]
fn a_chat_body_gives_what_its_stream_gives() {
    let (decoded, known) = body(
        r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-5-mini-2026",
            "choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"Think \"twice\"",
              "content":"Hello, \"world\"\ncaf\u00e9 漢","refusal":null,"annotations":[]},
              "finish_reason":"stop"}],
            "usage":{"prompt_tokens":1200,"completion_tokens":90,
              "prompt_tokens_details":{"cached_tokens":1024},
              "completion_tokens_details":{"reasoning_tokens":64}}}"#,
        ChatAnswer::new(),
    );
    assert!(known);
    assert_eq!(decoded.message, each_cut(CHAT_TEXT, ChatAnswer::new).message);
}

#[test]
fn several_choices_end_each_for_itself_and_the_answer_with_the_last() {
    let chunk = |choice: u32, delta: &str, reason: &str| {
        format!(
            "data: {{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":{choice},\
             \"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n"
        )
    };
    let both = chunk(0, r#"{"content":"a"}"#, "null") + &chunk(1, r#"{"content":"b"}"#, "null");
    let half = both.clone() + &chunk(0, "{}", r#""stop""#);
    let decoded = each_cut(&half, ChatAnswer::new);
    assert!(!decoded.ended, "the second choice goes on");
    let decoded = each_cut(&(half + &chunk(1, "{}", r#""length""#)), ChatAnswer::new);
    assert_eq!(contents(&decoded), [text("a"), text("b")]);
    assert!(all_complete(&decoded), "some hosts send nothing after the last reason");
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("stop"));
}

#[test]
fn empty_reasons_end_nothing_and_an_empty_first_chunk_begins_nothing() {
    let stream = concat!(
        r#"data: {"id":"","model":"","object":"","choices":[],"prompt_filter_results":[]}"#,
        "\n\n",
        r#"data: {"id":"c1","model":"m","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":""}]}"#,
        "\n\n",
        r#"data: {"id":"c1","model":"m","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":""}]}"#,
        "\n\n",
    );
    let decoded = each_cut(stream, ChatAnswer::new);
    assert_eq!(contents(&decoded), [text("ab")]);
    assert!(!decoded.ended && decoded.message.stop_reason.is_none());
    assert_eq!(decoded.message.id.as_deref(), Some("c1"));
    assert_eq!(decoded.message.model.as_deref(), Some("m"));
}

#[test]
fn a_refusal_and_the_older_form_of_a_call_are_read() {
    let (decoded, known) = body(
        r#"{"object":"chat.completion","choices":[
            {"index":0,"message":{"content":null,"refusal":"No."},"finish_reason":"stop"},
            {"index":1,"message":{"function_call":{"name":"f","arguments":"{\"a\":1}"}},
             "finish_reason":"function_call"}]}"#,
        ChatAnswer::new(),
    );
    assert!(known && decoded.ended);
    assert_eq!(contents(&decoded), [text("No."), call("", "f", r#"{"a":1}"#)]);
}

#[test]
fn errors_are_found_in_every_form() {
    let error = |decoded: Decoded| {
        let error = decoded.message.error.expect("an error");
        (error.kind.unwrap_or_default(), error.message.unwrap_or_default())
    };
    let is = |kind: &str, message: &str| (kind.to_owned(), message.to_owned());
    let cases = [
        (
            r#"{"error":{"message":"slow","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
            is("rate_limit_exceeded", "slow"),
        ),
        (
            r#"{"error":{"message":"bad","type":"invalid_request_error","code":null}}"#,
            is("invalid_request_error", "bad"),
        ),
        (r#"{"error":{"message":"up","code":502}}"#, is("502", "up")),
        (r#"{"error":"plain"}"#, is("", "plain")),
    ];
    for (json, expected) in cases {
        for (decoded, known) in [body(json, ChatAnswer::new()), body(json, ResponsesAnswer::new())]
        {
            assert!(known, "{json}");
            assert_eq!(error(decoded), expected, "{json}");
        }
        let stream = format!("data: {json}\n\n");
        for decoded in [each_cut(&stream, ChatAnswer::new), each_cut(&stream, ResponsesAnswer::new)]
        {
            assert_eq!(decoded.events[0].0, "error");
            assert!(all_known(&decoded) && !decoded.ended, "{json}");
            assert_eq!(error(decoded), expected);
        }
    }
    let typed = "data: {\"type\":\"overloaded\",\"error\":{\"message\":\"Overloaded\"}}\n\n";
    assert_eq!(error(each_cut(typed, ResponsesAnswer::new)), is("", "Overloaded"));
    let stream = "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"m\",\"param\":null}\n\n";
    assert_eq!(error(each_cut(stream, ResponsesAnswer::new)), is("server_error", "m"));
    let failed = "data: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":\"failed\",\
                  \"error\":{\"code\":\"server_error\",\"message\":\"m\"}}}\n\n";
    let decoded = each_cut(failed, ResponsesAnswer::new);
    assert!(!decoded.ended);
    assert_eq!(error(decoded), is("server_error", "m"));
}

#[test]
fn a_responses_stream_is_assembled_item_by_item() {
    let decoded = each_cut(RESPONSES, ResponsesAnswer::new);
    let Content::Text { text: said, citations } = &contents(&decoded)[1] else {
        panic!("{:?}", contents(&decoded));
    };
    assert_eq!(said, "Done \"it\"\nnow.");
    assert_eq!(citations, &[r#"{"type":"url_citation","url":"https://a.example"}"#]);
    let others: Vec<_> = contents(&decoded)
        .into_iter()
        .enumerate()
        .filter(|(n, _)| *n != 1)
        .map(|(_, c)| c)
        .collect();
    assert_eq!(
        others,
        [
            thinking("First,\n\nthen.", 8),
            text("Not that."),
            call("call_1", "shell", r#"{"command":["ls"]}"#),
            Content::ServerToolUse {
                id: "ws_1".into(),
                name: "web_search".into(),
                input: r#"{"type":"search","query":"rust"}"#.into()
            },
            call("call_2", "exec", "await go(\"x\")"),
        ]
    );
    assert!(all_known(&decoded) && all_complete(&decoded));
    let message = decoded.message;
    assert_eq!(message.id.as_deref(), Some("resp_1"));
    assert_eq!(message.model.as_deref(), Some("gpt-5.4-codex"));
    assert_eq!(message.stop_reason.as_deref(), Some("completed"));
    let expected = Usage {
        input: Some(Tokens(5000)),
        cache_read: Some(Tokens(4096)),
        output: Some(Tokens(300)),
        reasoning: Some(Tokens(128)),
        web_search_requests: Some(1),
        ..Usage::default()
    };
    assert_eq!(message.usage, expected);
}

#[test]
fn a_responses_body_gives_what_its_stream_gives() {
    let (decoded, known) = body(
        r#"{"id":"resp_1","object":"response","status":"completed","model":"gpt-5.4-codex","error":null,
            "incomplete_details":null,"output":[
            {"id":"rs_1","type":"reasoning","encrypted_content":"gAAAAABq",
             "summary":[{"type":"summary_text","text":"First,"},{"type":"summary_text","text":"then."}]},
            {"id":"msg_1","type":"message","role":"assistant","content":[
              {"type":"output_text","text":"Done \"it\"\nnow.",
               "annotations":[{"type":"url_citation","url":"https://a.example"}]},
              {"type":"refusal","refusal":"Not that."}]},
            {"id":"fc_1","type":"function_call","call_id":"call_1","name":"shell",
             "arguments":"{\"command\":[\"ls\"]}"},
            {"id":"ws_1","type":"web_search_call","action":{"type":"search","query":"rust"}},
            {"id":"ct_1","type":"custom_tool_call","call_id":"call_2","name":"exec","input":"await go(\"x\")"}],
            "usage":{"input_tokens":5000,"input_tokens_details":{"cached_tokens":4096},
              "output_tokens":300,"output_tokens_details":{"reasoning_tokens":128}}}"#,
        ResponsesAnswer::new(),
    );
    assert!(known);
    let mut message = decoded.message;
    // The action stands there as it was sent, blanks included.
    assert_eq!(message.blocks.len(), 6);
    message.blocks[4].content = contents(&each_cut(RESPONSES, ResponsesAnswer::new))[4].clone();
    assert_eq!(message, each_cut(RESPONSES, ResponsesAnswer::new).message);
}

#[test]
fn an_answer_that_was_cut_short_says_why() {
    let stream = "data: {\"type\":\"response.incomplete\",\"response\":{\"id\":\"r\",\"status\":\"incomplete\",\
                  \"incomplete_details\":{\"reason\":\"max_output_tokens\"}}}\n\n";
    let decoded = each_cut(stream, ResponsesAnswer::new);
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("max_output_tokens"));
    assert!(decoded.ended);
}

#[test]
fn what_this_version_does_not_know_is_kept_and_counted() {
    let stream = concat!(
        "data: {\"type\":\"response.hologram.delta\",\"delta\":\"x\"}\n\n",
        "data: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"dance\",\"n\":1}}\n\n",
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":1,\"content_index\":0,\"delta\":\"late\"}\n\n",
        "data: {\"type\":\"response.output_text.de\n\n",
    );
    let decoded = each_cut(stream, ResponsesAnswer::new);
    let known: Vec<_> = decoded.events.iter().map(|event| event.3).collect();
    assert_eq!(known, [false, false, true, false]);
    assert_eq!(decoded.unknown, ["response.hologram.delta", "dance", ""]);
    assert_eq!(
        contents(&decoded),
        [
            Content::Other { kind: "dance".into(), json: r#"{"type":"dance","n":1}"#.into() },
            text("late"),
        ]
    );
    let decoded = each_cut("data: {\"object\":\"x\"}\n\ndata: 7\n\n", ChatAnswer::new);
    assert_eq!(decoded.unknown, ["x", ""]);
}

#[test]
fn requests_tell_model_session_and_what_the_user_wrote() {
    let facts = Chat.request(
        br#"{"model":"gpt-5","stream":true,"max_completion_tokens":50,"tools":[{},{}],
            "messages":[{"role":"developer","content":"be kind"},
              {"role":"user","content":[{"type":"image_url"},{"type":"text","text":" fix\n it "}]},
              {"role":"assistant","content":"ok"},{"role":"tool","tool_call_id":"c","content":"x"}]}"#,
    );
    assert_eq!(facts.model.as_deref(), Some("gpt-5"));
    assert_eq!((facts.stream, facts.max_tokens), (Some(true), Some(50)));
    assert_eq!((facts.message_count, facts.tool_count), (Some(4), Some(2)));
    assert!(facts.system_present && facts.json_ok);
    assert_eq!(facts.last_user_text.as_deref(), Some("fix it"));

    let facts = Responses.request(
        br#"{"model":"gpt-5.4-codex","instructions":"you are","stream":true,"store":false,
            "prompt_cache_key":"thread-1","client_metadata":{"session_id":"session-1"},
            "input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"go on"}]},
              {"type":"function_call_output","call_id":"c","output":"x"}]}"#,
    );
    assert_eq!(facts.model.as_deref(), Some("gpt-5.4-codex"));
    assert_eq!(facts.last_user_text.as_deref(), Some("go on"));
    assert_eq!(facts.message_count, Some(2));
    let id = |id: Option<langley_model::SessionId>| id.map(|id| id.to_string());
    assert_eq!(id(facts.session.client_metadata).as_deref(), Some("session-1"));
    assert_eq!(id(facts.session.prompt_cache_key).as_deref(), Some("thread-1"));
    assert!(facts.system_present);
    let facts = Responses.request(br#"{"model":"m","input":"just this"}"#);
    assert_eq!(facts.last_user_text.as_deref(), Some("just this"));
    assert_eq!(facts.message_count, Some(1));
}
