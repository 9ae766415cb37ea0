// A finding: what it cost and what to do at once; why, its numbers and its evidence when it is unfolded.
import { type ReactNode, useState } from "react";
import { type Saying, useSaying } from "@/api/finding";
import type { Finding, FindingNumber, FindingState, Severity } from "@/api/types";
import { bytes, clock, count, duration, fullTime, money, plural, shortId } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import type { Tone } from "@/lib/outcome";
import { flowHref, sessionHref } from "@/routes/paths";
import { Badge, Dot } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { DownIcon } from "@/ui/icons";
import { SessionName } from "@/ui/SessionName";

/** Evidence that is listed. */
const EVIDENCE_MAX = 12;

export const SEVERITIES: Record<Severity, { tone: Tone; label: string }> = {
  critical: { tone: "bad", label: "Critical" },
  warning: { tone: "warn", label: "Warning" },
  info: { tone: "info", label: "Note" },
};

/** What may be said of a finding in each state. */
export const NEXT: Record<FindingState, [Saying, string][]> = {
  open: [
    ["acknowledge", "Acknowledge"],
    ["mute", "Mute"],
    ["resolve", "Resolve"],
  ],
  acknowledged: [
    ["mute", "Mute"],
    ["resolve", "Resolve"],
  ],
  muted: [["reopen", "Reopen"]],
  resolved: [["reopen", "Reopen"]],
};

export function kindWords(kind: string): string {
  return oneLine(kind.replaceAll("_", " "), 40);
}

export function FindingCard({ finding, onKind }: { finding: Finding; onKind: () => void }) {
  const [open, setOpen] = useState(false);
  const severity = SEVERITIES[finding.severity];
  return (
    // What is out of view is not laid out: there may be hundreds.
    <li className="overflow-hidden rounded-lg border [contain-intrinsic-block-size:auto_6rem] [content-visibility:auto]">
      <div className="flex max-sm:flex-col">
        <button
          type="button"
          data-row
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="grid min-w-0 flex-1 grid-cols-[auto_5rem_minmax(0,1fr)] items-baseline gap-x-3 px-3 py-2.5 text-left hover:bg-hover focus-visible:-outline-offset-2"
        >
          <span className="flex items-center gap-2 self-center">
            <DownIcon className={cx("size-3 text-ink-3", !open && "-rotate-90")} />
            <Dot tone={severity.tone} />
            <span className="sr-only">{severity.label}: </span>
          </span>
          <span
            className={cx("text-right", finding.cost === null ? "text-ink-3" : "font-semibold")}
            title={finding.cost === null ? "What it cost is not known" : "What it cost"}
          >
            {money(finding.cost?.micro_usd)}
          </span>
          <span className="min-w-0 font-medium wrap-anywhere">{oneLine(finding.title, 160)}</span>
          <span className="col-start-3 mt-0.5 text-ink-2 wrap-anywhere max-sm:col-span-3 max-sm:col-start-1">
            {oneLine(finding.what, 500)}
          </span>
          <span className="col-start-3 mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-2xs text-ink-3 max-sm:col-span-3 max-sm:col-start-1">
            <span>{plural(finding.times, "flow")}</span>
            <span title={fullTime(finding.last_at)}>last {clock(finding.last_at)}</span>
            {finding.session_id ? <SessionName id={finding.session_id} /> : null}
            {finding.state === "open" ? null : <Badge>{finding.state}</Badge>}
          </span>
        </button>
        <Said finding={finding} />
      </div>
      {open ? <Body finding={finding} onKind={onKind} /> : null}
    </li>
  );
}

function Body({ finding, onKind }: { finding: Finding; onKind: () => void }) {
  const { numbers, baseline, flow_ids: flows } = finding;
  return (
    <div className="flex flex-col gap-3 border-t bg-ground px-4 py-3 sm:pl-38">
      {finding.why ? <Part title="Why">{oneLine(finding.why, 1_000)}</Part> : null}
      <Part title="What to do">{oneLine(finding.next, 1_000)}</Part>
      {numbers.length > 0 || baseline ? (
        <section>
          <h2 className="label-caps">Numbers</h2>
          <dl className="mt-1 flex flex-wrap gap-x-6 gap-y-1 text-xs">
            {numbers.map((number) => (
              <Figure key={number.name} number={number} />
            ))}
            {baseline ? <Figure number={baseline} usual /> : null}
          </dl>
        </section>
      ) : null}
      <section>
        <h2 className="label-caps">Evidence</h2>
        <ul className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-xs">
          {flows.slice(0, EVIDENCE_MAX).map((flow) => (
            <li key={flow}>
              <a href={flowHref(flow, {})} className="font-mono text-accent hover:underline">
                {shortId(flow.slice(-12))}
              </a>
            </li>
          ))}
          {flows.length > EVIDENCE_MAX ? (
            <li className="text-ink-3">and {plural(flows.length - EVIDENCE_MAX, "more flow")}</li>
          ) : null}
        </ul>
      </section>
      <p className="flex flex-wrap gap-x-4 text-xs font-medium text-accent">
        {finding.session_id ? (
          <a href={sessionHref(finding.session_id)} className="hover:underline">
            Its session
          </a>
        ) : null}
        <button type="button" onClick={onKind} className="hover:underline">
          All of this kind ({kindWords(finding.kind)})
        </button>
      </p>
    </div>
  );
}

function Said({ finding }: { finding: Finding }) {
  const { mutate, isPending, isError, error } = useSaying();
  return (
    <div className="flex flex-wrap content-start items-center gap-1.5 px-3 pb-2.5 sm:py-2.5">
      {NEXT[finding.state].map(([saying, label]) => (
        <Button
          key={saying}
          disabled={isPending}
          aria-label={`${label}: ${oneLine(finding.title, 80)}`}
          onClick={() => mutate({ finding: finding.id, saying })}
        >
          {label}
        </Button>
      ))}
      <span role="status" className="text-xs text-bad">
        {isError ? `Not changed: ${error.message}` : ""}
      </span>
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2 className="label-caps">{title}</h2>
      <p className="mt-0.5 max-w-prose wrap-anywhere">{children}</p>
    </section>
  );
}

function Figure({ number, usual = false }: { number: FindingNumber; usual?: boolean }) {
  return (
    <div className="flex items-baseline gap-1.5">
      <dt className="text-ink-3">
        {usual ? "usual: " : ""}
        {oneLine(number.name.replaceAll("_", " "), 60)}
      </dt>
      <dd className="font-medium">{numberWords(number)}</dd>
    </div>
  );
}

export function numberWords({ unit, value }: FindingNumber): string {
  const words: Record<FindingNumber["unit"], (value: number) => string> = {
    count,
    tokens: (tokens) => `${count(tokens)} tokens`,
    ms: duration,
    bytes,
    micro_usd: money,
  };
  return words[unit](value);
}
