// The list's filter: a search field and a choice for each facet, all of it in the URL.
import { useQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useRef, useState } from "react";
import { facetsQuery } from "@/api/queries";
import { useStars } from "@/api/stars";
import type { Facet } from "@/api/types";
import { FILTER_KEYS, type FilterKey, type FlowFilter, isEmpty, RANGES } from "@/lib/filter";
import { count, fullTime } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { FACES, flowState, OUTCOMES } from "@/lib/outcome";
import { providerLabel } from "@/providers/registry";
import { cx } from "@/ui/cx";
import { CloseIcon, SearchIcon, StarIcon } from "@/ui/icons";
import { SessionName } from "@/ui/SessionName";
import { FacetMenu, type FacetMenuProps, plainOptions, sessionOptions } from "./FacetMenu";

/** Between the last key press in a text field and the question to the server. */
const TYPING_MS = 250;

export interface FilterBarProps {
  filter: FlowFilter;
  onFilter: (next: FlowFilter) => void;
  search: RefObject<HTMLInputElement | null>;
}

interface Option {
  value: string;
  label: string;
}

export function FilterBar({ filter, onFilter, search }: FilterBarProps) {
  const { data: facets } = useQuery(facetsQuery());
  const stars = useStars();
  const set = (key: FilterKey, value: string) => {
    const next = { ...filter };
    if (value === "") delete next[key];
    else next[key] = value;
    onFilter(next);
  };
  const pick = (key: FilterKey, label: string, options: Option[]) => (
    <Pick
      key={key}
      label={label}
      value={filter[key] ?? ""}
      options={options}
      onChange={(value) => set(key, value)}
    />
  );
  const menu = (
    key: FilterKey,
    rest: Pick<FacetMenuProps, "label" | "many" | "options"> & Partial<FacetMenuProps>,
  ) => (
    <FacetMenu
      width={320}
      shown={(value) => oneLine(value, 40)}
      {...rest}
      value={filter[key] ?? ""}
      onChange={(value) => set(key, value)}
    />
  );
  return (
    <div
      role="search"
      aria-label="Filter the flows"
      className="flex min-w-0 flex-1 items-center gap-1.5 @2xl:items-start @2xl:py-1.5"
    >
      <div className="relative w-26 shrink-0 @md:w-36 @2xl:w-56">
        <SearchIcon className="pointer-events-none absolute top-1/2 left-2 size-3.5 -translate-y-1/2 text-ink-3" />
        <TextField
          field={search}
          label="Search the flows"
          placeholder="Search"
          value={filter.q ?? ""}
          onChange={(value) => set("q", value)}
          className="w-full pr-2 pl-7 @md:pr-7"
        />
        <kbd className="pointer-events-none hidden @md:block absolute top-1/2 right-2 -translate-y-1/2 rounded-sm border px-1 font-mono text-2xs text-ink-3">
          /
        </kbd>
      </div>
      <section
        tabIndex={0}
        aria-label="Filters"
        className="flex min-w-0 flex-1 items-center gap-1.5 p-0.5 @2xl:-my-0.5 @2xl:flex-wrap @max-2xl:overflow-x-auto @max-2xl:pr-5 @max-2xl:[mask-image:linear-gradient(to_right,black_calc(100%-1.5rem),transparent)] @max-2xl:[scrollbar-width:none]"
      >
        {pick("outcome", "Outcome", outcomeOptions())}
        {pick("status", "Status", STATUSES)}
        {pick("provider", "Provider", facetOptions(facets?.providers, providerLabel))}
        {menu("model", {
          label: "Model",
          many: "models",
          options: ({ models }) => plainOptions(models),
        })}
        {menu("host", {
          label: "Host",
          many: "hosts",
          options: ({ hosts }) => plainOptions(hosts),
        })}
        {menu("session", {
          label: "Session",
          many: "sessions",
          width: 400,
          shown: (value) => <SessionName id={value} starred={stars.has(value)} />,
          options: ({ sessions }) => sessionOptions(sessions, stars),
        })}
        <button
          type="button"
          aria-pressed={filter.starred !== undefined}
          onClick={() => set("starred", filter.starred === undefined ? "true" : "")}
          title="Only flows of starred sessions"
          className={cx(
            "inline-flex h-7 shrink-0 items-center gap-1.5 rounded-md border px-2.5 text-xs font-medium",
            filter.starred === undefined
              ? "border-line bg-surface text-ink-2 hover:border-line-strong hover:text-ink"
              : "order-first border-accent/50 bg-selected text-ink",
          )}
        >
          <StarIcon className="size-3" filled={filter.starred !== undefined} />
          Starred
        </button>
        {pick(
          "since",
          "Time",
          Object.entries(RANGES).map(([value, { label }]) => ({ value, label })),
        )}
        <TextField
          label="Tool"
          placeholder="Tool"
          value={filter.tool ?? ""}
          onChange={(value) => set("tool", value)}
          className="w-24"
        />
        <TextField
          label="Task"
          placeholder="Task"
          value={filter.task ?? ""}
          onChange={(value) => set("task", value)}
          className="w-24"
        />
        <TextField
          label="Project"
          placeholder="Project"
          value={filter.project ?? ""}
          onChange={(value) => set("project", value)}
          className="w-24"
        />
        {filter.until ? (
          <Pick
            label="Until"
            value={filter.until}
            options={[{ value: filter.until, label: `until ${fullTime(filter.until)}` }]}
            onChange={(value) => set("until", value)}
          />
        ) : null}
      </section>
      {isEmpty(filter) ? null : (
        <button
          type="button"
          onClick={() => onFilter({})}
          title={`Clear ${FILTER_KEYS.filter((key) => filter[key] !== undefined).join(", ")}`}
          className="inline-flex h-7 shrink-0 items-center gap-1 rounded-md px-2 text-xs font-medium text-ink-2 hover:bg-raised hover:text-ink"
        >
          <CloseIcon className="size-3" />
          <span className="sr-only @md:not-sr-only">Clear</span>
        </button>
      )}
    </div>
  );
}

