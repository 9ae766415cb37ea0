// A text of any length is laid out a little at a time.
// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { blocksOf, WireText } from "./WireText";

afterEach(cleanup);

const LINE = `${"word ".repeat(20)}\n`;
const long = (length: number) => LINE.repeat(Math.ceil(length / LINE.length)).slice(0, length);

test("blocks are the whole text, bounded, end with a line, and stay as they are when it grows", () => {
  const text = long(112_500);
  const blocks = blocksOf(text);
  expect(blocks.join("")).toBe(text);
  expect(blocks.every((block) => block.length <= 25_000)).toBe(true);
  expect(blocks.slice(0, -1).every((block) => block.endsWith("\n"))).toBe(true);
  expect(blocksOf(text + LINE).slice(0, 4)).toEqual(blocks.slice(0, 4));
  expect(blocksOf("x".repeat(62_500)).map(({ length }) => length)).toEqual([
    25_000, 25_000, 12_500,
  ]);
});

test("five megabytes are never laid out at once, and each wish brings some more", () => {
  const { container } = render(<WireText text={long(5_000_000)} />);
  const shown = () => container.textContent?.length ?? 0;
  expect(shown()).toBeLessThan(7_000);
  for (const wishes of [1, 2, 3]) {
    const before = shown();
    fireEvent.click(screen.getByRole("button", { name: /^Show more/ }));
    expect(shown() - before).toBeLessThan(260_000);
    expect(shown()).toBeGreaterThan(wishes * 240_000);
  }
  fireEvent.click(screen.getByRole("button", { name: "Show less" }));
  expect(shown()).toBeLessThan(7_000);
});

test("a text that is not too long is shown whole at one wish", () => {
  const text = long(200_000);
  const { container } = render(<WireText text={text} tail />);
  fireEvent.click(screen.getByRole("button", { name: /^Show all/ }));
  expect(container.querySelector(".wire-text")?.textContent).toBe(text);
  expect(screen.queryByRole("button", { name: /^Show (more|all)/ })).toBeNull();
});
