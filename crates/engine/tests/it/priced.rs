//! Costs from the socket on: what the recorder makes of recorded answers, against a calculation from their raw
//! bytes that shares nothing with the product but the price list, which stands here once more.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use langley_model::{Ending, Flow, MicroUsd, Provider};
use serde_json::Value;

use crate::kit::Script;

/// Prices in thousandths of a dollar for a million tokens: input, cache read, written for 5 minutes, for an
/// hour, output.
const PRICES: [(&str, [u128; 5]); 8] = [
    ("claude-opus-5-5", [4_000, 200, 5_000, 8_000, 20_000]),
    ("claude-sonnet-5", [2_000, 200, 2_500, 4_000, 10_000]),
    ("gpt-5", [1_250, 125, 1_250, 1_250, 10_000]),
    ("gemini-2.5-pro", [1_250, 125, 1_250, 1_250, 10_000]),
    ("gemini-2.5-flash", [300, 30, 300, 300, 2_500]),
    ("gemini-1.5-flash-001", [75, 75, 75, 75, 300]),
    ("gemini-3-pro", [2_000, 200, 2_000, 2_000, 12_000]),
    ("gemini-3-pro-preview", [2_000, 200, 2_000, 2_000, 12_000]),
];

/// Thousandths of a dollar for a thousand searches, at Anthropic and OpenAI.
const SEARCHES: u128 = 10_000;

macro_rules! bedrock {
    ($name:literal) => {
        include_bytes!(concat!("../../../protocol/tests/cassettes/bedrock/", $name, ".eventstream"))
    };
}

const INVOKE_ANTHROPIC: &[u8] = bedrock!("invoke_anthropic");
const INVOKE_LLAMA: &[u8] = bedrock!("invoke_llama");
const CONVERSE_TEXT: &[u8] = bedrock!("converse_text");
const CONVERSE_TOOLS: &[u8] = bedrock!("converse_tools");

/// Recorded answers with their names.
type Answers = [(&'static str, &'static str)];

/// What an answer's bytes say.
#[derive(Debug, Default)]
struct Raw {
    model: Option<String>,
    usage: serde_json::Map<String, Value>,
    stopped: bool,
}

/// Reads an answer, streamed or not, with a JSON reader alone.
fn raw(answer: &str) -> Raw {
    let whole = serde_json::from_str::<Value>(answer).ok();
    let events: Vec<Value> = match whole {
        Some(Value::Array(events)) => events,
        Some(event) => vec![event],
        None => answer
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .lines()
            .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
            .collect(),
    };
    raw_of(events)
}

/// The same of the objects that an answer is made of.
fn raw_of(events: Vec<Value>) -> Raw {
    let mut raw = Raw::default();
    for event in events {
        raw.stopped |= event["type"] == "message_stop";
        for holder in [&event, &event["message"], &event["response"]] {
            for name in ["model", "modelVersion"] {
                raw.model = holder[name].as_str().map(str::to_owned).or(raw.model);
            }
            for name in ["usage", "usageMetadata", "amazon-bedrock-invocationMetrics"] {
                for (key, value) in holder[name].as_object().into_iter().flatten() {
                    if !value.is_null() {
                        raw.usage.insert(key.clone(), value.clone());
                    }
                }
            }
            let reasons = [&holder["stop_reason"], &holder["delta"]["stop_reason"]];
            raw.stopped |= reasons.iter().any(|reason| reason.is_string());
            raw.stopped |= holder["candidates"][0]["finishReason"].is_string();
            raw.stopped |= holder["choices"][0]["finish_reason"].is_string();
            raw.stopped |= matches!(holder["status"].as_str(), Some("completed" | "incomplete"));
        }
    }
    raw
}

