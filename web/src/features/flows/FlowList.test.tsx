// What is said when rows are missing, and that the reader asks for them again.
// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { Stuck } from "./FlowList";

afterEach(cleanup);

test("a list that lacks rows says why and is asked again by a button", () => {
  const retry = vi.fn();
  render(<Stuck error={new Error("the server is away")} onRetry={retry} />);
  expect(screen.getByRole("alert").textContent).toContain("the server is away");
  expect(retry).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(retry).toHaveBeenCalledOnce();
});
