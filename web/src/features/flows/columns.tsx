// The columns of the list as a table of data: which there are at which width, and what a cell shows.
import type { ReactNode } from "react";
import type { Flow } from "@/api/types";
import { clock, compact, count, DASH, duration, fullTime, money } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { FACES, flowState } from "@/lib/outcome";
import { Badge, Dot, TEXT_TONE } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { useNow } from "@/ui/useNow";

export interface Column {
  key: string;
  label: string;
  title?: string;
  /** A track of the grid. */
  track: string;
  right?: boolean;
  /** The list must be at least this wide for it. */
  from: number;
  cell: (flow: Flow) => ReactNode;
}

/** Below this width a flow takes two lines. */
export const TWO_LINES = 620;

const COLUMNS: Column[] = [
  { key: "time", label: "Time", track: "68px", from: 0, cell: (flow) => <Started flow={flow} /> },
  {
    key: "status",
    label: "Status",
    track: "128px",
    from: 0,
    cell: (flow) => <Status flow={flow} />,
  },
  {
    key: "agent",
    label: "Agent",
    track: "116px",
    from: 1180,
    cell: (flow) => <Agent flow={flow} />,
  },
  {
    key: "model",
    label: "Model",
    track: "minmax(104px, 148px)",
    from: 0,
    cell: (flow) => <Model flow={flow} />,
  },
  {
    key: "what",
    label: "Request",
    track: "minmax(120px, 1fr)",
    from: 0,
    cell: (flow) => <What flow={flow} />,
  },
  {
    key: "in",
    label: "In",
    title: "Input tokens that were not cached",
    track: "52px",
    right: true,
    from: 800,
    cell: ({ usage }) => <Tokens value={usage.input} name="input tokens" />,
  },
  {
    key: "cache",
    label: "Cache",
    title: "Tokens read from the cache, and written to it",
    track: "92px",
    right: true,
    from: 1020,
    cell: (flow) => <Cache flow={flow} />,
  },
  {
    key: "out",
    label: "Out",
    title: "Output tokens",
    track: "52px",
    right: true,
    from: 800,
    cell: ({ usage }) => <Tokens value={usage.output} name="output tokens" />,
  },
  {
    key: "cost",
    label: "Cost",
    track: "64px",
    right: true,
    from: 1020,
    cell: ({ cost }) => (
      <Muted muted={cost === null} title={cost === null ? "Not priced" : undefined}>
        {money(cost?.micro_usd)}
      </Muted>
    ),
  },
  {
    key: "ttft",
    label: "TTFT",
    title: "Time to the first token",
    track: "68px",
    right: true,
    from: 1180,
    cell: ({ ttft_ms }) => <Muted muted={ttft_ms === null}>{duration(ttft_ms)}</Muted>,
  },
  {
    key: "duration",
    label: "Duration",
    track: "72px",
    right: true,
    from: 0,
    cell: (flow) => <Lasted flow={flow} />,
  },
  {
    key: "events",
    label: "Events",
    track: "60px",
    right: true,
    from: 1020,
    cell: ({ event_count }) => (
      <Muted muted={event_count === 0}>{event_count === 0 ? DASH : compact(event_count)}</Muted>
    ),
  },
];

export function columnsFor(width: number): Column[] {
  return COLUMNS.filter(({ from }) => width >= from);
}

export function Started({ flow }: { flow: Flow }) {
  return (
    <time
      dateTime={flow.started_at}
      title={fullTime(flow.started_at)}
      className="text-xs text-ink-3"
    >
      {clock(flow.started_at)}
    </time>
  );
}

export function Status({ flow }: { flow: Flow }) {
  const state = flowState(flow.outcome);
  const face = FACES[state];
  // A whole answer needs no word beside its status; everything else does.
  const word = state === "completed" && flow.status !== null ? null : face.label;
  return (
    <span className="flex min-w-0 items-center gap-2" title={`${face.label}: ${face.meaning}`}>
      <Dot tone={face.tone} pulse={state === "open"} />
      {flow.status !== null ? (
        <span
          className={cx(
            "text-xs font-medium",
            state === "completed" ? "text-ink-2" : TEXT_TONE[face.tone],
          )}
        >
          {flow.status}
        </span>
      ) : null}
      {word ? (
        <span className={cx("truncate text-xs", TEXT_TONE[face.tone])}>{word}</span>
      ) : (
        <span className="sr-only">{face.label}</span>
      )}
    </span>
  );
}

