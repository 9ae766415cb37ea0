// A body as it was stored: laid out where it is JSON, marked where it was cut.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { diffQuery, requestQuery, responseQuery } from "@/api/queries";
import type { Body, Flow, RequestDiff } from "@/api/types";
import { curlOf } from "@/lib/curl";
import { bytes, count, plural } from "@/lib/format";
import { pretty } from "@/lib/lines";
import { CopyButton } from "@/ui/CopyButton";
import { Failed } from "@/ui/Failed";
import { Fold } from "@/ui/Fold";
import { Lines } from "@/ui/Lines";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { Segmented } from "@/ui/Segmented";
import { FACES } from "./pieceFaces";

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
  changesHref,
}: {
  flow: Flow;
  side: "request" | "response";
  onSide: (side: "request" | "response") => void;
  changesHref: string;
}) {
  const [layout, setLayout] = useState<"pretty" | "stored">("pretty");
  const request = useQuery({ ...requestQuery(flow.id), enabled: side === "request" });
  const response = useQuery({ ...responseQuery(flow.id), enabled: side === "response" });
  const { data, error, refetch } = side === "request" ? request : response;
  const body = data?.body ?? null;
  const text = useMemo(() => readText(body), [body]);
  const shown = useMemo(() => (layout === "pretty" ? pretty(text) : text), [layout, text]);
  const curl = useMemo(
    () => (side === "request" && request.data ? curlOf(flow, request.data) : null),
    [side, flow, request.data],
  );
  const json = /^\s*[[{]/.test(text);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-1.5">
        <Segmented label="Body" value={side} choices={SIDES} onChange={onSide} />
        {json ? (
          <Segmented label="Layout" value={layout} choices={LAYOUTS} onChange={setLayout} />
        ) : null}
        {curl === null ? null : (
          <CopyButton text={curl} what="the request as a curl command" word="cURL" />
        )}
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
      {side === "request" && text !== "" ? (
        <InPieces flow={flow.id} changesHref={changesHref} />
      ) : null}
      <div className="min-h-0 flex-1">
        {data ? (
          text !== "" ? (
            <Lines key={side} text={shown} json={json} label={`${side} body`} />
          ) : (
            <NoBody flow={flow} side={side} retired={data.body_retired} />
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

function InPieces({ flow, changesHref }: { flow: string; changesHref: string }) {
  const { data } = useQuery(diffQuery(flow));
  return data ? <Pieces diff={data} changesHref={changesHref} /> : null;
}

/** A request is kept in pieces, each once however often it is sent: how many, how large, which are new. */
export function Pieces({ diff, changesHref }: { diff: RequestDiff; changesHref: string }) {
  const { parts, against } = diff;
  const all = sum(parts.map(({ now }) => now.pieces));
  if (all < 2) return null;
  const fresh = sum(parts.map(({ added }) => added.pieces));
  const size = sum(parts.map(({ added }) => added.bytes));
  return (
    <Fold
      className="shrink-0 border-b bg-ground px-1.5 text-xs"
      summary={
        <span className="min-w-0 truncate text-ink-2">
          Kept in {plural(all, "piece")}
          <span className="text-ink-3">
            {against === null
              ? ", all of them new"
              : fresh === 0
                ? ", none of them new"
                : `, ${count(fresh)} of them new (${bytes(size)})`}
          </span>
        </span>
      }
    >
      {() => (
        <div className="max-h-40 overflow-y-auto px-2.5 pb-2.5">
          <p className="mb-1.5 text-ink-3">
            A piece that was sent before is stored once; the body is put together from them, byte
            for byte.{" "}
            <a href={changesHref} className="text-accent underline">
              What changed
            </a>{" "}
            shows the new ones.
          </p>
          <ul className="flex flex-col gap-0.5">
            {parts.map(({ kind, now, added }) => (
              <li key={kind} className="flex flex-wrap items-center gap-x-2">
                <span
                  className={`size-2 shrink-0 rounded-full ${FACES[kind].tone}`}
                  aria-hidden="true"
                />
                <span className="w-26 shrink-0">{FACES[kind].part}</span>
                <span className="text-ink-2">
                  {plural(now.pieces, "piece")}, {bytes(now.bytes)}
                </span>
                {added.pieces > 0 ? (
                  <span className="text-ok">
                    {count(added.pieces)} new, {bytes(added.bytes)}
                  </span>
                ) : null}
              </li>
            ))}
          </ul>
        </div>
      )}
    </Fold>
  );
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function NoBody({
  flow,
  side,
  retired,
}: {
  flow: Flow;
  side: "request" | "response";
  retired: boolean;
}) {
  if (retired) {
    return (
      <Notice title="No longer kept">
        <p>The body was removed because it grew too old; the flow itself is kept longer.</p>
      </Notice>
    );
  }
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
          : "There was none, or none was kept."}
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
