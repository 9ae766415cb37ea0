// The keyboard shortcuts, in the browser's own dialog.
import { useEffect, useRef } from "react";
import { IconButton } from "@/ui/Button";
import { CloseIcon } from "@/ui/icons";

const SHORTCUTS: [keys: string[], what: string][] = [
  [["j"], "Next row"],
  [["k"], "Previous row"],
  [["Enter"], "Open the row"],
  [["Esc"], "Close what is open, or leave a field"],
  [["/"], "Search"],
  [["g", "n"], "Go to Now"],
  [["g", "e"], "Go to Sessions"],
  [["g", "f"], "Go to Flows"],
  [["g", "c"], "Go to Spend (costs)"],
  [["g", "t"], "Go to Tools"],
  [["g", "i"], "Go to Findings (insights)"],
  [["g", "w"], "Go to Search (words)"],
  [["g", "h"], "Go to Health"],
  [["g", ","], "Go to Settings"],
  [["g", "s"], "Go to Setup"],
  [["?"], "Show this list"],
];

export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      onClose={onClose}
      aria-label="Keyboard shortcuts"
      className="m-auto w-80 rounded-lg border bg-surface p-4 text-ink shadow-popover backdrop:bg-ground/70"
    >
      <div className="mb-2 flex items-center justify-between">
        <h2 className="text-base font-semibold">Keyboard shortcuts</h2>
        <IconButton label="Close" onClick={onClose}>
          <CloseIcon />
        </IconButton>
      </div>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-1.5">
        {SHORTCUTS.map(([keys, what]) => (
          <div key={what} className="contents">
            <dt className="flex gap-1">
              {keys.map((key) => (
                <kbd
                  key={key}
                  className="min-w-5 rounded-sm border border-line-strong bg-raised px-1.5 text-center font-mono text-2xs"
                >
                  {key}
                </kbd>
              ))}
            </dt>
            <dd className="text-ink-2">{what}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
