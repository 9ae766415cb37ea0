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
    let mut reader = UsageReader::new(format);
    let count = reader.read(lines, &mut |line| all.push(seen(&line)));
    reader.rest(&mut |line| all.push(seen(&line)));
    (all, count)
}

/// The same, a line at a time.
fn read_singly(format: TranscriptFormat, lines: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    let mut reader = UsageReader::new(format);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        reader.read(line, &mut |line| all.push(seen(&line)));
    }
    reader.rest(&mut |line| all.push(seen(&line)));
    all
}

const fn tokens(tokens: u64) -> Option<Tokens> {
    Some(Tokens(tokens))
}

const CLAUDE: &str = include_str!("../../tests/transcripts/claude.jsonl");

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
    assert_eq!(
        second.response,
        Some([String::from("msg_bdrk_02"), String::new()]),
        "it names no request"
    );
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
fn a_response_is_known_by_its_own_id_where_no_request_is_named_and_else_not_at_all() {
    let known = |ids: &str| {
        let line = format!(r#"{{{ids}"usage":{{"output_tokens":2}}}}}}"#);
        read(TranscriptFormat::ClaudeCode, line.as_bytes()).0.remove(0).response
    };
    let of = |ids: [&str; 2]| Some(ids.map(str::to_owned));
    assert_eq!(known(r#""requestId":"r","message":{"id":"m","#), of(["m", "r"]));
    assert_eq!(known(r#""requestId":"","message":{"id":"m","#), of(["m", ""]));
    assert_eq!(known(r#""message":{"id":"m","#), of(["m", ""]));
    assert_eq!(known(r#""message":{"id":"","#), None);
    assert_eq!(known(r#""requestId":"r","message":{"#), None);
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

const CODEX: &str = include_str!("../../tests/transcripts/codex.jsonl");

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

const GEMINI: &str = include_str!("../../tests/transcripts/gemini.jsonl");

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

/// `CODEX` as a fork of it begins: its own first line, then all of the parent's at the same moment.
fn fork(of_itself: &str) -> String {
    let meta = r#"{"timestamp":"2026-01-02T00:00:00.100Z","type":"session_meta","payload":{"id":"F","forked_from_id":"S","cwd":"/w"}}"#;
    let copy: String = CODEX
        .lines()
        .map(|line| {
            let (_, rest) = line.split_once("\",\"type\"").unwrap();
            format!("{{\"timestamp\":\"2026-01-02T00:00:00.150Z\",\"type\"{rest}\n")
        })
        .collect();
    format!("{meta}\n{copy}{of_itself}")
}

#[test]
fn what_a_forks_rollout_copies_of_its_parent_is_not_told_again() {
    assert_eq!(read(TranscriptFormat::Codex, fork("").as_bytes()).0, []);
    let own = CODEX
        .lines()
        .last()
        .unwrap()
        .replace("2026-01-01T00:00:05", "2026-01-02T00:00:09")
        .replace("\"input_tokens\":250", "\"input_tokens\":300");
    let (lines, _) = read(TranscriptFormat::Codex, fork(&own).as_bytes());
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((line.usage.input, line.session.as_deref()), (tokens(50), Some("F")));
}

#[test]
fn a_first_total_that_an_earlier_session_left_counts_the_last_response_alone() {
    let late = CODEX.lines().filter(|line| !line.contains("\"total_tokens\":110"));
    let text: String = late.map(|line| format!("{line}\n")).collect();
    let (lines, _) = read(TranscriptFormat::Codex, text.as_bytes());
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(line.usage.input, tokens(150));
}

#[test]
fn a_record_that_comes_after_the_total_of_its_response_takes_its_place() {
    let record = r#"{"timestamp":"2026-01-01T00:00:06Z","type":"token_usage_record","payload":{"session_id":"S","response_id":"resp_2","usage":{"input_tokens":150,"cached_input_tokens":100,"output_tokens":5}}}"#;
    let (lines, _) = read(TranscriptFormat::Codex, format!("{CODEX}{record}\n").as_bytes());
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!((lines[0].usage.input, lines[1].usage.input), (tokens(100), tokens(150)));
    assert_eq!(lines[1].response, Some(["resp_2".to_owned(), String::new()]));
}

#[test]
fn no_mark_is_needed_that_a_part_of_the_line_does_not_show() {
    for (format, text) in [
        (TranscriptFormat::ClaudeCode, CLAUDE),
        (TranscriptFormat::Codex, CODEX),
        (TranscriptFormat::GeminiCli, GEMINI),
    ] {
        let reader = UsageReader::new(format);
        for line in text.lines() {
            // However a line that tells is cut in two parts with 64 bytes in both, one of them shows it.
            let told = !read(format, line.as_bytes()).0.is_empty();
            for cut in 0..line.len() {
                let (first, second) =
                    (&line.as_bytes()[..cut], &line.as_bytes()[cut.saturating_sub(64)..]);
                assert!(!told || reader.is_telling(first) || reader.is_telling(second), "{line}");
            }
        }
        assert!(!reader.is_telling(b"{\"type\":\"user\",\"text\":\"plain\"}"));
    }
}

#[test]
fn names_that_are_remembered_can_all_be_redacted() {
    for (format, text, names) in
        [(TranscriptFormat::Codex, CODEX, 5), (TranscriptFormat::GeminiCli, GEMINI, 1)]
    {
        let mut reader = UsageReader::new(format);
        reader.read(text.as_bytes(), &mut |_| ());
        assert_eq!(reader.names_mut().count(), names);
        reader.names_mut().for_each(|name| *name = String::from("hidden"));
        let kept = format!("{reader:?}");
        assert!(
            !["openai", "gpt-5", "/w", "\"S\"", "\"T\"", "\"G\""]
                .iter()
                .any(|it| kept.contains(it)),
            "{kept}"
        );
    }
}

#[test]
fn a_files_name_says_the_session_and_codexs_the_time_before_it() {
    let id = "5973b6c0-94b8-487b-a530-2aeb6098ae0e";
    let rollout = format!("rollout-2025-07-01T10-00-00-{id}");
    assert_eq!(TranscriptFormat::Codex.session_of_name(&rollout), id);
    assert_eq!(TranscriptFormat::Codex.session_of_name("rollout-é"), "rollout-é");
    assert_eq!(TranscriptFormat::ClaudeCode.session_of_name(&rollout), rollout);
}

#[test]
fn whose_the_oldest_rollouts_are_shows_in_their_first_line() {
    let of = |line: &str| TranscriptFormat::of_first_line(line.as_bytes());
    let head = r#"{"id":"S","timestamp":"2025-07-01T10:00:00Z","instructions":null}"#;
    assert_eq!(of(head), Some(TranscriptFormat::Codex));
    assert_eq!(of(r#"{"id":"S","timestamp":"2025-07-01T10:00:00Z","level":"info"}"#), None);
}

#[test]
fn what_a_line_names_is_read_where_it_stands_and_copied_for_an_escape_alone() {
    let line = |session: &str| {
        format!(
            r#"{{"sessionId":"{session}","cwd":"/w","requestId":"r","message":{{"id":"m","model":"x","usage":{{"output_tokens":1}}}}}}"#
        )
    };
    for (session, said, is_copied) in [("s", "s", false), ("a\\u002fb", "a/b", true)] {
        let mut told = 0;
        UsageReader::new(TranscriptFormat::ClaudeCode).read(
            line(session).as_bytes(),
            &mut |line| {
                told += 1;
                assert_eq!(line.session.as_deref(), Some(said));
                assert_eq!(matches!(line.session, Some(Cow::Owned(_))), is_copied);
                for name in [&line.folder, &line.request_id, &line.message_id, &line.model] {
                    assert!(matches!(name, Some(Cow::Borrowed(_))), "{name:?}");
                }
            },
        );
        assert_eq!(told, 1);
    }
}
