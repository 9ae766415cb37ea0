// What grows at the right edge is made anew, and what only changes is not.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Ending } from "./Ending";

afterEach(cleanup);

test("a longer text has another element, so that none is seen to move; one as long keeps its own", () => {
  const { rerender } = render(<Ending text="8 s" />);
  const first = screen.getByText("8 s");
  rerender(<Ending text="9 s" />);
  expect(screen.getByText("9 s")).toBe(first);
  rerender(<Ending text="10 s" />);
  const longer = screen.getByText("10 s");
  expect(longer).not.toBe(first);
  // As many characters, and not as wide.
  rerender(<Ending text="1.0 s" />);
  const wide = screen.getByText("1.0 s");
  rerender(<Ending text="10 ms" />);
  expect(screen.getByText("10 ms")).not.toBe(wide);
});
