// The summary strip of a flow: what it used and cost, where the time went, who it is, and what is missing.
import type { ComponentProps, ReactNode } from "react";
import type { Flow } from "@/api/types";
import type { FilterKey } from "@/lib/filter";
import { bytes, count, DASH, fullTime, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { FACES, flowState } from "@/lib/outcome";
import { subagent } from "@/lib/session";
import { isSocket } from "@/lib/socket";
import { usageFigures } from "@/lib/usage";
import { providerLabel } from "@/providers/registry";
import { CopyButton } from "@/ui/CopyButton";
import { cx } from "@/ui/cx";
import { Fold } from "@/ui/Fold";
import { Notes } from "@/ui/Notice";
import { Timing } from "./Timing";

export function Summary({
  flow,
  onFilter,
}: {
  flow: Flow;
  onFilter: (key: FilterKey, value: string) => void;
}) {
  const model = flow.model ?? flow.model_requested;
  return (
    <section
      aria-label="Summary"
      className="flex max-h-[45%] shrink-0 flex-col gap-2.5 overflow-y-auto border-b bg-ground px-4 py-3"
    >
      {/* A WebSocket's figures are those of its responses. */}
      <dl
        // Columns of one width: how many lines there are does not depend on what is known yet.
        className={
          isSocket(flow)
            ? "hidden"
            : "grid grid-cols-[repeat(auto-fill,minmax(5.5rem,1fr))] gap-x-3 gap-y-2"
        }
      >
        <Figure name="Model" title={model ?? undefined} wide>
          {model === null ? (
            DASH
          ) : (
            <FilterLink name="model" value={model} onFilter={onFilter}>
              {oneLine(model, 60)}
            </FilterLink>
          )}
        </Figure>
        {flow.dialect === null && flow.cost === null ? null : (
          <Figure name="Cost" title={costTitle(flow)}>
            {money(flow.cost?.micro_usd)}
          </Figure>
        )}
        {usageFigures(flow).map(({ name, value, title }) => (
          <Figure key={name} name={name} title={title}>
            {count(value)}
          </Figure>
        ))}
        {flow.usage_estimate === null ? null : (
          <Figure name="Estimated" title={estimateTitle(flow.usage_estimate)}>
            ~{money(flow.usage_estimate.cost?.micro_usd ?? null)}
          </Figure>
        )}
      </dl>
      <Timing flow={flow} />
      <Fold className="-mx-2.5 -mb-1.5" summary={<Ids flow={flow} />}>
        {() => <Facts flow={flow} onFilter={onFilter} />}
      </Fold>
      {/* They come last, most at the end of a flow: nothing here is moved by them. */}
      <Notes notes={notesOf(flow)} />
    </section>
  );
}

/** How a cost came about: its source, the tier, and the prices that were in force. */
function costTitle({ cost_source, service_tier, price }: Flow): string | undefined {
  const { book, ...rates } = price ?? { book: null };
  const told = Object.entries(rates)
    .filter(([name, rate]) => rate !== null && name !== "web_search")
    .map(([name, rate]) => `${name.replaceAll("_", " ")} $${rate}`);
  const prices = told.length === 0 ? [] : [`for a million tokens: ${told.join(", ")}`];
  const parts = [cost_source, service_tier, book && `price book ${book}`, ...prices];
  return parts.filter(Boolean).join(" · ") || undefined;
}

type Estimate = NonNullable<Flow["usage_estimate"]>;

const ESTIMATED_BY: Record<Estimate["source"], string> = {
  transcript: "as the agent's transcript has it",
  tokenizer: "by the model's tokenizer",
  bytes: "by bytes of text",
};

/** What the provider did not tell, and where the estimate of it comes from. */
function estimateTitle({ source, input, output }: Estimate): string {
  const tokens = [
    input === null ? null : `${count(input)} input`,
    output === null ? null : `${count(output)} output`,
  ];
  return `Not told by the provider: ${tokens.filter(Boolean).join(", ")}, ${ESTIMATED_BY[source]}; part of neither usage nor cost`;
}

function Figure({
  name,
  title,
  wide = false,
  children,
}: {
  name: string;
  title?: string | undefined;
  wide?: boolean;
  children: ReactNode;
}) {
  return (
    <div className={cx("flex min-w-0 flex-col", wide && "col-span-2")} title={title}>
      <dt className="truncate text-2xs text-ink-3">{name}</dt>
      <dd className="truncate text-sm font-medium text-ink">{children}</dd>
    </div>
  );
}

function FilterLink({
  name,
  value,
  onFilter,
  children,
}: {
  name: FilterKey;
  value: string;
  onFilter: (key: FilterKey, value: string) => void;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      title={`Show only this ${name}`}
      onClick={() => onFilter(name, value)}
      className="max-w-full truncate rounded-sm text-left decoration-line-strong underline-offset-3 hover:text-accent hover:underline"
    >
      {children}
    </button>
  );
}

/** What the fold says while it is closed. */
function Ids({ flow }: { flow: Flow }) {
  const parts = [
    flow.agent &&
      oneLine(flow.agent, 40) + (flow.agent_version ? ` ${oneLine(flow.agent_version, 20)}` : ""),
    flow.stop_reason && `stop: ${oneLine(flow.stop_reason, 40)}`,
    `${bytes(flow.request_bytes)} up`,
    `${bytes(flow.response_bytes)} down`,
  ].filter(Boolean);
  return <span className="truncate text-xs text-ink-3">{parts.join(" · ")}</span>;
}

function Facts({
  flow,
  onFilter,
}: {
  flow: Flow;
  onFilter: (key: FilterKey, value: string) => void;
}) {
  const rows: [
    name: string,
    value: string | null,
    filter?: FilterKey | undefined,
    note?: string | null,
  ][] = [
    ["Flow", flow.id],
    ["Session", flow.session_id, "session", flow.session_source],
    ["Task", flow.task_id, "task", flow.task_source],
    ["Project", flow.project, "project", flow.project_source],
    ["Subagent", subagent(flow)],
    ["Retry of", flow.retry_of],
    ["Connection", flow.connection_id],
    ["Message", flow.message_id],
    ["Provider's request", flow.provider_request_id],
    ["Provider", flow.provider && providerLabel(flow.provider)],
    ["Model asked for", flow.model_requested],
    ["User agent", flow.user_agent],
    ["Started", fullTime(flow.started_at)],
    ["Ended", flow.ended_at && fullTime(flow.ended_at)],
    ["Way", `${flow.mode} · ${flow.version_in} in, ${flow.version_out} out`],
    ...flow.rate_limits.map((limit): [string, string] => [
      `Limit: ${oneLine(limit.name, 40)}`,
      limitText(limit),
    ]),
    ["JA4 in", flow.ja4_in],
    ["JA4 out", flow.ja4_out, undefined, likeness(flow)],
  ];
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-4 px-2.5 pt-1">
      {rows
        .filter(([, value]) => value !== null)
        .map(([name, value, filter, note]) => (
          <div key={name} className="contents">
            <dt className="text-xs text-ink-3">{name}</dt>
            <dd className="flex h-6 min-w-0 items-center gap-1 font-mono text-xs text-ink-2">
              <span className="truncate" title={oneLine(value ?? "", 600)}>
                {filter && value ? (
                  <FilterLink name={filter} value={value} onFilter={onFilter}>
                    {oneLine(value, 300)}
                  </FilterLink>
                ) : (
                  oneLine(value ?? "", 300)
                )}
              </span>
              <CopyButton text={value ?? ""} what={name.toLowerCase()} />
              {note ? <span className="truncate font-sans text-2xs text-ink-3">{note}</span> : null}
            </dd>
          </div>
        ))}
    </dl>
  );
}

