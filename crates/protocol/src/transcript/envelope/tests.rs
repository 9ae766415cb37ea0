//! Envelopes of lines in the shapes that real agents write, and of lines that nobody knows.

use langley_model::{LineFacts, LineRole, Micros};

use proptest::prelude::*;

use super::*;
use crate::transcript::TranscriptFormat;

fn facts(format: TranscriptFormat, lines: &str) -> Vec<LineFacts> {
    let mut reader = UsageReader::new(format);
    let lines = lines.lines().map(|line| {
        reader.read(line.as_bytes(), &mut |_| ());
        reader.facts(line.as_bytes())
    });
    lines.collect()
}

fn claude(line: &str) -> LineFacts {
    facts(TranscriptFormat::ClaudeCode, line).remove(0)
}

fn owned(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn claude_codes_lines_tell_who_they_follow_and_what_they_say() {
    let line = claude(
        r#"{"parentUuid":"u0","isSidechain":true,"agentId":"a1","type":"assistant","uuid":"u1","sessionId":"S","cwd":"/w","gitBranch":"main","timestamp":"2025-08-01T00:00:01.500Z","requestId":"req_1","message":{"id":"msg_1","role":"assistant","model":"claude-x","content":[{"type":"thinking","thinking":""},{"type":"text","text":" Let me \"look\"\n"},{"type":"tool_use","id":"t1","name":"Bash","input":{}},{"type":"tool_use","id":"t2","name":"Read","input":{}}],"usage":{"output_tokens":1}}}"#,
    );
    let expected = LineFacts {
        role: LineRole::Answer,
        kind: "assistant".to_owned(),
        uuid: owned("u1"),
        parent: owned("u0"),
        session: owned("S"),
        agent_id: owned("a1"),
        is_sidechain: true,
        at: Some(Micros(1_754_006_401_500_000)),
        message_id: owned("msg_1"),
        request_id: owned("req_1"),
        model: owned("claude-x"),
        tools: owned("Bash,Read"),
        text: owned("Let me \"look\"\n"),
        folder: owned("/w"),
        branch: owned("main"),
        ..LineFacts::default()
    };
    assert_eq!(line, expected);
}

#[test]
fn what_a_person_wrote_is_told_from_what_stands_in_its_place() {
    let user = |content: &str, more: &str| {
        claude(&format!(
            r#"{{"type":"user","message":{{"role":"user","content":{content}}}{more}}}"#
        ))
    };
    for (content, more, role) in [
        (r#""fix it""#, "", LineRole::Prompt),
        (r#"[{"type":"text","text":"fix it"}]"#, "", LineRole::Prompt),
        (r#""<command-name>/clear</command-name>""#, "", LineRole::Context),
        (r#""Caveat: The messages below were""#, r#","isMeta":true"#, LineRole::Context),
        (r#""This session is continued""#, r#","isCompactSummary":true"#, LineRole::Compaction),
        (r#"[{"type":"tool_result","content":"ok"}]"#, "", LineRole::ToolResult),
    ] {
        assert_eq!(user(content, more).role, role, "{content}");
    }
    let result = user(r#"[{"type":"tool_result","content":[{"type":"text","text":"42"}]}]"#, "");
    assert_eq!(result.text.as_deref(), Some("42"));
}

#[test]
fn a_compaction_says_where_the_conversation_goes_on_from() {
    let line = claude(
        r#"{"type":"system","subtype":"compact_boundary","parentUuid":null,"logicalParentUuid":"u9","uuid":"c1","content":"Conversation compacted"}"#,
    );
    assert_eq!((line.role, line.parent.as_deref()), (LineRole::Compaction, None));
    assert_eq!(line.logical_parent.as_deref(), Some("u9"));
    assert_eq!(line.text.as_deref(), Some("Conversation compacted"));
}

#[test]
fn kinds_that_nobody_knows_keep_their_name_and_odd_members_cost_nothing() {
    let line = claude(
        r#"{"type":"api-request-blob","uuid":7,"timestamp":1,"message":"x","isSidechain":"no"}"#,
    );
    assert_eq!((line.role, line.kind.as_str()), (LineRole::Note, "api-request-blob"));
    assert_eq!((line.uuid, line.at), (None, None));
    let line = claude(r#"{"type":"attachment","attachment":{"type":"edited_file"}}"#);
    assert_eq!((line.role, line.subkind.as_deref()), (LineRole::Context, Some("edited_file")));
    assert_eq!(claude("{}").kind, "");
}

#[test]
fn lines_that_are_no_json_are_unreadable_and_a_cut_character_is_no_reason_to_be() {
    for line in ["{\"type\":\"user\",", "7", "plain", "{\"a\":1}{\"b\":2}"] {
        assert_eq!(claude(line).role, LineRole::Unreadable, "{line}");
    }
    let reader = UsageReader::new(TranscriptFormat::ClaudeCode);
    let line = reader.facts(b"{\"type\":\"user\",\"message\":{\"content\":\"caf\xc3\"}}");
    assert!(line.is_mended && line.role == LineRole::Prompt, "{line:?}");
}

#[test]
fn codexs_lines_have_the_session_that_the_first_one_names() {
    let lines = facts(
        TranscriptFormat::Codex,
        concat!(
            r#"{"timestamp":"2026-01-01T00:00:00Z","type":"session_meta","payload":{"id":"T","session_id":"S","cwd":"/w","git":{"branch":"main"}}}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:01Z","type":"turn_context","payload":{"model":"gpt-5-codex"}}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:02Z","type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"<environment_context>x"}]}}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:02Z","type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"list it"}]}}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:03Z","type":"response_item","payload":{"type":"reasoning","summary":[{"type":"summary_text","text":"I look"}]}}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:03Z","type":"response_item","payload":{"type":"custom_tool_call","id":"ctc_1","call_id":"call_1","name":"exec","input":"ls"}}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:04Z","type":"response_item","payload":{"type":"custom_tool_call_output","call_id":"call_1","output":"a b"}}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:05Z","type":"token_usage_record","payload":{"response_id":"resp_1","usage":{"output_tokens":1}}}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:06Z","type":"compacted","payload":{"message":"so far"}}"#,
        ),
    );
    let told: Vec<_> = lines.iter().map(|line| (line.role, line.text.as_deref())).collect();
    let expected = [
        (LineRole::Note, None),
        (LineRole::Note, None),
        (LineRole::Context, Some("<environment_context>x")),
        (LineRole::Prompt, Some("list it")),
        (LineRole::Answer, Some("I look")),
        (LineRole::Answer, None),
        (LineRole::ToolResult, Some("a b")),
        (LineRole::Note, None),
        (LineRole::Compaction, Some("so far")),
    ];
    assert_eq!(told, expected);
    assert_eq!(lines[0].branch.as_deref(), Some("main"));
    assert_eq!(
        (lines[5].tools.as_deref(), lines[5].uuid.as_deref()),
        (Some("exec"), Some("ctc_1"))
    );
    assert_eq!(lines[5].model.as_deref(), Some("gpt-5-codex"));
    assert_eq!(lines[7].message_id.as_deref(), Some("resp_1"));
    let whose = |line: &LineFacts| (line.session.clone(), line.agent_id.clone());
    assert!(lines.iter().all(|line| whose(line) == (owned("S"), owned("T"))));
}

#[test]
fn the_oldest_rollouts_have_the_session_that_their_first_line_names() {
    let lines = facts(
        TranscriptFormat::Codex,
        concat!(
            r#"{"id":"S","timestamp":"2025-07-01T10:00:00.000Z","instructions":"be \"type\"","git":{"branch":"main"}}"#,
            "\n",
            r#"{"record_type":"state"}"#,
            "\n",
            r#"{"type":"message","id":null,"role":"user","content":[{"type":"input_text","text":"list it"}]}"#,
            "\n",
            r#"{"type":"function_call","id":"fc_1","name":"shell","arguments":"{}","call_id":"c"}"#,
        ),
    );
    let told: Vec<_> = lines.iter().map(|line| (line.role, line.kind.as_str())).collect();
    let expected = [
        (LineRole::Note, "session_meta"),
        (LineRole::Note, "state"),
        (LineRole::Prompt, "response_item"),
        (LineRole::Answer, "response_item"),
    ];
    assert_eq!(told, expected);
    assert!(lines.iter().all(|line| line.session == owned("S")), "{lines:?}");
    assert_eq!(lines[0].branch.as_deref(), Some("main"));
    assert!(lines[0].at.is_some() && lines[0].uuid.is_none());
}

#[test]
fn gemini_clis_answers_name_the_session_that_the_first_line_does() {
    let lines = facts(
        TranscriptFormat::GeminiCli,
        concat!(
            r#"{"sessionId":"G","startTime":"2026-01-01T00:00:00Z","kind":"main"}"#,
            "\n",
            r#"{"id":"u1","timestamp":"2026-01-01T00:00:01Z","type":"user","content":[{"text":"hi"}]}"#,
            "\n",
            r#"{"id":"g1","type":"gemini","content":"yes","model":"gemini-2.5-pro","toolCalls":[{"name":"read_file"}]}"#,
            "\n",
            r#"{"$set":{"lastUpdated":"2026-01-01T00:00:02Z"}}"#,
        ),
    );
    let told: Vec<_> =
        lines.iter().map(|it| (it.role, it.kind.as_str(), it.text.as_deref())).collect();
    let expected = [
        (LineRole::Note, "sessionId", None),
        (LineRole::Prompt, "user", Some("hi")),
        (LineRole::Answer, "gemini", Some("yes")),
        (LineRole::Note, "$set", None),
    ];
    assert_eq!(told, expected);
    assert_eq!(lines[2].tools.as_deref(), Some("read_file"));
    assert_eq!(
        (lines[2].message_id.clone(), lines[2].request_id.clone()),
        (owned("g1"), owned("G"))
    );
}

#[test]
fn a_texts_beginning_is_bounded_and_never_cut_within_an_escape() {
    for body in ["é".repeat(5_000), "\\ud83d\\ude00".repeat(3_000), "\\n".repeat(8_000) + "x"] {
        for shift in 0..12 {
            let line = format!(
                r#"{{"type":"user","message":{{"content":"{}{body}"}}}}"#,
                "x".repeat(shift)
            );
            let text = claude(&line).text.unwrap_or_default();
            assert!(text.chars().count() <= TEXT_CHARS);
            assert!(!text.contains('\u{fffd}') && !text.contains('\\'), "{text}");
            assert!(shift == 0 || text.len() > 300, "{text:?}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_a_person_wrote_its_beginning_is_told_as_it_was(said in ".{0,600}", is_block: bool) {
        let content = serde_json::json!(said);
        let content = if is_block { serde_json::json!([{ "type": "text", "text": said }]) } else { content };
        let line = serde_json::json!({ "type": "user", "message": { "content": content } });
        let beginning: String = said.trim_start().chars().take(TEXT_CHARS).collect();
        prop_assert_eq!(claude(&line.to_string()).text.unwrap_or_default(), beginning);
    }
}
