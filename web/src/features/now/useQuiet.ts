// Since when nothing has come of an open flow, as far as this page has watched.
import { useRef } from "react";
import type { Flow } from "@/api/types";

/** Open flows that are watched. */
const WATCHED_MAX = 512;

/** Answers since when a flow has been quiet, in milliseconds since the epoch. */
export function useQuiet(now: number): (flow: Flow) => number {
  const seen = useRef(new Map<string, { revision: number; at: number }>());
  return (flow) => {
    const known = seen.current.get(flow.id);
    if (known && known.revision === flow.revision) return known.at;
    // The page may have been opened in the middle of a pause: then it counts from there.
    if (seen.current.size >= WATCHED_MAX) seen.current.clear();
    seen.current.set(flow.id, { revision: flow.revision, at: now });
    return now;
  };
}
