// What is told of an export while it runs and when it has ended.
// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { exportStore } from "@/api/exporting";
import { ExportStatus } from "./ExportStatus";

afterEach(() => {
  act(() => exportStore.stop());
  cleanup();
  vi.unstubAllGlobals();
});

const wish = { what: "a session", file: "s", filter: {}, format: "html" } as const;

test("a running export can be stopped, and then nothing is said of it any more", () => {
  vi.stubGlobal("fetch", () => new Promise(() => {}));
  render(<ExportStatus />);
  act(() => void exportStore.start(wish));
  expect(screen.getByRole("status").textContent).toBe("Exporting a session");
  fireEvent.click(screen.getByRole("button", { name: "Stop" }));
  expect(screen.queryByRole("region", { name: "Export" })).toBeNull();
  expect(screen.getByRole("status").textContent).toBe("");
});

test("an export that failed says why and what to do, until it is closed", async () => {
  const error = { code: "x", message: "Two exports run.", hint: "Wait for one." };
  vi.stubGlobal("fetch", async () => Response.json({ error }, { status: 503 }));
  render(<ExportStatus />);
  await act(() => exportStore.start(wish));
  const region = screen.getByRole("region", { name: "Export" });
  expect(region.textContent).toContain("Two exports run. Wait for one.");
  fireEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(screen.queryByRole("region", { name: "Export" })).toBeNull();
});
