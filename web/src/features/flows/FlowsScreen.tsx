// The flows screen: filter, list, and the chosen flow beside it; everything it shows is in the URL.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { flowCountQuery } from "@/api/queries";
import type { FlowCount } from "@/api/types";
import { type FlowFilter, isEmpty, toParams } from "@/lib/filter";
import type { FlowWindow } from "@/live/flowWindow";
import { useFlowWindow } from "@/live/useFlowWindow";
import { isOverlaid, isTyping, KEYS, useKeys } from "@/ui/keys";
import { Split } from "@/ui/Split";
import { FlowList } from "./FlowList";
import type { Reveal } from "./FlowsTable";

/** Flows among which the one of a link is looked for. */
const SOUGHT_MAX = 2_000;

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
  const reveal = useRef<Reveal | null>(null);
  const [cursor, setCursor] = useState<string>();
  const active = selected ?? cursor;
  const total = useFlowCount(filter);

  // The flow of a link may be anywhere in the list: pages are loaded until it is there, or the list is past it.
  const sought = useRef<string | undefined>(undefined);
  const [beyond, setBeyond] = useState<{ id: string; flows: FlowWindow }>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: each version may have brought it
  useEffect(() => {
    if (view.status !== "ready" || view.loadingMore || sought.current === selected) return;
    const at = selected === undefined ? -1 : flows.indexOf(selected);
    const oldest = flows.idAt(view.length - 1);
    // Ids begin with the time, and the newest flow is the first.
    const isFurther =
      selected !== undefined && at < 0 && view.more && (oldest === undefined || oldest > selected);
    if (isFurther && view.length < SOUGHT_MAX) {
      void flows.loadMore();
      return;
    }
    sought.current = selected;
    if (at >= 0) reveal.current?.(at, "center");
    setBeyond(isFurther ? { id: selected, flows } : undefined);
  }, [flows, selected, view.version, view.status]);

  const open = useCallback(
    (id: string) => {
      setCursor(id);
      // What is chosen here is in view already.
      sought.current = id;
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
    // The list has the cursor, so it has the focus: what had it may go with the flow that was open.
    box.current?.focus({ preventScroll: true });
    if (selected !== undefined && id !== selected) {
      sought.current = id;
      onOpen(id, true);
    }
  };
  useKeys((event) => {
    if (isTyping(event) || isOverlaid()) return false;
    const inGrid = box.current?.contains(event.target as Node) ?? false;
    switch (event.key) {
      case KEYS.next:
        step(1);
        return true;
      case KEYS.previous:
        step(-1);
        return true;
      case "ArrowDown":
      case "ArrowUp":
        if (!inGrid) return false;
        step(event.key === "ArrowDown" ? 1 : -1);
        return true;
      case KEYS.open:
        if (active === undefined || selected !== undefined) return false;
        if (!inGrid && event.target !== document.body) return false;
        open(active);
        return true;
      case KEYS.close:
        if (selected !== undefined) onClose();
        else if (cursor !== undefined) setCursor(undefined);
        else return false;
        return true;
      case KEYS.search:
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
    <FlowList
      filter={filter}
      onFilter={onFilter}
      search={search}
      flows={flows}
      view={view}
      total={total}
      selected={selected}
      isBeyond={
        // A filter may leave it out; and whoever scrolls on may come to it.
        beyond?.id === selected &&
        beyond?.flows === flows &&
        isEmpty(filter) &&
        view.more &&
        flows.indexOf(beyond.id) < 0
      }
      active={active}
      hrefOf={hrefOf}
      onOpen={open}
      box={box}
      reveal={reveal}
    />
  );
  return (
    <>
      <h1 className="sr-only">Flows</h1>
      <Split storageKey="langley.flows.split" first={list} second={detail} />
    </>
  );
}

function useFlowCount(filter: FlowFilter): FlowCount | undefined {
  // A moving range is rounded to the minute, else every render would be a new question.
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  return useQuery(flowCountQuery(toParams(filter, minute))).data;
}
