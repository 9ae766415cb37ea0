// What an empty list says, and that it claims nothing it does not know.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { NothingListed } from "./NothingListed";

afterEach(cleanup);

test("that no session has a star is said only once it is known", () => {
  const none = "No session has a star";
  const listed = (stars: number | "loading" | "failed", filter = {}) => (
    <NothingListed filter={filter} stars={stars} onClear={() => {}} />
  );
  const byStars = { starred: "true" };
  const { container, rerender } = render(listed("loading", byStars));
  expect(screen.getByRole("status", { name: "Loading" })).toBeTruthy();
  expect(container.textContent).toBe("");
  rerender(listed("failed", byStars));
  expect(container.textContent).not.toContain(none);
  expect(container.textContent).toContain("could not be loaded");
  rerender(listed(0, byStars));
  expect(screen.getByText(none)).toBeTruthy();
  rerender(listed(2, byStars));
  expect(screen.getByText("No flow matches")).toBeTruthy();
  rerender(listed("loading", { q: "word" }));
  expect(screen.getByText("No flow matches")).toBeTruthy();
});
