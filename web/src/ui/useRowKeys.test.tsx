// The keys j and k walk the rows, and stay out of fields.
// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useRef } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useRowKeys } from "./useRowKeys";

beforeEach(() => {
  Element.prototype.scrollIntoView = () => {};
});
afterEach(cleanup);

function Rows({ onEscape }: { onEscape: () => boolean }) {
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box, onEscape);
  return (
    <div ref={box}>
      <input aria-label="field" />
      <input type="radio" aria-label="choice" />
      <a data-row href="#one">
        one
      </a>
      <a href="#between">between</a>
      <button data-row type="button">
        two
      </button>
    </div>
  );
}

test("the focus goes from row to row, stops at the ends, and Esc leaves", () => {
  const onEscape = vi.fn(() => true);
  render(<Rows onEscape={onEscape} />);
  const press = (key: string, on: Element = document.activeElement ?? document.body) => {
    fireEvent.keyDown(on, { key });
    return document.activeElement?.textContent;
  };
  expect([press("j"), press("j"), press("j"), press("k"), press("k")]).toEqual([
    "one",
    "two",
    "two",
    "one",
    "one",
  ]);
  const field = screen.getByLabelText("field");
  field.focus();
  press("j", field);
  expect(document.activeElement).toBe(field);
  press("Escape", field);
  expect(onEscape).not.toHaveBeenCalled();
  const choice = screen.getByLabelText("choice");
  choice.focus();
  expect(press("j", choice)).toBe("one");
  field.blur();
  press("Escape", document.body);
  expect(onEscape).toHaveBeenCalledOnce();
});
