//! What the provider answers to each kind of client: one tool call that the client can carry out,
//! then a closing text.

use langley_fixture::{Script, Turn};
use serde_json::{Value, json};

/// What every script says last.
pub(crate) const CLOSING: &str = "It rains in Ghent.";
/// What the agents write.
pub(crate) const NOTE: &str = "Written through Langley.";

/// The command that writes the note.
const WRITE: &str = "printf 'Written through Langley.\\n' > langley-note.txt";

fn calls(tool: &str, input: Value) -> Script {
    let first = Turn::new()
        .thinking("One tool knows this; it has to be asked first.")
        .text("One moment.")
        .tool(tool, input);
    Script::new(tool).turn(first).turn(Turn::new().text(CLOSING))
}

/// For SDKs: the tool that the driver declares.
pub(crate) fn lookup() -> Script {
    calls("lookup", json!({ "place": "Ghent" }))
}

/// For Claude Code and what drives it.
pub(crate) fn claude() -> Script {
    calls("Bash", json!({ "command": WRITE, "description": "Write the note" }))
}

/// For Codex.
pub(crate) fn codex() -> Script {
    let cmd = json!({ "cmd": WRITE });
    calls(
        "exec",
        format!("const done = await tools.exec_command({cmd});\ntext(done.output);").into(),
    )
}

/// For Gemini CLI.
pub(crate) fn gemini() -> Script {
    calls("run_shell_command", json!({ "command": WRITE, "description": "Write the note" }))
}

/// For opencode.
pub(crate) fn opencode() -> Script {
    calls("bash", json!({ "command": WRITE, "description": "Write the note" }))
}

/// For aider, which reads its edits out of the text.
pub(crate) fn aider() -> Script {
    let edit = "langley-note.txt\n```\n<<<<<<< SEARCH\nBefore.\n=======\nWritten through \
                Langley.\n>>>>>>> REPLACE\n```\n";
    Script::new("aider").turn(Turn::new().thinking("A small edit.").text(edit))
}
