//! What a tool's call tells, by what the tool does.

use std::sync::LazyLock;

use langley_model::{LineFacts, ToolOutcome};
use langley_protocol::json::Object;
use langley_protocol::transcript::TranscriptFormat;
use memchr::memmem::Finder;

use super::{SEED, Teller};
use crate::extract::call::Doing;
use crate::extract::mode::ExtractMode;
use crate::extract::record::Record;
use crate::transcripts::digest_64;

/// What a result holds that notes the hunks of a change.
static PATCHED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"structuredPatch\""));

/// What a line of Claude Code's with a result says of the call, and whether that failed.
static OF_CALL: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"tool_use_id\":\""));
static FAILED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"is_error\""));

static GIT: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("git"));

impl Teller<'_> {
    /// Tells of a call by its id, its name and its arguments.
    pub(super) fn call(
        &mut self,
        facts: &LineFacts,
        (id, name, input): (&str, &str, &str),
        namespace: Option<&str>,
    ) {
        use ExtractMode as Mode;
        const MODES: u64 = Mode::Commands.bit()
            | Mode::FileReads.bit()
            | Mode::FileChanges.bit()
            | Mode::Patches.bit()
            | Mode::Subagents.bit()
            | Mode::McpCalls.bit()
            | Mode::Web.bit()
            | Mode::Plans.bit()
            | Mode::Git.bit();
        if self.desk.asked() & MODES == 0 {
            return;
        }
        let doing = Doing::of((namespace, name), input);
        let of = |record: &mut Record<'_>| {
            call_id(record, id);
            record.text("tool", Some(name));
        };
        for command in &doing.commands {
            self.say_call(Mode::Commands, (facts, id), |record| {
                of(record);
                record.text("command", Some(&command.script));
                record.text("folder", command.folder.as_deref());
                record.text("description", command.description.as_deref());
            });
            if self.desk.asks(Mode::Git) && is_of_git(&command.script) {
                self.say(Mode::Git, facts, |record| {
                    record.text("kind", Some("command"));
                    record.text("value", Some(&command.script));
                });
            }
        }
        if let Some(read) = &doing.reads {
            self.say(Mode::FileReads, facts, |record| {
                of(record);
                record.text("path", Some(&read.path));
                record.number("from", read.from);
                record.number("limit", read.limit);
            });
        }
        for (path, change) in &doing.changes {
            self.say_call(Mode::FileChanges, (facts, id), |record| {
                of(record);
                record.text("path", Some(path));
                record.text("change", Some(change));
            });
        }
        if let Some(patch) = &doing.patch {
            let one = Some(&doing.changes).filter(|changes| changes.len() == 1);
            self.say(Mode::Patches, facts, |record| {
                call_id(record, id);
                record.text("path", one.map(|changes| changes[0].0.as_str()));
                record.text("patch", Some(patch));
            });
        }
        if let Some(subagent) = &doing.subagent {
            self.say(Mode::Subagents, facts, |record| {
                of(record);
                record.text("kind", subagent.kind.as_deref());
                record.text("description", subagent.description.as_deref());
                record.text("prompt", subagent.prompt.as_deref());
            });
        }
        if let Some((server, tool)) = &doing.mcp {
            self.say(Mode::McpCalls, facts, |record| {
                call_id(record, id);
                record.text("server", Some(server));
                record.text("tool", Some(tool));
                record.json("input", Some(input));
            });
        }
        if let Some(web) = &doing.web {
            self.say(Mode::Web, facts, |record| {
                of(record);
                record.text("query", web.query.as_deref());
                record.text("url", web.url.as_deref());
            });
        }
        if doing.is_plan {
            self.say(Mode::Plans, facts, |record| {
                of(record);
                record.json("plan", Some(input));
            });
        }
    }

    /// Takes the result of a line that plainly says that the one call it is of went well, as most do: they are long,
    /// and need not be taken apart. Whether it is such a line.
    pub(super) fn ends_well(&mut self, line: &[u8]) -> bool {
        let id = (self.format == TranscriptFormat::ClaudeCode).then(|| went_well(line)).flatten();
        if let Some(id) = id {
            self.desk.draft.end_call(digest_64(SEED, id), || ToolOutcome::Succeeded);
        }
        id.is_some()
    }

    /// The hunks that Claude Code notes of a change.
    pub(super) fn patch_noted(&mut self, facts: &LineFacts, id: &str, detail: Option<&str>) {
        // Most note none, and what they note is long.
        let Some(detail) = detail.filter(|it| notes_hunks(it)).and_then(Object::of) else { return };
        let Some(patch) = detail.raw("structuredPatch").filter(|patch| *patch != "[]") else {
            return;
        };
        self.say(ExtractMode::Patches, facts, |record| {
            call_id(record, id);
            record.text("path", detail.text("filePath").as_deref());
            record.json("patch", Some(patch));
        });
    }
}

