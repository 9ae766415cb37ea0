// What a tool is asked to do, read from its input as agents write it: an edit, a command, a list of tasks, a look-up.
//
// Sources: the tools of Claude Code, Codex, Gemini CLI and the providers' own, as their requests name them. An
// input that has not the shape its name promises is told as JSON, as every other is.
import { type DiffBudget, type DiffLine, diffBudget, lineDiff, linesOf, signed } from "./lineDiff";

export interface FileEdit {
  path: string;
  /** What is done to it, in a word: Edit, Write, Add, Delete, Update, Move. */
  what: string;
  /** Stretches of the file, apart from each other. */
  hunks: DiffLine[][];
}

export type TaskState = "done" | "doing" | "open";

export type ToolCall =
  | { kind: "edits"; files: FileEdit[] }
  | { kind: "command"; command: string; about: string | null; rest: Named[] }
  | { kind: "code"; code: string; language: string }
  | { kind: "tasks"; note: string | null; tasks: { text: string; state: TaskState }[] }
  /** A subagent that is begun. */
  | {
      kind: "agent";
      type: string | null;
      about: string | null;
      prompt: string | null;
      rest: Named[];
    }
  /** A look at something: one line. */
  | { kind: "look"; verb: string; target: string; rest: Named[] };

export type Named = [name: string, value: string];

export interface ToolName {
  /** The MCP server that has it, where the name tells. */
  server: string | null;
  tool: string;
}

/** `mcp__server__tool`, as agents name the tools of MCP servers. */
export function readName(name: string): ToolName {
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server && tool ? { server, tool } : { server: null, tool: name };
}

type Input = Record<string, unknown>;
type Reader = (input: Input) => ToolCall | null;

/** Null where there is nothing better than the input itself. */
export function readCall(name: string, input: unknown): ToolCall | null {
  if (typeof input === "string") return readPatch(input);
  if (typeof input !== "object" || input === null || Array.isArray(input)) return null;
  const reader = name.toLowerCase().replaceAll("-", "_");
  // A name is anybody's: `constructor` is no reader.
  return Object.hasOwn(READERS, reader) ? (READERS[reader]?.(input as Input) ?? null) : null;
}

const READERS: Record<string, Reader | undefined> = {
  // Claude Code
  bash: command("command"),
  edit: replacement,
  multiedit: replacements,
  write: written("content"),
  notebookedit: written("new_source"),
  todowrite: (input) => tasks(input["todos"], "content", null),
  task: agent,
  agent,
  read: look("Read", ["file_path"]),
  grep: look("Search for", ["pattern"]),
  glob: look("Find files", ["pattern"]),
  ls: look("List", ["path"]),
  webfetch: look("Fetch", ["url"]),
  websearch: look("Search the web for", ["query"]),
  // Codex
  shell: command("command"),
  local_shell: command("command"),
  exec_command: command("cmd"),
  exec: command("cmd"),
  apply_patch: (input) => readPatch(string(input["input"] ?? input["patch"]) ?? ""),
  update_plan: (input) => tasks(input["plan"], "step", string(input["explanation"])),
  view_image: look("Look at", ["path"]),
  spawn_agent: agent,
  // Gemini CLI
  run_shell_command: command("command"),
  replace: replacement,
  write_file: written("content"),
  read_file: look("Read", ["absolute_path", "file_path", "path"]),
  list_directory: look("List", ["path", "dir_path"]),
  search_file_content: look("Search for", ["pattern"]),
  google_web_search: look("Search the web for", ["query"]),
  // The providers' own
  bash_code_execution: command("command"),
  code_execution: code("python"),
  code_interpreter: code("python"),
  web_fetch: look("Fetch", ["url"]),
  web_search: look("Search the web for", ["query"]),
  str_replace_based_edit_tool: editor,
  str_replace_editor: editor,
  text_editor_code_execution: editor,
};

