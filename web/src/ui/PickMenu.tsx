// A button that says what is picked, and unfolds to a list to pick from.
import type { ReactNode } from "react";
import { cx } from "./cx";
import { Popover } from "./Popover";

export interface PickMenuProps {
  label: string;
  /** What is picked, as it is shown; null where nothing is. */
  picked: ReactNode | null;
  width: number;
  /** Made while it is open only. */
  children: (close: () => void) => ReactNode;
}

export function PickMenu({ label, picked, width, children }: PickMenuProps) {
  const set = picked !== null;
  return (
    <Popover
      label={label}
      width={width}
      buttonClassName={cx(
        "inline-flex h-7 shrink-0 items-center rounded-md border px-2.5 text-xs font-medium whitespace-nowrap",
        set
          ? "order-first border-accent/50 bg-selected text-ink"
          : "border-line bg-surface text-ink-2 hover:border-line-strong hover:text-ink",
      )}
      button={
        <>
          <span className={set ? "text-ink-3" : undefined}>{label}</span>
          {set ? " " : null}
          {set ? <span className="ml-1 max-w-44 truncate">{picked}</span> : null}
          <span aria-hidden="true" className="ml-1.5 text-2xs text-ink-3">
            ▾
          </span>
        </>
      }
    >
      {children}
    </Popover>
  );
}
