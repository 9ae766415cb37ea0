//! What a line tells of tool calls, as evidence for the analysis: what was called, and what came of it.

use langley_model::{LineFacts, LineRole, Micros, ToldStep, ToldTool, ToolOutcome, ToolSource};
use langley_protocol::tools::{digest, member_digests};
use langley_protocol::transcript::{Item, UsageReader};

use crate::analysis::result_outcome;

/// What is told by a line that its reader has read before; `at` is its time, or that of the line before.
pub(super) fn told_tools(
    reader: &UsageReader,
    (line, facts): (&[u8], &LineFacts),
    at: Option<Micros>,
) -> Vec<ToldTool> {
    let may_tell = facts.tools.is_some() || facts.role == LineRole::ToolResult;
    let (Some(at), true) = (facts.at.or(at), may_tell) else { return Vec::new() };
    let Ok(line) = std::str::from_utf8(line) else { return Vec::new() };
    let (_, items) = reader.items(line);
    let session = facts.session.as_deref().map(|session| digest(session.as_bytes()));
    let of = |id: &str, step| ToldTool {
        key: digest(id.as_bytes()),
        source: ToolSource::Transcript,
        step,
        at,
        session,
        name: None,
        arguments: None,
        outcome: None,
    };
    let told = items.iter().filter_map(|item| match item {
        Item::Call { id, name, input, .. } if !id.is_empty() => Some(ToldTool {
            name: Some(digest(name.as_bytes())),
            arguments: member_digests(input),
            ..of(id, ToldStep::Called)
        }),
        Item::Result { id, content, has_failed, detail, at } if !id.is_empty() => {
            let outcome = result_outcome(content, *has_failed, *detail);
            let step =
                if outcome == ToolOutcome::Denied { ToldStep::Denied } else { ToldStep::Ended };
            let told = of(id, step);
            Some(ToldTool { outcome: Some(outcome), at: at.unwrap_or(told.at), ..told })
        }
        _ => None,
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use langley_protocol::transcript::TranscriptFormat;

    use super::*;

    #[test]
    fn a_call_and_its_result_are_told_by_digests_and_a_refusal_as_one() {
        let reader = UsageReader::new(TranscriptFormat::ClaudeCode);
        let told = |line: &str| {
            told_tools(&reader, (line.as_bytes(), &reader.facts(line.as_bytes())), None)
        };
        let called = told(
            r#"{"type":"assistant","sessionId":"s","timestamp":"2026-11-22T10:00:00.000Z","message":{"id":"m","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls","a":1}}]}}"#,
        );
        assert_eq!(called.len(), 1);
        let call = &called[0];
        assert_eq!((call.key, call.step), (digest(b"t1"), ToldStep::Called));
        assert_eq!((call.name, call.session), (Some(digest(b"Bash")), Some(digest(b"s"))));
        assert_eq!(call.arguments.as_ref().map(Vec::len), Some(2));
        let result = |content: &str, failed: bool| {
            told(&format!(
                r#"{{"type":"user","sessionId":"s","timestamp":"2026-11-22T10:00:01.000Z","message":{{"content":[{{"type":"tool_result","tool_use_id":"t1","content":"{content}","is_error":{failed}}}]}}}}"#
            ))
        };
        for (content, failed, step, outcome) in [
            ("ok", false, ToldStep::Ended, ToolOutcome::Succeeded),
            ("Exit code 2", true, ToldStep::Ended, ToolOutcome::Failed),
            (
                "The user doesn't want to proceed with this tool use.",
                true,
                ToldStep::Denied,
                ToolOutcome::Denied,
            ),
        ] {
            let told = result(content, failed);
            assert_eq!(told.len(), 1, "{content}");
            assert_eq!((told[0].step, told[0].outcome), (step, Some(outcome)), "{content}");
        }
        assert_eq!(told(r#"{"type":"user","message":{"content":"no call"}}"#), []);
    }

    #[test]
    fn a_call_that_a_person_cancelled_is_told_as_that_and_when() {
        let reader = UsageReader::new(TranscriptFormat::GeminiCli);
        let line = br#"{"id":"g","timestamp":"2026-11-22T10:00:00Z","type":"gemini","content":"","toolCalls":[{"id":"c","name":"x","args":{},"status":"cancelled","timestamp":"2026-11-22T10:00:02Z","result":[]}]}"#;
        let told = told_tools(&reader, (line, &reader.facts(line)), None);
        let ended = told.iter().find(|told| told.step == ToldStep::Ended).unwrap();
        assert_eq!(ended.outcome, Some(ToolOutcome::Cancelled));
        assert_eq!(ended.at.0 - told[0].at.0, 2_000_000);
    }
}
