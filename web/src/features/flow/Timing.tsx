// Where a flow's time went, as one bar and its figures.
import type { Flow } from "@/api/types";
import { DASH, duration } from "@/lib/format";
import { isSocket } from "@/lib/socket";
import { cx } from "@/ui/cx";

export interface Phase {
  name: string;
  /** Since the request's head; below zero for what was before it. */
  from: number;
  ms: number;
  tone: string;
}

/** The phases in order; what is not known is left out, and never guessed. */
export function phases(flow: Flow): Phase[] {
  const total = flow.duration_ms;
  if (total === null || total <= 0) return [];
  const connect = flow.connect_ms ?? 0;
  const tls = flow.scheme === "https" ? (flow.tls_ms ?? 0) : 0;
  const ttfb = flow.ttfb_ms === null ? null : Math.min(flow.ttfb_ms, total);
  // Behind CONNECT the connection was there before the request: its time comes before the total. So
  // does what took longer than the answer's head, which cannot have waited for it.
  const isBefore =
    (flow.mode === "forward" && flow.scheme === "https") || connect + tls > (ttfb ?? total);
  const head = isBefore ? 0 : connect + tls;
  const wait = ttfb === null ? null : Math.max(0, ttfb - head);
  const ttft =
    flow.ttft_ms === null || ttfb === null
      ? null
      : Math.max(0, Math.min(flow.ttft_ms, total) - ttfb);
  const spent = head + (wait ?? 0) + (ttft ?? 0);
  const before = isBefore ? connect + tls : 0;
  const lengths: Omit<Phase, "from">[] = [
    { name: "Connect", ms: connect, tone: "bg-violet" },
    { name: "TLS", ms: tls, tone: "bg-info" },
    { name: "Waiting", ms: wait ?? 0, tone: "bg-idle" },
    { name: "First token", ms: ttft ?? 0, tone: "bg-warn" },
    { name: ttfb === null ? "Rest" : "Answer", ms: Math.max(0, total - spent), tone: "bg-ok" },
  ];
  let from = 0 - before;
  return lengths.flatMap((phase) => {
    const began = from;
    from += phase.ms;
    return phase.ms > 0 ? [{ ...phase, from: began }] : [];
  });
}

export function Timing({ flow }: { flow: Flow }) {
  const parts = phases(flow);
  // A figure has the colour of the part of the bar that it ends.
  const toneOf = (...names: string[]) => parts.find(({ name }) => names.includes(name))?.tone;
  const figures: [name: string, value: number | null, title: string, tone?: string | undefined][] =
    [
      [
        "Connect",
        flow.connect_ms,
        "Name resolution and TCP; on the first flow of a connection",
        toneOf("Connect"),
      ],
      [
        "TLS",
        flow.tls_ms,
        "Handshake with the provider; on the first flow of a connection",
        toneOf("TLS"),
      ],
      ["TTFB", flow.ttfb_ms, "To the first byte of the answer's head", toneOf("Waiting")],
      ["TTFT", flow.ttft_ms, "To the first token", toneOf("First token")],
      ["Last token", flow.ttlt_ms, "To the last token of a streamed answer"],
      ["Stall", flow.longest_stall_ms, "The longest pause between two events of the answer"],
      ["Total", flow.duration_ms, "From the request's head to the end", toneOf("Answer", "Rest")],
    ];
  // What there cannot be is left out; what is only unknown is a dash, which holds its place until it comes.
  const absent = new Set([flow.scheme === "https" ? "" : "TLS"]);
  if (isSocket(flow)) for (const name of ["TTFT", "Last token", "Stall"]) absent.add(name);
  const speed = flow.tokens_per_second;
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex h-1.5 gap-px overflow-hidden rounded-full bg-raised" aria-hidden="true">
        {parts.map(({ name, ms, tone }) => (
          <span
            key={name}
            title={`${name} ${duration(ms)}`}
            className={cx("min-w-0.5", tone)}
            style={{ flexGrow: ms, flexBasis: 0 }}
          />
        ))}
      </div>
      {/* Columns of one width: how many lines there are does not depend on what is known yet. */}
      <dl className="grid grid-cols-[repeat(auto-fill,minmax(8.25rem,1fr))] gap-x-3 gap-y-0.5 text-xs">
        {figures
          .filter(([name]) => !absent.has(name))
          .map(([name, value, title, tone]) => (
            <div key={name} className="flex min-w-0 items-baseline gap-1.5" title={title}>
              <span aria-hidden="true" className={cx("size-1.5 shrink-0 rounded-full", tone)} />
              <dt className="shrink-0 text-ink-3">{name}</dt>
              <dd className="truncate text-ink-2">{value === null ? DASH : duration(value)}</dd>
            </div>
          ))}
        {isSocket(flow) ? null : (
          <div
            className="flex min-w-0 items-baseline gap-1.5"
            title="Output tokens for a second, from the first to the last"
          >
            <span aria-hidden="true" className="size-1.5 shrink-0" />
            <dt className="shrink-0 text-ink-3">Tokens/s</dt>
            <dd className="truncate text-ink-2">{speed ?? DASH}</dd>
          </div>
        )}
      </dl>
    </div>
  );
}
