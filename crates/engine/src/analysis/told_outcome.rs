//! What came of a tool call, as its result tells it: by a flag where the dialect has one, else by the first
//! words that agents write. Only the beginning of a result is looked at: further on anything may stand.

use langley_model::ToolOutcome;
use langley_protocol::tools::opening;
use serde_json::Value;

/// Bytes of a result that are looked at.
const OPENING: usize = 2_048;

/// How results begin of calls that a person or a rule did not let run.
const DENIED: [&str; 8] = [
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action",
    "Permission to use ",
    "Claude requested permissions to ",
    "exec command rejected by user",
    "patch rejected by user",
    "rejected by user",
    "Tool execution denied",
];

/// How results begin of calls that a person ended.
const CANCELLED: [&str; 6] = [
    "[Request interrupted by user",
    "[Operation Cancelled]",
    "aborted by user",
    "Interrupted by user",
    "Command was aborted",
    "Tool call cancelled",
];

/// How results begin of calls that took too long.
const TIMED_OUT: [&str; 4] =
    ["Command timed out", "command timed out", "Tool execution timed out", "Error: timed out"];

/// What Gemini CLI notes of a call that a person ended.
const NOTED_CANCELLED: &str = "\"cancelled\"";

/// What came of a call whose result a transcript tells, with what the agent noted of it.
pub(crate) fn result_outcome(
    content: &str,
    failed: Option<bool>,
    detail: Option<&str>,
) -> ToolOutcome {
    match detail {
        Some(NOTED_CANCELLED) => ToolOutcome::Cancelled,
        _ => told_outcome(content, failed),
    }
}

/// What came of a call whose result has this content, a JSON text. `failed` is what the result itself says.
pub(crate) fn told_outcome(content: &str, failed: Option<bool>) -> ToolOutcome {
    if failed == Some(false) {
        return ToolOutcome::Succeeded;
    }
    let text = opening(content, OPENING);
    let text = text.trim_start();
    let text = text.strip_prefix("Error: ").unwrap_or(text);
    let text = text.strip_prefix("<tool_use_error>").unwrap_or(text);
    let begins = |words: &[&str]| words.iter().any(|words| text.starts_with(words));
    if begins(&DENIED) {
        ToolOutcome::Denied
    } else if begins(&CANCELLED) {
        ToolOutcome::Cancelled
    } else if begins(&TIMED_OUT) {
        ToolOutcome::TimedOut
    } else if failed == Some(true) || exit_code(content, text).is_some_and(|code| code != 0) {
        ToolOutcome::Failed
    } else {
        ToolOutcome::Succeeded
    }
}

/// The exit code that a command's result begins with, or has beside its output.
fn exit_code(content: &str, text: &str) -> Option<i64> {
    if let Some(code) = text.strip_prefix("Exit code") {
        let code = code.trim_start_matches([':', ' ']);
        let end = code.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(code.len());
        return code[..end].parse().ok();
    }
    let value: Value = serde_json::from_str(content).ok()?;
    let inner = value.as_str().filter(|text| text.starts_with('{'));
    let inner = inner.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let value = inner.as_ref().unwrap_or(&value);
    let code = value.pointer("/metadata/exit_code").or_else(|| value.get("exit_code"));
    code.and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_judged_by_its_flag_and_its_first_words() {
        use ToolOutcome::{Cancelled, Denied, Failed, Succeeded, TimedOut};
        for (content, failed, outcome) in [
            (r#""done""#, None, Succeeded),
            (r#""Exit code 2\nno such file""#, Some(true), Failed),
            (r#""Exit code: 1\nOutput:\n""#, None, Failed),
            (r#""Exit code: 0\nOutput:\n""#, None, Succeeded),
            (r#""{\"output\":\"x\",\"metadata\":{\"exit_code\":127}}""#, None, Failed),
            (r#""{\"output\":\"x\",\"metadata\":{\"exit_code\":0}}""#, None, Succeeded),
            (
                r#"[{"type":"text","text":"The user doesn't want to proceed with this tool use. The"}]"#,
                Some(true),
                Denied,
            ),
            (r#""[Request interrupted by user for tool use]""#, Some(true), Cancelled),
            (r#""Command timed out after 2m 0.0s""#, Some(true), TimedOut),
            (r#"{"error":"[Operation Cancelled] Reason: user"}"#, Some(true), Cancelled),
            (r#"{"error":"no"}"#, Some(true), Failed),
            // It may stand in any file.
            (r#""1: Command timed out""#, None, Succeeded),
            (r#""Command timed out, says the page""#, Some(false), Succeeded),
            ("null", None, Succeeded),
        ] {
            assert_eq!(told_outcome(content, failed), outcome, "{content}");
        }
    }
}
