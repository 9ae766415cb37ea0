//! What a tool call does, by its name and its arguments: agents name the same things differently.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::sync::LazyLock;

use langley_protocol::json::{self, Object};
use memchr::memmem::Finder;
use serde_json::Value;

/// What a call does.
#[derive(Debug, Default)]
pub(super) struct Doing {
    pub(super) commands: Vec<Command>,
    pub(super) reads: Option<Read>,
    /// Files with how they are changed.
    pub(super) changes: Vec<(String, &'static str)>,
    /// A patch in the arguments.
    pub(super) patch: Option<String>,
    pub(super) subagent: Option<Subagent>,
    pub(super) mcp: Option<(String, String)>,
    pub(super) web: Option<Web>,
    pub(super) is_plan: bool,
}

#[derive(Debug)]
pub(super) struct Command {
    pub(super) script: String,
    pub(super) folder: Option<String>,
    pub(super) description: Option<String>,
}

#[derive(Debug)]
pub(super) struct Read {
    pub(super) path: String,
    pub(super) from: Option<u64>,
    pub(super) limit: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Subagent {
    pub(super) kind: Option<String>,
    pub(super) description: Option<String>,
    pub(super) prompt: Option<String>,
}

#[derive(Debug)]
pub(super) struct Web {
    pub(super) query: Option<String>,
    pub(super) url: Option<String>,
}

impl Doing {
    /// Of a call with this name, in the namespace that stands beside it, and these arguments, as JSON.
    pub(super) fn of((namespace, name): (Option<&str>, &str), input: &str) -> Self {
        let mut doing = Self::default();
        // Of most tools nothing is told beside their calls.
        let members = LazyCell::new(|| Object::of(input).unwrap_or_default());
        let text =
            |names: &[&str]| names.iter().find_map(|name| members.text(name)).map(Cow::into_owned);
        let said = || json::text(input).map(Cow::into_owned);
        let mcp = of_server(namespace, name);
        doing.mcp = mcp.map(|(server, tool)| (server.to_owned(), tool.to_owned()));
        match name {
            "Bash" | "PowerShell" | "shell" | "shell_command" | "exec_command" | "local_shell"
            | "container.exec" | "run_shell_command" => {
                let list = members.raw("command").or_else(|| members.raw("cmd"));
                let list = list.filter(|raw| raw.starts_with('['));
                let list: Option<Value> = list.and_then(|raw| serde_json::from_str(raw).ok());
                let script = match list.as_ref().and_then(applied) {
                    // Codex takes the patch out of it, and no shell runs.
                    Some(patch) => {
                        doing.patched(Some(patch.to_owned()));
                        None
                    }
                    None => text(&["command", "cmd"]).or_else(|| words(list.as_ref()?)),
                };
                doing.commands.extend(script.map(|script| Command {
                    script,
                    folder: text(&["workdir", "cwd", "working_directory", "directory"]),
                    description: text(&["description", "justification"]),
                }));
            }
            // Codex's only tool at times: its input is a program, which calls the others.
            "exec" => doing.program(&said().unwrap_or_default()),
            "apply_patch" | "applypatch" => {
                let patch = said().or_else(|| text(&["input", "patch"]));
                doing.patched(patch);
            }
            "Read" | "NotebookRead" | "read_file" => {
                let path = text(&["file_path", "notebook_path", "absolute_path", "path"]);
                let [first, last] = ["start_line", "end_line"].map(|name| members.number(name));
                let of_lines = || Some(last?.checked_sub(first.unwrap_or(1))?.saturating_add(1));
                doing.reads = path.map(|path| Read {
                    path,
                    from: members.number("offset").or(first),
                    limit: members.number("limit").or_else(of_lines),
                });
            }
            "Write" | "write_file" => {
                let path = path(input).or_else(|| text(&["path"]));
                doing.changes.extend(path.map(|path| (path, "write")));
            }
            "Edit" | "MultiEdit" | "NotebookEdit" | "replace" => {
                let path = path(input).or_else(|| text(&["notebook_path", "path"]));
                doing.changes.extend(path.map(|path| (path, "edit")));
            }
            "Task" | "Agent" | "spawn_agent" => {
                doing.subagent = Some(Subagent {
                    kind: text(&["subagent_type", "agent_type"]),
                    description: text(&["description", "task_name"]),
                    prompt: text(&["prompt", "message"]),
                });
            }
            "WebSearch" | "WebFetch" | "web_search" | "web_fetch" | "google_web_search" => {
                // Gemini CLI's names the page within what it is asked to do with it.
                let asked = || text(&["prompt"]).and_then(|prompt| Some(page(&prompt)?.to_owned()));
                let url = text(&["url"]).or_else(asked);
                doing.web = Some(Web { query: text(&["query"]), url });
            }
            "TodoWrite" | "ExitPlanMode" | "exit_plan_mode" | "update_plan" | "TaskCreate"
            | "TaskUpdate" | "write_todos" => doing.is_plan = true,
            _ => {}
        }
        if doing.patch.is_none() {
            let patch = doing.commands.iter().find_map(|command| within(&command.script));
            doing.patched(patch.map(str::to_owned));
        }
        doing
    }

