// How components reach the live feed.
import { createContext, useContext, useEffect, useSyncExternalStore } from "react";
import type { Feed } from "./feed";
import type { LiveAnswer } from "./liveText";
import type { SocketState } from "./socket";

export const FeedContext = createContext<Feed | null>(null);

export function useFeed(): Feed {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("The live feed is missing: render inside <FeedContext value>.");
  return feed;
}

export function useSocketState(): SocketState {
  const feed = useFeed();
  return useSyncExternalStore(feed.subscribeState, feed.socketState);
}

/** The live text of a flow; asks the server for it while mounted. */
export function useLiveText(flow: string, open: boolean): LiveAnswer {
  const feed = useFeed();
  useEffect(() => {
    if (!open) return;
    feed.watch(flow);
    return () => feed.watch(undefined);
  }, [feed, flow, open]);
  return useSyncExternalStore(feed.subscribe, () => feed.texts.of(flow));
}

/** The same of a flow that is looked at among others: what the server sends anyway. */
export function useLiveTail(flow: string): LiveAnswer {
  const feed = useFeed();
  return useSyncExternalStore(feed.subscribe, () => feed.texts.of(flow));
}
