// Picks one kind of the findings there are: how many there are of each, and what they cost.
import { useState } from "react";
import type { FindingKindSum } from "@/api/types";
import { count, money } from "@/lib/format";
import { PickList } from "@/ui/PickList";
import { PickMenu } from "@/ui/PickMenu";
import { kindWords } from "./FindingCard";

export interface KindMenuProps {
  kinds: readonly FindingKindSum[];
  value: string | undefined;
  onPick: (kind: string | undefined) => void;
}

export function KindMenu({ kinds, value, onPick }: KindMenuProps) {
  return (
    <PickMenu label="Kind" picked={value === undefined ? null : kindWords(value)} width={320}>
      {(close) => (
        <Kinds
          kinds={kinds}
          value={value}
          onPick={(kind) => {
            close();
            onPick(kind);
          }}
        />
      )}
    </PickMenu>
  );
}

function Kinds({ kinds, value, onPick }: KindMenuProps) {
  const [typed, setTyped] = useState("");
  const asked = typed.trim().toLowerCase();
  const found = kinds.filter(({ kind }) => kindWords(kind).includes(asked));
  const any = value !== undefined && asked === "" ? [{ value: "", content: "Any" }] : [];
  const options = found.map(({ kind, findings, cost }) => ({
    value: kind,
    content: (
      <span className="flex items-baseline gap-3">
        <span className="min-w-0 flex-1 truncate">{kindWords(kind)}</span>
        <span className="shrink-0 text-ink-3">{count(findings)}</span>
        <span className="w-16 shrink-0 text-right text-ink-3">
          {money(cost?.micro_usd ?? null)}
        </span>
      </span>
    ),
  }));
  return (
    <PickList
      label="Kind"
      value={value ?? ""}
      options={[...any, ...options]}
      typed={typed}
      onType={setTyped}
      onPick={(kind) => onPick(kind === "" ? undefined : kind)}
      empty={asked === "" ? "No findings are listed." : "No such kind."}
    />
  );
}
