// What a tool is asked to do: a diff, a command line, a list of tasks, one line; or its JSON, which is always at hand.
import { useMemo, useState } from "react";
import { count, plural } from "@/lib/format";
import { oneLine, visible } from "@/lib/hostile";
import type { DiffLine, Sign } from "@/lib/lineDiff";
import { LINE_MAX } from "@/lib/lines";
import { readJson } from "@/lib/partialJson";
import {
  type FileEdit,
  type Named,
  readCall,
  readName,
  type TaskState,
  type ToolCall,
} from "@/lib/toolCall";
import { Badge } from "@/ui/Badge";
import { IconButton } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { cx } from "@/ui/cx";
import { BracesIcon } from "@/ui/icons";
import { Json } from "@/ui/Json";
import { Marked, WireText } from "@/ui/WireText";

export interface ToolInputProps {
  name: string;
  /** Null or undefined where it is no JSON, or only its beginning came. */
  input: unknown;
  raw?: string | null | undefined;
  /** Whether `raw` is all that was sent. */
  whole?: boolean | undefined;
}

export function ToolInput({ name, input, raw, whole }: ToolInputProps) {
  const [asJson, setAsJson] = useState(false);
  const cut = input === null || input === undefined;
  const call = useMemo(() => {
    if (!cut) return readCall(name, input);
    if (!raw) return null;
    return readCall(name, raw) ?? readCall(name, readJson(raw).value);
  }, [name, input, raw, cut]);
  const source = cut ? raw ? <WireText text={raw} mono /> : null : <Json value={input} />;
  return (
    <div className="flex min-w-0 items-start gap-2">
      <div className="min-w-0 flex-1">
        {call && !asJson ? <Call call={call} /> : source}
        {cut && raw && !whole ? (
          <p className="mt-1 text-2xs text-warn">The input was cut off.</p>
        ) : null}
        {source === null ? <p className="text-xs text-ink-3">No input</p> : null}
      </div>
      {call ? (
        <IconButton
          label={cut ? "As written" : "As JSON"}
          aria-pressed={asJson}
          onClick={() => setAsJson(!asJson)}
          className="-my-1 -mr-1.5 size-6 aria-pressed:bg-selected aria-pressed:text-ink"
        >
          <BracesIcon className="size-3.5" />
        </IconButton>
      ) : null}
    </div>
  );
}

/** A tool's name, with the server whose it is where it says. */
export function ToolTitle({ name, server }: { name: string; server?: string | undefined }) {
  const read = readName(name);
  const from = server ?? read.server;
  return (
    <>
      <span className="min-w-0 truncate font-mono text-xs font-medium" title={oneLine(name, 200)}>
        {oneLine(read.tool, 60)}
      </span>
      {from === null ? null : (
        <Badge tone="violet" title={`A tool of the MCP server ${oneLine(from, 80)}`}>
          MCP {oneLine(from, 30)}
        </Badge>
      )}
    </>
  );
}

function Call({ call }: { call: ToolCall }) {
  switch (call.kind) {
    case "edits":
      return (
        <div className="flex flex-col gap-2">
          {call.files.map((file, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a file may be named more than once
            <Edit key={at} file={file} />
          ))}
        </div>
      );
    case "command":
      return (
        <div className="flex flex-col gap-1">
          {call.about ? <p className="text-xs text-ink-2">{oneLine(call.about, 500)}</p> : null}
          <div className="flex min-w-0 items-start gap-2">
            <span className="shrink-0 font-mono text-xs text-accent select-none" aria-hidden="true">
              $
            </span>
            <WireText text={call.command} mono className="flex-1" />
            <span className="-my-1">
              <CopyButton text={call.command} what="the command" />
            </span>
          </div>
          <Rest named={call.rest} />
        </div>
      );
    case "code":
      return (
        <div className="flex flex-col gap-1">
          <p className="font-mono text-2xs text-ink-3">{call.language}</p>
          <WireText text={call.code} mono />
        </div>
      );
    case "tasks":
      return <Tasks note={call.note} tasks={call.tasks} />;
    case "agent":
      return (
        <div className="flex flex-col gap-1">
          <p className="flex min-w-0 flex-wrap items-baseline gap-x-2 gap-y-1 text-xs">
            <span className="text-ink-2">Agent</span>
            {call.type ? <Badge tone="violet">{oneLine(call.type, 60)}</Badge> : null}
            {call.about ? (
              <span className="font-medium wrap-anywhere">{oneLine(call.about, 500)}</span>
            ) : null}
          </p>
          {call.prompt ? <WireText text={call.prompt} className="text-ink-2" /> : null}
          <Rest named={call.rest} />
        </div>
      );
    case "look":
      return (
        <p className="text-xs wrap-anywhere">
          <span className="text-ink-2">{call.verb} </span>
          <span className="font-mono">
            <Marked text={oneLine(call.target, 2_000)} />
          </span>
          <span className="ml-2" />
          <Rest named={call.rest} />
        </p>
      );
  }
}

function Rest({ named }: { named: Named[] }) {
  if (named.length === 0) return null;
  return (
    <span className="text-2xs text-ink-3 wrap-anywhere">
      {named
        .slice(0, 12)
        .map(([name, value]) => `${oneLine(name, 40)} ${oneLine(value, 80)}`)
        .join(" · ")}
    </span>
  );
}

