// A filter that picks one of the values there are: the server narrows them, so that none is out of reach.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { facetsQuery } from "@/api/queries";
import type { Facet, Facets, SessionFacet } from "@/api/types";
import { clock, count } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { cx } from "@/ui/cx";
import { PickList, type PickOption } from "@/ui/PickList";
import { PickMenu } from "@/ui/PickMenu";
import { SessionName } from "@/ui/SessionName";
import { useSettled } from "@/ui/useSettled";

/** Between the last key press and the question to the server. */
const TYPING_MS = 200;

export interface FacetMenuProps {
  label: string;
  /** What there are many of, in the plural. */
  many: string;
  value: string;
  /** How the value is shown on the button. */
  shown: (value: string) => ReactNode;
  options: (facets: Facets) => PickOption[];
  width: number;
  onChange: (value: string) => void;
}

export function FacetMenu(props: FacetMenuProps) {
  const { label, value, shown, width, onChange } = props;
  return (
    <PickMenu label={label} picked={value === "" ? null : shown(value)} width={width}>
      {(close) => (
        <Values
          {...props}
          onChange={(next) => {
            close();
            onChange(next);
          }}
        />
      )}
    </PickMenu>
  );
}

function Values({ label, many, value, options, onChange }: FacetMenuProps) {
  const [typed, setTyped] = useState("");
  const asked = useSettled(typed.trim(), TYPING_MS);
  const { data: facets, isError } = useQuery(facetsQuery(asked));
  const found = facets ? options(facets) : [];
  const any: PickOption[] = value !== "" && typed === "" ? [{ value: "", content: "Any" }] : [];
  const cut = facets !== undefined && found.length >= facets.limit;
  return (
    <PickList
      label={label}
      value={value}
      options={[...any, ...found]}
      typed={typed}
      onType={setTyped}
      onPick={onChange}
      empty={
        isError
          ? "They could not be loaded."
          : facets
            ? `No such ${label.toLowerCase()}.`
            : "Loading…"
      }
      note={
        cut
          ? `${count(found.length)} ${many} are listed; there may be more: search for them.`
          : null
      }
    />
  );
}

/** Values as they are, with how many flows have each. */
export function plainOptions(facets: Facet[]): PickOption[] {
  return facets.map(({ value, count: number }) => ({
    value,
    content: (
      <span className="flex items-baseline gap-3">
        <span className="min-w-0 flex-1 truncate">{oneLine(value, 120)}</span>
        <span className="shrink-0 text-ink-3">{count(number)}</span>
      </span>
    ),
  }));
}

/** Sessions by what people know them by: how they began, and when. */
export function sessionOptions(sessions: SessionFacet[], stars: ReadonlySet<string>): PickOption[] {
  return sessions.map(({ value, count: number, first_at, opening }) => ({
    value,
    content: (
      <span className="flex flex-col gap-0.5 py-0.5">
        <span className="flex items-baseline gap-3">
          <SessionName id={value} starred={stars.has(value)} />
          <span className="flex-1 text-ink-3">{first_at ? clock(first_at) : null}</span>
          <span className="shrink-0 text-ink-3">{count(number)}</span>
        </span>
        <span className={cx("truncate", opening ? "text-ink" : "text-ink-3")} dir="auto">
          {opening ? oneLine(opening, 160) : "Nothing was said yet"}
        </span>
      </span>
    ),
  }));
}
