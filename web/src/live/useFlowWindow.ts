// Joins the list's window to the live feed, one window for each filter.
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { accessStore } from "@/api/access";
import { flowsPage } from "@/api/queries";
import { useStars } from "@/api/stars";
import { type FlowFilter, matches, toParams } from "@/lib/filter";
import { useFeed } from "@/live/context";
import { FlowWindow, type WindowView } from "@/live/flowWindow";

/** With a free text, the server finds more than a summary shows; it is asked again this often at most. */
const DEEP_SEARCH_MS = 5_000;

/** The flows of a filter; with `newest`, about so many of them. */
export function useFlowWindow(
  filter: FlowFilter,
  newest?: number,
): { flows: FlowWindow; view: WindowView } {
  const feed = useFeed();
  const key = JSON.stringify(filter);
  const stars = useStars();
  const starred = useRef(stars);
  const flows = useMemo(() => {
    const wanted = JSON.parse(key) as FlowFilter;
    return new FlowWindow({
      load: (cursor, signal) => flowsPage(toParams(wanted), cursor, signal),
      matches: (flow) => matches(wanted, flow, Date.now(), starred.current),
      onError: (error) => accessStore.note(error),
      ...(newest === undefined ? {} : { newest }),
    });
  }, [key, newest]);
  useEffect(() => {
    const leave = feed.add(flows);
    void flows.resync();
    return () => {
      leave();
      flows.pause();
    };
  }, [feed, flows]);
  const byStars = filter.starred !== undefined;
  useEffect(() => {
    if (starred.current === stars) return;
    starred.current = stars;
    if (byStars) void flows.resync();
  }, [flows, stars, byStars]);
  const searches = filter.q !== undefined;
  useEffect(() => {
    if (!searches) return;
    let seen = feed.snapshot();
    const timer = setInterval(() => {
      if (feed.snapshot() === seen || !flows.isAtTop() || flows.isLoading()) return;
      seen = feed.snapshot();
      void flows.resync();
    }, DEEP_SEARCH_MS);
    return () => clearInterval(timer);
  }, [feed, flows, searches]);
  const view = useSyncExternalStore(flows.subscribe, flows.snapshot);
  return { flows, view };
}
