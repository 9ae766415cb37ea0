// A menu of the forms in which flows can be exported; how it goes is told by the frame of the page.
import { EXPORT_FORMATS, type ExportFormat, type ExportWish, exportStore } from "@/api/exporting";
import { ExportIcon } from "@/ui/icons";
import { Popover } from "@/ui/Popover";

const FORMATS: Record<ExportFormat, { name: string; note: string }> = {
  ndjson: { name: "JSON lines", note: "a flow a line" },
  json: { name: "JSON", note: "one list" },
  csv: { name: "CSV", note: "a table" },
  html: { name: "HTML", note: "a page to read: what was said" },
  har: { name: "HAR", note: "HTTP Archive, with headers and bodies" },
};

export type Exported = Omit<ExportWish, "format">;

/** `wish` is asked for when a form is chosen: a moving span of time becomes a moment then. */
export function ExportMenu({
  wish,
  buttonClassName = "inline-flex size-7 shrink-0 items-center justify-center rounded-md text-ink-3 hover:bg-raised hover:text-ink",
  word,
}: {
  wish: () => Exported;
  buttonClassName?: string;
  /** What the button shows instead of its icon. */
  word?: string;
}) {
  return (
    <Popover
      label="Export"
      width={260}
      buttonName="Export"
      title="Export"
      buttonClassName={buttonClassName}
      button={word ?? <ExportIcon />}
    >
      {(close) => (
        <>
          <p className="border-b px-3 py-2 text-2xs text-ink-3">
            Everything is as it is kept: redacted, and no more than retention has left.
          </p>
          <ul className="overflow-y-auto py-1">
            {EXPORT_FORMATS.map((format) => (
              <li key={format}>
                <button
                  type="button"
                  onClick={() => {
                    close();
                    void exportStore.start({ ...wish(), format });
                  }}
                  className="flex w-full items-baseline gap-2 px-3 py-1.5 text-left text-xs hover:bg-hover focus-visible:-outline-offset-2"
                >
                  <span className="font-medium text-ink">{FORMATS[format].name}</span>
                  <span className="text-ink-3">{FORMATS[format].note}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </Popover>
  );
}
