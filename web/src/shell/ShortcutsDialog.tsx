// The keyboard map, to look at.
import { IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { CloseIcon } from "@/ui/icons";
import { KeyCaps } from "@/ui/KeyCaps";
import { KEYMAP } from "./keymap";

export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog
      label="Keyboard map"
      open={open}
      onClose={onClose}
      className="m-auto w-[40rem] max-w-[calc(100vw-2rem)]"
    >
      {() => (
        <div className="flex max-h-[80vh] flex-col">
          <div className="flex items-center justify-between border-b py-2 pr-2 pl-4">
            <h2 className="text-base font-semibold">Keyboard map</h2>
            <IconButton label="Close" onClick={onClose}>
              <CloseIcon />
            </IconButton>
          </div>
          <div
            role="group"
            aria-label="Keys"
            // Where it is longer than the window, the arrows scroll it.
            tabIndex={0}
            className="gap-x-8 overflow-y-auto px-4 py-3 -outline-offset-2 sm:columns-2"
          >
            {KEYMAP.map(({ title, entries }) => (
              <section key={title} className="mb-4 break-inside-avoid">
                <h3 className="label-caps mb-1.5">{title}</h3>
                <dl className="grid grid-cols-[5rem_1fr] items-center gap-x-3 gap-y-1.5">
                  {entries.map(({ keys, what }) => (
                    <div key={what} className="contents">
                      <dt>
                        <KeyCaps keys={keys} />
                      </dt>
                      <dd className="text-ink-2">{what}</dd>
                    </div>
                  ))}
                </dl>
              </section>
            ))}
          </div>
        </div>
      )}
    </Dialog>
  );
}