    fn patched(&mut self, patch: Option<String>) {
        const MARKS: [(&str, &str); 4] = [
            ("*** Add File: ", "add"),
            ("*** Update File: ", "update"),
            ("*** Delete File: ", "delete"),
            // Behind the file that it was.
            ("*** Move to: ", "move"),
        ];
        for line in patch.as_deref().unwrap_or_default().lines() {
            let change =
                MARKS.iter().find_map(|(mark, change)| Some((line.strip_prefix(mark)?, *change)));
            self.changes.extend(change.map(|(path, change)| (path.trim().to_owned(), change)));
        }
        self.patch = patch;
    }

    /// Reads the calls of a program, as far as their arguments are literals.
    fn program(&mut self, source: &str) {
        for (at, call) in source.match_indices("tools.") {
            let rest = &source[at + call.len()..];
            let Some((tool, arguments)) = rest.split_once('(') else { continue };
            let arguments = arguments.trim_start();
            match tool {
                "exec_command" | "shell" | "shell_command" => {
                    let member =
                        |names: &[&str]| names.iter().find_map(|name| member(arguments, name));
                    self.commands.extend(member(&["cmd", "command"]).map(|script| Command {
                        script,
                        folder: member(&["workdir", "cwd"]),
                        description: member(&["justification"]),
                    }));
                }
                "apply_patch" => self.patched(literal(arguments)),
                _ => {}
            }
        }
    }
}

/// The server of a tool, and the tool's own name. Only what begins with `mcp` says that there is a server: the name
/// (`mcp__srv__tool`), or the namespace beside it (Codex: `mcp__srv`, whose server may be named again in the name, or
/// `mcp`). Codex has namespaces for its own tools and for others' (`functions`, `multi_agent_v1`), and what stands in
/// those may be called anything.
fn of_server<'a>(namespace: Option<&'a str>, name: &'a str) -> Option<(&'a str, &'a str)> {
    let has_both = |(server, tool): &(&str, &str)| !server.is_empty() && !tool.is_empty();
    if let Some(whole) = name.strip_prefix("mcp__") {
        return whole.split_once("__").filter(has_both);
    }
    let rest = namespace?.strip_prefix("mcp")?.trim_end_matches('_');
    if rest.is_empty() {
        return name.split_once("__").filter(has_both);
    }
    let server = rest.strip_prefix("__")?;
    let own = name.strip_prefix(server).and_then(|rest| rest.strip_prefix("__"));
    Some((server, own.unwrap_or(name))).filter(has_both)
}

/// The file that a call is about, where it says that before all else: what it writes is long.
fn path(input: &str) -> Option<String> {
    Object::up_to(input, "file_path")?.text("file_path").map(Cow::into_owned)
}

/// The first page that a text names.
fn page(text: &str) -> Option<&str> {
    let at = ["https://", "http://"].iter().filter_map(|scheme| text.find(scheme)).min()?;
    let end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`');
    let page = &text[at..];
    let page = page.split(end).next()?;
    Some(page.trim_end_matches(['.', ',', ')', ';', ':', '?', '!']))
}

/// The script of a list of words: what a shell is told to run, else the words.
fn words(list: &Value) -> Option<String> {
    let words: Vec<&str> = list.as_array()?.iter().filter_map(Value::as_str).collect();
    match words.as_slice() {
        [shell, flag, script]
            if shell.ends_with("sh") && flag.starts_with('-') && flag.ends_with('c') =>
        {
            Some((*script).to_owned())
        }
        words => Some(words.join(" ")),
    }
}

/// The patch of a list of words that asks for one to be applied.
fn applied(list: &Value) -> Option<&str> {
    match list.as_array()?.as_slice() {
        [tool, patch] if tool == "apply_patch" || tool == "applypatch" => patch.as_str(),
        _ => None,
    }
}

/// How a patch begins.
static PATCH: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("*** Begin Patch"));

/// The patches that stand within a script, from the first to the last; an end stands at the beginning of a line.
fn within(script: &str) -> Option<&str> {
    const END: &str = "\n*** End Patch";
    let patch = &script[PATCH.find(script.as_bytes())?..];
    Some(patch.rfind(END).map_or(patch, |end| &patch[..end + END.len()]))
}

/// A member of an object of a program that is a string literal; the object ends with the first brace outside of one.
fn member(arguments: &str, name: &str) -> Option<String> {
    let mut rest = arguments.strip_prefix('{')?;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let (key, value) = rest.split_once(':')?;
        let value = value.trim_start();
        let is_it = key.trim().trim_matches(['"', '\'']) == name;
        if is_it {
            return literal(value);
        }
        rest = match value.chars().next()? {
            '"' | '\'' | '`' => &value[literal_end(value)?..],
            _ => &value[value.find([',', '}'])?..],
        };
        if rest.starts_with('}') {
            return None;
        }
    }
}

