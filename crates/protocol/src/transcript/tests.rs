//! Lines in the shapes that real agents write, and what they tell.

use langley_model::{Micros, Provider, Tokens};

use super::*;

/// A line as it was told, with nothing borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    at: Option<Micros>,
    session: Option<String>,
    agent_id: Option<String>,
    folder: Option<String>,
    response: Option<[String; 2]>,
    provider: Provider,
    model: Option<String>,
    usage: Usage,
    tier: String,
}

fn seen(line: &UsageLine<'_>) -> Seen {
    let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
    Seen {
        at: line.at,
        session: owned(&line.session),
        agent_id: owned(&line.agent_id),
        folder: owned(&line.folder),
        response: line.response().map(|ids| ids.map(str::to_owned)),
        provider: line.provider,
        model: owned(&line.model),
        usage: line.usage,
        tier: line.tier.clone(),
    }
}

fn read(format: TranscriptFormat, lines: &[u8]) -> (Vec<Seen>, LinesRead) {
    let mut all = Vec::new();
    let count = UsageReader::new(format).read(lines, &mut |line| all.push(seen(&line)));
    (all, count)
}

/// The same, a line at a time.
fn read_singly(format: TranscriptFormat, lines: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    let mut reader = UsageReader::new(format);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        reader.read(line, &mut |line| all.push(seen(&line)));
    }
    all
}

const fn tokens(tokens: u64) -> Option<Tokens> {
    Some(Tokens(tokens))
}

