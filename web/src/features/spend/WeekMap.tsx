// When work is done: the hours of the week, the busier the stronger; each leads to the flows of its newest.
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useRef, useState } from "react";
import type { Params } from "@/api/client";
import { activityQuery } from "@/api/insight";
import { type HourCell, type Measure, STEPS, strength, WEEKDAYS, weekOf } from "@/lib/activity";
import { count, money, plural } from "@/lib/format";
import { flowsHref } from "@/routes/paths";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { Section } from "@/ui/Page";
import { Segmented } from "@/ui/Segmented";

const MEASURES = {
  flow: [
    { value: "flows", label: "Flows" },
    { value: "cost", label: "Cost" },
  ],
  response: [
    { value: "flows", label: "Responses" },
    { value: "cost", label: "Cost" },
  ],
} as const;

const TONES = [
  "bg-raised",
  "bg-accent-fill/25",
  "bg-accent-fill/45",
  "bg-accent-fill/65",
  "bg-accent-fill/80",
  "bg-accent-fill",
] as const;

const HOUR_MS = 3_600_000;

export interface WeekMapProps {
  measure: Measure;
  onMeasure: (measure: Measure) => void;
  params: Params;
  filter: { model?: string | undefined; project?: string | undefined };
  /** What is counted; only flows can be opened. */
  counted: "flow" | "response";
}

export function WeekMap({ measure, onMeasure, params, filter, counted }: WeekMapProps) {
  const { data, error, refetch } = useQuery(activityQuery(params));
  if (!data && error) {
    return <Failed what="The hours" error={error} onRetry={() => void refetch()} />;
  }
  const week = weekOf(data?.items ?? []);
  return (
    <Section
      title="Hours of the week"
      note={[
        counted === "response"
          ? measure === "flows"
            ? "responses that were written down then"
            : "what the responses cost that were written down then"
          : measure === "flows"
            ? "flows that began then: a request and its answer each"
            : "what the flows cost that began then",
        ...(data?.more ? [`the first ${count(data.items.length)} hours only`] : []),
      ].join("; ")}
      actions={
        <Segmented
          label="Told by"
          value={measure}
          choices={MEASURES[counted]}
          onChange={onMeasure}
        />
      }
    >
      <div className="rounded-lg border px-3 pt-3 pb-2.5">
        {/*
          Laid out before its numbers are there, so that nothing below it moves; positioned, so that
          what only a screen reader sees scrolls with it.
        */}
        <div className="relative overflow-x-auto" aria-busy={data === undefined}>
          <Week week={week} measure={measure} filter={filter} counted={counted} />
        </div>
        <Scale />
      </div>
    </Section>
  );
}

interface WeekProps {
  week: HourCell[][];
  measure: Measure;
  filter: WeekMapProps["filter"];
  counted: WeekMapProps["counted"];
}

function Week({ week, measure, filter, counted }: WeekProps) {
  const table = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState({ day: 0, hour: 0 });
  const most = week.flat().reduce((found, cell) => Math.max(found, cell[measure] ?? 0), 0);
  const move = (event: KeyboardEvent, from: { day: number; hour: number }) => {
    const step = STEPS_OF[event.key];
    if (!step) return;
    event.preventDefault();
    const day = Math.max(0, Math.min(WEEKDAYS.length - 1, from.day + step.day));
    const hour = Math.max(0, Math.min(23, from.hour + step.hour));
    setAt({ day, hour });
    table.current?.querySelector<HTMLElement>(`[data-at="${day} ${hour}"]`)?.focus();
  };
  return (
    <table
      ref={table}
      aria-label={`Hours of the week by ${measure}`}
      className="w-full table-fixed border-separate border-spacing-0.5"
    >
      <thead>
        <tr>
          <td className="w-10" />
          {week[0]?.map((_, hour) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: an hour is its place in the day
            <th key={hour} scope="col" className="w-6 text-left text-2xs font-normal text-ink-3">
              <span className={hour % 6 === 0 ? undefined : "sr-only"}>{twoDigits(hour)}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {week.map((cells, day) => (
          <tr key={WEEKDAYS[day]}>
            <th scope="row" className="text-left text-2xs font-normal text-ink-3">
              <span aria-hidden="true">{WEEKDAYS[day]?.slice(0, 3)}</span>
              <span className="sr-only">{WEEKDAYS[day]}</span>
            </th>
            {cells.map((cell, hour) => {
              const told = tell(cell, WEEKDAYS[day] ?? "", hour, counted);
              const isLink = cell.newest !== null && counted === "flow";
              const place = {
                "data-at": `${day} ${hour}`,
                title: told,
                tabIndex: at.day === day && at.hour === hour ? 0 : -1,
                onFocus: () => setAt({ day, hour }),
                onKeyDown: (event: KeyboardEvent) => move(event, { day, hour }),
                className: cx(
                  "block h-6 rounded-sm",
                  TONES[strength(cell[measure], most)],
                  isLink ? "hover:outline-2 hover:outline-accent" : undefined,
                  // What costs nobody knows how much is no zero.
                  measure === "cost" && cell.flows > 0 && cell.cost === null && "bg-warn-soft",
                ),
              };
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: an hour is its place in the day
                <td key={hour} className="p-0">
                  {isLink && cell.newest ? (
                    <a {...place} aria-label={told} href={hrefOf(cell.newest, filter)} />
                  ) : (
                    <span {...place} role="img" aria-label={told} />
                  )}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const STEPS_OF: Record<string, { day: number; hour: number } | undefined> = {
  ArrowUp: { day: -1, hour: 0 },
  ArrowDown: { day: 1, hour: 0 },
  ArrowLeft: { day: 0, hour: -1 },
  ArrowRight: { day: 0, hour: 1 },
};

function tell(
  { flows, cost, newest }: HourCell,
  day: string,
  hour: number,
  counted: WeekMapProps["counted"],
): string {
  const when = `${day} ${twoDigits(hour)}:00`;
  if (newest === null) return `${when}: nothing`;
  const told = `${when}: ${plural(flows, counted)}, ${cost === null ? "cost not known" : money(cost)}`;
  return counted === "flow" ? `${told}; opens the newest such hour` : told;
}

function hrefOf(newest: Date, { model, project }: WeekMapProps["filter"]): string {
  return flowsHref({
    ...(model === undefined ? {} : { model }),
    ...(project === undefined ? {} : { project }),
    since: newest.toISOString(),
    until: new Date(newest.getTime() + HOUR_MS).toISOString(),
  });
}

function Scale() {
  return (
    <p className="mt-2 flex items-center justify-end gap-1 text-2xs text-ink-3">
      <span className="mr-1">none</span>
      {TONES.slice(0, STEPS + 1).map((tone) => (
        <span key={tone} aria-hidden="true" className={cx("size-3 rounded-sm", tone)} />
      ))}
      <span className="ml-1">most</span>
    </p>
  );
}

function twoDigits(hour: number): string {
  return String(hour).padStart(2, "0");
}
