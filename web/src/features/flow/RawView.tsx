// A body as it was stored: laid out where it is JSON, marked where it was cut.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { requestQuery, responseQuery } from "@/api/queries";
import type { Body, Flow } from "@/api/types";
import { bytes } from "@/lib/format";
import { pretty } from "@/lib/lines";
import { CopyButton } from "@/ui/CopyButton";
import { Failed } from "@/ui/Failed";
import { Lines } from "@/ui/Lines";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { Segmented } from "@/ui/Segmented";

const SIDES = [
  { value: "request", label: "Request" },
  { value: "response", label: "Answer" },
] as const;

const LAYOUTS = [
  { value: "pretty", label: "Pretty" },
  { value: "stored", label: "As stored" },
] as const;

export function RawView({
  flow,
  side,
  onSide,
}: {
  flow: Flow;
  side: "request" | "response";
  onSide: (side: "request" | "response") => void;
}) {
  const [layout, setLayout] = useState<"pretty" | "stored">("pretty");
  const request = useQuery({ ...requestQuery(flow.id), enabled: side === "request" });
  const response = useQuery({ ...responseQuery(flow.id), enabled: side === "response" });
  const { data, error, refetch } = side === "request" ? request : response;
  const body = data?.body ?? null;
  const text = useMemo(() => readText(body), [body]);
  const shown = useMemo(() => (layout === "pretty" ? pretty(text) : text), [layout, text]);
  const json = /^\s*[[{]/.test(text);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-1.5">
        <Segmented label="Body" value={side} choices={SIDES} onChange={onSide} />
        {json ? (
          <Segmented label="Layout" value={layout} choices={LAYOUTS} onChange={setLayout} />
        ) : null}
        {body ? (
          <span className="ml-auto flex items-center gap-1 text-xs text-ink-3">
            {body.media_type ?? "no media type"} · {bytes(body.stored_bytes)}
            <CopyButton text={shown} what="the body" />
          </span>
        ) : null}
      </div>
      {body?.truncated ? (
        <div className="px-4 py-1.5">
          <Note tone="warn">
            Cut: {bytes(body.stored_bytes)} of {bytes(body.original_bytes)} are stored.
          </Note>
        </div>
      ) : null}
      <div className="min-h-0 flex-1">
        {data ? (
          text !== "" ? (
            <Lines key={side} text={shown} json={json} label={`${side} body`} />
          ) : (
            <NoBody flow={flow} side={side} />
          )
        ) : error ? (
          <Failed what="The body" error={error} onRetry={() => void refetch()} />
        ) : (
          <Skeleton />
        )}
      </div>
    </div>
  );
}

function NoBody({ flow, side }: { flow: Flow; side: "request" | "response" }) {
  if (side === "response" && flow.event_count > 0) {
    return (
      <Notice title="The answer was a stream">
        <p>A stream is kept as its events and the assembled message, not a second time as bytes.</p>
      </Notice>
    );
  }
  return (
    <Notice title="No body">
      <p>
        {side === "response" && flow.outcome === null
          ? "It has not come yet."
          : "There was none, or it is no longer kept."}
      </p>
    </Notice>
  );
}

/** Bytes that are no text are shown as a hex dump. */
function readText(body: Body | null): string {
  if (body === null) return "";
  if (body.text !== null) return body.text;
  if (body.base64 === null) return "";
  try {
    return hexDump(atob(body.base64));
  } catch {
    return body.base64;
  }
}

/** Bytes of a binary body that are laid out. */
const DUMP_MAX = 64 * 1024;

function hexDump(binary: string): string {
  const rows: string[] = [];
  for (let at = 0; at < Math.min(binary.length, DUMP_MAX); at += 16) {
    const row = binary.slice(at, at + 16);
    const hex = Array.from(row, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join(
      " ",
    );
    rows.push(
      `${at.toString(16).padStart(8, "0")}  ${hex.padEnd(47)}  ${row.replace(/[^ -~]/g, ".")}`,
    );
  }
  if (binary.length > DUMP_MAX) rows.push(`… ${bytes(binary.length - DUMP_MAX)} more`);
  return rows.join("\n");
}
