// What each day, or each hour of today, cost, as columns of its classes; a column leads to its flows, where it has some.
import { money, plural } from "@/lib/format";
import { CLASS_LABELS, CLASSES, type Class, type Span } from "@/lib/spend";
import { cx } from "@/ui/cx";
import { CLASS_TONES } from "./classFaces";

export interface DayChartProps {
  spans: Span[];
  /** What a column is made of. */
  counted: "flow" | "response";
  /** Where a column leads. */
  hrefOf: (span: Span) => string | null;
}

export function DayChart({ spans, counted, hrefOf }: DayChartProps) {
  const most = spans.reduce((found, { cost }) => Math.max(found, cost ?? 0), 0);
  const shown = new Set(spans.flatMap(({ classes }) => classes.map(({ name }) => name)));
  // As many labels as there is room for, the last day always among them.
  const every = Math.max(1, Math.ceil(spans.length / 10));
  return (
    <figure className="flex flex-col gap-3 rounded-lg border px-3 pt-3 pb-2.5">
      <div className="flex items-stretch gap-2">
        <div className="flex w-14 shrink-0 flex-col justify-between pb-5 text-right text-2xs text-ink-3">
          <span>{money(most)}</span>
          <span>{most > 1 ? money(Math.round(most / 2)) : ""}</span>
          <span>$0</span>
        </div>
        <ul
          aria-label="Cost over time"
          className="relative flex min-w-0 flex-1 items-stretch gap-px sm:gap-0.5"
        >
          {spans.map((span, at) => (
            <li key={span.key} className="flex h-40 max-w-16 min-w-0 flex-1 flex-col">
              <Column span={span} most={most} counted={counted} href={hrefOf(span)} />
              <span className="relative h-5">
                {(spans.length - 1 - at) % every === 0 ? (
                  <span
                    className={cx(
                      "absolute top-1 text-2xs whitespace-nowrap text-ink-3",
                      at === spans.length - 1 && spans.length > 8
                        ? "right-0"
                        : "left-1/2 -translate-x-1/2",
                      (spans.length - 1 - at) % (every * 3) !== 0 && "max-sm:hidden",
                    )}
                  >
                    {span.label}
                  </span>
                ) : null}
              </span>
            </li>
          ))}
        </ul>
      </div>
      <figcaption>
        <ul className="flex flex-wrap gap-x-4 gap-y-1 pl-16 text-xs text-ink-2">
          {CLASSES.filter((name) => shown.has(name)).map((name) => (
            <li key={name} className="flex items-center gap-1.5">
              <Swatch name={name} />
              {CLASS_LABELS[name]}
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}

function Column({
  span,
  most,
  counted,
  href,
}: {
  span: Span;
  most: number;
  counted: DayChartProps["counted"];
  href: string | null;
}) {
  const told = `${span.label}: ${money(span.cost)}, ${plural(span.flows, counted)}${
    span.unpriced > 0 ? `, ${plural(span.unpriced, counted)} without a price` : ""
  }`;
  const height = most > 0 ? ((span.cost ?? 0) / most) * 100 : 0;
  const place = {
    title: told,
    "aria-label": told,
    className:
      "group relative flex min-h-0 flex-1 flex-col justify-end rounded-sm border-b border-line-strong hover:bg-raised focus-visible:-outline-offset-2",
  };
  const inside = (
    <>
      {span.cost === null && span.flows > 0 ? (
        <span className="absolute inset-x-0 bottom-0 h-1 bg-warn" />
      ) : null}
      <span
        className="flex flex-col-reverse overflow-hidden rounded-t-sm"
        style={{ height: `${span.cost ? Math.max(1, height) : 0}%` }}
      >
        {span.classes.map(({ name, cost }) => (
          <span
            key={name}
            className={cx("w-full shrink-0", CLASS_TONES[name])}
            style={{ height: `${(cost / Math.max(1, span.cost ?? 0)) * 100}%` }}
          />
        ))}
      </span>
    </>
  );
  return href === null ? (
    <span role="img" {...place}>
      {inside}
    </span>
  ) : (
    <a data-row href={href} {...place}>
      {inside}
    </a>
  );
}

export function Swatch({ name }: { name: Class }) {
  return <span aria-hidden="true" className={cx("size-2.5 rounded-sm", CLASS_TONES[name])} />;
}