const MARKS: Record<TaskState, { sign: string; word: string; className: string }> = {
  done: { sign: "✓", word: "done", className: "text-ok" },
  doing: { sign: "▸", word: "being done", className: "text-info" },
  open: { sign: "○", word: "to do", className: "text-ink-3" },
};

/** Tasks shown at most; a list that is longer is no list to read. */
const TASKS_MAX = 200;

function Tasks({
  note,
  tasks,
}: {
  note: string | null;
  tasks: (ToolCall & { kind: "tasks" })["tasks"];
}) {
  const done = tasks.filter(({ state }) => state === "done").length;
  return (
    <div className="flex min-w-0 flex-col gap-1 text-xs">
      {note ? <WireText text={note} className="text-ink-2" /> : null}
      <p className="text-2xs text-ink-3">
        {count(done)} of {plural(tasks.length, "task")} done
      </p>
      <ul aria-label="Tasks" className="flex flex-col gap-0.5">
        {tasks.slice(0, TASKS_MAX).map(({ text, state }, at) => {
          const { sign, word, className } = MARKS[state];
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a task is its place in the list
            <li key={at} className="flex min-w-0 gap-2">
              <span className={cx("w-3 shrink-0 text-center", className)}>
                <span aria-hidden="true">{sign}</span>
                <span className="sr-only">{word}</span>
              </span>
              <span
                className={cx(
                  "wire-text min-w-0",
                  state === "done" && "text-ink-3",
                  state === "doing" && "font-medium",
                )}
              >
                <Marked text={oneLine(text, 500)} />
              </span>
            </li>
          );
        })}
      </ul>
      {tasks.length > TASKS_MAX ? (
        <p className="text-2xs text-ink-3">and {count(tasks.length - TASKS_MAX)} more</p>
      ) : null}
    </div>
  );
}

/** Lines shown at first, and at most: all of them are in the JSON. */
const LINES = 40;
const LINES_MAX = 2_000;

function Edit({ file }: { file: FileEdit }) {
  const [whole, setWhole] = useState(false);
  const total = file.hunks.reduce((sum, hunk) => sum + hunk.length, 0);
  let room = whole ? LINES_MAX : total > LINES * 1.2 ? LINES : total;
  const tally = (sign: Sign) =>
    file.hunks.reduce((sum, hunk) => sum + hunk.filter((line) => line.sign === sign).length, 0);
  const shown: DiffLine[][] = [];
  for (const hunk of file.hunks) {
    if (room <= 0) break;
    shown.push(hunk.slice(0, room));
    room -= hunk.length;
  }
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <p className="flex min-w-0 flex-wrap items-baseline gap-x-2 text-xs">
        <span className="text-ink-2">{file.what}</span>
        <span className="min-w-0 font-mono wrap-anywhere">{oneLine(file.path, 400)}</span>
        <span className="text-2xs whitespace-nowrap tabular-nums">
          <span className="text-ok">+{count(tally("new"))}</span>{" "}
          <span className="text-bad">−{count(tally("gone"))}</span>
        </span>
      </p>
      {shown.length === 0 ? null : (
        <div className="divide-y divide-line overflow-hidden rounded-sm border bg-surface">
          {shown.map((hunk, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a stretch is its place in the edit
            <Hunk key={at} lines={hunk} />
          ))}
        </div>
      )}
      {total > LINES * 1.2 ? (
        <p className="flex flex-wrap gap-x-3 text-xs">
          <button
            type="button"
            onClick={() => setWhole(!whole)}
            className="rounded-sm font-medium text-accent hover:underline"
          >
            {whole ? "Show less" : `Show all (${plural(total, "line")})`}
          </button>
          {whole && total > LINES_MAX ? (
            <span className="text-ink-3">
              {count(total - LINES_MAX)} more lines are in the JSON only.
            </span>
          ) : null}
        </p>
      ) : null}
    </div>
  );
}

const FACES: Record<Sign, { sign: string; word: string; className: string }> = {
  same: { sign: " ", word: "", className: "text-ink-2" },
  gone: { sign: "−", word: "removed: ", className: "bg-bad-soft text-ink" },
  new: { sign: "+", word: "added: ", className: "bg-ok-soft text-ink" },
};

function Hunk({ lines }: { lines: DiffLine[] }) {
  return (
    <div className="py-0.5 font-mono text-xs">
      {lines.map(({ sign, text }, at) => {
        const { sign: mark, word, className } = FACES[sign];
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place in the stretch
          <div key={at} className={cx("flex min-w-0 px-1.5", className)}>
            <span className="w-4 shrink-0 text-ink-3 select-none" aria-hidden="true">
              {mark}
            </span>
            <span className="sr-only">{word}</span>
            <Line text={text} />
          </div>
        );
      })}
    </div>
  );
}

/** A line of a diff; what goes beyond some characters is folded, since it may be a file in one line. */
function Line({ text }: { text: string }) {
  const long = text.length > LINE_MAX;
  return (
    <span className="wire-text min-w-0" dir="ltr">
      <Marked text={visible(long ? text.slice(0, LINE_MAX) : text)} />
      {long ? (
        <span className="text-ink-3"> … {count(text.length - LINE_MAX)} more characters</span>
      ) : null}
    </span>
  );
}
