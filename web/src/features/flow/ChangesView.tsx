// What is new in a request against the one it goes on from: sizes, the place of divergence, the pieces.
import { useQuery } from "@tanstack/react-query";
import { ApiError } from "@/api/client";
import { diffQuery } from "@/api/queries";
import type { Flow, Piece, PieceKind, RequestDiff } from "@/api/types";
import { bytes, count } from "@/lib/format";
import { pieceWords } from "@/lib/pieces";
import { flowHref } from "@/routes/paths";
import { cx } from "@/ui/cx";
import { Failed } from "@/ui/Failed";
import { Fold } from "@/ui/Fold";
import { Note, Notice, Skeleton } from "@/ui/Notice";
import { WireText } from "@/ui/WireText";
import { PieceView } from "./PieceView";
import { FACES } from "./pieceFaces";

export function ChangesView({ flow }: { flow: Flow }) {
  const { data, error, refetch } = useQuery(diffQuery(flow.id));
  if (data) return <Changes diff={data} flow={flow} />;
  if (!error) return <Skeleton />;
  if (error instanceof ApiError && error.code === "no_request") {
    return (
      <Notice title="No request to compare">
        <p>There was no body, or it is no longer kept.</p>
      </Notice>
    );
  }
  return <Failed what="The comparison" error={error} onRetry={() => void refetch()} />;
}

export function Changes({ diff, flow }: { diff: RequestDiff; flow: Flow }) {
  const { against, parts, diverges } = diff;
  return (
    <section
      tabIndex={0}
      aria-label="What changed"
      className="flex h-full flex-col gap-5 overflow-y-auto p-4"
    >
      {against === null ? (
        <Note tone="info">The first request of its session that is kept: all of it is new.</Note>
      ) : (
        <p className="text-xs text-ink-2">
          Compared with{" "}
          <a
            className="font-mono text-accent hover:underline"
            href={flowHref(against, { tab: "changes" })}
          >
            {against}
          </a>
          , the request that this one goes on from.
        </p>
      )}
      {diff.truncated ? (
        <Note tone="warn">
          A request was cut when it was stored, so more may have changed than is shown.
        </Note>
      ) : null}
      <Composition diff={diff} />
      {against === null ? null : diverges ? (
        <section className="flex min-w-0 flex-col gap-1.5">
          <h3 className="text-sm font-semibold">
            They diverge at {place(diverges.kind, diverges.position)}
          </h3>
          <p className="text-xs text-ink-3">
            From byte {count(diverges.offset)} of it on. What a model reads before that place can
            come from the provider's cache.
          </p>
          <Excerpt label="Before" tone="border-l-bad" text={diverges.before} />
          <Excerpt label="Now" tone="border-l-ok" text={diverges.after} />
        </section>
      ) : (
        <Note tone="ok">
          {diff.added.length > 0
            ? "Nothing before the new part has changed: all of the earlier conversation can come from the provider's cache."
            : "The two requests are the same."}
        </Note>
      )}
      <Pieces
        title="New in this request"
        of={flow.id}
        flow={flow}
        pieces={diff.added}
        total={sum(parts.map(({ added }) => added.pieces))}
      />
      <Pieces
        title="No longer in it"
        of={against ?? flow.id}
        flow={flow}
        pieces={diff.removed}
        total={sum(parts.map(({ removed }) => removed.pieces))}
      />
    </section>
  );
}