const CLAUDE: &str = r#"{"type":"summary","summary":"a \"usage\":{ in a text","leafUuid":"x"}
{"parentUuid":null,"isSidechain":false,"cwd":"/home/dev/shop","sessionId":"S","type":"assistant","message":{"model":"claude-opus-4-1-20250805","id":"msg_01","type":"message","role":"assistant","content":[{"type":"text","text":"\"usage\":{\"output_tokens\":999}"}],"usage":{"input_tokens":6,"cache_creation_input_tokens":70,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":50},"output_tokens":3,"service_tier":"standard"}},"requestId":"req_1","timestamp":"2025-08-01T00:00:01.500Z"}
{"cwd":"/home/dev/shop","sessionId":"S","agentId":"a1","isSidechain":true,"type":"assistant","message":{"model":"claude-haiku-4-5","id":"msg_bdrk_02","content":[{"type":"tool_use","id":"t","name":"Bash","input":{"usage":{"input_tokens":1}}}],"usage":{"input_tokens":1,"cache_creation_input_tokens":9,"output_tokens":2,"server_tool_use":{"web_search_requests":2},"service_tier":"priority"}},"timestamp":"2025-08-01T00:00:02Z"}
{"sessionId":"S","type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"ok"}]},"toolUseResult":{"usage":{"input_tokens":7,"output_tokens":8}},"timestamp":"2025-08-01T00:00:03Z"}
{"sessionId":"S","type":"assistant","message":{"model":"<synthetic>","id":"m","usage":{"input_tokens":0,"output_tokens":0}},"timestamp":"2025-08-01T00:00:04Z"}
"#;

#[test]
fn claude_codes_answers_tell_their_usage_and_nothing_else_does() {
    let (lines, count) = read(TranscriptFormat::ClaudeCode, CLAUDE.as_bytes());
    assert_eq!(count, LinesRead { telling: 2, unreadable: 0 });
    let [first, second] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(first.at, Some(Micros(1_754_006_401_500_000)));
    assert_eq!(first.session.as_deref(), Some("S"));
    assert_eq!(first.folder.as_deref(), Some("/home/dev/shop"));
    assert_eq!(first.response, Some(["msg_01".to_owned(), "req_1".to_owned()]));
    assert_eq!(
        (first.provider, first.model.as_deref()),
        (Provider::Anthropic, Some("claude-opus-4-1-20250805"))
    );
    let usage = Usage {
        input: tokens(6),
        cache_read: tokens(5),
        cache_write_5m: tokens(20),
        cache_write_1h: tokens(50),
        output: tokens(3),
        ..Usage::default()
    };
    assert_eq!((first.usage, first.tier.as_str()), (usage, ""));
    assert_eq!(second.agent_id.as_deref(), Some("a1"));
    assert_eq!(second.response, None, "it names no request");
    assert_eq!(second.provider, Provider::Bedrock);
    assert_eq!(
        second.usage.cache_write_5m,
        tokens(9),
        "writes without a split are five-minute ones"
    );
    assert_eq!(second.usage.web_search_requests, Some(2));
    assert_eq!(second.tier, "priority");
}

#[test]
fn a_text_cut_within_a_character_costs_no_figures() {
    let mut line = br#"{"sessionId":"S","message":{"id":"m","model":"x","content":""#.to_vec();
    line.extend(b"\xe2\x82");
    line.extend(br#"","usage":{"input_tokens":4,"output_tokens":2}}}"#);
    let (lines, count) = read(TranscriptFormat::ClaudeCode, &line);
    assert_eq!(count, LinesRead { telling: 1, unreadable: 0 });
    assert_eq!(lines[0].usage.input, tokens(4));
}

#[test]
fn a_torn_line_is_counted_and_the_next_one_read() {
    let text = format!("{}\n{}", r#"{"message":{"usage":{"input_tokens":1,"outp"#, CLAUDE);
    let (lines, count) = read(TranscriptFormat::ClaudeCode, text.as_bytes());
    assert_eq!((lines.len(), count), (2, LinesRead { telling: 2, unreadable: 1 }));
}

const CODEX: &str = r#"{"timestamp":"2026-01-01T00:00:00Z","type":"session_meta","payload":{"id":"T","session_id":"S","cwd":"/w","model_provider":"openai"}}
{"timestamp":"2026-01-01T00:00:01Z","type":"turn_context","payload":{"turn_id":"1","cwd":"/w/x","model":"gpt-5-codex"}}
{"timestamp":"2026-01-01T00:00:02Z","type":"event_msg","payload":{"type":"token_count","info":null,"rate_limits":{"primary":{"used_percent":1.5}}}}
{"timestamp":"2026-01-01T00:00:03Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":10,"reasoning_output_tokens":4,"total_tokens":110},"last_token_usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":10,"reasoning_output_tokens":4,"total_tokens":110}}}}
{"timestamp":"2026-01-01T00:00:04Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":10,"reasoning_output_tokens":4,"total_tokens":110},"last_token_usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":10,"reasoning_output_tokens":4,"total_tokens":110}}}}
{"timestamp":"2026-01-01T00:00:05Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":250,"cached_input_tokens":140,"output_tokens":15,"reasoning_output_tokens":4,"total_tokens":265},"last_token_usage":{"input_tokens":150,"cached_input_tokens":100,"output_tokens":5,"reasoning_output_tokens":0,"total_tokens":155}}}}
"#;

#[test]
fn codexs_running_totals_count_what_they_grew_by_and_nothing_that_is_repeated() {
    let (lines, count) = read(TranscriptFormat::Codex, CODEX.as_bytes());
    assert_eq!(count, LinesRead { telling: 2, unreadable: 0 });
    let figures = |line: &Seen| {
        (line.usage.input, line.usage.cache_read, line.usage.output, line.usage.reasoning)
    };
    assert_eq!(figures(&lines[0]), (tokens(100), tokens(40), tokens(10), tokens(4)));
    assert_eq!(figures(&lines[1]), (tokens(150), tokens(100), tokens(5), tokens(0)));
    assert_eq!(lines[1].session.as_deref(), Some("S"));
    assert_eq!(lines[1].agent_id.as_deref(), Some("T"));
    assert_eq!(lines[1].folder.as_deref(), Some("/w/x"));
    assert_eq!(
        (lines[1].provider, lines[1].model.as_deref()),
        (Provider::OpenAi, Some("gpt-5-codex"))
    );
}

