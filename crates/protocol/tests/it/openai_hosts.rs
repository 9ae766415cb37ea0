//! What compatible hosts add to Chat Completions, tools that the provider runs, and what is not known.

use langley_model::{Content, MicroUsd, Tokens};
use langley_protocol::dialect::{ResponseDecoder, dialect_for};
use langley_protocol::openai::{ChatAnswer, PlainAnswer, ResponsesAnswer};

use crate::decoded::{Decoded, body, contents, each_cut, text, thinking};

const OPENROUTER: &str = include_str!("../cassettes/openai/openrouter.sse");
const MISTRAL: &str = include_str!("../cassettes/openai/mistral.sse");
const GROQ: &str = include_str!("../cassettes/openai/groq.sse");
const RESPONSES_TOOLS: &str = include_str!("../cassettes/openai/responses_tools.sse");

fn all_known(decoded: &Decoded) -> bool {
    decoded.unknown.is_empty() && decoded.events.iter().all(|event| event.3)
}

fn cited(words: &str, citations: &[&str]) -> Content {
    let citations = citations.iter().map(|&citation| citation.to_owned()).collect();
    Content::Text { text: words.into(), citations }
}

fn server(id: &str, name: &str, input: &str) -> Content {
    Content::ServerToolUse { id: id.into(), name: name.into(), input: input.into() }
}

fn result(kind: &str, of: &str, json: &str) -> Content {
    Content::ServerToolResult { kind: kind.into(), tool_use_id: of.into(), json: json.into() }
}

#[test]
fn openrouter_tells_reasoning_images_and_what_it_cost() {
    let decoded = each_cut(OPENROUTER, ChatAnswer::new);
    let image = Content::Other {
        kind: "image_url".into(),
        json: r#"{"mime_type":"image/png","bytes":5}"#.into(),
    };
    let citation = r#"{"type":"url_citation","url_citation":{"url":"https://e.example"}}"#;
    assert_eq!(
        contents(&decoded),
        [thinking("Hm. ", 0), text("Here: "), image, cited("done", &[citation])]
    );
    assert!(all_known(&decoded) && decoded.ended);
    assert_eq!(decoded.cost, Some(MicroUsd(1420)), "half a millionth goes to the even one");
    assert_eq!(decoded.message.usage.output, Some(Tokens(5)));
    assert_eq!(decoded.events.len(), 6, "comments are no events");
    let failing = concat!(
        r#"data: {"id":"gen-2","model":"m","choices":[{"index":0,"delta":{"content":"Half"}}]}"#,
        "\n\n",
        r#"data: {"id":"gen-2","error":{"code":502,"message":"Provider gone"},"#,
        r#""choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
        "\n\n"
    );
    let decoded = each_cut(failing, ChatAnswer::new);
    let error = decoded.message.error.expect("an error");
    assert_eq!(
        (error.kind.as_deref(), error.message.as_deref()),
        (Some("502"), Some("Provider gone"))
    );
    assert!(!decoded.ended);
    let (refused, known) = body(
        r#"{"id":"gen-3","choices":[{"index":0,"message":{"content":""},"finish_reason":"error",
            "error":{"code":429,"message":"Slow down"}}]}"#,
        ChatAnswer::new(),
    );
    assert!(known && refused.message.error.is_some());
}

#[test]
fn mistral_writes_content_as_a_list_of_parts() {
    let decoded = each_cut(MISTRAL, ChatAnswer::new);
    let reference = r#"{"type":"reference","reference_ids":[1]}"#;
    assert_eq!(contents(&decoded), [thinking("Let me see.", 0), cited("It is so.", &[reference])]);
    assert!(all_known(&decoded) && decoded.ended);
    assert_eq!(decoded.events[2].1.as_slice().len(), 2, "both texts have their place");
}

#[test]
fn groq_tells_the_calls_that_it_ran_itself() {
    let decoded = each_cut(GROQ, ChatAnswer::new);
    let expected = [
        thinking("Search.", 0),
        server("", "search", r#"{"query":"café"}"#),
        result("search", "", r#""Title: Cafes""#),
        text("Found."),
    ];
    assert_eq!(contents(&decoded), expected);
    assert!(all_known(&decoded) && decoded.ended);
    assert_eq!(decoded.message.usage.input, Some(Tokens(20)));
}

#[test]
fn other_hosts_put_usage_and_sources_where_they_like() {
    let (moonshot, _) = body(
        r#"{"id":"k","choices":[{"index":0,"message":{"content":"Hi","reasoning_content":"Hm"},
            "finish_reason":"stop","usage":{"prompt_tokens":3,"completion_tokens":4,
            "cached_tokens":2}}]}"#,
        ChatAnswer::new(),
    );
    assert_eq!(contents(&moonshot), [thinking("Hm", 0), text("Hi")]);
    assert_eq!(moonshot.message.usage.cache_read, Some(Tokens(2)));
    let chunk = |more: &str| {
        format!(
            r#"data: {{"id":"x","choices":[{{"index":0,"delta":{{"content":"a"}}}}],"citations":["https://e.example"]{more}}}"#
        ) + "\n\n"
    };
    let xai = each_cut(&(chunk("") + &chunk("")), ChatAnswer::new);
    assert_eq!(contents(&xai), [cited("aa", &[r#"{"url":"https://e.example"}"#])], "once");
    let (spoken, _) = body(
        r#"{"id":"a","choices":[{"index":0,"message":{"content":null,
            "audio":{"id":"x","data":"aGk=","transcript":"Hello"}},"finish_reason":"stop"}]}"#,
        ChatAnswer::new(),
    );
    assert_eq!(contents(&spoken), [text("Hello")]);
}

