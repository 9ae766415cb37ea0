// What was just said of a finding, which may be gone from the list by it, and a way to take it back.
import { useState } from "react";
import { type Saying, useSaid, useSaying } from "@/api/finding";
import type { FindingState } from "@/api/types";
import { plural } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { Button, IconButton } from "@/ui/Button";
import { CloseIcon } from "@/ui/icons";
import { KeyCaps } from "@/ui/KeyCaps";
import { isOverlaid, isTyping, KEYS, useKeys } from "@/ui/keys";

const DONE: Record<Saying, string> = {
  acknowledge: "Acknowledged",
  mute: "Muted",
  resolve: "Resolved",
  reopen: "Reopened",
};

/** What brings a finding back to a state. */
const BACK: Record<FindingState, Saying> = {
  open: "reopen",
  acknowledged: "acknowledge",
  muted: "mute",
  resolved: "resolve",
};

export function Undo() {
  const [since] = useState(() => Date.now());
  const [closed, setClosed] = useState(0);
  const { mutate, isPending } = useSaying();
  const said = useSaid().filter(({ at }) => at >= since && at > closed);
  const [first] = said;
  const undo = () => {
    const press = performance.now();
    for (const { finding, was } of said) {
      mutate({ finding: finding.id, saying: BACK[was], undoes: true, press });
    }
  };
  useKeys((event) => {
    if (event.key !== KEYS.undo || isTyping(event) || isOverlaid()) return false;
    if (first === undefined || first.undoes || isPending) return false;
    undo();
    return true;
  });
  const what =
    said.length > 1 ? plural(said.length, "finding") : oneLine(first?.finding.title ?? "", 80);
  const told =
    first === undefined ? "" : `${first.undoes ? "Undone" : DONE[first.saying]}: ${what}`;
  return (
    <>
      {first === undefined ? null : (
        <section
          aria-label="What was said"
          className="fixed right-3 bottom-16 z-popover flex w-88 max-w-[calc(100vw-1.5rem)] items-center gap-2 rounded-lg bg-surface py-2 pr-2 pl-3.5 text-xs shadow-popover md:bottom-3"
        >
          <p className="min-w-0 flex-1 font-medium wrap-anywhere">{told}</p>
          {first.undoes ? null : (
            <Button disabled={isPending} onClick={undo}>
              Undo <KeyCaps keys={[KEYS.undo]} />
            </Button>
          )}
          <IconButton label="Close" onClick={() => setClosed(Date.now())}>
            <CloseIcon />
          </IconButton>
        </section>
      )}
      {/* There before its words are, so that they are read out when they come. */}
      <p role="status" className="sr-only">
        {told}
      </p>
    </>
  );
}