/** Whether the provider saw the agent's own TLS fingerprint; null while either is unknown. */
function likeness({ ja4_in, ja4_out }: Flow): string | null {
  if (ja4_in === null || ja4_out === null) return null;
  return ja4_in === ja4_out ? "same as in" : "different from in";
}

/** What is left of a limit, and when it is full again. */
function limitText({
  limit,
  remaining,
  used_percent,
  reset_at,
}: Flow["rate_limits"][number]): string {
  return [
    used_percent === null ? null : `${used_percent} % used`,
    remaining === null ? null : `${count(remaining)} left`,
    limit === null ? null : `of ${count(limit)}`,
    reset_at === null ? null : `full ${fullTime(reset_at)}`,
  ]
    .filter((part) => part !== null)
    .join(" ");
}

type NoteList = ComponentProps<typeof Notes>["notes"];

/** Everything that went wrong or is missing, worst first. */
export function notesOf(flow: Flow): NoteList {
  const state = flowState(flow.outcome);
  const face = FACES[state];
  const notes: NoteList = [];
  // Where Langley answered itself, its own reason says it all.
  const own = flow.reason !== null && flow.error?.message == null;
  if (!own && (flow.error?.kind || flow.error?.message)) {
    notes.push({
      key: "error",
      tone: "bad",
      text: (
        <>
          <b className="font-semibold">
            {flow.error.kind ? oneLine(flow.error.kind, 80) : "Error"}
          </b>
          {flow.error.message ? ` · ${oneLine(flow.error.message, 500)}` : ""}
        </>
      ),
    });
  }
  if (flow.reason) {
    notes.push({
      key: "reason",
      tone: face.tone,
      text: `${face.label}: ${oneLine(flow.reason, 500)}`,
    });
  } else if (!["open", "completed", "provider_error"].includes(state)) {
    notes.push({ key: "outcome", tone: face.tone, text: face.meaning });
  }
  for (const [side, gap] of [
    ["request", flow.request_gap],
    ["answer", flow.response_gap],
  ] as const) {
    if (gap.chunks === 0) continue;
    const were = gap.chunks === 1 ? "was" : "were";
    notes.push({
      key: side,
      tone: "warn",
      text: `Gap: ${plural(gap.chunks, "chunk")} (${bytes(gap.bytes)}) of the ${side} ${were} passed on but not captured.`,
    });
  }
  if (flow.dropped_events > 0) {
    notes.push({
      key: "drops",
      tone: "bad",
      text: `${plural(flow.dropped_events, "event")} dropped after capture: the store could not keep up.`,
    });
  }
  if (flow.tls_note) {
    notes.push({ key: "tls", tone: "warn", text: `TLS: ${oneLine(flow.tls_note, 500)}` });
  }
  if (flow.decode_note) {
    notes.push({
      key: "decode",
      tone: "warn",
      text: `Note: ${oneLine(flow.decode_note, 500)}`,
    });
  }
  if (flow.unknown_events > 0) {
    notes.push({
      key: "unknown",
      tone: "idle",
      text: `${plural(flow.unknown_events, "event")} of a type this version does not know.`,
    });
  }
  if (flow.body_truncated) {
    notes.push({ key: "cut", tone: "warn", text: "A stored body was cut at the limit." });
  }
  return notes;
}
