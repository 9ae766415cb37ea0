// A panel under its button, in the browser's own top layer: nothing clips it, Esc and a click beside it close it.
import { type ReactNode, useId, useRef, useState } from "react";
import { flushSync } from "react-dom";

/** Room kept to the window's edges. */
const EDGE = 8;

export interface PopoverProps {
  /** What the panel is, for whoever does not see it. */
  label: string;
  /** What the button shows. */
  button: ReactNode;
  /** The button's name, where it shows no word. */
  buttonName?: string;
  buttonClassName: string;
  title?: string;
  /** As wide as this where there is room. */
  width: number;
  /** Made while it is open only. */
  children: (close: () => void) => ReactNode;
}

export function Popover(props: PopoverProps) {
  const { label, button, buttonName, buttonClassName, title, width, children } = props;
  const id = useId();
  const opener = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const place = () => {
    const box = panel.current;
    const from = opener.current?.getBoundingClientRect();
    if (!box || !from) return;
    const wide = Math.min(width, window.innerWidth - 2 * EDGE);
    const left = Math.max(EDGE, Math.min(from.left, window.innerWidth - wide - EDGE));
    const top = from.bottom + 4;
    Object.assign(box.style, {
      inset: "auto",
      left: `${left}px`,
      top: `${top}px`,
      width: `${wide}px`,
      maxHeight: `${Math.max(160, window.innerHeight - top - EDGE)}px`,
    });
  };
  const close = () => {
    panel.current?.hidePopover();
    opener.current?.focus();
  };
  return (
    <>
      <button
        ref={opener}
        type="button"
        popoverTarget={id}
        aria-expanded={open}
        aria-haspopup="dialog"
        aria-label={buttonName}
        title={title}
        className={buttonClassName}
      >
        {button}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        data-overlay={open ? "open" : undefined}
        onBeforeToggle={({ newState }) => {
          const box = panel.current;
          if (!box) return;
          if (newState !== "open") {
            // The next key is the page's again, though the browser tells that it is closed some time after it is.
            delete box.dataset["overlay"];
            return;
          }
          place();
          box.dataset["overlay"] = "open";
          // At once, so that what is in it has the focus before the next key is pressed: the browser
          // tells that it is open some time after it is.
          flushSync(() => setOpen(true));
        }}
        // Not before it is closed: the focus goes back to the button from what is in it.
        onToggle={({ newState }) => setOpen(newState === "open")}
        className="fixed m-0 flex-col overflow-hidden rounded-lg border bg-surface p-0 text-ink shadow-popover open:flex"
      >
        {open ? children(close) : null}
      </div>
    </>
  );
}
