// Two panes side by side with a divider that mouse and keyboard can move; on a narrow box only the second.
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { useWidth } from "./useWidth";

/** Below this width of the box two panes do not fit beside each other. */
const SIDE_BY_SIDE = 860;
const SMALLEST = 25;
const LARGEST = 75;
const STEP = 4;

export function Split({
  first,
  second,
  storageKey,
}: {
  first: ReactNode;
  second: ReactNode | null;
  storageKey: string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [share, setShare] = useState(() => readShare(storageKey));
  const narrow = width < SIDE_BY_SIDE;
  const move = (next: number) => {
    const kept = Math.min(LARGEST, Math.max(SMALLEST, next));
    setShare(kept);
    writeShare(storageKey, kept);
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId) || !box.current) return;
    const frame = box.current.getBoundingClientRect();
    move(((frame.right - event.clientX) / frame.width) * 100);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") move(share + STEP);
    else if (event.key === "ArrowRight") move(share - STEP);
    else return;
    event.preventDefault();
  };
  const both = second !== null && !narrow;
  return (
    <div ref={box} className="flex h-full min-h-0 min-w-0">
      <div
        className={second !== null && narrow ? "hidden" : "h-full min-w-0 flex-1"}
        inert={second !== null && narrow}
      >
        {first}
      </div>
      {both ? (
        <div
          role="separator"
          tabIndex={0}
          aria-orientation="vertical"
          aria-label="Width of the detail"
          aria-valuenow={Math.round(share)}
          aria-valuemin={SMALLEST}
          aria-valuemax={LARGEST}
          onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
          onPointerMove={onPointerMove}
          onKeyDown={onKeyDown}
          onDoubleClick={() => move(DEFAULT_SHARE)}
          className="group relative z-sticky w-px shrink-0 cursor-col-resize touch-none bg-line"
        >
          <div className="absolute inset-y-0 -left-1 w-[9px] group-hover:bg-accent/25 group-active:bg-accent/40" />
        </div>
      ) : null}
      {second !== null ? (
        <div className="h-full min-w-0 shrink-0" style={{ width: narrow ? "100%" : `${share}%` }}>
          {second}
        </div>
      ) : null}
    </div>
  );
}

const DEFAULT_SHARE = 54;

function readShare(key: string): number {
  try {
    const kept = Number.parseFloat(localStorage.getItem(key) ?? "");
    return kept >= SMALLEST && kept <= LARGEST ? kept : DEFAULT_SHARE;
  } catch {
    return DEFAULT_SHARE;
  }
}

function writeShare(key: string, share: number): void {
  try {
    localStorage.setItem(key, share.toFixed(1));
  } catch {
    // Storage is blocked: the width lasts as long as the page.
  }
}
