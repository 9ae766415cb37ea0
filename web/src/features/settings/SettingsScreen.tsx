// What Langley keeps, redacts and warns of, where each setting comes from, and how this page looks.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { budgetsQuery, settingsQuery } from "@/api/insight";
import { setupQuery, statsQuery } from "@/api/queries";
import type { Budget, Setting } from "@/api/types";
import { bytes, count, duration, money, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { compact } from "@/lib/json";
import { Badge } from "@/ui/Badge";
import { Failed } from "@/ui/Failed";
import { SearchIcon } from "@/ui/icons";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { Page, Section } from "@/ui/Page";
import { ThemeChoice } from "@/views/ThemeSwitch";

const TELEMETRY = "Telemetry";

/** The parts of the screen, each with the keys that belong to it; the rest stands at the end. */
const PARTS: { title: string; note: string; keys: RegExp }[] = [
  {
    title: "What is stored",
    note: "and for how long",
    keys: /^(retention|persistence|maintenance|raw_bodies|memory|transcripts|home|search)\b/,
  },
  { title: "What is redacted", note: "before anything is kept", keys: /^redaction\b/ },
  { title: "Thresholds", note: "from which a finding is told", keys: /^(analytics|tasks)\b/ },
  { title: "Prices and budgets", note: "", keys: /^(pricing|budgets?)\b/ },
  {
    title: TELEMETRY,
    note: "what leaves this machine, if anything",
    keys: /^(telemetry|collector)\b/,
  },
  { title: "Proxy and doors", note: "", keys: /^(proxy|api)\b/ },
];

export function SettingsScreen() {
  const { data, error, refetch, isPending } = useQuery(settingsQuery());
  const { data: stats, isPending: statsComing } = useQuery(statsQuery());
  const { data: setup, isPending: setupComing } = useQuery(setupQuery());
  const { data: budgets, isPending: budgetsComing } = useQuery(budgetsQuery());
  // What came later would push down what stands below it.
  const isComing = isPending || statsComing || setupComing || budgetsComing;
  const [typed, setTyped] = useState("");
  const words = typed.trim().toLowerCase();
  const settings = (data?.items ?? []).filter(({ key }) => key.toLowerCase().includes(words));
  const parts = partsOf(settings);
  return (
    <Page
      title="Settings"
      note="As they are in force, each with the layer that it comes from."
      actions={
        <div className="relative w-56">
          <SearchIcon className="pointer-events-none absolute top-1/2 left-2 size-3.5 -translate-y-1/2 text-ink-3" />
          <input
            type="text"
            aria-label="Find a setting"
            placeholder="Find a setting"
            value={typed}
            maxLength={100}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setTyped(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") event.currentTarget.blur();
            }}
            className="h-7 w-full rounded-md border border-line bg-surface pr-2 pl-7 text-xs hover:border-line-strong"
          />
        </div>
      }
    >
      {words === "" && !isComing ? (
        <>
          <Section title="Appearance" note="kept in this browser">
            <div>
              <ThemeChoice />
            </div>
          </Section>
          <Section title="How to change them" note="this page only shows them">
            <ul className="flex max-w-prose list-disc flex-col gap-1 pl-5 text-xs text-ink-2 marker:text-ink-3">
              <li>
                In the file{" "}
                <code className="font-mono wrap-anywhere text-ink">
                  {setup ? `${setup.home}/langley.config.yaml` : "langley.config.yaml"}
                </code>
                : a key as it stands below, its parts under each other. Where another file is used,{" "}
                <code className="font-mono">langley config path</code> names it.
              </li>
              <li>
                By <code className="font-mono">PUT /api/settings</code>, by a variable such as{" "}
                <code className="font-mono">LANGLEY_PROXY__PORT</code>, or by a flag; the file is
                stronger than the API, the variable than the file, the flag than all.
              </li>
              <li>
                <code className="font-mono">langley config check</code> says whether it is right; it
                counts when Langley is started the next time.
              </li>
            </ul>
          </Section>
          {stats?.raw_bodies ? (
            <Note tone="bad">Bodies are also kept unredacted, because Langley was started so.</Note>
          ) : null}
        </>
      ) : null}
      {isComing ? (
        <Skeleton lines={12} />
      ) : error && !data ? (
        <Failed what="The settings" error={error} onRetry={() => void refetch()} />
      ) : parts.length === 0 ? (
        <Notice title="No setting has these words">
          <p>docs/configuration.md lists them all.</p>
        </Notice>
      ) : (
        parts.map(({ title, note, settings }) => (
          <Section key={title} title={title} note={note}>
            {words === "" && title === "What is stored" && stats ? (
              <p className="text-xs text-ink-2">
                {plural(stats.flows, "flow")} in {bytes(stats.db_bytes)}
                {setup ? (
                  <>
                    {" "}
                    at <code className="font-mono wrap-anywhere">{setup.home}</code>
                  </>
                ) : null}
                .
              </p>
            ) : null}
            {words === "" && title === "What is redacted" && stats ? (
              <p className="text-xs text-ink-2">
                {stats.redactions.length === 0
                  ? "Nothing was replaced yet."
                  : `Replaced so far: ${stats.redactions
                      .map((each) => `${oneLine(each.rule, 40)} ${count(each.count)}`)
                      .join(", ")}.`}{" "}
                docs/redaction.md lists what is replaced without being asked;{" "}
                <code className="font-mono">langley audit redaction</code> looks through what is
                stored.
              </p>
            ) : null}
            {words === "" && title === "Prices and budgets" ? (
              <Budgets budgets={budgets?.items ?? []} />
            ) : null}
            <List settings={settings} label={title} />
          </Section>
        ))
      )}
      {words === "" && data && !isComing && !parts.some(({ title }) => title === TELEMETRY) ? (
        <Section title={TELEMETRY} note="what leaves this machine, if anything">
          <p className="max-w-prose text-xs text-ink-2">
            Nothing is sent, and there is nothing to preview: this version has no telemetry, and
            asks no host that an agent did not ask for.
          </p>
        </Section>
      ) : null}
    </Page>
  );
}

