// Text from the wire: shown as text whatever it holds, folded where it is long.
import { memo, useMemo, useState } from "react";
import { bytes } from "@/lib/format";
import { REDACTED, visible } from "@/lib/hostile";
import { cx } from "./cx";

/** Characters laid out without being asked for. */
export const FOLD = 6_000;
/** A text longer than this is folded: to fold away little is of no use. */
export const FOLDED = FOLD * 1.2;
/** Characters of a block, which is laid out once it comes near to what is in view. */
const BLOCK = 25_000;
/** Blocks that each wish for more brings. */
const WISHED = 10;

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
  const [unfolded, setUnfolded] = useState(0);
  const long = text.length > FOLDED;
  const folded = long && unfolded === 0;
  const blocks = useMemo(() => (folded ? [] : blocksOf(text)), [folded, text]);
  const first = folded ? 0 : tail && long ? Math.max(0, blocks.length - unfolded) : 0;
  const shown = folded
    ? [tail ? text.slice(-FOLD) : text.slice(0, FOLD)]
    : blocks.slice(first, long ? first + unfolded : undefined);
  const more = folded || shown.length < blocks.length;
  const fold = long ? (
    <span className="my-1 flex gap-4">
      {more ? (
        <Wish
          label={`Show ${text.length > BLOCK * WISHED ? "more" : "all"} (${bytes(text.length)})`}
          onWish={() => setUnfolded(unfolded + WISHED)}
        />
      ) : null}
      {folded ? null : <Wish label="Show less" onWish={() => setUnfolded(0)} />}
    </span>
  ) : null;
  return (
    <div className={cx("min-w-0", className)}>
      {tail ? fold : null}
      <div className={cx("wire-text", mono && "font-mono text-xs")} dir="auto">
        {tail && more ? "…" : ""}
        {shown.length === 1 ? (
          <Marked text={visible(shown[0] ?? "")} />
        ) : (
          // What is written at the end leaves the blocks before it as they are.
          shown.map((block, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a block is its place in the text
            <Block key={first + at} text={block} />
          ))
        )}
        {!tail && more ? "…" : ""}
      </div>
      {tail ? null : fold}
    </div>
  );
}

function Wish({ label, onWish }: { label: string; onWish: () => void }) {
  return (
    <button
      type="button"
      onClick={onWish}
      className="rounded-sm text-xs font-medium text-accent hover:underline"
    >
      {label}
    </button>
  );
}

/** What is out of view is not laid out. */
const Block = memo(function Block({ text }: { text: string }) {
  return (
    <div className="[contain-intrinsic-block-size:auto_2000px] [content-visibility:auto]">
      <Marked text={visible(text)} />
    </div>
  );
});

/** A text in blocks that end with a line, or where a line is too long for one: the same ones when it has grown. */
export function blocksOf(text: string): string[] {
  const blocks: string[] = [];
  for (let from = 0; from < text.length; ) {
    const line = text.lastIndexOf("\n", from + BLOCK - 1) + 1;
    const to = from + BLOCK >= text.length ? text.length : line > from ? line : from + BLOCK;
    blocks.push(text.slice(from, to));
    from = to;
  }
  return blocks;
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
