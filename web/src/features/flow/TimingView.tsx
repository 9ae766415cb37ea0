// Where a flow's time went, one phase under the other on one scale, with what else is known of its times.
import type { Flow } from "@/api/types";
import { duration } from "@/lib/format";
import { cx } from "@/ui/cx";
import { Notice } from "@/ui/Notice";
import { type Phase, phases } from "./Timing";

const MEANINGS: Record<string, string> = {
  Connect: "name resolution and TCP, on the first flow of a connection",
  TLS: "the handshake with the provider, on the first flow of a connection",
  Waiting: "from the request to the first byte of the answer's head",
  "First token": "from the first byte to the first token",
  Answer: "from there to the end",
  Rest: "until it ended, without an answer",
};

export function TimingView({ flow }: { flow: Flow }) {
  const rows = phases(flow);
  if (rows.length === 0) {
    return (
      <Notice title={flow.outcome === null ? "It is not over yet" : "Its times are not known"}>
        <p>Where the time of a flow went is told once it has ended.</p>
      </Notice>
    );
  }
  const begin = Math.min(...rows.map(({ from }) => from));
  const end = Math.max(...rows.map(({ from, ms }) => from + ms));
  const marks = marksOf(flow);
  return (
    <section
      tabIndex={0}
      aria-label="Timing"
      className="flex h-full flex-col gap-4 overflow-y-auto p-4"
    >
      <table className="w-full table-fixed border-collapse text-xs" aria-label="Phases">
        <colgroup>
          <col className="w-24" />
          <col />
          <col className="w-20" />
        </colgroup>
        <thead className="sr-only">
          <tr>
            <th>Phase</th>
            <th>When</th>
            <th>Took</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {rows.map((row) => (
            <tr key={row.name} title={MEANINGS[row.name]}>
              <th scope="row" className="py-2 pr-3 text-left font-medium">
                {row.name}
              </th>
              <td className="py-2">
                <Bar row={row} begin={begin} whole={end - begin} />
              </td>
              <td className="py-2 text-right text-ink-2 tabular-nums">{duration(row.ms)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="border-t text-2xs text-ink-3">
            <td />
            <td className="pt-1">
              <span className="flex justify-between">
                <span>{begin < 0 ? `${duration(-begin)} before the request` : "0"}</span>
                <span>{duration(end)}</span>
              </span>
            </td>
            <td />
          </tr>
        </tfoot>
      </table>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-xs">
        {marks.map(([name, value, what]) => (
          <div key={name} className="contents">
            <dt className="font-medium">{name}</dt>
            <dd className="text-ink-2">
              {value} <span className="text-ink-3">{what}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Bar({ row, begin, whole }: { row: Phase; begin: number; whole: number }) {
  const share = (ms: number) => `${(ms / whole) * 100}%`;
  return (
    <span className="relative block h-3 rounded-sm bg-raised" aria-hidden="true">
      <span
        className={cx("absolute inset-y-0 min-w-0.5 rounded-sm", row.tone)}
        style={{ left: share(row.from - begin), width: share(row.ms) }}
      />
    </span>
  );
}

/** Times that are no phase: what is not known is left out. */
function marksOf(flow: Flow): [name: string, value: string, what: string][] {
  const marks: [string, number | null, string][] = [
    ["First byte", flow.ttfb_ms, "after the request's head"],
    ["First token", flow.ttft_ms, "after the request's head"],
    ["Last token", flow.ttlt_ms, "after the request's head"],
    ["Longest pause", flow.longest_stall_ms, "between two events of the answer"],
  ];
  const known = marks.flatMap(([name, ms, what]): [string, string, string][] =>
    ms === null || ms === undefined ? [] : [[name, duration(ms), what]],
  );
  return flow.tokens_per_second === null || flow.tokens_per_second === undefined
    ? known
    : [...known, ["Speed", `${flow.tokens_per_second} tokens a second`, "of output"]];
}
