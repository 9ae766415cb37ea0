//! What a tool's call tells, by what the tool does.

use langley_model::LineFacts;
use memchr::memmem;

use super::Teller;
use crate::extract::call::Doing;
use crate::extract::mode::ExtractMode;
use crate::extract::record::Record;

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
        if self.asked & MODES == 0 {
            return;
        }
        let doing = Doing::of((namespace, name), input);
        let of = |record: &mut Record| {
            record.text("call_id", Some(id));
            record.text("tool", Some(name));
        };
        for command in &doing.commands {
            self.say(Mode::Commands, facts, |record| {
                of(record);
                record.text("command", Some(&command.script));
                record.text("folder", command.folder.as_deref());
                record.text("description", command.description.as_deref());
            });
            let mut words = command.script.split(|c: char| c.is_whitespace() || ";&|(".contains(c));
            if words.any(|word| word == "git") {
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
            self.say(Mode::FileChanges, facts, |record| {
                of(record);
                record.text("path", Some(path));
                record.text("change", Some(change));
            });
        }
        if let Some(patch) = &doing.patch {
            let one = Some(&doing.changes).filter(|changes| changes.len() == 1);
            self.say(Mode::Patches, facts, |record| {
                record.text("call_id", Some(id));
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
                record.text("call_id", Some(id));
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
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Noted<'a> {
            file_path: Option<String>,
            #[serde(borrow)]
            structured_patch: Option<&'a serde_json::value::RawValue>,
        }
        // Most note none, and what they note is long.
        let detail =
            detail.filter(|it| memmem::find(it.as_bytes(), b"\"structuredPatch\"").is_some());
        let noted = detail.and_then(|detail| serde_json::from_str::<Noted<'_>>(detail).ok());
        let Some(Noted { file_path, structured_patch: Some(patch) }) = noted else { return };
        if patch.get() == "[]" {
            return;
        }
        self.say(ExtractMode::Patches, facts, |record| {
            record.text("call_id", Some(id));
            record.text("path", file_path.as_deref());
            record.json("patch", Some(patch.get()));
        });
    }
}
