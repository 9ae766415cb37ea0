// What a person or a model wrote: markdown laid out, or as it was written; folded where it is long.
import { useState } from "react";
import { bytes } from "@/lib/format";
import { looksLikeMarkdown } from "@/lib/looks";
import { IconButton } from "@/ui/Button";
import { TextIcon } from "@/ui/icons";
import { FOLD, FOLDED, WireText } from "@/ui/WireText";
import { later } from "./later";

// Its reader comes when there is something to read: the first screen has no markdown.
const Markdown = later<{ text: string }>(() => import("./Markdown").then((it) => it.Markdown), {
  waiting: ({ text }) => <WireText text={text} />,
  missing: ({ text }) => <WireText text={text} />,
});

/** Longer texts are shown as they were written: some take the square of their length to read. */
const LAID_OUT_MAX = 30_000;

export function Prose({ text, className }: { text: string; className?: string }) {
  const [written, setWritten] = useState(false);
  const [whole, setWhole] = useState(false);
  if (!looksLikeMarkdown(text)) return <WireText text={text} className={className} />;
  const long = text.length > FOLDED;
  const shown = long && !whole ? `${text.slice(0, FOLD)}…` : text;
  return (
    <div className={`flex min-w-0 items-start gap-2 ${className ?? ""}`}>
      <div className="min-w-0 flex-1">
        {written ? (
          <WireText text={text} />
        ) : (
          <>
            <Markdown text={shown} />
            {long ? (
              <button
                type="button"
                onClick={() => (text.length > LAID_OUT_MAX ? setWritten(true) : setWhole(!whole))}
                className="my-1 rounded-sm text-xs font-medium text-accent hover:underline"
              >
                {text.length > LAID_OUT_MAX
                  ? `Show it as written, too long to be laid out (${bytes(text.length)})`
                  : whole
                    ? "Show less"
                    : `Show all (${bytes(text.length)})`}
              </button>
            ) : null}
          </>
        )}
      </div>
      <IconButton
        label="As written"
        aria-pressed={written}
        onClick={() => setWritten(!written)}
        className="size-6 aria-pressed:bg-selected aria-pressed:text-ink"
      >
        <TextIcon className="size-3.5" />
      </IconButton>
    </div>
  );
}
