// The columns of the list as a table of data: which there are at which width, and what a cell shows.
import type { ReactNode } from "react";
import type { Flow } from "@/api/types";
import { clock, compact, count, DASH, duration, fullTime, money } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { FACES, flowState } from "@/lib/outcome";
import { authority } from "@/lib/place";
import { plainLine } from "@/lib/plain";
import { subagent } from "@/lib/session";
import { inputFigure } from "@/lib/usage";
import { providerLabel } from "@/providers/registry";
import { Badge, Dot, TEXT_TONE } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { Ending, shapeOf } from "@/ui/Ending";
import { SessionName } from "@/ui/SessionName";
import { useNow } from "@/ui/useNow";

export interface Column {
  key: string;
  label: string;
  /** What the chooser calls it, where the heading is short. */
  name?: string;
  title?: string;
  /** Pixels it needs at least. */
  least: number;
  /** A track of the grid, where it may be wider than that. */
  track?: string;
  right?: boolean;
  /** Whether a flow of two lines has room for it: always, or only where it is not a phone's. */
  inTwoLines?: "always" | "wide";
  /** Whether a flow has nothing to show in it. */
  absent?: (flow: Flow) => boolean;
  cell: (flow: Flow, starred: boolean) => ReactNode;
}

/** Below this width a flow takes two lines. */
export const TWO_LINES = 620;
/** Below this one, a phone's, its first line has little room. */
export const PHONE = 440;

export const COLUMNS: readonly Column[] = [
  { key: "time", label: "Time", least: 68, cell: (flow) => <Started flow={flow} /> },
  { key: "status", label: "Status", least: 140, cell: (flow) => <Status flow={flow} /> },
  {
    key: "session",
    label: "Session",
    title: "The end of the session's id",
    least: 78,
    inTwoLines: "always",
    absent: ({ session_id }) => session_id === null,
    cell: (flow, starred) => <Session flow={flow} starred={starred} />,
  },
  {
    key: "agent",
    label: "Agent",
    least: 88,
    inTwoLines: "wide",
    absent: ({ agent }) => agent === null,
    cell: (flow) => <Agent flow={flow} />,
  },
  {
    key: "provider",
    label: "Provider",
    least: 72,
    cell: (flow) => <Provider flow={flow} />,
  },
  {
    key: "host",
    label: "Host",
    least: 120,
    track: "minmax(120px, 0.3fr)",
    cell: (flow) => <Host flow={flow} />,
  },
  {
    key: "model",
    label: "Model",
    least: 118,
    track: "minmax(118px, 0.3fr)",
    inTwoLines: "always",
    absent: ({ model, model_requested }) => (model ?? model_requested) === null,
    cell: (flow) => <Model flow={flow} />,
  },
  {
    key: "what",
    label: "Request",
    least: 210,
    track: "minmax(210px, 1fr)",
    cell: (flow) => <What flow={flow} />,
  },
  {
    key: "in",
    label: "New in",
    name: "Uncached input tokens",
    title:
      "Input tokens that the cache had no part in. Anthropic and Bedrock state them so; from what OpenAI and Gemini state, which includes cached tokens, those are taken off.",
    least: 48,
    right: true,
    cell: (flow) => <Input flow={flow} />,
  },
  {
    key: "cache",
    label: "Cache",
    name: "Cache tokens",
    title: "Tokens read from the cache, and written to it",
    least: 84,
    right: true,
    cell: (flow) => <Cache flow={flow} />,
  },
  {
    key: "out",
    label: "Output",
    name: "Output tokens",
    title: "Output tokens; Gemini counts its thoughts beside them, the others among them",
    least: 48,
    right: true,
    cell: ({ usage }) => <Tokens value={usage.output} name="output tokens" />,
  },
  {
    key: "cost",
    label: "Cost",
    least: 64,
    right: true,
    inTwoLines: "always",
    absent: ({ cost }) => cost === null,
    cell: (flow) => <Cost flow={flow} />,
  },
  {
    key: "ttft",
    label: "TTFT",
    name: "Time to first token",
    title: "Time to the first token",
    least: 64,
    right: true,
    cell: ({ ttft_ms }) => <Muted muted={ttft_ms === null}>{duration(ttft_ms)}</Muted>,
  },
  {
    key: "duration",
    label: "Duration",
    least: 68,
    right: true,
    cell: (flow) => <Lasted flow={flow} />,
  },
  {
    key: "events",
    label: "Events",
    least: 54,
    right: true,
    cell: ({ event_count }) => (
      <Muted muted={event_count === 0}>{event_count === 0 ? DASH : compact(event_count)}</Muted>
    ),
  },
];

