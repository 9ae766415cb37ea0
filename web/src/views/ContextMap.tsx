// What a request is made of: how full the model's window is, each part as an area, and the same as a table.
import { hierarchy, treemap, treemapSquarify } from "d3-hierarchy";
import { useMemo, useRef } from "react";
import type { Context } from "@/api/types";
import { type ContextPart, type PartTone, partsOf } from "@/lib/contextParts";
import { bytes, compact, count, DASH } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { cx } from "@/ui/cx";
import { Note } from "@/ui/Notice";
import { useWidth } from "@/ui/useWidth";

/** How high the areas are, unless whoever shows them has less room. */
const HEIGHT = 260;
/** Room that a name, and a name with its figure, take at least. */
const NAME = { width: 52, height: 22 };
const FIGURE = { width: 52, height: 40 };
/** Room that its figure beside its share takes. */
const BOTH = 116;

const TONES: Record<PartTone, string> = {
  system: "bg-part-system",
  memory: "bg-part-memory",
  tools: "bg-part-tools",
  calls: "bg-part-calls",
  results: "bg-part-results",
  images: "bg-part-images",
  prompts: "bg-part-prompts",
  answers: "bg-part-answers",
  thinking: "bg-part-thinking",
  rest: "bg-part-rest",
};

export function ContextMap({ context, high = HEIGHT }: { context: Context; high?: number }) {
  const parts = useMemo(() => partsOf(context), [context]);
  return (
    <div className="@container flex min-w-0 flex-col gap-4">
      <Fill context={context} />
      {context.truncated ? (
        <Note tone="warn">
          Something of the request was not kept, so its parts are not told in full.
        </Note>
      ) : null}
      {/* Beside each other where there is room: the areas are to be seen with what they mean. */}
      <div className="grid items-start gap-4 @4xl:grid-cols-2">
        <Areas parts={parts} high={high} />
        <Table parts={parts} />
      </div>
    </div>
  );
}

function Fill({ context: { tokens, window, bytes: size } }: { context: Context }) {
  if (tokens === null) {
    return (
      <p className="text-xs text-ink-2">
        {bytes(size)}; the provider did not tell how many tokens it read.
      </p>
    );
  }
  const share = window === null ? null : tokens / window;
  return (
    <div className="flex flex-col gap-1.5">
      <p className="text-xs text-ink-2">
        <b className="text-sm font-semibold text-ink">{count(tokens)} tokens</b>
        {window === null
          ? "; how many its model can have is not known."
          : ` of the ${compact(window)} that its model can have: ${Math.round((share ?? 0) * 100)}\u00a0%`}
      </p>
      {share === null ? null : (
        <div className="h-1.5 overflow-hidden rounded-full bg-raised" aria-hidden="true">
          <div
            className={cx(
              "h-full rounded-full",
              share > 0.9 ? "bg-bad" : share > 0.7 ? "bg-warn" : "bg-ok",
            )}
            style={{ width: `${Math.min(100, share * 100)}%` }}
          />
        </div>
      )}
    </div>
  );
}

/** The parts as areas; the table tells the same to whoever does not see them. */
function Areas({ parts, high }: { parts: ContextPart[]; high: number }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const areas = useMemo(() => layOut(parts, [width, high]), [parts, width, high]);
  return (
    <div ref={box} className="relative overflow-hidden rounded-md" style={{ height: high }}>
      <div aria-hidden="true">
        {areas.map(({ part, left, top, wide, high: tall }) => (
          <div
            key={part.key}
            title={`${label(part)}: ${figure(part)}, ${percent(part.share)}`}
            className={cx(
              "absolute overflow-hidden rounded-sm px-1.5 py-0.5 text-ink",
              TONES[part.tone],
            )}
            style={{ left, top, width: wide, height: tall }}
          >
            {wide >= NAME.width && tall >= NAME.height ? (
              <span className="block truncate text-xs font-medium">{label(part)}</span>
            ) : null}
            {wide >= FIGURE.width && tall >= FIGURE.height ? (
              <span className="block truncate text-2xs">
                {wide >= BOTH ? `${figure(part)} · ` : ""}
                {percent(part.share)}
              </span>
            ) : null}
          </div>
        ))}
      </div>
    </div>
  );
}

interface Area {
  part: ContextPart;
  left: number;
  top: number;
  wide: number;
  high: number;
}

function layOut(parts: ContextPart[], size: [width: number, height: number]): Area[] {
  const root = hierarchy<{ children?: ContextPart[] } | ContextPart>({ children: parts }).sum(
    (part) => ("share" in part ? part.share : 0),
  );
  const placed = treemap<typeof root.data>()
    .tile(treemapSquarify)
    .size(size)
    .paddingInner(2)
    .round(true)(root);
  return placed
    .leaves()
    .flatMap(({ data, x0, y0, x1, y1 }) =>
      "share" in data && x1 > x0 && y1 > y0
        ? [{ part: data, left: x0, top: y0, wide: x1 - x0, high: y1 - y0 }]
        : [],
    );
}

function Table({ parts }: { parts: ContextPart[] }) {
  const cell = "py-1 pl-3 text-right whitespace-nowrap tabular-nums";
  const roomy = cx(cell, "hidden @lg:table-cell");
  return (
    <table aria-label="Parts of the context" className="w-full border-collapse text-xs">
      <thead className="text-ink-3">
        <tr className="border-b">
          <th className="py-1 text-left font-medium">Part</th>
          <th className={cx(roomy, "font-medium")}>Pieces</th>
          <th className={cx(roomy, "font-medium")}>Size</th>
          <th className={cx(cell, "font-medium")}>Tokens, about</th>
          <th className={cx(cell, "font-medium")}>Share</th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {parts.map((part) => (
          <tr key={part.key}>
            <td className="w-full max-w-0 truncate py-1">
              <span
                aria-hidden="true"
                className={cx(
                  "mr-2 inline-block size-2.5 rounded-sm align-[-1px]",
                  TONES[part.tone],
                )}
              />
              {label(part)}
            </td>
            <td className={roomy}>{count(part.pieces)}</td>
            <td className={roomy}>{bytes(part.bytes)}</td>
            <td className={cell}>{part.tokens === null ? DASH : count(part.tokens)}</td>
            <td className={cell}>{percent(part.share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function label({ name, server }: ContextPart): string {
  const told = oneLine(name, 40);
  return server === null ? told : `${told} of ${oneLine(server, 60)}`;
}

function figure({ tokens, bytes: size }: ContextPart): string {
  return tokens === null ? bytes(size) : `${compact(tokens)} tokens`;
}

function percent(share: number): string {
  return share > 0 && share < 0.01 ? "< 1 %" : `${Math.round(share * 100)} %`;
}
