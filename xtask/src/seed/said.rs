//! What a model says and what its tools answer, before either is put into a request or a stream.

use super::project::Project;
use super::random::Random;
use super::words::Words;

/// Tools by how often they are called.
pub(super) const TOOLS: [&str; 14] = [
    "Bash",
    "Read",
    "Edit",
    "Grep",
    "Write",
    "Glob",
    "TodoWrite",
    "Task",
    "WebFetch",
    "WebSearch",
    "NotebookEdit",
    "apply_patch",
    "mcp__browser__click",
    "mcp__database__query",
];

/// Where text comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a> {
    pub(super) words: &'a Words,
    pub(super) project: &'a Project,
}

/// A tool's call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) tool: &'static str,
    pub(super) id: String,
    /// Its arguments, as JSON.
    pub(super) input: String,
}

impl Sources<'_> {
    /// Prose about the work, with names of files and bits of code in it.
    pub(super) fn prose(self, random: &mut Random, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 80);
        while text.len() < bytes {
            let left = bytes - text.len();
            let some = (random.of(80..400) as usize).min(left);
            self.words.write(random, some, &mut text);
            if bytes < 160 {
                continue;
            }
            match random.of(0..6) {
                0 => {
                    text.push('`');
                    text.push_str(self.project.path(random));
                    text.push_str("`. ");
                }
                1 if left > 400 => {
                    text.push_str("\n\n```rust\n");
                    text.push_str(&self.project.code(self.words, random, 160));
                    text.push_str("```\n\n");
                }
                2 => text.push_str("\n\n"),
                _ => {}
            }
        }
        text
    }

    /// A call whose arguments take about as much room as there is, if it can be.
    pub(super) fn call(self, random: &mut Random, room: usize) -> Call {
        // Zipf once more: halved and halved again.
        let rank = (random.next() | 1 << 13).trailing_zeros() as usize;
        let tool = TOOLS.get(rank).copied().unwrap_or(TOOLS[0]);
        let path = self.project.path(random).to_owned();
        let value = |text: String| serde_json::Value::from(text).to_string();
        let path = value(path);
        let input = match tool {
            _ if room < 120 => {
                let about = self.words.text(random, room.saturating_sub(16) / 2);
                format!(r#"{{"command":"cargo test {}"}}"#, about.trim_end())
            }
            "Read" => format!(
                r#"{{"file_path":{path},"offset":{},"limit":{}}}"#,
                random.of(0..15) * 20,
                random.of(2..8) * 10
            ),
            "Edit" if room > 300 => {
                let old = self.project.code(self.words, random, (room - 200) / 2);
                // An edit changes a few of the lines that it names.
                let mut new: Vec<&str> = old.lines().collect();
                let line = self.project.code(self.words, random, 40);
                let place = random.of(0..new.len().max(1) as u64) as usize;
                new.splice(place..(place + 1).min(new.len()), line.lines());
                let (old, new) = (value(old.clone()), value(new.join("\n")));
                format!(
                    r#"{{"replace_all":false,"file_path":{path},"old_string":{old},"new_string":{new}}}"#
                )
            }
            "Write" if room > 300 => {
                let content = value(self.project.code(self.words, random, room - 100));
                format!(r#"{{"file_path":{path},"content":{content}}}"#)
            }
            "Grep" | "Glob" => {
                let word = self.words.text(random, 8);
                format!(
                    r#"{{"pattern":"{}","path":{path},"output_mode":"content"}}"#,
                    word.trim_end()
                )
            }
            _ => {
                let (what, why) = (self.words.text(random, 24), self.words.text(random, 40));
                format!(
                    r#"{{"command":"cd {} && cargo test -p {}","description":"{}"}}"#,
                    self.project.root(),
                    what.trim_end(),
                    why.trim_end()
                )
            }
        };
        Call { tool, id: random.id("toolu_01", 22), input }
    }

    /// What a tool answers.
    pub(super) fn result(self, random: &mut Random, tool: &str) -> String {
        let Self { words, project } = self;
        // Most are short and a few are long.
        let long = random.of(1..9) * random.of(1..9);
        match tool {
            "Read" => project.read(random, 400 + long as usize * 120),
            "Edit" | "Write" | "apply_patch" => format!(
                "The file {} has been updated. Here's the result of running `cat -n` on a snippet of the edited file:\n{}",
                project.path(random),
                project.read(random, 500)
            ),
            "TodoWrite" => String::from(
                "Todos have been modified successfully. Ensure that you continue to use the todo list to track your progress. Please proceed with the current tasks if applicable",
            ),
            "Task" | "WebFetch" | "WebSearch" => self.prose(random, 300 + long as usize * 60),
            _ => project.print(words, random, 60 + long as usize * 60),
        }
    }
}
