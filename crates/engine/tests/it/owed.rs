//! Streams that end in good order, with or without the event that their provider ends them with.

use langley_model::{Ending, Outcome};

use crate::kit::{self, Rig, Script};

macro_rules! cassette {
    ($name:literal) => {
        include_bytes!(concat!("../../../protocol/tests/cassettes/", $name))
    };
}

const SSE: &str = "text/event-stream";
const BINARY: &str = "application/vnd.amazon.eventstream";

const MESSAGES: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse";
const INTERACTIONS: &str = "/v1beta/interactions";
const CONVERSE: &str = "/model/amazon.nova-pro-v1:0/converse-stream";
const CLAUDE: &str = "/model/us.anthropic.claude-opus-5-5-v1%3A0/invoke-with-response-stream";
const LLAMA: &str = "/model/meta.llama3-8b-instruct-v1:0/invoke-with-response-stream";

/// What a recorded stream owes until so many of its events are left out at the end.
struct Case {
    path: &'static str,
    stream: &'static [u8],
    owes: &'static str,
    /// Events behind the one that settles it, itself included.
    settled_by_last: usize,
}

const fn case(
    path: &'static str,
    stream: &'static [u8],
    owes: &'static str,
    settled_by_last: usize,
) -> Case {
    Case { path, stream, owes, settled_by_last }
}

const CASES: [Case; 16] = [
    case(MESSAGES, cassette!("text.sse"), "message_stop", 1),
    case(MESSAGES, cassette!("error.sse"), "message_stop", 1),
    case(CHAT, cassette!("openai/chat_text.sse"), "a finish_reason or [DONE]", 3),
    case(CHAT, cassette!("openai/mistral.sse"), "a finish_reason or [DONE]", 2),
    case(CHAT, cassette!("openai/openrouter.sse"), "a finish_reason or [DONE]", 3),
    case(RESPONSES, cassette!("openai/responses.sse"), "response.completed", 1),
    case(GEMINI, cassette!("gemini/text.sse"), "a finishReason", 1),
    case(GEMINI, cassette!("gemini/safety.sse"), "a finishReason", 1),
    case(GEMINI, cassette!("gemini/blocked.sse"), "a finishReason", 1),
    case(GEMINI, cassette!("gemini/error.sse"), "a finishReason", 1),
    case(INTERACTIONS, cassette!("gemini/interaction.sse"), "interaction.completed", 2),
    case(INTERACTIONS, cassette!("gemini/interaction_contents.sse"), "interaction.completed", 1),
    case(CONVERSE, cassette!("bedrock/converse_text.eventstream"), "messageStop", 2),
    case(CONVERSE, cassette!("bedrock/converse_throttled.eventstream"), "messageStop", 1),
    case(CLAUDE, cassette!("bedrock/invoke_anthropic.eventstream"), "message_stop", 1),
    case(LLAMA, cassette!("bedrock/invoke_llama.eventstream"), "a reason to have stopped", 1),
];

impl Case {
    fn is_binary(&self) -> bool {
        self.path.starts_with("/model/")
    }

    /// The stream's events, each with all that belongs to it.
    fn events(&self) -> Vec<&'static [u8]> {
        let mut events = Vec::new();
        let mut rest = self.stream;
        while !rest.is_empty() {
            let end = if self.is_binary() {
                u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize
            } else {
                let end = rest.windows(2).position(|pair| pair == b"\n\n");
                end.map_or(rest.len(), |end| end + 2)
            };
            let (event, behind) = rest.split_at(end);
            // A comment is no event.
            if self.is_binary() || event.windows(5).any(|window| window == b"data:") {
                events.push(event);
            }
            rest = behind;
        }
        events
    }

    fn script(&self, stream: &[u8]) -> Script {
        let media = if self.is_binary() { BINARY } else { SSE };
        Script::post(self.path, &[])
            .request(b"{}")
            .request_end()
            .head(200, &[("content-type", media)])
            .data(stream)
    }
}

/// Whether the one flow was recorded to its end.
fn has_ended(rig: &Rig) -> bool {
    let stats = rig.recorder.stats();
    stats.captures_total > 0 && stats.open_flows == 0
}

