// Text from the wire: shown as text whatever it holds, folded where it is long.
import { useState } from "react";
import { bytes } from "@/lib/format";
import { REDACTED, visible } from "@/lib/hostile";
import { cx } from "./cx";

/** Characters laid out without being asked for. */
export const FOLD = 6_000;

export function WireText({
  text,
  mono = false,
  className,
  tail = false,
}: {
  text: string;
  mono?: boolean;
  className?: string | undefined;
  /** Shows the end rather than the beginning of a long text, for what is still being written. */
  tail?: boolean;
}) {
  const [whole, setWhole] = useState(false);
  const long = text.length > FOLD * 1.2;
  const folded = long && !whole;
  const shown = folded ? (tail ? text.slice(-FOLD) : text.slice(0, FOLD)) : text;
  const fold = long ? (
    <button
      type="button"
      onClick={() => setWhole(!whole)}
      className="my-1 rounded-sm text-xs font-medium text-accent hover:underline"
    >
      {whole ? "Show less" : `Show all (${bytes(text.length)})`}
    </button>
  ) : null;
  return (
    <div className={cx("min-w-0", className)}>
      {tail ? fold : null}
      <div className={cx("wire-text", mono && "font-mono text-xs")} dir="auto">
        {tail && folded ? "…" : ""}
        <Marked text={visible(shown)} />
        {!tail && folded ? "…" : ""}
      </div>
      {tail ? null : fold}
    </div>
  );
}

/** Text in which the redactor's placeholders stand out. */
export function Marked({ text }: { text: string }) {
  if (!/redacted/i.test(text)) return text;
  const parts = text.split(new RegExp(`(${REDACTED.source})`, "gi"));
  return parts.map((part, at) =>
    at % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their place
      <RedactedMark key={at} text={part} />
    ) : (
      part
    ),
  );
}

function RedactedMark({ text }: { text: string }) {
  return (
    <span
      className="rounded-sm bg-violet-soft px-1 font-mono text-2xs text-violet"
      title="Redacted before it was stored"
    >
      {text}
    </span>
  );
}