/// Where a string literal that a text begins with ends, its quotes included.
fn literal_end(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The string that a text begins with as a literal of a program.
fn literal(text: &str) -> Option<String> {
    let end = literal_end(text)?;
    let mut said = String::new();
    let mut chars = text[1..end - 1].chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            said.push(c);
            continue;
        }
        match chars.next()? {
            'n' => said.push('\n'),
            't' => said.push('\t'),
            'r' => said.push('\r'),
            c => said.push(c),
        }
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_tells_its_commands_and_patches() {
        let source = r#"const r = await tools.exec_command({yield_ms: 5, "cmd": "echo \"hi\"\nls", workdir: '/w'}); await tools.apply_patch("*** Begin Patch\n*** Add File: a.txt\n+x\n*** End Patch")"#;
        let doing = Doing::of((None, "exec"), &Value::from(source).to_string());
        assert_eq!(doing.commands[0].script, "echo \"hi\"\nls");
        assert_eq!(doing.commands[0].folder.as_deref(), Some("/w"));
        assert_eq!(doing.changes, [("a.txt".to_owned(), "add")]);
    }

    #[test]
    fn every_patch_of_a_script_is_told_and_a_line_that_names_an_end_ends_none() {
        let script = "apply_patch <<'A'\n*** Begin Patch\n*** Add File: a.txt\n+*** End Patch\n+x\n\
            *** End Patch\nA\napply_patch <<'B'\n*** Begin Patch\n*** Delete File: b.txt\n*** End Patch\nB";
        let arguments = serde_json::json!({"command": ["bash", "-lc", script]}).to_string();
        let doing = Doing::of((None, "shell"), &arguments);
        let expected = [("a.txt".to_owned(), "add"), ("b.txt".to_owned(), "delete")];
        assert_eq!(doing.changes, expected);
    }

    #[test]
    fn a_tool_of_a_server_is_known_with_its_namespace_in_the_name_or_beside_it() {
        let of = |namespace, name| Doing::of((namespace, name), "{}").mcp;
        let log = Some(("git".to_owned(), "log__all".to_owned()));
        assert_eq!(of(None, "mcp__git__log__all"), log);
        for namespace in ["mcp", "mcp__", "mcp__git", "mcp__git__"] {
            assert_eq!(of(Some(namespace), "git__log__all"), log, "{namespace}");
        }
        assert_eq!(of(Some("mcp__git__"), "log__all"), log);
        assert_eq!(of(Some("mcp__git"), "mcp__git__log__all"), log);
        let calendar = Some(("codex_apps__calendar".to_owned(), "create_event".to_owned()));
        assert_eq!(of(Some("mcp__codex_apps__calendar"), "create_event"), calendar);
        // A double underscore is no evidence, and neither is a namespace of another kind.
        for namespace in [None, Some("functions"), Some("multi_agent_v1"), Some("n"), Some("mcpx")]
        {
            for name in ["git__log", "__init__", "log", "mcp__log", "mcp____log"] {
                assert_eq!(of(namespace, name), None, "{namespace:?} {name}");
            }
        }
        for name in ["log", "__log", "git__"] {
            assert_eq!(of(Some("mcp"), name), None, "nobody says which server: {name}");
        }
    }

    #[test]
    fn a_list_of_words_is_the_script_that_its_shell_is_given() {
        let doing = Doing::of((None, "shell"), r#"{"command":["bash","-lc","ls -l"]}"#);
        assert_eq!(doing.commands[0].script, "ls -l");
        let doing = Doing::of((None, "shell"), r#"{"command":["git","status"]}"#);
        assert_eq!(doing.commands[0].script, "git status");
    }

    #[test]
    fn what_gemini_cli_reads_and_where_a_file_is_moved_to_are_told() {
        let read = |input: &str| {
            let read = Doing::of((None, "read_file"), input).reads.unwrap();
            (read.from, read.limit)
        };
        assert_eq!(read(r#"{"path":"a","start_line":3,"end_line":7}"#), (Some(3), Some(5)));
        assert_eq!(read(r#"{"path":"a","end_line":7}"#), (None, Some(7)));
        assert_eq!(read(r#"{"path":"a","start_line":9,"end_line":7}"#), (Some(9), None));
        let asked = r#"{"prompt":"sum up (see https://x.org/a?b=1), please"}"#;
        let web = Doing::of((None, "web_fetch"), asked).web.unwrap();
        assert_eq!(web.url.as_deref(), Some("https://x.org/a?b=1"));
        let patch = "*** Begin Patch\n*** Update File: a.txt\n*** Move to: b.txt\n*** End Patch";
        let doing = Doing::of((None, "apply_patch"), &Value::from(patch).to_string());
        assert_eq!(doing.changes, [("a.txt".to_owned(), "update"), ("b.txt".to_owned(), "move")]);
    }

    #[test]
    fn a_patch_is_told_without_what_has_it_applied() {
        let patch = "*** Begin Patch\n*** Delete File: a.txt\n*** End Patch";
        let of = |words: &[&str]| {
            Doing::of((None, "shell"), &serde_json::json!({ "command": words }).to_string())
        };
        let direct = of(&["apply_patch", patch]);
        let glued = of(&["applypatch", patch]);
        let script = format!("apply_patch <<'EOF'\n{patch}\nEOF\nls");
        let scripted = of(&["bash", "-lc", &script]);
        for doing in [&direct, &glued, &scripted] {
            assert_eq!(doing.patch.as_deref(), Some(patch));
            assert_eq!(doing.changes, [("a.txt".to_owned(), "delete")]);
        }
        assert!(direct.commands.is_empty() && glued.commands.is_empty(), "it is no command");
        assert_eq!(scripted.commands[0].script, script);
    }
}