/// The id of a call; none of one that was given none, as the provider's own have.
pub(super) fn call_id(record: &mut Record<'_>, id: &str) {
    record.text("call_id", Some(id).filter(|id| !id.is_empty()));
}

/// The id of the one call that a line of Claude Code's has a result of, where nothing in it says that anything failed.
fn went_well(line: &[u8]) -> Option<&[u8]> {
    let mut calls = OF_CALL.find_iter(line);
    let (Some(call), None) = (calls.next(), calls.next()) else { return None };
    let id = &line[call + OF_CALL.needle().len()..];
    let end = memchr::memchr2(b'"', b'\\', id).filter(|end| id[*end] == b'"')?;
    let is_false = |at: usize| {
        let value = line[at + FAILED.needle().len()..].trim_ascii_start();
        let value = value.strip_prefix(b":").unwrap_or_default();
        value.trim_ascii_start().starts_with(b"false")
    };
    FAILED.find_iter(line).all(is_false).then_some(&id[..end])
}

/// Whether the hunks of a change may be noted: not beside what a command wrote, and of a new file there is a list
/// without any.
fn notes_hunks(detail: &str) -> bool {
    const OF_A_COMMAND: [&str; 2] = ["{\"stdout\":", "{\"interrupted\":"];
    !OF_A_COMMAND.iter().any(|begin| detail.starts_with(begin))
        && PATCHED.find_iter(detail.as_bytes()).any(|at| {
            let value = detail[at + PATCHED.needle().len()..].trim_start();
            !value.starts_with(":[]")
        })
}

/// Whether a script has a command of git's.
fn is_of_git(script: &str) -> bool {
    let ends = |c: char| c.is_whitespace() || ";&|(".contains(c);
    GIT.find_iter(script.as_bytes()).any(|at| {
        script[..at].chars().next_back().is_none_or(ends)
            && script[at + "git".len()..].chars().next().is_none_or(ends)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_not_taken_apart_that_says_of_one_call_that_it_went_well() {
        let id = |line: &str| {
            went_well(line.as_bytes()).map(|id| String::from_utf8_lossy(id).into_owned())
        };
        let one = r#"{"content":[{"type":"tool_result","tool_use_id":"t1","is_error": false}]}"#;
        assert_eq!(id(one).as_deref(), Some("t1"));
        assert_eq!(id(&one.replace(r#","is_error": false"#, "")).as_deref(), Some("t1"));
        for other in [
            one.replace("false", "true"),
            one.replace("false", "0"),
            one.replace(r#""t1""#, r#""t\u0031""#),
            one.replace(r#":"t1""#, r#": "t1""#),
            format!("{one},{one}"),
            format!(r#"{one},{{"is_error" :true}}"#),
        ] {
            assert_eq!(id(&other), None, "{other}");
        }
        // What is quoted within a text says nothing.
        let quoted = one.replace("t1\"", r#"t1","content":"\"is_error\":true""#);
        assert_eq!(id(&quoted).as_deref(), Some("t1"));
    }

    #[test]
    fn hunks_are_looked_for_where_some_may_be() {
        assert!(notes_hunks(r#"{"filePath":"a","structuredPatch":[{"lines":["+x"]}]}"#));
        assert!(notes_hunks(r#"{"structuredPatch" : []}"#));
        assert!(notes_hunks(r#"{"of":{"structuredPatch":[]},"structuredPatch":[1]}"#));
        assert!(!notes_hunks(r#"{"stdout":"a","stderr":"","interrupted":false}"#));
        assert!(!notes_hunks(r#"{"content":"long","structuredPatch":[],"userModified":false}"#));
        assert!(!notes_hunks(r#"{"content":"\"structuredPatch\":[1]"}"#));
    }
}