#[test]
fn a_total_that_begins_anew_counts_what_it_says_of_the_last_response() {
    let again = CODEX.replace(
        "\"input_tokens\":250,\"cached_input_tokens\":140,\"output_tokens\":15",
        "\"input_tokens\":50,\"cached_input_tokens\":0,\"output_tokens\":5",
    );
    let (lines, _) = read(TranscriptFormat::Codex, again.as_bytes());
    assert_eq!(lines[1].usage.input, tokens(150));
}

#[test]
fn codexs_records_of_responses_take_the_place_of_its_totals() {
    let record = r#"{"timestamp":"2026-01-01T00:00:02Z","type":"token_usage_record","payload":{"thread_id":"T2","session_id":"S","turn_id":"1","response_id":"resp_1","usage":{"input_tokens":90,"cached_input_tokens":30,"cache_write_input_tokens":5,"output_tokens":9,"reasoning_output_tokens":2,"total_tokens":99}}}"#;
    let (meta, rest) = CODEX.split_once("{\"timestamp\":\"2026-01-01T00:00:02Z\"").unwrap();
    let text = format!("{meta}{record}\n{{\"timestamp\":\"2026-01-01T00:00:02Z\"{rest}");
    let (lines, count) = read(TranscriptFormat::Codex, text.as_bytes());
    assert_eq!(count.telling, 1);
    assert_eq!(lines[0].usage.cache_write_5m, tokens(5));
    assert_eq!(lines[0].agent_id.as_deref(), Some("T2"));
    assert_eq!(lines[0].response, Some(["resp_1".to_owned(), String::new()]));
}

const GEMINI: &str = r#"{"sessionId":"G","projectHash":"p","startTime":"2026-01-01T00:00:00Z","kind":"main"}
{"id":"u1","timestamp":"2026-01-01T00:00:01Z","type":"user","content":"hi"}
{"id":"g1","timestamp":"2026-01-01T00:00:02Z","type":"gemini","content":"","model":"gemini-2.5-pro","tokens":{"input":20,"output":1,"cached":5,"thoughts":3,"tool":2,"total":26}}
{"id":"g1","timestamp":"2026-01-01T00:00:02Z","type":"gemini","content":"x","model":"gemini-2.5-pro","tokens":{"input":20,"output":8,"cached":5,"thoughts":3,"tool":2,"total":33}}
"#;

#[test]
fn gemini_clis_answers_are_known_by_their_session_and_id() {
    let (lines, count) = read(TranscriptFormat::GeminiCli, GEMINI.as_bytes());
    assert_eq!(count, LinesRead { telling: 2, unreadable: 0 });
    assert_eq!(lines[0].response, lines[1].response);
    assert_eq!(lines[1].response, Some(["g1".to_owned(), "G".to_owned()]));
    assert_eq!((lines[1].usage.input, lines[1].usage.reasoning), (tokens(22), tokens(3)));
}

#[test]
fn lines_tell_the_same_however_many_are_handed_in_at_once() {
    for (format, text) in [
        (TranscriptFormat::ClaudeCode, CLAUDE),
        (TranscriptFormat::Codex, CODEX),
        (TranscriptFormat::GeminiCli, GEMINI),
    ] {
        let (whole, count) = read(format, text.as_bytes());
        assert_eq!(read_singly(format, text.as_bytes()), whole, "{format:?}");
        assert!(count.telling > 0);
    }
}

#[test]
fn whoever_tells_is_found_in_a_part_of_the_line() {
    for (format, text) in [
        (TranscriptFormat::ClaudeCode, CLAUDE),
        (TranscriptFormat::Codex, CODEX),
        (TranscriptFormat::GeminiCli, GEMINI),
    ] {
        let reader = UsageReader::new(format);
        for line in text.lines() {
            let (told, _) = read(format, line.as_bytes());
            assert!(reader.is_telling(line.as_bytes()) || told.is_empty(), "{line}");
        }
        assert!(!reader.is_telling(b"{\"type\":\"user\",\"text\":\"plain\"}"));
    }
}
