// The place where a search found its words: in view, marked, as it was written.
import {
  createContext,
  Fragment,
  type ReactNode,
  use,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { plural } from "@/lib/format";
import { type Hit, type Located, locate, standings } from "@/lib/hit";
import { visible } from "@/lib/hostile";
import type { Conversation, Part } from "@/providers/conversation";
import { cx } from "@/ui/cx";
import { Marked } from "@/ui/WireText";

/** What was found, for the parts below; null where nothing was looked for. */
export const HitContext = createContext<Located | null>(null);

/** Finds the place once what it stands in is there. */
export function useHit(
  conversation: Conversation | null,
  answer: readonly Part[],
  { hit, around, place, words }: Partial<Hit> = {},
): Located | null {
  return useMemo(() => {
    if (hit === undefined) return null;
    const told = {
      hit,
      ...(around ? { around } : {}),
      ...(place ? { place } : {}),
      ...(words ? { words } : {}),
    };
    return locate(conversation, answer, told);
  }, [conversation, answer, hit, around, place, words]);
}

/** Characters shown before the words, and behind them. */
const AROUND = 2_000;

/** The place in `part` where the words stand; where they are not in it, the part as it is otherwise shown. */
export function AtHit({
  part,
  mono = false,
  children,
}: {
  part: Part;
  mono?: boolean;
  children: ReactNode;
}) {
  const found = use(HitContext);
  const [left, setLeft] = useState<Located | null>(null);
  if (found === null || found.part !== part || left === found) return children;
  return <Found found={found} mono={mono} onLeave={() => setLeft(found)} />;
}

function Found({
  found: { text, start, end, words },
  mono,
  onLeave,
}: {
  found: Located;
  mono: boolean;
  onLeave: () => void;
}) {
  const mark = useRef<HTMLElement>(null);
  // Once: whoever has scrolled on is not taken back.
  useEffect(() => {
    if (!mark.current) return;
    centre(mark.current);
    mark.current.focus({ preventScroll: true });
  }, []);
  const from = whole(text, Math.max(0, start - AROUND));
  const to = whole(text, Math.min(text.length, end + AROUND));
  const hidden = text.length - (to - from);
  return (
    <div className="min-w-0 flex-1 rounded-md border border-warn/50 px-2.5 py-1.5">
      <p className="mb-1 flex flex-wrap items-baseline justify-between gap-x-3 text-2xs text-ink-3">
        <span>Found here{hidden > 0 ? `; ${plural(hidden, "more character")} not shown` : ""}</span>
        <button
          type="button"
          onClick={onLeave}
          className="rounded-sm font-medium text-accent hover:underline"
        >
          Show it as usual
        </button>
      </p>
      <div className={cx("wire-text", mono && "font-mono text-xs")} dir="auto">
        {from > 0 ? "…" : ""}
        <Words text={text.slice(from, start)} words={words} />
        <mark ref={mark} tabIndex={-1} className="rounded-sm bg-warn-soft px-0.5 text-ink">
          {visible(text.slice(start, end))}
        </mark>
        <Words text={text.slice(end, to)} words={words} />
        {to < text.length ? "…" : ""}
      </div>
    </div>
  );
}

/** Text in which the other words of the search are marked. */
function Words({ text, words }: { text: string; words: readonly string[] }) {
  const found = useMemo(() => standings(text, words), [text, words]);
  const last = found.at(-1)?.end ?? 0;
  return (
    <>
      {found.map(({ start, end }, at) => (
        <Fragment key={start}>
          <Marked text={visible(text.slice(found[at - 1]?.end ?? 0, start))} />
          <mark className="rounded-sm bg-warn-soft px-0.5 text-ink">
            {visible(text.slice(start, end))}
          </mark>
        </Fragment>
      ))}
      <Marked text={visible(text.slice(last))} />
    </>
  );
}

/** Scrolls what an element stands in, and nothing around that: `scrollIntoView` also moves the page beneath it. */
function centre(element: HTMLElement): void {
  for (let box = element.parentElement; box; box = box.parentElement) {
    if (!/auto|scroll/.test(getComputedStyle(box).overflowY)) continue;
    const [inner, outer] = [element.getBoundingClientRect(), box.getBoundingClientRect()];
    box.scrollTop += inner.top + inner.height / 2 - (outer.top + outer.height / 2);
    return;
  }
}

/** A place that does not part a pair of surrogates. */
function whole(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
}