function Budgets({ budgets }: { budgets: Budget[] }) {
  if (budgets.length === 0) {
    return (
      <p className="text-xs text-ink-2">
        No budget is set. <code className="font-mono">budgets.NAME.limit_usd</code> sets one.
      </p>
    );
  }
  return (
    <ul aria-label="Budgets" className="flex flex-col gap-1 text-xs">
      {budgets.map((budget) => (
        <li key={budget.name} className="flex flex-wrap items-center gap-x-3">
          <span className="font-medium">{oneLine(budget.name, 60)}</span>
          <span className="text-ink-2">
            {money(budget.spent?.micro_usd)} of {money(budget.limit.micro_usd)} a{" "}
            {oneLine(budget.scope, 20)}
          </span>
          <Badge tone={budget.is_spent ? "bad" : "idle"}>
            {budget.is_spent ? "spent" : oneLine(budget.action, 20)}
          </Badge>
        </li>
      ))}
    </ul>
  );
}

interface Part {
  title: string;
  note: string;
  settings: Setting[];
}

export function partsOf(settings: readonly Setting[]): Part[] {
  const parts: Part[] = PARTS.map(({ title, note, keys }) => ({
    title,
    note,
    settings: settings.filter(({ key }) => keys.test(key)),
  }));
  const known = new Set(parts.flatMap((part) => part.settings));
  const rest = settings.filter((setting) => !known.has(setting));
  return [...parts, { title: "Everything else", note: "", settings: rest }].filter(
    (part) => part.settings.length > 0,
  );
}

function List({ settings, label }: { settings: Setting[]; label: string }) {
  return (
    <dl aria-label={label} className="divide-y divide-line overflow-hidden rounded-lg border">
      {settings.map((setting) => (
        <div
          key={setting.key}
          className="grid grid-cols-[minmax(0,1fr)_auto] items-baseline gap-x-4 gap-y-0.5 px-3 py-1.5 text-xs sm:grid-cols-[minmax(0,20rem)_minmax(0,1fr)_auto]"
        >
          <dt className="font-mono wrap-anywhere text-ink-2 max-sm:col-span-2">
            {oneLine(setting.key, 120)}
          </dt>
          <dd className="min-w-0 font-mono wrap-anywhere">
            <Value name={setting.key} value={setting.value} />
          </dd>
          <dd className="min-w-0 max-w-64">
            {setting.source === "default" ? (
              <span className="text-2xs text-ink-3">default</span>
            ) : (
              <Badge tone="info" className="max-w-48">
                <span className="truncate">{oneLine(setting.source, 40)}</span>
              </Badge>
            )}
            {setting.origin === setting.source ? null : (
              <span className="ml-2 font-mono text-2xs wrap-anywhere text-ink-3">
                {oneLine(setting.origin, 300)}
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A number in the unit that its key ends with. */
export function measured(name: string, value: number): string {
  if (name.endsWith("_bytes")) return bytes(value);
  if (name.endsWith("_ms")) return duration(value);
  if (/_s(econds)?$/.test(name)) return duration(value * 1_000);
  if (name.endsWith("_days")) return value === 0 ? "for ever" : plural(value, "day");
  if (name.endsWith("_hours")) return plural(value, "hour");
  if (name.endsWith("_minutes")) return plural(value, "minute");
  if (name.endsWith("_tokens")) return plural(value, "token");
  if (name.endsWith("_percent")) return `${value} %`;
  // A port is a name, not a quantity.
  return name.endsWith("port") ? String(value) : count(value);
}

/** Entries of a list that are shown without being asked for. */
const ENTRIES = 6;

function Value({ name, value }: { name: string; value: unknown }): ReactNode {
  const [all, setAll] = useState(false);
  if (value === null || value === undefined) return <span className="text-ink-3">none</span>;
  if (typeof value === "boolean") return value ? "on" : <span className="text-ink-3">off</span>;
  if (typeof value === "number") return measured(name, value);
  if (typeof value === "string")
    return value === "" ? <span className="text-ink-3">empty</span> : oneLine(value, 400);
  if (!Array.isArray(value)) return oneLine(compact(value), 600);
  if (value.length === 0) return <span className="text-ink-3">none</span>;
  const shown = all ? value : value.slice(0, ENTRIES);
  return (
    <>
      {shown
        .map((each) =>
          typeof each === "string" ? oneLine(each, 200) : oneLine(compact(each), 400),
        )
        .join(", ")}
      {value.length > ENTRIES ? (
        <button
          type="button"
          onClick={() => setAll(!all)}
          className="ml-2 rounded-sm font-sans font-medium text-accent hover:underline"
        >
          {all ? "Show less" : `and ${count(value.length - ENTRIES)} more`}
        </button>
      ) : null}
    </>
  );
}