function Agent({ flow }: { flow: Flow }) {
  if (flow.agent === null) return <Muted muted>{DASH}</Muted>;
  const name = oneLine(flow.agent, 40);
  return (
    <span
      className="truncate text-xs text-ink-2"
      title={[name, flow.agent_version, flow.agent_id && `subagent ${flow.agent_id}`]
        .filter(Boolean)
        .join(" · ")}
    >
      {flow.agent_id ? <span className="text-ink-3">↳ </span> : null}
      {name}
    </span>
  );
}

/** The date at the end of a model's name says nothing in a narrow column; the title has it. */
const DATED = /-20\d{6}$/;

export function Model({ flow }: { flow: Flow }) {
  const model = flow.model ?? flow.model_requested;
  if (model === null) return <Muted muted>{DASH}</Muted>;
  const name = oneLine(model, 80);
  return (
    <span className="truncate text-xs text-ink-2" title={name}>
      {name.replace(DATED, "")}
    </span>
  );
}

export function What({ flow }: { flow: Flow }) {
  const tools = toolSummary(flow.tool_names);
  const gaps = flow.capture_gaps > 0 || flow.dropped_events > 0 || flow.decode_note !== null;
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      {flow.preview ? (
        <span className="truncate text-ink" dir="auto">
          {oneLine(flow.preview)}
        </span>
      ) : (
        <span className="truncate font-mono text-xs text-ink-2">
          {flow.method} {oneLine(flow.path)}
        </span>
      )}
      {tools ? (
        <span className="max-w-[45%] shrink-0 truncate rounded-sm bg-raised px-1.5 font-mono text-2xs text-ink-2">
          {tools}
        </span>
      ) : null}
      {gaps ? (
        <Badge tone="warn" title="Not everything of this flow was captured or decoded">
          gaps
        </Badge>
      ) : null}
    </span>
  );
}

function Cache({ flow: { usage } }: { flow: Flow }) {
  const written =
    usage.cache_write_5m === null && usage.cache_write_1h === null
      ? null
      : (usage.cache_write_5m ?? 0) + (usage.cache_write_1h ?? 0);
  if (usage.cache_read === null && written === null) return <Muted muted>{DASH}</Muted>;
  return (
    <span
      className="text-xs text-ink-2"
      title={`${count(usage.cache_read)} tokens read from the cache, ${count(written)} written to it`}
    >
      {compact(usage.cache_read)}
      {written ? <span className="text-ink-3"> +{compact(written)}</span> : null}
    </span>
  );
}

function Tokens({ value, name }: { value: number | null; name: string }) {
  return (
    <Muted
      muted={value === null}
      title={value === null ? `${name}: not stated` : `${count(value)} ${name}`}
    >
      {compact(value)}
    </Muted>
  );
}

export function Lasted({ flow }: { flow: Flow }) {
  if (flow.outcome === null) return <Elapsed since={flow.started_at} />;
  return <Muted muted={flow.duration_ms === null}>{duration(flow.duration_ms)}</Muted>;
}

function Elapsed({ since }: { since: string }) {
  const seconds = Math.max(0, Math.floor((useNow() - Date.parse(since)) / 1000));
  return (
    <span className="text-xs text-info">
      {seconds < 60 ? `${seconds} s` : duration(seconds * 1000)}
    </span>
  );
}

function Muted({
  muted,
  title,
  children,
}: {
  muted: boolean;
  title?: string | undefined;
  children: ReactNode;
}) {
  return (
    <span title={title} className={cx("text-xs", muted ? "text-ink-3" : "text-ink-2")}>
      {children}
    </span>
  );
}

/** `Bash ×2, Read`: each tool once, in the order of its first call. */
export function toolSummary(names: string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .slice(0, 4)
    .map(([name, number]) => oneLine(name, 40) + (number > 1 ? ` ×${number}` : ""))
    .join(", ");
}
