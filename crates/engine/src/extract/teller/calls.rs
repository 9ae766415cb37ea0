//! What a tool's call tells, by what the tool does.

use std::sync::LazyLock;

use langley_model::LineFacts;
use langley_protocol::json::Object;
use memchr::memmem::Finder;

use super::Teller;
use crate::extract::call::Doing;
use crate::extract::mode::ExtractMode;
use crate::extract::record::Record;

/// What a result holds that notes the hunks of a change.
static PATCHED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"structuredPatch\""));

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
    fn hunks_are_looked_for_where_some_may_be() {
        assert!(notes_hunks(r#"{"filePath":"a","structuredPatch":[{"lines":["+x"]}]}"#));
        assert!(notes_hunks(r#"{"structuredPatch" : []}"#));
        assert!(notes_hunks(r#"{"of":{"structuredPatch":[]},"structuredPatch":[1]}"#));
        assert!(!notes_hunks(r#"{"stdout":"a","stderr":"","interrupted":false}"#));
        assert!(!notes_hunks(r#"{"content":"long","structuredPatch":[],"userModified":false}"#));
        assert!(!notes_hunks(r#"{"content":"\"structuredPatch\":[1]"}"#));
    }
}