function string(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The members that are not shown in another way, in a few words each. */
function others(input: Input, shown: readonly string[]): Named[] {
  return Object.entries(input).flatMap(([name, value]): Named[] => {
    if (shown.includes(name) || value === null || value === undefined || value === "") return [];
    if (typeof value === "object")
      return [[name, Array.isArray(value) ? `${value.length} of them` : "…"]];
    return [[name, String(value)]];
  });
}

function command(member: string): Reader {
  return (input) => {
    const given = input[member];
    const words = Array.isArray(given) ? given.map(string) : null;
    if (words?.includes(null)) return null;
    const argv = words as string[] | null;
    const patch = argv?.[0] === "apply_patch" ? readPatch(argv[1] ?? "") : null;
    if (patch) return patch;
    const line = argv ? commandLine(argv) : string(given);
    if (line === null) return null;
    const about = string(input["description"]) ?? string(input["justification"]);
    const rest = others(input, [member, "description", "justification"]);
    return { kind: "command", command: line, about, rest };
  };
}

const SHELLS = /(^|\/)(ba|z|da)?sh$/;

/** Words as a person would type them; a shell's script stands for itself. */
function commandLine(words: readonly string[]): string {
  const [shell = "", flag = "", script] = words;
  if (words.length === 3 && script !== undefined && SHELLS.test(shell) && /^-l?c$/.test(flag)) {
    return script;
  }
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

function code(language: string): Reader {
  return (input) => {
    const text = string(input["code"]);
    return text === null ? null : { kind: "code", code: text, language };
  };
}

function look(verb: string, members: readonly string[]): Reader {
  return (input) => {
    const member = members.find((each) => typeof input[each] === "string");
    const target = member === undefined ? null : string(input[member]);
    if (target === null || member === undefined) return null;
    return { kind: "look", verb, target, rest: others(input, [member]) };
  };
}

const AGENT_TYPE = ["subagent_type", "agent_type"] as const;
const AGENT_ABOUT = ["description", "task_name"] as const;
const AGENT_PROMPT = ["prompt", "message"] as const;

function agent(input: Input): ToolCall | null {
  const first = (names: readonly string[]) =>
    names.map((name) => string(input[name])).find((each) => each !== null) ?? null;
  const [type, about, prompt] = [first(AGENT_TYPE), first(AGENT_ABOUT), first(AGENT_PROMPT)];
  if (about === null && prompt === null) return null;
  const rest = others(input, [...AGENT_TYPE, ...AGENT_ABOUT, ...AGENT_PROMPT]);
  return { kind: "agent", type, about, prompt, rest };
}

function pathOf(input: Input): string | null {
  return string(input["file_path"]) ?? string(input["path"]) ?? string(input["notebook_path"]);
}

function edit(path: string, what: string, hunks: DiffLine[][]): ToolCall {
  return { kind: "edits", files: [{ path, what, hunks }] };
}

/** One exchange of text; what was not sent yet, or not at all, is no text. */
function exchange(input: Input, budget: DiffBudget): DiffLine[] | null {
  const before = string(input["old_string"] ?? input["old_str"]);
  const after = string(input["new_string"] ?? input["new_str"]);
  return before === null && after === null ? null : lineDiff(before ?? "", after ?? "", budget);
}

function replacement(input: Input): ToolCall | null {
  const path = pathOf(input);
  const hunk = exchange(input, diffBudget());
  if (path === null || hunk === null) return null;
  return edit(path, input["replace_all"] === true ? "Edit everywhere in" : "Edit", [hunk]);
}

function replacements(input: Input): ToolCall | null {
  const path = pathOf(input);
  const { edits } = input;
  if (path === null || !Array.isArray(edits)) return null;
  // However many there are, to compare them takes no longer than to compare one.
  const budget = diffBudget();
  const hunks = edits.map((each) =>
    typeof each === "object" && each ? exchange(each, budget) : null,
  );
  return hunks.some((hunk) => hunk === null) ? null : edit(path, "Edit", hunks as DiffLine[][]);
}

function written(member: string): Reader {
  return (input) => {
    const path = pathOf(input);
    const text = string(input[member]);
    if (path === null || text === null) return null;
    return edit(path, "Write", [linesOf(text).map(signed("new"))]);
  };
}

/** Anthropic's text editor: one tool with commands. */
function editor(input: Input): ToolCall | null {
  const path = pathOf(input);
  if (path === null) return null;
  switch (input["command"]) {
    case "view":
      return { kind: "look", verb: "Read", target: path, rest: others(input, ["command", "path"]) };
    case "str_replace":
      return replacement(input);
    case "create":
      return written("file_text")(input);
    case "insert": {
      const text = string(input["insert_text"] ?? input["new_str"]);
      const at = input["insert_line"];
      const line = typeof at === "number" || typeof at === "string" ? `${at}`.slice(0, 20) : "?";
      if (text === null) return null;
      return edit(path, `Insert after line ${line} of`, [linesOf(text).map(signed("new"))]);
    }
    default:
      return null;
  }
}

const STATES = new Map<unknown, TaskState>([
  ["completed", "done"],
  ["in_progress", "doing"],
  ["pending", "open"],
]);

function tasks(given: unknown, member: string, note: string | null): ToolCall | null {
  if (!Array.isArray(given)) return null;
  const read = given.map((each: unknown) => {
    if (typeof each !== "object" || each === null) return null;
    const { [member]: text, status } = each as Input;
    const state = STATES.get(status);
    return typeof text === "string" && state ? { text, state } : null;
  });
  const whole = read.filter((each) => each !== null);
  // A task in words that nobody knows, or of which only the beginning came, is not told as if it were whole.
  return whole.length < read.length ? null : { kind: "tasks", note, tasks: whole };
}

const FILE = /^\*\*\* (Add|Update|Delete) File: (.+)$/;

/** Codex' patch language: files, and in each stretches that begin with `@@`. Null for any other text. */
export function readPatch(text: string): ToolCall | null {
  const lines = text.split(/\r?\n/);
  const begin = lines.findIndex((line) => line.trim() === "*** Begin Patch");
  if (begin < 0 || lines.slice(0, begin).some((line) => line.trim() !== "")) return null;
  const files: FileEdit[] = [];
  for (const line of lines.slice(begin + 1)) {
    if (line.startsWith("*** End")) continue;
    const [, what, path] = FILE.exec(line) ?? [];
    const file = files.at(-1);
    if (what && path) files.push({ path, what, hunks: [] });
    else if (!file) continue;
    else if (line.startsWith("*** Move to: ")) {
      file.path += ` → ${line.slice("*** Move to: ".length)}`;
    } else if (line.startsWith("@@")) {
      const where = line.slice(2).trim();
      file.hunks.push(where === "" ? [] : [{ sign: "same", text: where }]);
    } else {
      const hunk = file.hunks.at(-1) ?? [];
      if (file.hunks.length === 0) file.hunks.push(hunk);
      const sign = line[0] === "+" ? "new" : line[0] === "-" ? "gone" : "same";
      hunk.push({ sign, text: line.slice(1) });
    }
  }
  return files.length > 0 ? { kind: "edits", files } : null;
}