/** Sizes by part, as one bar and its figures. */
function Composition({ diff: { parts } }: { diff: RequestDiff }) {
  const total = sum(parts.map(({ now }) => now.bytes));
  const cell = "py-1 pl-3 text-right tabular-nums";
  return (
    <section className="flex flex-col gap-1.5">
      <h3 className="text-sm font-semibold">Parts</h3>
      <div className="flex h-1.5 gap-px overflow-hidden rounded-full bg-raised" aria-hidden="true">
        {parts.map(({ kind, now }) => (
          <span
            key={kind}
            title={`${FACES[kind].part} ${bytes(now.bytes)}`}
            className={FACES[kind].tone}
            style={{ flexGrow: now.bytes, flexBasis: 0 }}
          />
        ))}
      </div>
      <table className="w-full border-collapse text-xs">
        <thead className="text-ink-3">
          <tr className="border-b">
            <th className="py-1 text-left font-medium">Part</th>
            <th className={cx(cell, "font-medium")}>Pieces</th>
            <th className={cx(cell, "font-medium")}>Size</th>
            <th className={cx(cell, "font-medium")}>New</th>
            <th className={cx(cell, "font-medium")}>Gone</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {parts.map(({ kind, now, added, removed }) => (
            <tr key={kind}>
              <td className="py-1">
                <span
                  className={cx("mr-2 inline-block size-2 rounded-full", FACES[kind].tone)}
                  aria-hidden="true"
                />
                {FACES[kind].part}
              </td>
              <td className={cell}>{count(now.pieces)}</td>
              <td className={cell}>{bytes(now.bytes)}</td>
              <td className={cx(cell, added.bytes > 0 ? "text-ok" : "text-ink-3")}>
                {bytes(added.bytes)}
              </td>
              <td className={cx(cell, removed.bytes > 0 ? "text-bad" : "text-ink-3")}>
                {bytes(removed.bytes)}
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="border-t font-medium">
            <td className="py-1">All</td>
            <td className={cell}>{count(sum(parts.map(({ now }) => now.pieces)))}</td>
            <td className={cell}>{bytes(total)}</td>
            <td className={cell}>{bytes(sum(parts.map(({ added }) => added.bytes)))}</td>
            <td className={cell}>{bytes(sum(parts.map(({ removed }) => removed.bytes)))}</td>
          </tr>
        </tfoot>
      </table>
    </section>
  );
}

function Excerpt({ label, tone, text }: { label: string; tone: string; text: string | null }) {
  return (
    <div className={cx("rounded-md border border-l-4 px-3 py-1.5", tone)}>
      <p className="text-2xs text-ink-3">{label}</p>
      {text === null ? (
        <p className="text-xs text-ink-3">It has nothing there.</p>
      ) : (
        <WireText text={text} mono />
      )}
    </div>
  );
}

function Pieces({
  title,
  of,
  flow,
  pieces,
  total,
}: {
  title: string;
  /** The flow whose request has them. */
  of: string;
  flow: Flow;
  pieces: Piece[];
  total: number;
}) {
  if (pieces.length === 0) return null;
  return (
    <section className="flex min-w-0 flex-col gap-1.5">
      <h3 className="text-sm font-semibold">
        {title} <span className="font-normal text-ink-3">({count(total)})</span>
      </h3>
      <ul className="divide-y divide-line rounded-md border">
        {pieces.map((piece) => {
          const { kind, position, bytes: size, text } = piece;
          return (
            <li key={`${kind} ${position}`} className="min-w-0">
              <Fold
                summary={
                  <span className="flex min-w-0 flex-1 flex-col">
                    <span className="flex justify-between gap-3 text-2xs text-ink-3">
                      <span>
                        {place(kind, position)}
                        {FACES[kind].one === "Turn" ? ` · ${FACES[kind].part}` : ""}
                      </span>
                      <span className="tabular-nums">{bytes(size)}</span>
                    </span>
                    <span className="truncate text-xs group-open:hidden" dir="auto">
                      {pieceWords(kind, text)}
                      {size > text.length ? "…" : ""}
                    </span>
                  </span>
                }
              >
                {() => (
                  <div className="flex min-w-0 flex-col gap-1 border-t bg-sunken px-3 py-2">
                    <PieceView of={of} flow={flow} piece={piece} />
                  </div>
                )}
              </Fold>
            </li>
          );
        })}
      </ul>
      {total > pieces.length ? (
        <p className="text-xs text-ink-3">and {count(total - pieces.length)} more</p>
      ) : null}
    </section>
  );
}

/** A piece's name and number, as people count. */
function place(kind: PieceKind, position: number): string {
  const { one } = FACES[kind];
  return kind === "rest" ? one : `${one} ${count(position + 1)}`;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
