// Markdown laid out: only text and plain elements, so that whatever a model writes can neither load, open nor run anything.
import { type ReactNode, useMemo } from "react";
import { visible } from "@/lib/hostile";
import { type Align, type Block, type Inline, type Item, readMarkdown } from "@/lib/markdown";
import { CopyButton } from "@/ui/CopyButton";
import { cx } from "@/ui/cx";
import { ImageIcon } from "@/ui/icons";
import { Marked } from "@/ui/WireText";

export function Markdown({ text, className }: { text: string; className?: string | undefined }) {
  const blocks = useMemo(() => readMarkdown(visible(text)), [text]);
  return (
    <div className={cx("flex min-w-0 flex-col gap-2", className)} dir="auto">
      {blocks === null ? (
        <p className="wire-text">
          <Marked text={visible(text)} />
        </p>
      ) : (
        <Blocks blocks={blocks} />
      )}
    </div>
  );
}

// Parts of a text have no identity but their place, so their place is their key everywhere below.
function Blocks({ blocks }: { blocks: Block[] }): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: a block is its place in the text
  return blocks.map((block, at) => <BlockView key={at} block={block} />);
}

// Not headings to a screen reader: the page's own outline must not depend on what a model wrote.
const HEADINGS = ["text-lg", "text-base", "text-sm"];

function BlockView({ block }: { block: Block }): ReactNode {
  switch (block.kind) {
    case "paragraph":
      return (
        <p className="wire-text">
          <Words inside={block.inside} />
        </p>
      );
    case "heading":
      return (
        <p className={cx("wire-text mt-1 font-semibold", HEADINGS[block.level - 1] ?? "text-sm")}>
          <Words inside={block.inside} />
        </p>
      );
    case "code":
      return <Code language={block.language} text={block.text} />;
    case "quote":
      return (
        <blockquote className="flex min-w-0 flex-col gap-2 border-l-2 border-line-strong pl-3 text-ink-2">
          <Blocks blocks={block.blocks} />
        </blockquote>
      );
    case "list":
      return <List start={block.start} items={block.items} />;
    case "table":
      return <Table {...block} />;
    case "rule":
      return <hr className="my-1 border-line-strong" />;
  }
}

function Code({ language, text }: { language: string; text: string }) {
  return (
    <div className="min-w-0 overflow-hidden rounded-md border">
      <div className="flex h-7 items-center justify-between bg-ground pr-1 pl-2.5 text-2xs text-ink-3">
        <span className="truncate font-mono">{language.slice(0, 60) || "code"}</span>
        <CopyButton text={text} what="the code" />
      </div>
      <pre className="wire-text border-t bg-sunken px-2.5 py-1.5 font-mono text-xs" dir="ltr">
        <Marked text={text} />
      </pre>
    </div>
  );
}

function List({ start, items }: { start: number | null; items: Item[] }) {
  const rows = items.map(({ done, blocks }, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: an item is its place in the list
    <li key={at} className={cx("min-w-0", done !== null && "-ml-5 flex list-none gap-2")}>
      {done === null ? null : (
        <span className={done ? "text-ok" : "text-ink-3"}>
          <span aria-hidden="true">{done ? "☑" : "☐"}</span>
          <span className="sr-only">{done ? "done" : "to do"}</span>
        </span>
      )}
      <div className="flex min-w-0 flex-col gap-1">
        <Blocks blocks={blocks} />
      </div>
    </li>
  ));
  const className = "flex min-w-0 flex-col gap-0.5 marker:text-ink-3";
  return start === null ? (
    <ul className={cx(className, "list-disc pl-5")}>{rows}</ul>
  ) : (
    // Room for the numbers that the list has.
    <ol
      start={start}
      className={cx(className, "list-decimal", start + rows.length > 99 ? "pl-10" : "pl-6")}
    >
      {rows}
    </ol>
  );
}

const ALIGNED: Record<NonNullable<Align>, string> = {
  left: "text-left",
  center: "text-center",
  right: "text-right",
};

function Table({ align, head, rows }: Block & { kind: "table" }) {
  const of = (at: number) => ALIGNED[align[at] ?? "left"];
  return (
    // Not a region: a page has few of those, and a conversation many tables.
    <div
      role="group"
      aria-label="Table"
      tabIndex={0}
      className="max-w-full overflow-x-auto rounded-md border"
    >
      <table className="w-full border-collapse text-xs">
        <thead className="bg-ground">
          <tr>
            {head.map((cell, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place in the row
              <th key={at} className={cx("min-w-16 px-2.5 py-1 align-top font-semibold", of(at))}>
                <span className="wire-text">
                  <Words inside={cell} />
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line border-t">
          {rows.map((row, line) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place in the table
            <tr key={line}>
              {row.map((cell, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place in the row
                <td key={at} className={cx("px-2.5 py-1 align-top", of(at))}>
                  <span className="wire-text">
                    <Words inside={cell} />
                  </span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Words({ inside }: { inside: Inline[] }): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: words are their place in the text
  return inside.map((words, at) => <InlineView key={at} words={words} />);
}

function InlineView({ words }: { words: Inline }): ReactNode {
  switch (words.kind) {
    case "text":
      return <Marked text={words.text} />;
    case "code":
      return (
        <code className="rounded-sm bg-raised px-1 font-mono text-[0.92em]">
          <Marked text={words.text} />
        </code>
      );
    case "strong":
      return (
        <strong className="font-semibold">
          <Words inside={words.inside} />
        </strong>
      );
    case "em":
      return (
        <em>
          <Words inside={words.inside} />
        </em>
      );
    case "del":
      return (
        <del className="text-ink-3">
          <Words inside={words.inside} />
        </del>
      );
    case "link":
      // Shown, not followed: nothing on this page leads out of it.
      return (
        <span className="underline decoration-line-strong underline-offset-2">
          <Words inside={words.inside} />
          {words.address === null ? null : <Address text={words.address} />}
        </span>
      );
    case "image":
      return (
        <span className="inline-flex max-w-full items-baseline gap-1 rounded-sm border border-dashed border-line-strong px-1 text-xs text-ink-2">
          <ImageIcon className="size-3 self-center text-ink-3" />
          <span className="min-w-0">
            <Marked text={words.alt || "image"} />
            <Address text={words.address} />
          </span>
        </span>
      );
  }
}

function Address({ text }: { text: string }) {
  return (
    <span className="font-mono text-[0.85em] text-ink-3">
      {" ("}
      <Marked text={text} />)
    </span>
  );
}