#[test]
fn a_stream_that_ends_before_its_last_event_says_which_and_any_later_one_says_nothing() {
    for case in CASES {
        let events = case.events();
        let settled = events.len() + 1 - case.settled_by_last;
        for taken in 1..=events.len() {
            let script = case.script(&events[..taken].concat()).end();
            let rig = Rig::new();
            rig.play(&script);
            rig.until(has_ended);
            assert_eq!(rig.recorder.stats().decode_errors, 0, "decoding has done nothing wrong");
            let rows = rig.finish();
            let flow = rows.flow(script.flow);
            let note = (taken < settled).then(|| format!("the answer ended without {}", case.owes));
            assert_eq!(flow.decode_note, note, "{} after {taken} of {}", case.path, events.len());
            assert!(note.is_none() || flow.outcome == Some(Outcome::Completed), "{flow:?}");
        }
    }
}

#[test]
fn what_was_not_read_whole_or_ended_otherwise_owes_nothing() {
    let half = kit::start() + &kit::text_start(0) + &kit::text(0, "half");
    for ending in [Ending::ClientGone, Ending::UpstreamGone, Ending::TimedOut] {
        let script = Script::messages("{}").sse().data(half.as_bytes()).ends(ending);
        assert_eq!(script.play().flow(script.flow).decode_note, None, "{ending:?}");
    }
    let broken = [("content-type", SSE), ("content-encoding", "gzip")];
    let script = Script::messages("{}").head(200, &broken).data(half.as_bytes()).end();
    let note = script.play().flow(script.flow).decode_note.clone().unwrap();
    assert!(!note.contains("without"), "{note}");
    let refused = Script::messages("{}").head(529, &[("content-type", SSE)]).data(b"\n").end();
    assert_eq!(refused.play().flow(refused.flow).decode_note, None);
}

#[test]
fn an_answer_that_is_no_stream_owes_nothing() {
    for (path, answer) in [
        ("/v1/messages/count_tokens", r#"{"input_tokens":12}"#),
        (MESSAGES, r#"{"type":"message","content":[],"stop_reason":null,"usage":{}}"#),
        (CHAT, r#"{"choices":[{"index":0,"message":{"content":"Hi"}}]}"#),
        ("/v1/embeddings", r#"{"data":[],"usage":{}}"#),
    ] {
        let script = Script::post(path, &[])
            .request(b"{}")
            .request_end()
            .head(200, &[("content-type", "application/json")])
            .data(answer.as_bytes())
            .end();
        let rows = script.play();
        assert_eq!(rows.flow(script.flow).decode_note, None, "{path}");
    }
}

#[test]
fn pictures_and_sound_owe_their_last_event_once_they_have_begun() {
    let partial = "data: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"\"}\n\n";
    let last = "data: {\"type\":\"image_generation.completed\",\"usage\":{\"input_tokens\":1}}\n\n";
    let note = |stream: &str| {
        let script = Script::post("/v1/images/generations", &[])
            .request(b"{}")
            .request_end()
            .sse()
            .data(stream.as_bytes())
            .end();
        script.play().flow(script.flow).decode_note.clone()
    };
    let owed = "the answer ended without image_generation.completed";
    assert_eq!(note(partial).as_deref(), Some(owed));
    assert_eq!(note(&(partial.to_owned() + last)), None);
    assert_eq!(note("data: {\"type\":\"of another host\"}\n\n"), None);
}

#[test]
fn an_answer_that_cannot_be_read_says_so_and_is_a_decode_error() {
    let (start, stop) =
        (kit::start(), "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    let broken = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"ind\n\n";
    let stream = |between: &str| format!("{start}{between}{stop}");
    let json = "application/json";
    let unknown = "event: later\ndata: {\"type\":\"later\"}\n\n";
    for (media, answer, note) in [
        (SSE, stream(broken), Some("1 event could not be read: no JSON")),
        (SSE, stream(&broken.repeat(2)), Some("2 events could not be read: no JSON")),
        (SSE, stream(unknown), None),
        (
            json,
            "{\"id\": \"x\", \"content\": [nope".to_owned(),
            Some("the answer could not be read: no JSON"),
        ),
        (json, "{\"later\": 1}".to_owned(), None),
        (
            "text/html",
            "<h1>gateway</h1>".to_owned(),
            Some("the answer is a page for people, not the API's"),
        ),
    ] {
        let script = Script::messages("{}").head(200, &[("content-type", media)]);
        let script = script.data(answer.as_bytes()).end();
        let rig = Rig::new();
        rig.play(&script);
        rig.until(has_ended);
        assert_eq!(rig.recorder.stats().decode_errors, u64::from(note.is_some()), "{answer}");
        let rows = rig.finish();
        let flow = rows.flow(script.flow);
        assert_eq!((flow.decode_note.as_deref(), flow.outcome), (note, Some(Outcome::Completed)));
    }
}