/// What an answer costs, by its raw bytes; none where its model has no price here.
fn independent(answer: &str, provider: Provider) -> Option<i64> {
    let Raw { model, usage, stopped } = raw(answer);
    let (_, prices) = PRICES.iter().find(|(name, _)| Some(*name) == model.as_deref())?;
    let at = |path: &[&str]| -> u128 {
        let mut value = usage.get(path[0]).cloned().unwrap_or_default();
        for name in &path[1..] {
            value = value[*name].take();
        }
        u128::from(value.as_u64().unwrap_or(0))
    };
    let tokens = match provider {
        Provider::Anthropic => {
            let hour = at(&["cache_creation", "ephemeral_1h_input_tokens"]);
            let output = if stopped { at(&["output_tokens"]) } else { 0 };
            [
                at(&["input_tokens"]),
                at(&["cache_read_input_tokens"]),
                at(&["cache_creation_input_tokens"]) - hour,
                hour,
                output,
            ]
        }
        Provider::Gemini => {
            let read = at(&["cachedContentTokenCount"]);
            let input = at(&["promptTokenCount"]) + at(&["toolUsePromptTokenCount"]);
            let output = at(&["candidatesTokenCount"]) + at(&["thoughtsTokenCount"]);
            [input - read, read, 0, 0, if stopped { output } else { 0 }]
        }
        _ => {
            let read = at(&["input_tokens_details", "cached_tokens"])
                + at(&["prompt_tokens_details", "cached_tokens"]);
            let input = at(&["input_tokens"]) + at(&["prompt_tokens"]);
            [input - read, read, 0, 0, at(&["output_tokens"]) + at(&["completion_tokens"])]
        }
    };
    let searches = at(&["server_tool_use", "web_search_requests"]);
    // Billionths of a dollar times a million: a thousandth of a dollar for a million tokens is one for each.
    let exact: u128 = tokens.iter().zip(prices).map(|(count, price)| count * price).sum::<u128>()
        + searches * SEARCHES * 1_000;
    let (whole, rest) = (exact / 1_000, exact % 1_000);
    let is_up = rest > 500 || (rest == 500 && whole % 2 == 1);
    Some(i64::try_from(whole).unwrap() + i64::from(is_up))
}

/// The JSON objects that stand in a binary stream, whatever frames them; what a chunk wraps in their place.
fn objects(stream: &[u8]) -> Vec<Value> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < stream.len() {
        let mut reader = serde_json::Deserializer::from_slice(&stream[at..]).into_iter::<Value>();
        let object = (stream[at] == b'{').then(|| reader.next()).flatten().and_then(Result::ok);
        at += object.as_ref().map_or(1, |_| reader.byte_offset());
        found.extend(object.map(|object| match object["bytes"].as_str() {
            Some(wrapped) => {
                let wrapped = BASE64_STANDARD.decode(wrapped).unwrap();
                serde_json::from_slice(&wrapped).unwrap()
            }
            None => object,
        }));
    }
    found
}

/// What an answer of Bedrock costs, by its raw bytes.
fn independent_at_bedrock(stream: &[u8], prices: [u128; 5]) -> i64 {
    let Raw { usage, .. } = raw_of(objects(stream));
    // Each model counts under names of its own, and Bedrock's own count stands beside it.
    let any = |names: &[&str]| {
        let count = names.iter().find_map(|name| usage.get(*name).and_then(Value::as_u64));
        u128::from(count.unwrap_or(0))
    };
    let details = usage.get("cacheDetails").and_then(Value::as_array);
    let hour: u128 = details
        .into_iter()
        .flatten()
        .filter(|detail| detail["ttl"] == "1h")
        .map(|detail| u128::from(detail["inputTokens"].as_u64().unwrap()))
        .sum();
    let tokens = [
        any(&["input_tokens", "inputTokens", "inputTokenCount"]),
        any(&["cache_read_input_tokens", "cacheReadInputTokens"]),
        any(&["cache_creation_input_tokens", "cacheWriteInputTokens"]) - hour,
        hour,
        any(&["output_tokens", "outputTokens", "outputTokenCount"]),
    ];
    let exact: u128 = tokens.iter().zip(prices).map(|(count, price)| count * price).sum();
    assert!(exact > 0, "{usage:?}");
    let (whole, rest) = (exact / 1_000, exact % 1_000);
    let is_up = rest > 500 || (rest == 500 && whole % 2 == 1);
    i64::try_from(whole).unwrap() + i64::from(is_up)
}

