// What a person may want to change, the dearest first: what happened, why, what it rests on, what to do.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { findingsQuery } from "@/api/insight";
import { count, plural } from "@/lib/format";
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
import { FindingCard, kindWords } from "./FindingCard";
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
  const findings = data?.pages.flatMap(({ items }) => items) ?? [];
  const total = data?.pages[0]?.total;
  const without = (key: "kind" | "session") => {
    const { [key]: _gone, ...rest } = view;
    onLook(rest);
  };
  return (
    <Page
      title="Findings"
      note={
        total === undefined
          ? null
          : total > findings.length
            ? `${count(findings.length)} of ${plural(total, "finding")}, the dearest first`
            : `${plural(total, "finding")}, the dearest first`
      }
      actions={
        <Segmented
          label="Which findings"
          value={state}
          choices={STATES}
          onChange={(next) => {
            const { state: _state, ...rest } = view;
            onLook(next === "current" ? rest : { ...rest, state: next });
          }}
        />
      }
    >
      {view.kind === undefined && view.session === undefined ? null : (
        <div className="-mt-3 flex flex-wrap gap-2">
          {view.kind === undefined ? null : (
            <Narrowed what="Kind" value={kindWords(view.kind)} onClear={() => without("kind")} />
          )}
          {view.session === undefined ? null : (
            <Narrowed what="Session" value={view.session} onClear={() => without("session")} />
          )}
        </div>
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
          <ul aria-label="Findings" className="flex flex-col gap-2">
            {findings.map((finding) => (
              <FindingCard
                key={finding.id}
                finding={finding}
                onKind={() => onLook({ ...view, kind: finding.kind })}
              />
            ))}
          </ul>
          <ShowMore pages={asked} />
        </div>
      )}
      <Undo />
    </Page>
  );
}

function Narrowed({ what, value, onClear }: { what: string; value: string; onClear: () => void }) {
  return (
    <Button
      onClick={onClear}
      title={`Show every ${what.toLowerCase()}`}
      className="max-w-full border-accent/50 bg-selected"
    >
      <span className="text-ink-3">{what}</span>
      <span className="truncate">{oneLine(value, 60)}</span>
      <CloseIcon className="size-3" />
    </Button>
  );
}
