// Something over the page, in the browser's own dialog: it keeps the focus, Esc and a click beside it close it.
import { type ReactNode, useEffect, useRef } from "react";
import { cx } from "./cx";

export interface DialogProps {
  label: string;
  open: boolean;
  onClose: () => void;
  className?: string;
  /** Made while it is open only. */
  children: () => ReactNode;
}

export function Dialog({ label, open, onClose, className, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    // The keyboard's way out of it is Esc, which the browser itself takes.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    <dialog
      ref={dialog}
      aria-label={label}
      onClose={onClose}
      // What is beside its content is the dialog itself: its padding is the content's.
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
      className={cx(
        "overflow-hidden rounded-lg border bg-surface p-0 text-ink shadow-popover backdrop:bg-ground/70",
        className,
      )}
    >
      {open ? children() : null}
    </dialog>
  );
}