#[test]
fn what_bedrock_answers_costs_what_its_raw_bytes_say() {
    // A tenth more than the maker's own, for the endpoint of a region.
    let opus = [4_400, 220, 5_500, 8_800, 22_000];
    let nova = [800, 200, 0, 0, 3_200];
    let llama = [720, 0, 0, 0, 720];
    let claude = "us.anthropic.claude-opus-5-5-v1%3A0";
    for (name, stream, model, prices) in [
        ("invoke_anthropic", INVOKE_ANTHROPIC, claude, opus),
        ("invoke_llama", INVOKE_LLAMA, "meta.llama3-3-70b-instruct-v1%3A0", llama),
        ("converse_text", CONVERSE_TEXT, claude, opus),
        ("converse_tools", CONVERSE_TOOLS, "us.amazon.nova-pro-v1%3A0", nova),
    ] {
        let verb = if name.starts_with("invoke") {
            "invoke-with-response-stream"
        } else {
            "converse-stream"
        };
        let path = format!("/model/{model}/{verb}");
        let media = [("content-type", "application/vnd.amazon.eventstream")];
        let script = Script::post(&path, &[]).request(b"{}").request_end();
        let mut script = script.head(200, &media).data(stream).end();
        script.opened.host = "bedrock-runtime.us-east-1.amazonaws.com".into();
        let rows = script.play();
        let flow = rows.flow(script.flow);
        assert_eq!(flow.provider, Some(Provider::Bedrock), "{name}");
        let expected = independent_at_bedrock(stream, prices);
        assert_eq!(flow.cost, Some(MicroUsd(expected)), "{name}: {:?}", flow.usage);
    }
}

/// Plays an answer through the recorder.
fn recorded(answer: &str, host: &str, path: &str) -> Flow {
    let is_stream = !answer.trim_start().starts_with(['{', '[']);
    let script = Script::post(path, &[]).request(b"{}").request_end();
    let media = if is_stream { "text/event-stream" } else { "application/json" };
    let mut script = script.head(200, &[("content-type", media)]).data(answer.as_bytes()).end();
    script.opened.host = host.into();
    let rows = script.play();
    rows.flow(script.flow).clone()
}

macro_rules! cassette {
    (protocol $name:literal) => {
        ($name, include_str!(concat!("../../../protocol/tests/cassettes/", $name)))
    };
    (testkit $name:literal) => {
        ($name, include_str!(concat!("../../../testkit/cassettes/", $name)))
    };
}

