// What a person may want to change: what happened, why, what it rests on, what to do.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import { findingsQuery } from "@/api/insight";
import type { Finding, FindingKindSum } from "@/api/types";
import { clock, count, plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import type { FindingsView } from "@/routes/paths";
import { Button } from "@/ui/Button";
import { Failed } from "@/ui/Failed";
import { CloseIcon } from "@/ui/icons";
import { Notice, Skeleton } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { Segmented } from "@/ui/Segmented";
import { ShowMore } from "@/ui/ShowMore";
import { useRowKeys } from "@/ui/useRowKeys";
import { FindingCard } from "./FindingCard";
import { GroupCard } from "./FindingGroup";
import { type FindingGroup, groupsOf } from "./groups";
import { KindMenu } from "./KindMenu";
import { Undo } from "./Undo";

export interface FindingsScreenProps {
  view: FindingsView;
  onLook: (view: FindingsView) => void;
}

const STATES = [
  { value: "current", label: "Current" },
  { value: "muted", label: "Muted" },
  { value: "resolved", label: "Resolved" },
  { value: "all", label: "All" },
] as const;
type State = (typeof STATES)[number]["value"];

export function FindingsScreen({ view, onLook }: FindingsScreenProps) {
  const state: State = STATES.find(({ value }) => value === view.state)?.value ?? "current";
  const asked = useInfiniteQuery(
    findingsQuery({
      state: state === "current" ? undefined : state,
      kind: view.kind,
      session: view.session,
    }),
  );
  const { data, error, refetch } = asked;
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const findings = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  const groups = useMemo(() => groupsOf(findings), [findings]);
  const [{ total, kinds } = { total: undefined, kinds: [] }] = data?.pages ?? [];
  return (
    <Page
      title="Findings"
      note={
        total === undefined
          ? null
          : total < 2
            ? plural(total, "finding")
            : `${total > findings.length ? `${count(findings.length)} of ` : ""}${plural(total, "finding")}, ${orderOf(kinds, view.kind)}`
      }
      actions={
        <>
          <KindMenu
            kinds={kinds}
            value={view.kind}
            onPick={(kind) => {
              const { kind: _kind, ...rest } = view;
              onLook(kind === undefined ? rest : { ...rest, kind });
            }}
          />
          <Segmented
            label="Which findings"
            value={state}
            choices={STATES}
            onChange={(next) => {
              const { state: _state, ...rest } = view;
              onLook(next === "current" ? rest : { ...rest, state: next });
            }}
          />
        </>
      }
    >
      {view.session === undefined ? null : (
        <OfSession
          session={view.session}
          onClear={() => {
            const { session: _session, ...rest } = view;
            onLook(rest);
          }}
        />
      )}
      {!data ? (
        error ? (
          <Failed what="The findings" error={error} onRetry={() => void refetch()} />
        ) : (
          <Skeleton lines={10} />
        )
      ) : findings.length === 0 ? (
        <Notice title={state === "current" ? "Nothing to change was found" : "No such finding"}>
          <p>
            {state === "current"
              ? "Each flow is read as it ends; what wastes money or time is told here."
              : "Another choice above may show more."}
          </p>
        </Notice>
      ) : (
        <div ref={box} className="flex flex-col gap-3">
          <Meaning groups={groups} />
          <ul aria-label="Findings" className="flex flex-col gap-2">
            {groups.map((group) => {
              const [first, ...more] = group.findings;
              const look = ({ kind }: Finding) => onLook({ ...view, kind });
              return more.length > 0 ? (
                <GroupCard key={group.key} group={group} onKind={look} />
              ) : (
                <FindingCard key={group.key} finding={first} onKind={() => look(first)} />
              );
            })}
          </ul>
          <ShowMore pages={asked} />
        </div>
      )}
      <Undo />
    </Page>
  );
}

/** What comes first: where nothing has a cost, it is not said that the dearest does. */
function orderOf(kinds: readonly FindingKindSum[], picked: string | undefined): string {
  const listed = kinds.filter(({ kind }) => picked === undefined || kind === picked);
  return listed.some(({ cost }) => cost !== null) ? "the dearest first" : "the gravest first";
}

/** What the sums are of: whoever reads a row of dollars is to know what they would save. */
function Meaning({ groups }: { groups: readonly FindingGroup[] }) {
  const first = groups.map(({ firstAt }) => firstAt).sort()[0];
  const last = groups
    .map(({ lastAt }) => lastAt)
    .sort()
    .at(-1);
  if (first === undefined || last === undefined) return null;
  return (
    <p className="-mt-3 max-w-prose text-xs text-ink-3">
      Dollars are what is estimated to have been wasted, or spent where the finding is about
      spending itself: from {clock(first)} to {clock(last)}, as far as flows are kept. A flow may
      show several findings, so the rows do not add up.
    </p>
  );
}

function OfSession({ session, onClear }: { session: string; onClear: () => void }) {
  return (
    <Button
      onClick={onClear}
      title="Show every session"
      className="-mt-3 max-w-full self-start border-accent/50 bg-selected"
    >
      <span className="text-ink-3">Session</span>
      <span className="truncate">{oneLine(session, 60)}</span>
      <CloseIcon className="size-3" />
    </Button>
  );
}
