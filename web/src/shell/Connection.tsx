// How the live connection stands, and a way to try again at once.

import type { Tone } from "@/lib/outcome";
import { useFeed, useSocketState } from "@/live/context";
import type { SocketState } from "@/live/socket";
import { Dot } from "@/ui/Badge";
import { useNow } from "@/ui/useNow";

const FACES: Record<SocketState["at"], { label: string; tone: Tone; pulse: boolean }> = {
  connecting: { label: "Connecting", tone: "info", pulse: true },
  live: { label: "Live", tone: "ok", pulse: false },
  waiting: { label: "Reconnecting", tone: "warn", pulse: true },
  stopped: { label: "Not connected", tone: "idle", pulse: false },
};

export function Connection() {
  const state = useSocketState();
  const feed = useFeed();
  const face = FACES[state.at];
  const body = (
    <>
      <Dot tone={face.tone} pulse={face.pulse} />
      <span className="sr-only text-xs text-ink-2 xl:not-sr-only" role="status">
        {face.label}
        {state.at === "waiting" ? <Countdown until={state.retryAt} /> : null}
      </span>
    </>
  );
  const frame =
    "flex h-8 min-w-8 items-center justify-center gap-2.5 rounded-md px-2.5 xl:justify-start";
  if (state.at !== "waiting") {
    return (
      <div className={frame} title={`Live updates: ${face.label.toLowerCase()}`}>
        {body}
      </div>
    );
  }
  return (
    <button
      type="button"
      onClick={feed.retry}
      title="Langley does not answer; press to try again now"
      className={`${frame} hover:bg-raised`}
    >
      {body}
    </button>
  );
}

function Countdown({ until }: { until: number }) {
  const seconds = Math.max(0, Math.ceil((until - useNow()) / 1000));
  return <span aria-hidden="true"> in {seconds} s</span>;
}
