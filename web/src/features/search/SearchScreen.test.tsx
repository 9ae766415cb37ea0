// What a found flow shows, whatever was said in it.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { makeFlow } from "@/testing/flow";
import { Found } from "./SearchScreen";

afterEach(cleanup);

test("a found flow marks the words and leads to the flow", () => {
  const item = {
    flow: makeFlow({ id: "f-1", session_id: "s-1" }),
    snippets: [
      {
        place: "tool_result",
        text: "<b>a</b> wombat",
        highlights: [{ start: 9, end: 15 }],
        cut_before: true,
        cut_after: false,
      },
    ],
  };
  const { container } = render(<Found item={item} href="/flows/f-1" />);
  expect(screen.getByRole("link").getAttribute("href")).toBe("/flows/f-1");
  expect(container.querySelector("mark")?.textContent).toBe("wombat");
  expect(container.textContent).toContain("Tool result… <b>a</b> wombat");
  expect(container.querySelector("b")).toBeNull();
});
