// What passed beside what the agent's own files tell, in one line; what differs is unfolded below it.
import { useQuery } from "@tanstack/react-query";
import { ledgerQuery } from "@/api/insight";
import type { Ledger } from "@/api/types";
import { clock, count, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { flowHref } from "@/routes/paths";
import { Dot } from "@/ui/Badge";
import { Fold } from "@/ui/Fold";

export function LedgerLine({ session }: { session: string }) {
  const { data: ledger, error } = useQuery(ledgerQuery(session));
  if (!ledger) {
    return (
      <p className="flex min-h-8 items-center gap-2 pl-1 text-xs text-ink-3">
        {error ? `The ledger could not be loaded: ${error.message}` : "Reading the ledger…"}
      </p>
    );
  }
  const { wire, transcript } = ledger;
  if (transcript.responses === 0) {
    return (
      <p className="flex min-h-8 items-center gap-2 pl-1 text-xs text-ink-3">
        <Dot tone="idle" />
        Ledger: {onTheWire(ledger)}; no file of an agent tells of this session.
      </p>
    );
  }
  const gaps = ledger.gaps.reduce((sum, { responses }) => sum + responses, 0);
  const agrees = gaps === 0 && ledger.differing === 0;
  const line = (
    <span className="flex min-w-0 flex-wrap items-center gap-x-2 text-xs">
      <Dot tone={agrees ? "ok" : "warn"} />
      <span className="font-medium">Ledger</span>
      <span className="text-ink-2">
        {plural(ledger.joined, "response")} on both sides
        {ledger.differing > 0 ? `, ${count(ledger.differing)} differ` : ""}
        {gaps > 0 ? `, ${count(gaps)} on one side alone` : ""}
      </span>
      <span className="text-ink-3">
        wire {money(wire.cost?.micro_usd)} · transcript {money(transcript.cost?.micro_usd)}
      </span>
    </span>
  );
  if (agrees) return <div className="flex min-h-8 items-center pl-1">{line}</div>;
  return (
    <Fold className="-ml-1.5" summary={line}>
      {() => <Differences ledger={ledger} />}
    </Fold>
  );
}

/** What passed: whoever reads of responses takes them for answers, which what failed is not. */
export function onTheWire({ wire, gaps }: Ledger): string {
  const failed = gaps.find(({ side, reason }) => side === "wire" && reason === "failed");
  const answers = plural(wire.responses - (failed?.responses ?? 0), "response");
  return `${answers} on the wire${failed ? `, and ${count(failed.responses)} that failed` : ""}`;
}

function Differences({ ledger }: { ledger: Ledger }) {
  return (
    <div className="flex max-h-60 flex-col gap-2 overflow-y-auto py-2 pl-8 text-xs">
      <ul className="flex flex-col gap-1">
        {ledger.gaps.map((gap) => (
          <li key={`${gap.side} ${gap.reason}`}>
            <span className="font-medium">{plural(gap.responses, "response")}</span>{" "}
            <span className="text-ink-2">on the side of the {oneLine(gap.side, 40)} alone:</span>{" "}
            <span className="text-ink-3">{oneLine(gap.why, 300)}</span>
          </li>
        ))}
      </ul>
      <ul aria-label="Responses that differ" className="divide-y divide-line rounded-md border">
        {ledger.entries.map((entry, at) => (
          // A response may have no id of its own.
          // biome-ignore lint/suspicious/noArrayIndexKey: the list is made anew as a whole
          <li key={at} className="flex flex-wrap gap-x-3 px-2.5 py-1">
            <span className="text-ink-3">{clock(entry.at)}</span>
            <span>{entry.reason ? oneLine(entry.reason, 80) : "other usage on either side"}</span>
            <span className="text-ink-3">
              output {entry.wire?.output ?? "—"} on the wire, {entry.transcript?.output ?? "—"} in
              the transcript
            </span>
            {entry.flow_id ? (
              <a
                href={flowHref(entry.flow_id, {})}
                className="font-medium text-accent hover:underline"
              >
                Flow
              </a>
            ) : null}
          </li>
        ))}
      </ul>
      {ledger.complete ? null : (
        <p className="text-warn">Only the first responses were compared.</p>
      )}
    </div>
  );
}