#[test]
fn azure_names_its_deployment_in_the_path_and_filters_in_chunks() {
    let path = "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21";
    let (_, dialect) = dialect_for("POST", "any.example", path).expect("a dialect");
    assert_eq!(dialect.model_in_path(path), Some("my-gpt"));
    assert_eq!(dialect.model_in_path("/v1/chat/completions"), None);
    let stream = [
        r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}"#,
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"content_filter_results":{},"finish_reason":null}],"id":"az","model":"gpt-5","object":"chat.completion.chunk"}"#,
        r#"{"choices":[{"index":0,"delta":{},"content_filter_results":{"hate":{"filtered":true}},"finish_reason":"content_filter"}],"id":"az","model":"gpt-5","object":"chat.completion.chunk"}"#,
    ]
    .map(|data| format!("data: {data}\n\n"))
    .concat();
    let decoded = each_cut(&stream, ChatAnswer::new);
    assert_eq!(contents(&decoded), [text("Hi")]);
    assert_eq!(decoded.message.id.as_deref(), Some("az"));
    assert_eq!(decoded.message.stop_reason.as_deref(), Some("content_filter"));
    assert!(all_known(&decoded));
}

#[test]
fn tools_that_the_provider_runs_are_calls_with_results() {
    let decoded = each_cut(RESPONSES_TOOLS, ResponsesAnswer::new);
    let expected = [
        server("ci_1", "code_interpreter", "print(42)"),
        result("code_interpreter_call", "ci_1", r#"[{"type":"logs","logs":"42"}]"#),
        server("fs_1", "file_search", r#"["what"]"#),
        result("file_search_call", "fs_1", r#"[{"file_id":"f","text":"x"}]"#),
        server("mcp_1", "roll", r#"{"n":2}"#),
        result("mcp_call", "mcp_1", r#""refused""#),
        server("ig_1", "image_generation", "A cat"),
        result("image_generation_call", "ig_1", r#"{"format":"png","bytes":5}"#),
        text("I cannot."),
    ];
    assert_eq!(contents(&decoded), expected);
    assert!(all_known(&decoded) && decoded.ended);
    assert!(decoded.message.blocks.iter().all(|block| block.complete));
    let (hosted, known) = body(
        r#"{"id":"r","status":"completed","output":[
            {"type":"shell_call","id":"sh","call_id":"c1","action":{"commands":["ls"]}},
            {"type":"shell_call_output","id":"so","call_id":"c1","output":[{"stdout":"a"}]}]}"#,
        ResponsesAnswer::new(),
    );
    assert!(known);
    assert_eq!(contents(&hosted)[1], result("shell_call_output", "c1", r#"[{"stdout":"a"}]"#));
}

#[test]
fn what_is_not_known_is_kept_and_counted() {
    let unknown = |events: &[&str], decoder: fn() -> Box<dyn ResponseDecoder>| {
        let mut decoder = decoder();
        let stream: String = events.iter().map(|data| format!("data: {data}\n\n")).collect();
        let decoded = crate::decoded::decode_stream(&[stream.as_bytes()], &mut *decoder);
        assert!(decoded.events.iter().all(|event| !event.3), "{events:?}");
        decoded.unknown
    };
    let chat = unknown(
        &[
            r#"{"object":"chat.completion.dream"}"#,
            r#"{"choices":[{"index":0,"delta":{"content":[{"type":"dream"}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":7}}]}"#,
            "not JSON",
        ],
        || Box::new(ChatAnswer::new()),
    );
    assert_eq!(chat, ["chat.completion.dream", "dream", "content", ""]);
    let responses = unknown(
        &[
            r#"{"type":"response.dreamt"}"#,
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"dream"}}"#,
            r#"{"type":"response.content_part.added","output_index":1,"part":{"type":"dream"}}"#,
        ],
        || Box::new(ResponsesAnswer::new()),
    );
    assert_eq!(responses[..2], ["response.dreamt", "dream"]);
    let plain = unknown(&[r#"{"type":"dream"}"#], || Box::new(PlainAnswer::default()));
    assert_eq!(plain, ["dream"]);
}
