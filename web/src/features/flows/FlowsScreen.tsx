// The flows screen: filter, list, and the chosen flow beside it; everything it shows is in the URL.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useCallback, useRef, useState } from "react";
import { flowCountQuery } from "@/api/queries";
import { type FlowFilter, isEmpty, toParams } from "@/lib/filter";
import { Button } from "@/ui/Button";
import { Failed } from "@/ui/Failed";
import { isTyping, useKeys } from "@/ui/keys";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { Split } from "@/ui/Split";
import { FilterBar } from "./FilterBar";
import { FlowsTable, Total } from "./FlowsTable";
import { useFlowWindow } from "./useFlowWindow";

export interface FlowsScreenProps {
  filter: FlowFilter;
  onFilter: (next: FlowFilter) => void;
  selected: string | undefined;
  hrefOf: (id: string) => string;
  onOpen: (id: string, replace: boolean) => void;
  onClose: () => void;
  detail: ReactNode | null;
  /** Shown in the place of the list while there is no flow at all. */
  firstRun: ReactNode;
}

export function FlowsScreen(props: FlowsScreenProps) {
  const { filter, onFilter, selected, hrefOf, onOpen, onClose, detail, firstRun } = props;
  const { flows, view } = useFlowWindow(filter);
  const search = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const reveal = useRef<((index: number) => void) | null>(null);
  const [cursor, setCursor] = useState<string>();
  const active = selected ?? cursor;
  const total = useFlowCount(filter);

  const open = useCallback(
    (id: string) => {
      setCursor(id);
      onOpen(id, selected !== undefined);
    },
    [onOpen, selected],
  );
  const step = (by: number) => {
    const at = active === undefined ? -1 : flows.indexOf(active);
    const index = at < 0 ? 0 : Math.min(view.length - 1, Math.max(0, at + by));
    const id = flows.idAt(index);
    if (id === undefined) return;
    setCursor(id);
    reveal.current?.(index);
    if (selected !== undefined && id !== selected) onOpen(id, true);
  };
  useKeys((event) => {
    if (isTyping(event) || document.querySelector("dialog[open]")) return false;
    const inGrid = box.current?.contains(event.target as Node) ?? false;
    switch (event.key) {
      case "j":
        step(1);
        return true;
      case "k":
        step(-1);
        return true;
      case "ArrowDown":
      case "ArrowUp":
        if (!inGrid) return false;
        step(event.key === "ArrowDown" ? 1 : -1);
        return true;
      case "Enter":
        if (active === undefined || selected !== undefined) return false;
        if (!inGrid && event.target !== document.body) return false;
        open(active);
        return true;
      case "Escape":
        if (selected !== undefined) onClose();
        else if (cursor !== undefined) setCursor(undefined);
        else return false;
        return true;
      case "/":
        search.current?.focus();
        search.current?.select();
        return true;
      default:
        return false;
    }
  });

  const nothing = view.status === "ready" && view.length === 0;
  if (nothing && isEmpty(filter) && selected === undefined && view.error === null) return firstRun;
  const list = (
    <section aria-label="Flow list" className="@container flex h-full min-h-0 flex-col">
      <div className="flex h-11 shrink-0 items-center gap-3 border-b px-3">
        <FilterBar filter={filter} onFilter={onFilter} search={search} />
        <span className="hidden @2xl:inline">
          <Total loaded={view.length} total={total} />
        </span>
      </div>
      {view.error !== null && view.status === "ready" ? (
        <div className="px-3 py-1.5">
          <Note tone="warn">
            The list may be out of date:{" "}
            {view.error instanceof Error ? view.error.message : "it could not be loaded"}
          </Note>
        </div>
      ) : null}
      <div className="min-h-0 flex-1">
        {view.status === "loading" ? (
          <Skeleton lines={12} />
        ) : view.status === "failed" ? (
          <Failed what="The list of flows" error={view.error} onRetry={() => void flows.resync()} />
        ) : nothing ? (
          <Notice
            title="No flow matches"
            action={
              isEmpty(filter) ? undefined : (
                <Button onClick={() => onFilter({})}>Clear the filter</Button>
              )
            }
          >
            <p>New flows that match appear here as they happen.</p>
          </Notice>
        ) : (
          <FlowsTable
            flows={flows}
            view={view}
            selected={selected}
            active={active}
            hrefOf={hrefOf}
            onOpen={open}
            box={box}
            reveal={reveal}
          />
        )}
      </div>
    </section>
  );
  return (
    <>
      <h1 className="sr-only">Flows</h1>
      <Split storageKey="langley.flows.split" first={list} second={detail} />
    </>
  );
}

function useFlowCount(filter: FlowFilter): number | undefined {
  // A moving range is rounded to the minute, else every render would be a new question.
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  return useQuery(flowCountQuery(toParams(filter, minute))).data?.count;
}
