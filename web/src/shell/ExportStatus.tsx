// How the export goes, and how it ended: it stays while screens change, and says so to a screen reader.
import { type ReactNode, useSyncExternalStore } from "react";
import { type Export, exportStore } from "@/api/exporting";
import { bytes } from "@/lib/format";
import { oneLine } from "@/lib/hostile";
import { Dot } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { CloseIcon } from "@/ui/icons";

export function ExportStatus() {
  const now = useSyncExternalStore(exportStore.subscribe, exportStore.current);
  return (
    <>
      {now === null ? null : (
        <section
          aria-label="Export"
          className="fixed right-3 bottom-16 z-popover flex w-80 max-w-[calc(100vw-1.5rem)] items-start gap-3 rounded-lg bg-surface py-2.5 pr-2 pl-3.5 text-xs shadow-popover md:bottom-3"
        >
          <ExportTold now={now} />
        </section>
      )}
      {/* There before its words are, so that they are read out when they come; not each piece of it. */}
      <p role="status" className="sr-only">
        {now === null ? "" : spoken(now)}
      </p>
    </>
  );
}

function ExportTold({ now }: { now: Export }) {
  if (now.state === "running") {
    return (
      <>
        <Line tone="info" title={`Exporting ${oneLine(now.what, 60)}`}>
          {bytes(now.bytes)} so far
        </Line>
        <Button onClick={() => exportStore.stop()}>Stop</Button>
      </>
    );
  }
  return (
    <>
      {now.state === "saved" ? (
        <Line tone="ok" title={`Exported ${oneLine(now.what, 60)}`}>
          {now.file}, {bytes(now.bytes)}, is with your downloads.
        </Line>
      ) : (
        <Line tone="bad" title={`${oneLine(now.what, 60)} could not be exported`}>
          {oneLine(now.message, 300)} {now.hint ? oneLine(now.hint, 300) : ""}
          {now.href === null ? null : (
            <a
              href={now.href}
              download
              className="mt-1 block font-medium text-accent hover:underline"
              onClick={() => exportStore.dismiss()}
            >
              Let the browser save it
            </a>
          )}
        </Line>
      )}
      <IconButton label="Close" className="-my-1" onClick={() => exportStore.dismiss()}>
        <CloseIcon />
      </IconButton>
    </>
  );
}

function Line({
  tone,
  title,
  children,
}: {
  tone: "info" | "ok" | "bad";
  title: string;
  children: ReactNode;
}) {
  return (
    <div className="flex min-w-0 flex-1 items-start gap-2.5">
      <span className="flex h-4.5 items-center">
        <Dot tone={tone} pulse={tone === "info"} />
      </span>
      <div className="min-w-0 flex-1">
        <p className="font-medium text-ink first-letter:uppercase">{title}</p>
        <p className="text-ink-2 wrap-anywhere">{children}</p>
      </div>
    </div>
  );
}

function spoken(now: Export): string {
  switch (now.state) {
    case "running":
      return `Exporting ${now.what}`;
    case "saved":
      return `Exported ${now.what}: ${now.file}, ${bytes(now.bytes)}`;
    default:
      return `${now.what} could not be exported: ${now.message}`;
  }
}
