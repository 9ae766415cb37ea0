// The palette is used by keyboard alone, and shows a session's words as text.
// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { Commands } from "./Palette";

beforeEach(() => {
  Element.prototype.scrollIntoView = () => {};
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const FACETS = {
  hosts: [],
  providers: [],
  models: [],
  outcomes: [],
  sessions: [{ value: "s-1", count: 2, first_at: null, opening: HOSTILE }],
  limit: 100,
};

test("what is typed narrows the commands, the arrows choose one, and Enter runs it", async () => {
  const onRun = vi.fn();
  renderScreen(<Commands onRun={onRun} />, { "/api/facets": FACETS });
  const field = screen.getByRole("combobox");
  fireEvent.change(field, { target: { value: "theme" } });
  fireEvent.keyDown(field, { key: "ArrowDown" });
  fireEvent.keyDown(field, { key: "Enter" });
  expect(onRun).toHaveBeenCalledWith({ theme: "dark" });
});

test("a session is offered by how it began, which is text, and asked of the server", async () => {
  const onRun = vi.fn();
  const { container, asked } = renderScreen(<Commands onRun={onRun} />, { "/api/facets": FACETS });
  fireEvent.change(screen.getByRole("combobox"), { target: { value: "img" } });
  fireEvent.click(await screen.findByText(HARMLESS));
  expect(onRun).toHaveBeenCalledWith({ go: "/sessions/s-1" });
  expect(container.querySelector("img")).toBeNull();
  await vi.waitFor(() => expect(asked).toContain("/api/facets?q=img"));
});

test("screens are reached while sessions cannot be looked up, which is said", async () => {
  renderScreen(<Commands onRun={() => {}} />, { "/api/facets": 400 });
  expect(await screen.findByText("Sessions could not be looked up.")).toBeTruthy();
  expect(screen.getByRole("option", { name: /Go to Spend/ })).toBeTruthy();
});
