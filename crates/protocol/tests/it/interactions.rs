//! Gemini's interactions, what code assist wraps, and arguments that are told by path.

use langley_model::{Content, LiveKind, Tokens, Usage};
use langley_protocol::dialect::{Delta, ResponseDecoder, dialect_for};
use langley_protocol::gemini::{EmbedAnswer, GeminiResponse, InteractionAnswer};

use crate::decoded::{Decoded, body, call, contents, each_cut, text, thinking};

const STEPS: &str = include_str!("../cassettes/gemini/interaction.sse");
const CONTENTS: &str = include_str!("../cassettes/gemini/interaction_contents.sse");
const CODE_ASSIST: &str = include_str!("../cassettes/gemini/code_assist.sse");
const PARTIAL_ARGS: &str = include_str!("../cassettes/gemini/partial_args.sse");

fn all_known(decoded: &Decoded) -> bool {
    decoded.unknown.is_empty() && decoded.events.iter().all(|event| event.3)
}

/// What the stream of steps says.
fn steps() -> Vec<Content> {
    vec![
        thinking("First \"look\". Then count.", 8),
        Content::ServerToolUse {
            id: "gs1".into(),
            name: "google_search".into(),
            input: r#"{"queries":["caf\u00e9"]}"#.into(),
        },
        Content::ServerToolResult {
            kind: "google_search_result".into(),
            tool_use_id: "gs1".into(),
            json: r#"[{"title":"Cafes","url":"https://e.example"}]"#.into(),
        },
        Content::Text {
            text: "Here are cafés: one 漢 😀".into(),
            citations: vec![
                r#"{"type":"url_citation","url":"https://e.example","start_index":0,"end_index":4}"#
                    .into(),
            ],
        },
        Content::Other {
            kind: "image".into(),
            json: r#"{"mime_type":"image/png","bytes":5}"#.into(),
        },
        call("fc1", "read_file", r#"{"path":"a b.txt"}"#),
    ]
}

#[test]
fn an_interaction_is_read_from_its_steps() {
    let decoded = each_cut(STEPS, InteractionAnswer::new);
    assert_eq!(contents(&decoded), steps());
    assert!(all_known(&decoded) && decoded.ended);
    let message = &decoded.message;
    assert!(message.blocks.iter().all(|block| block.complete));
    assert_eq!(message.id.as_deref(), Some("v1_abc"));
    assert_eq!(message.model.as_deref(), Some("gemini-3-pro"));
    assert_eq!(message.stop_reason.as_deref(), Some("requires_action"));
    let expected = Usage {
        input: Some(Tokens(140)),
        cache_read: Some(Tokens(30)),
        output: Some(Tokens(20)),
        reasoning: Some(Tokens(10)),
        ..Usage::default()
    };
    assert_eq!(message.usage, expected, "what tools put into the prompt is input");
    let kinds: Vec<_> = decoded.events.iter().map(|event| event.0.as_str()).collect();
    assert_eq!(
        (kinds[0], kinds[3], kinds.last()),
        ("interaction.created", "step.delta", Some(&"[DONE]"))
    );
}

#[test]
fn an_interaction_of_contents_is_read_as_well() {
    let decoded = each_cut(CONTENTS, InteractionAnswer::new);
    let expected = [thinking("Hm.", 0), text("Hello, you"), call("fc9", "ls", r#"{"dir":"."}"#)];
    assert_eq!(contents(&decoded), expected);
    assert!(all_known(&decoded) && decoded.ended);
    assert_eq!(decoded.message.usage.output, Some(Tokens(7)));
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("completed"));
}

#[test]
fn a_whole_interaction_says_what_its_stream_says() {
    let (decoded, known) = body(
        r#"{"id":"v1_abc","status":"requires_action","object":"interaction","model":"gemini-3-pro",
            "steps":[
              {"type":"user_input","content":[{"type":"text","text":"Find cafes"}]},
              {"type":"thought","signature":"c2lnbmVk","summary":[
                {"type":"text","text":"First \"look\". "},{"type":"text","text":"Then count."}]},
              {"type":"google_search_call","id":"gs1","arguments":{"queries":["caf\u00e9"]}},
              {"type":"google_search_result","call_id":"gs1",
                "result":[{"title":"Cafes","url":"https://e.example"}]},
              {"type":"model_output","content":[
                {"type":"text","text":"Here are caf\u00e9s: one 漢 😀","annotations":[
                  {"type":"url_citation","url":"https://e.example","start_index":0,"end_index":4}]},
                {"type":"image","data":"aGVsbG8=","mime_type":"image/png"}]},
              {"type":"function_call","id":"fc1","name":"read_file","arguments":{"path":"a b.txt"}}],
            "usage":{"total_input_tokens":100,"total_cached_tokens":30,"total_output_tokens":20,
              "total_tool_use_tokens":40,"total_thought_tokens":10}}"#,
        InteractionAnswer::new(),
    );
    assert!(known && decoded.ended);
    assert_eq!(contents(&decoded), steps());
    assert_eq!(decoded.message.usage, each_cut(STEPS, InteractionAnswer::new).message.usage);
    let (older, known) = body(
        r#"{"id":"v1_old","status":"completed","outputs":[{"type":"text","text":"Hi"}]}"#,
        InteractionAnswer::new(),
    );
    assert_eq!((contents(&older), known, older.ended), (vec![text("Hi")], true, true));
    let (queued, known) =
        body(r#"{"id":"v1_bg","status":"in_progress"}"#, InteractionAnswer::new());
    assert_eq!((queued.message.id.as_deref(), known, queued.ended), (Some("v1_bg"), true, false));
}

#[test]
fn an_interaction_that_failed_says_why() {
    for last in [
        r#"{"event_type":"error","error":{"code":"overloaded","message":"Try later"}}"#,
        r#"{"error":{"code":"overloaded","message":"Try later"}}"#,
    ] {
        let created =
            r#"{"event_type":"interaction.created","interaction":{"id":"v1_x","model":"m"}}"#;
        let stream = format!("data: {created}\n\ndata: {last}\n\n");
        let decoded = each_cut(&stream, InteractionAnswer::new);
        assert!(all_known(&decoded) && !decoded.ended, "{last}");
        let error = decoded.message.error.expect("an error");
        assert_eq!(error.kind.as_deref(), Some("overloaded"));
        assert_eq!(error.message.as_deref(), Some("Try later"));
    }
    let (refused, _) = body(
        r#"{"error":{"code":400,"message":"No such model","status":"INVALID_ARGUMENT"}}"#,
        InteractionAnswer::new(),
    );
    let error = refused.message.error.expect("an error");
    assert_eq!(error.kind.as_deref(), Some("INVALID_ARGUMENT"));
}

#[test]
fn what_an_interaction_says_that_is_not_known_is_kept_and_counted() {
    let stream = [
        r#"{"event_type":"step.start","index":0,"step":{"type":"dream","text":"x"}}"#,
        r#"{"event_type":"step.delta","index":0,"delta":{"type":"dream_delta"}}"#,
        r#"{"event_type":"step.delta","index":4,"delta":{"type":"arguments_delta","arguments":"{"}}"#,
        r#"{"event_type":"interaction.pondered"}"#,
        "not JSON",
    ]
    .map(|data| format!("data: {data}\n\n"))
    .concat();
    let decoded = each_cut(&stream, InteractionAnswer::new);
    assert_eq!(
        decoded.unknown,
        ["dream", "dream_delta", "arguments_delta", "interaction.pondered", ""]
    );
    assert!(decoded.events.iter().all(|event| !event.3));
    let json = String::from(r#"{"type":"dream","text":"x"}"#);
    assert_eq!(contents(&decoded), [Content::Other { kind: "dream".into(), json }]);
}

#[test]
fn what_code_assist_wraps_is_read_as_if_it_were_not() {
    let decoded = each_cut(CODE_ASSIST, GeminiResponse::new);
    let expected = [thinking("Look.", 0), text("Hello"), call("f1", "ls", r#"{"dir": "."}"#)];
    assert_eq!(contents(&decoded), expected);
    assert!(all_known(&decoded) && decoded.ended);
    assert_eq!(decoded.message.id.as_deref(), Some("ca1"));
    let expected = Usage {
        input: Some(Tokens(54)),
        cache_read: Some(Tokens(20)),
        output: Some(Tokens(6)),
        reasoning: Some(Tokens(3)),
        ..Usage::default()
    };
    assert_eq!(decoded.message.usage, expected);
    let texts = decoded.events[1].1.iter().map(|text| (text.block, text.kind));
    assert_eq!(texts.collect::<Vec<_>>(), [(1, LiveKind::Text); 2], "both parts have their place");
}

#[test]
fn arguments_that_are_told_by_path_are_the_json_they_build() {
    let decoded = each_cut(PARTIAL_ARGS, GeminiResponse::new);
    let arguments = r#"{"city":"New \"York\"","unit":"c","days":3}"#;
    assert_eq!(contents(&decoded), [text("On it."), call("w1", "weather", arguments)]);
    assert!(all_known(&decoded) && decoded.ended);
    assert!(decoded.message.blocks.iter().all(|block| block.complete));
    let of =
        |event: usize| decoded.events[event].1.iter().map(|text| text.block).collect::<Vec<_>>();
    assert_eq!(of(2), of(3), "one value is one text");
    assert_ne!(of(3), of(4), "another value is another");
    let orphan = r#"data: {"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a"}]}}]}}]}"#;
    let decoded = each_cut(&format!("{orphan}\n\n"), GeminiResponse::new);
    assert_eq!(decoded.unknown, ["partialArgs"]);
}

#[test]
fn vectors_and_counted_tokens_are_no_answer() {
    let (vectors, known) = body(
        r#"{"embedding":{"values":[0.1]},"usageMetadata":{"promptTokenCount":4}}"#,
        EmbedAnswer,
    );
    assert!(known && !vectors.ended && vectors.message.blocks.is_empty());
    assert_eq!(vectors.message.usage.input, Some(Tokens(4)));
    let mut deltas = Vec::new();
    let count = br#"{"totalTokens": 31, "cachedContentTokenCount": 3}"#;
    assert!(GeminiResponse::new().json(count, &mut |delta| deltas.push(format!("{delta:?}"))));
    assert_eq!(deltas, [format!("{:?}", Delta::TokenCount(Tokens(31)))]);
    let path = "/v1beta/models/text-embedding-004:embedContent";
    let (_, dialect) = dialect_for("POST", "any.example", path).expect("a dialect");
    assert_eq!(dialect.model_in_path(path), Some("text-embedding-004"));
}
