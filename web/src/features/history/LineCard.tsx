// A line of an agent's file on the time line: who says what, and the line itself as it was written.
import { useMemo, useState } from "react";
import type { ConversationLane, ConversationLine, Flow } from "@/api/types";
import { actionOf } from "@/lib/action";
import { bytes, clock, duration, fullTime, money } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { laneName, laneTitle } from "@/lib/laneName";
import type { Tone } from "@/lib/outcome";
import { plainLine } from "@/lib/plain";
import { lineParts } from "@/providers/line";
import { flowHref } from "@/routes/paths";
import { Badge, Dot, TEXT_TONE } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { Fold } from "@/ui/Fold";
import { DownIcon } from "@/ui/icons";
import { Json } from "@/ui/Json";
import { WireText } from "@/ui/WireText";
import { Parts } from "@/views/Parts";

/** Who speaks in a line, by the part that it plays. */
const WHO: Record<string, { word: string; tone: Tone }> = {
  prompt: { word: "Prompt", tone: "violet" },
  answer: { word: "Answer", tone: "ok" },
  tool_result: { word: "Tool result", tone: "idle" },
  context: { word: "From the agent", tone: "idle" },
  compaction: { word: "Compaction", tone: "warn" },
  note: { word: "Note", tone: "idle" },
  unreadable: { word: "Unreadable", tone: "bad" },
};

/** Claude Code writes two lines of a compaction: that it was, and what it made of what was said until then. */
const SUMMARY = { word: "Summary after the compaction", tone: "idle" as Tone };

function isSummary({ role, kind }: ConversationLine): boolean {
  return role === "compaction" && kind === "user";
}

/** A line is one of a hook where the agent names it so. */
function isHook({ kind, subkind }: ConversationLine): boolean {
  return /hook/i.test(`${kind} ${subkind ?? ""}`);
}

export function LineCard({
  agent,
  line,
  lanes = [],
}: {
  agent: string;
  line: ConversationLine;
  lanes?: readonly ConversationLane[];
}) {
  const lane = line.lane ? lanes.find(({ number }) => number === line.lane) : undefined;
  const known = isSummary(line)
    ? SUMMARY
    : (WHO[line.role] ?? { word: line.role, tone: "idle" as Tone });
  const who = isHook(line) ? { word: "Hook", tone: "info" as Tone } : known;
  const parts = useMemo(() => lineParts(agent, line.content), [agent, line.content]);
  // What the agent tells the model beside the person's words is long, and the same each time.
  const [raw, setRaw] = useState(false);
  const folded = line.role === "context" || line.role === "note" || line.role === "compaction";
  return (
    <article
      data-row
      tabIndex={-1}
      aria-label={`${who.word}, ${clock(line.at)}`}
      className="flex min-w-0 flex-col gap-2 px-4 py-2.5 focus-visible:-outline-offset-2 [contain-intrinsic-size:auto_80px] [content-visibility:auto]"
    >
      <header className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1 text-xs">
        <span className="text-ink-3" title={fullTime(line.at)}>
          {clock(line.at)}
        </span>
        <Badge tone={who.tone}>{oneLine(who.word, 40)}</Badge>
        {lane ? (
          <Badge tone="violet" title={laneTitle(lane)}>
            {laneName(lane)}
          </Badge>
        ) : line.lane ? (
          <Badge title="A subagent's lane">Subagent {line.lane}</Badge>
        ) : null}
        {line.branch ? (
          <Badge tone="warn" title="Somebody went back from here and said something else">
            branch {line.branch}
          </Badge>
        ) : null}
        {line.model ? <span className="text-ink-3">{oneLine(line.model, 60)}</span> : null}
        {line.role === "note" || line.role === "context" ? (
          <span className="font-mono text-2xs text-ink-3">
            {oneLine([line.kind, line.subkind].filter(Boolean).join(" "), 60)}
          </span>
        ) : null}
        <button
          type="button"
          aria-expanded={raw}
          title={`The line as it was written: ${oneLine(line.src.path, 400)}`}
          onClick={() => setRaw(!raw)}
          className="-my-1 ml-auto inline-flex h-7 items-center gap-1.5 truncate rounded-md px-1.5 font-mono text-2xs text-ink-3 hover:bg-raised hover:text-ink"
        >
          <DownIcon className={cx("size-3", !raw && "-rotate-90")} />
          line {line.src.line} · {bytes(line.src.bytes)}
        </button>
      </header>
      {raw ? <AsWritten content={line.content} /> : null}
      {folded ? (
        <Fold
          className="-mx-2.5"
          summary={
            <span className="truncate text-xs text-ink-2">
              {line.text ? plainLine(line.text, 240) : "Without words"}
            </span>
          }
        >
          {() => (
            <div className="px-2.5 pb-1">
              <Told line={line} parts={parts} />
            </div>
          )}
        </Fold>
      ) : (
        <Told line={line} parts={parts} />
      )}
    </article>
  );
}

function Told({ line, parts }: { line: ConversationLine; parts: ReturnType<typeof lineParts> }) {
  if (parts.length > 0) {
    return (
      <div className="flex min-w-0 max-w-4xl flex-col gap-2">
        <Parts parts={parts} />
      </div>
    );
  }
  return line.text ? <WireText text={line.text} className="max-w-4xl text-ink-2" /> : null;
}

function AsWritten({ content }: { content: unknown }) {
  return (
    <div className="rounded-md border bg-sunken px-3 py-2">
      {content === null || content === undefined ? (
        <p className="text-xs text-ink-3">
          It is damaged, or has no room beside the others: langley conversations tells it.
        </p>
      ) : typeof content === "string" ? (
        <WireText text={content} mono />
      ) : (
        <Json value={content} />
      )}
    </div>
  );
}

/** What passed on the wire at that time. */
export function PassedRow({ flow }: { flow: Flow }) {
  const action = actionOf(flow);
  return (
    <a
      data-row
      href={flowHref(flow.id, {})}
      className="flex min-w-0 items-center gap-2 bg-ground px-4 py-1.5 text-xs hover:bg-hover focus-visible:-outline-offset-2"
    >
      <span className="shrink-0 text-ink-3" title={fullTime(flow.started_at)}>
        {clock(flow.started_at)}
      </span>
      <Badge tone="info">On the wire</Badge>
      {action.tone === "ok" ? null : <Dot tone={action.tone} pulse={flow.outcome === null} />}
      <span className={cx("min-w-0 truncate", action.tone === "ok" ? "" : TEXT_TONE[action.tone])}>
        {oneLine(action.words, 160)}
      </span>
      <span className="ml-auto shrink-0 text-ink-3">
        {flow.outcome === null ? "open" : duration(flow.duration_ms)}
      </span>
      <span className="shrink-0 font-semibold">{money(flow.cost?.micro_usd)}</span>
    </a>
  );
}
