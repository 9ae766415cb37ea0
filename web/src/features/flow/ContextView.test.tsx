// The context of a flow as areas and as a table, with its cache marks; what is unknown is said to be so.
// @vitest-environment jsdom
import { cleanup, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeFlow } from "@/testing/flow";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { ContextView } from "./ContextView";

beforeEach(() => {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const flow = makeFlow({ id: "f-1" });
const part = (kind: string, tokens: number | null, server: string | null = null) => ({
  kind,
  server,
  count: 2,
  bytes: 100,
  tokens,
});
const context = {
  flow_id: "f-1",
  bytes: 200,
  tokens: 50_000,
  window: 200_000,
  truncated: false,
  next_cursor: null,
  items: [part("system", 20_000), part("tools", 30_000, HOSTILE)],
};
const body = (value: unknown) => ({
  "/api/flows/f-1/request": { body: { text: JSON.stringify(value), truncated: false } },
});

test("each part is told with its share, a server's name as text, and how full the window is", async () => {
  const { container } = renderScreen(<ContextView flow={flow} />, {
    "/api/analytics/context": context,
    ...body({ messages: [] }),
  });
  const table = await screen.findByRole("table", { name: "Parts of the context" });
  const rows = within(table).getAllByRole("row");
  expect(rows.map((row) => row.textContent).slice(1)).toEqual([
    expect.stringContaining("60 %"),
    expect.stringContaining("40 %"),
  ]);
  expect(rows[1]?.textContent).toContain(`Tools of ${HARMLESS}`);
  expect(container.textContent).toContain(
    "50,000 tokens of the 200k that its model can have: 25\u00a0%",
  );
  expect(container.querySelector("img")).toBeNull();
});

test("cache marks are told by place and by how long they are kept", async () => {
  renderScreen(<ContextView flow={flow} />, {
    "/api/analytics/context": context,
    ...body({
      system: [{ type: "text", text: "abc", cache_control: { type: "ephemeral", ttl: "1h" } }],
      messages: [{ role: "user", content: "abc" }],
    }),
  });
  const marks = await screen.findByRole("list", { name: "Cache breakpoints" });
  expect(marks.textContent).toContain("System prompt, part 1");
  expect(marks.textContent).toContain("kept for 1h, with 50 % of the text");
});

test("a request without marks says so, and unknown tokens are a dash", async () => {
  const { container } = renderScreen(<ContextView flow={flow} />, {
    "/api/analytics/context": {
      ...context,
      tokens: null,
      window: null,
      items: [part("system", null)],
    },
    ...body({ messages: [] }),
  });
  expect(await screen.findByText(/The request sets none/)).toBeTruthy();
  expect(container.textContent).toContain("did not tell how many tokens");
  expect(screen.getByRole("table").textContent).toContain("—");
});
