// A text of any size as virtual lines, with JSON coloured; only what is in view is laid out.
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useMemo, useRef } from "react";
import { visible } from "@/lib/hostile";
import { jsonSpans, type Line, type Span, type Tone, toLines } from "@/lib/lines";
import { Marked } from "./WireText";

const LINE_HEIGHT = 18;

const TONES: Record<Tone, string | undefined> = {
  key: "text-accent",
  string: "text-ok",
  number: "text-warn",
  word: "text-violet",
  redacted: "text-violet",
  plain: undefined,
};

export function Lines({ text, json, label }: { text: string; json: boolean; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => toLines(visible(text)), [text]);
  const longest = useMemo(
    () => lines.reduce((most, line) => Math.max(most, line.text.length), 0),
    [lines],
  );
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 20,
    useFlushSync: false,
  });
  const digits = String(lines.at(-1)?.number ?? lines.length).length;
  return (
    <section ref={box} tabIndex={0} aria-label={label} className="h-full overflow-auto bg-sunken">
      <div
        className="relative font-mono text-xs"
        style={{ height: rows.getTotalSize(), width: `max(100%, ${longest + digits + 6}ch)` }}
      >
        {rows.getVirtualItems().map((row) => {
          const line = lines[row.index];
          return line ? (
            <Row key={row.key} line={line} json={json} top={row.start} digits={digits} />
          ) : null;
        })}
      </div>
    </section>
  );
}

/** Only strings grow longer than a row, so a carried-on row of JSON is a string's. */
function spansOf(line: Line): Span[] {
  return line.number === null ? [{ tone: "string", text: line.text }] : jsonSpans(line.text);
}

const Row = memo(function Row({
  line,
  json,
  top,
  digits,
}: {
  line: Line;
  json: boolean;
  top: number;
  digits: number;
}) {
  return (
    <div
      className="absolute left-0 flex whitespace-pre"
      style={{
        transform: `translateY(${top}px)`,
        height: LINE_HEIGHT,
        lineHeight: `${LINE_HEIGHT}px`,
      }}
    >
      <span
        aria-hidden="true"
        className="shrink-0 pr-3 pl-3 text-right text-ink-3 select-none"
        style={{ width: `calc(${digits}ch + 24px)` }}
      >
        {line.number ?? "↳"}
      </span>
      <span dir="ltr">
        {json ? (
          spansOf(line).map((span, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their place
            <span key={at} className={TONES[span.tone]}>
              <Marked text={span.text} />
            </span>
          ))
        ) : (
          <Marked text={line.text} />
        )}
      </span>
    </div>
  );
});
