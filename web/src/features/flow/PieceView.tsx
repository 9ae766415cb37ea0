// A piece of a request whole, as a conversation shows it; read from the stored body once it is unfolded.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { requestQuery } from "@/api/queries";
import type { Flow, Piece } from "@/api/types";
import { type WholePiece, wholePiece } from "@/lib/pieces";
import type { Part } from "@/providers/conversation";
import { dialectView } from "@/providers/registry";
import { Json } from "@/ui/Json";
import { Skeleton } from "@/ui/Notice";
import { WireText } from "@/ui/WireText";
import { Parts } from "@/views/Parts";

export function PieceView({
  of,
  flow,
  piece,
}: {
  /** The flow whose request has it. */
  of: string;
  /** The flow that is shown, which speaks the same dialect. */
  flow: Pick<Flow, "dialect" | "path">;
  piece: Piece;
}) {
  const { data, error } = useQuery(requestQuery(of));
  const text = data?.body?.text ?? null;
  const whole = useMemo(() => (text === null ? null : wholePiece(text, piece)), [text, piece]);
  const parts = useMemo(() => (whole ? partsOf(flow, whole) : null), [flow, whole]);
  if (!data && !error) return <Skeleton lines={2} />;
  if (parts && parts.length > 0) {
    return (
      <div className="flex min-w-0 flex-col gap-2">
        <Parts parts={parts} />
      </div>
    );
  }
  if (whole) return <Json value={whole.value} />;
  const isCut = piece.bytes > piece.text.length;
  return (
    <>
      <WireText text={isCut ? `${piece.text}…` : piece.text} mono />
      {isCut ? <p className="text-2xs text-ink-3">Raw has the rest, where it is kept.</p> : null}
    </>
  );
}

function partsOf({ dialect, path }: Pick<Flow, "dialect" | "path">, whole: WholePiece): Part[] {
  const { value, list } = whole;
  if (list === null) return typeof value === "string" ? [{ kind: "text", text: value }] : [];
  const body = JSON.stringify({ [list]: [value] });
  const turns = dialectView(dialect)?.request(path, body)?.turns ?? [];
  return turns.flatMap(({ parts }) => parts);
}