const STATUSES: Option[] = [
  "2xx",
  "4xx",
  "5xx",
  "200",
  "400",
  "401",
  "403",
  "404",
  "429",
  "500",
  "529",
].map((value) => ({ value, label: value }));

function outcomeOptions(): Option[] {
  return ["open", ...OUTCOMES].map((value) => ({
    value,
    label: FACES[value === "open" ? "open" : flowState(value)].label,
  }));
}

function facetOptions(facets: Facet[] | undefined, name = (value: string) => value): Option[] {
  return (facets ?? []).map(({ value, count: number }) => ({
    value,
    label: `${oneLine(name(value), 60)} (${count(number)})`,
  }));
}

/** The browser's own select, drawn as a pill that is filled while it filters. */
function Pick({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: Option[];
  onChange: (value: string) => void;
}) {
  const set = value !== "";
  const known = options.some((option) => option.value === value);
  const shown = set
    ? (options.find((option) => option.value === value)?.label ?? oneLine(value, 40))
    : label;
  return (
    <label
      className={cx(
        "relative inline-flex h-7 shrink-0 items-center rounded-md border px-2.5 text-xs font-medium whitespace-nowrap has-focus-visible:outline-2 has-focus-visible:outline-accent",
        set
          ? "order-first border-accent/50 bg-selected text-ink"
          : "border-line bg-surface text-ink-2 hover:border-line-strong hover:text-ink",
      )}
    >
      {set ? <span className="mr-1 text-ink-3">{label}</span> : null}
      <span className="max-w-44 truncate">{shown.replace(/ \([\d,]+\)$/, "")}</span>
      <span aria-hidden="true" className="ml-1.5 text-2xs text-ink-3">
        ▾
      </span>
      <select
        aria-label={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className="absolute inset-0 w-full cursor-pointer appearance-none opacity-0"
      >
        <option value="">{set ? "Any" : label}</option>
        {set && !known ? <option value={value}>{oneLine(value, 80)}</option> : null}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A field whose word goes out once typing rests, and which follows the URL when that changes. */
function TextField({
  label,
  placeholder,
  value,
  onChange,
  className,
  field,
}: {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
  className?: string;
  field?: RefObject<HTMLInputElement | null>;
}) {
  const [typed, setTyped] = useState(value);
  const [followed, setFollowed] = useState(value);
  if (followed !== value) {
    setFollowed(value);
    setTyped(value);
  }
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(() => latest.current(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return (
    <input
      ref={field}
      type="text"
      aria-label={label}
      placeholder={placeholder}
      value={typed}
      spellCheck={false}
      autoComplete="off"
      maxLength={200}
      onChange={(event) => setTyped(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") onChange(typed.trim());
        if (event.key === "Escape") event.currentTarget.blur();
      }}
      className={cx(
        "h-7 shrink-0 rounded-md border px-2.5 text-xs hover:border-line-strong",
        value === "" ? "border-line bg-surface" : "border-accent/50 bg-selected",
        className,
      )}
    />
  );
}
