// What was read and written over time, as lines on one logarithmic scale; the same as a table for whoever wants it.
import { useEffect, useMemo, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { compact, count, DASH } from "@/lib/format";
import type { Span } from "@/lib/spend";
import { type TokenLine, tokenLines } from "@/lib/tokenLines";
import { Fold } from "@/ui/Fold";
import { useWidth } from "@/ui/useWidth";
import { useTheme } from "@/views/theme";
import { CLASS_TONES } from "./classFaces";
import { Swatch } from "./DayChart";

const HEIGHT = 200;

export function TokenChart({ spans }: { spans: Span[] }) {
  const lines = useMemo(() => tokenLines(spans), [spans]);
  return (
    <figure className="flex flex-col gap-2 rounded-lg border px-3 pt-3 pb-2.5">
      <Drawing spans={spans} lines={lines} />
      <figcaption>
        <ul className="flex flex-wrap gap-x-4 gap-y-1 pl-4 text-xs text-ink-2">
          {lines.map(({ tone, name }) => (
            <li key={tone} className="flex items-center gap-1.5">
              <Swatch name={tone} />
              {name}
            </li>
          ))}
          <li className="text-ink-3">tokens, on a logarithmic scale</li>
        </ul>
      </figcaption>
      <Fold summary={<span className="text-xs text-ink-3">As a table</span>}>
        {() => <Table spans={spans} lines={lines} />}
      </Fold>
    </figure>
  );
}

function Drawing({ spans, lines }: { spans: Span[]; lines: TokenLine[] }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const theme = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours
  useEffect(() => {
    const place = box.current;
    if (!place || width === 0) return;
    const draw = () => new UPlot(options(place, spans, lines, width), dataOf(spans, lines), place);
    let chart = draw();
    // A system that turns dark turns this page dark, where no theme is chosen.
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => {
      chart.destroy();
      chart = draw();
    };
    dark.addEventListener("change", redraw);
    return () => {
      dark.removeEventListener("change", redraw);
      chart.destroy();
    };
  }, [spans, lines, width, theme]);
  return (
    <div
      ref={box}
      role="img"
      aria-label="Tokens over time, a line for each class; the table below tells the same"
      className="min-w-0 text-ink-3"
      style={{ height: HEIGHT }}
    />
  );
}

function dataOf(spans: Span[], lines: TokenLine[]): UPlot.AlignedData {
  return [
    spans.map(({ since }) => Date.parse(since) / 1000),
    // Nothing has no place on a logarithmic scale.
    ...lines.map(({ values }) => values.map((value) => value || null)),
  ];
}

function options(
  place: HTMLElement,
  spans: Span[],
  lines: TokenLine[],
  width: number,
): UPlot.Options {
  const { ink, grid, font } = inks(place);
  const axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { distr: 3 } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        values: (_, at) => at.map((second) => labelAt(spans, second)),
      },
      {
        ...axis,
        size: 52,
        // Only whole powers of ten: the steps between them stand too close.
        filter: (_, at) => at.map((value) => (isPower(value) ? value : null)),
        grid: {
          ...axis.grid,
          filter: (_, at) => at.map((value) => (isPower(value) ? value : null)),
        },
        values: (_, at) => at.map((value) => (value === null ? "" : compact(value))),
      },
    ],
    series: [
      {},
      ...lines.map(({ tone, name }) => {
        const stroke = toneOf(place, tone);
        return { label: name, stroke, width: 2, points: { show: true, size: 4, fill: stroke } };
      }),
    ],
  };
}

function isPower(value: number): boolean {
  return Number.isInteger(Math.log10(value));
}

/** The label of the span that a place of the axis lies in. */
function labelAt(spans: Span[], second: number): string {
  const at = second * 1000;
  const found = spans.find(({ since, until }) => at >= Date.parse(since) && at < Date.parse(until));
  return found?.label ?? "";
}

/** The stylesheet's colours, as they are in force at this place. */
function inks(place: HTMLElement): { ink: string; grid: string; font: string } {
  const style = getComputedStyle(place);
  return {
    ink: style.color,
    grid: style.borderTopColor,
    font: `11px ${style.fontFamily}`,
  };
}

function toneOf(place: HTMLElement, tone: TokenLine["tone"]): string {
  const probe = document.createElement("span");
  probe.className = CLASS_TONES[tone];
  place.append(probe);
  const colour = getComputedStyle(probe).backgroundColor;
  probe.remove();
  return colour;
}

function Table({ spans, lines }: { spans: Span[]; lines: TokenLine[] }) {
  return (
    <div
      className="max-h-60 overflow-auto"
      tabIndex={0}
      role="region"
      aria-label="Tokens over time"
    >
      <table className="w-full border-collapse text-xs">
        <thead className="text-ink-3">
          <tr className="border-b">
            <th className="py-1 text-left font-medium">When</th>
            {lines.map(({ tone, name }) => (
              <th key={tone} className="py-1 pl-3 text-right font-medium">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {spans.map(({ key, label }, at) => (
            <tr key={key}>
              <td className="py-1 whitespace-nowrap">{label}</td>
              {lines.map(({ tone, values }) => (
                <td key={tone} className="py-1 pl-3 text-right tabular-nums">
                  {values[at] == null ? DASH : count(values[at])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
