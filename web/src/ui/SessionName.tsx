// A session in little room: the end of its id in its own tone; the whole id in the title.
import { oneLine } from "@/lib/hostile";
import { sessionTail, sessionTone } from "@/lib/session";
import { cx } from "./cx";
import { StarIcon } from "./icons";

const TONES = [
  "text-session-0",
  "text-session-1",
  "text-session-2",
  "text-session-3",
  "text-session-4",
  "text-session-5",
  "text-session-6",
  "text-session-7",
] as const;

export function SessionName({ id, starred = false }: { id: string; starred?: boolean }) {
  return (
    <span
      className={cx(
        "inline-flex min-w-0 items-center gap-1 font-mono text-xs",
        TONES[sessionTone(id)],
      )}
      title={`Session ${oneLine(id, 300)}${starred ? ", starred" : ""}`}
    >
      {starred ? <StarIcon className="size-3" filled /> : null}
      <span className="truncate">{oneLine(sessionTail(id), 20)}</span>
    </span>
  );
}
