// A small JSON value, laid out and coloured; a large one is folded.
import { useMemo, useState } from "react";
import { bytes } from "@/lib/format";
import { visible } from "@/lib/hostile";
import { laidOut } from "@/lib/json";
import { jsonSpans, type Tone } from "@/lib/lines";
import { Marked } from "./WireText";

const FOLD = 4_000;

const TONES: Record<Tone, string | undefined> = {
  key: "text-accent",
  string: "text-ink",
  number: "text-warn",
  word: "text-violet",
  redacted: "text-violet",
  plain: "text-ink-3",
};

export function Json({ value }: { value: unknown }) {
  const [whole, setWhole] = useState(false);
  const text = useMemo(() => laidOut(value), [value]);
  const long = text.length > FOLD * 1.2;
  const shown = visible(long && !whole ? text.slice(0, FOLD) : text);
  return (
    <div className="min-w-0">
      <pre className="wire-text font-mono text-xs">
        {shown.split("\n").map((line, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place
          <span key={at}>
            {at > 0 ? "\n" : ""}
            {jsonSpans(line).map((span, part) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their place
              <span key={part} className={TONES[span.tone]}>
                <Marked text={span.text} />
              </span>
            ))}
          </span>
        ))}
        {long && !whole ? "…" : ""}
      </pre>
      {long ? (
        <button
          type="button"
          onClick={() => setWhole(!whole)}
          className="mt-1 rounded-sm text-xs font-medium text-accent hover:underline"
        >
          {whole ? "Show less" : `Show all (${bytes(text.length)})`}
        </button>
      ) : null}
    </div>
  );
}