#[test]
fn usage_and_cost_of_recorded_answers_are_those_of_their_raw_bytes() {
    let anthropic = [
        cassette!(protocol "text.sse"),
        cassette!(protocol "thinking_and_tool.sse"),
        cassette!(protocol "server_tools.sse"),
        cassette!(protocol "anthropic_hosted.sse"),
        cassette!(protocol "unicode.sse"),
        cassette!(protocol "error.sse"),
        cassette!(testkit "text.sse"),
        cassette!(testkit "thinking.sse"),
        cassette!(testkit "tools.sse"),
        cassette!(testkit "server-tools.sse"),
        cassette!(testkit "unicode.sse"),
        cassette!(testkit "cut-in-tool-input.sse"),
        cassette!(testkit "error-mid-stream.sse"),
        cassette!(testkit "whole.json"),
    ];
    let responses = [
        cassette!(protocol "openai/responses.sse"),
        cassette!(protocol "openai/responses_tools.sse"),
    ];
    let chat = [cassette!(protocol "openai/chat_text.sse")];
    let gemini = [
        cassette!(protocol "gemini/text.sse"),
        cassette!(protocol "gemini/thinking_and_tool.sse"),
        cassette!(protocol "gemini/thinking_and_tool.json"),
        cassette!(protocol "gemini/server_tools.sse"),
        cassette!(protocol "gemini/safety.sse"),
        cassette!(protocol "gemini/blocked.sse"),
        cassette!(protocol "gemini/stop_in_every_chunk.sse"),
        cassette!(protocol "gemini/partial_args.sse"),
    ];
    let openai = "api.openai.com";
    let google = "generativelanguage.googleapis.com";
    let stream = "/v1beta/models/m:streamGenerateContent?alt=sse";
    let sets: [(&Answers, Provider, &str, &str); 4] = [
        (&anthropic, Provider::Anthropic, "api.anthropic.com", "/v1/messages"),
        (&responses, Provider::OpenAi, openai, "/v1/responses"),
        (&chat, Provider::OpenAi, openai, "/v1/chat/completions"),
        (&gemini, Provider::Gemini, google, stream),
    ];
    let mut priced = 0;
    for (answers, provider, host, path) in sets {
        for (name, answer) in answers {
            let flow = recorded(answer, host, path);
            assert_eq!(flow.provider, Some(provider), "{name}");
            let expected = independent(answer, provider).filter(|_| !flow.usage.is_empty());
            assert_eq!(flow.cost.map(|cost| cost.0), expected, "{name}: {:?}", flow.usage);
            if let Some(shares) = flow.cost_shares() {
                priced += 1;
                assert_eq!(Some(MicroUsd(shares.iter().map(|it| it.0).sum())), flow.cost, "{name}");
            }
        }
    }
    assert!(priced > 15, "only {priced} answers were priced");
}

#[test]
fn a_tier_that_the_answer_states_is_priced_and_kept_with_its_prices() {
    let text = cassette!(protocol "text.sse").1;
    let batch = text.replace(r#""service_tier":"standard""#, r#""service_tier":"batch""#);
    assert_ne!(batch, text);
    let whole = recorded(text, "api.anthropic.com", "/v1/messages");
    let half = recorded(&batch, "api.anthropic.com", "/v1/messages");
    assert_eq!(half.service_tier.as_deref(), Some("batch"));
    assert_eq!(half.usage, whole.usage);
    // 110 × 4 + 8,322 × 0.2 + 1,555 × 5 + 255 × 8 + 12 × 20 millionths, and half of each price.
    assert_eq!((whole.cost, half.cost), (Some(MicroUsd(12_159)), Some(MicroUsd(6_080))));
    let terms = half.terms.unwrap();
    assert_eq!(
        (terms.book.as_str(), &*terms.rates.text()),
        ("2026-11-21", "2 0.1 2.5 4 10 10 10000")
    );
}

#[test]
fn what_broke_off_is_estimated_and_what_a_provider_told_stays() {
    let text = cassette!(protocol "text.sse").1;
    let cut = text.split("event: message_delta").next().unwrap();
    let script = Script::messages("{}").sse().data(cut.as_bytes()).ends(Ending::UpstreamGone);
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.usage.output, flow.cost_source.as_deref()), (None, Some("estimated")));
    assert_eq!(flow.cost, Some(MicroUsd(11_919)), "without the output");
    let told = cassette!(protocol "openai/openrouter.sse").1;
    let flow = recorded(told, "openrouter.ai", "/api/v1/chat/completions");
    assert_eq!((flow.cost, flow.cost_source.as_deref()), (Some(MicroUsd(1_420)), Some("reported")));
    assert_eq!(flow.cost_shares(), None);
}

#[test]
fn tokens_that_were_only_counted_cost_nothing_and_are_not_unpriced() {
    let flow =
        recorded(r#"{"input_tokens": 4321}"#, "api.anthropic.com", "/v1/messages/count_tokens");
    assert!(flow.usage.is_empty());
    assert_eq!((flow.cost, flow.cost_source), (None, None));
}