export function Started({ flow }: { flow: Flow }) {
  const at = clock(flow.started_at);
  return (
    <time
      dateTime={flow.started_at}
      title={fullTime(flow.started_at)}
      // With its day it has as little room as without.
      className={cx(
        "whitespace-nowrap text-ink-3",
        at.length > 8 ? "text-2xs tracking-tighter" : "text-xs",
      )}
    >
      {at}
    </time>
  );
}

export function Status({ flow }: { flow: Flow }) {
  const state = flowState(flow.outcome);
  const face = FACES[state];
  // A whole answer needs no word beside its status; everything else does.
  const word = state === "completed" && flow.status !== null ? null : face.label;
  return (
    <span
      // Made anew with its status, which would push the word aside.
      key={flow.status}
      className="flex min-w-0 items-center gap-2"
      title={`${face.label}: ${flow.reason === null ? face.meaning : oneLine(flow.reason, 500)}`}
    >
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

export function Agent({ flow }: { flow: Flow }) {
  if (flow.agent === null) return <Muted muted>{DASH}</Muted>;
  const name = oneLine(flow.agent, 40);
  const under = subagent(flow);
  return (
    <span
      className="truncate text-xs text-ink-2"
      title={[name, flow.agent_version, under && `subagent ${oneLine(under, 100)}`]
        .filter(Boolean)
        .join(" · ")}
    >
      {under ? <span className="text-ink-3">↳ </span> : null}
      {name}
    </span>
  );
}

/** The date at the end of a model's name says nothing in a narrow column; the title has it. */
const DATED = /-20\d{6}$/;

export function Session({ flow, starred }: { flow: Flow; starred: boolean }) {
  if (flow.session_id === null) return <Muted muted>{DASH}</Muted>;
  return <SessionName id={flow.session_id} starred={starred} />;
}

function Provider({ flow: { provider } }: { flow: Flow }) {
  if (provider === null) return <Muted muted>{DASH}</Muted>;
  const name = oneLine(providerLabel(provider), 40);
  return (
    <span className="truncate text-xs text-ink-2" title={name}>
      {name}
    </span>
  );
}

function Host({ flow }: { flow: Flow }) {
  const host = oneLine(authority(flow), 200);
  return (
    <span className="truncate text-xs text-ink-2" title={`${oneLine(flow.host, 200)}:${flow.port}`}>
      {host}
    </span>
  );
}

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
  const gaps = flow.capture_gaps > 0 || flow.dropped_events > 0;
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      {flow.preview ? (
        <span className="truncate text-ink" dir="auto">
          {plainLine(flow.preview)}
        </span>
      ) : (
        <span className="truncate font-mono text-xs text-ink-2">
          {flow.method} {oneLine(flow.path)}
        </span>
      )}
      {tools ? (
        <span
          // Made anew with what stands before it.
          key={`${flow.preview} ${tools}`}
          className="max-w-[45%] shrink-0 truncate rounded-sm bg-raised px-1.5 font-mono text-2xs text-ink-2"
        >
          {tools}
        </span>
      ) : null}
      {gaps ? (
        <Badge tone="warn" title="Not everything of this flow was captured">
          gaps
        </Badge>
      ) : null}
      {flow.decode_note !== null ? (
        <Badge tone="warn" title={oneLine(flow.decode_note, 300)}>
          note
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

function Input({ flow }: { flow: Flow }) {
  const { value, title, name } = inputFigure(flow);
  const whole = value !== null && name !== "Uncached input";
  return (
    <Muted muted={value === null || whole} title={title}>
      {whole ? "≤ " : ""}
      {compact(value)}
    </Muted>
  );
}

/** What is estimated beside a cost, or has no price, in words: a mark alone says it to those only who can point. */
function costWords({ cost, usage_estimate }: Flow): string | undefined {
  const beside = usage_estimate?.cost?.micro_usd ?? null;
  const words = [
    cost === null ? ["Not priced"] : [],
    beside === null
      ? []
      : [`about ${money(beside)} more is estimated, which the provider did not tell`],
  ].flat();
  return words.length === 0 ? undefined : words.join("; ");
}

export function Cost({ flow }: { flow: Flow }) {
  const { cost, usage_estimate } = flow;
  const words = costWords(flow);
  const isMore = (usage_estimate?.cost ?? null) !== null;
  return (
    <>
      <Muted muted={cost === null} title={words}>
        {money(cost?.micro_usd)}
        {isMore ? <span aria-hidden>+</span> : null}
      </Muted>
      {isMore ? <span className="sr-only">, {words}</span> : null}
    </>
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
  const text = seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
  return <Ending text={text} className="text-xs text-info" />;
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
    <span
      // Like an ending: at the right edge of its column.
      key={shapeOf(String(children))}
      title={title}
      className={cx("text-xs", muted ? "text-ink-3" : "text-ink-2")}
    >
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
