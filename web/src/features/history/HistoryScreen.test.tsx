// What agents wrote is listed, and one conversation is told with what passed on the wire between its lines.
// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { ConversationLine } from "@/api/types";
import type { ConversationView } from "@/routes/paths";
import { makeFlow } from "@/testing/flow";
import { makeConversation, makeLine } from "@/testing/history";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { ConversationScreen } from "./ConversationScreen";
import { HistoryScreen } from "./HistoryScreen";
import { spans } from "./useLines";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const page = <T,>(items: T[]) => ({ items, next_cursor: null });

function detail(items: ConversationLine[], next_cursor: string | null = null) {
  return { ...makeConversation(), complete: true, branches: [], lanes: [], items, next_cursor };
}

function conversation(answers: Record<string, unknown>, view: ConversationView = {}) {
  const look = vi.fn();
  const rendered = renderScreen(
    <ConversationScreen id="s-1" view={view} onLook={look} onLeave={() => {}} />,
    answers,
  );
  return { ...rendered, look };
}

test("a conversation is listed with what was asked, and leads to its lines", async () => {
  const told = makeConversation({ first_prompt: HOSTILE, compactions: 2, unpriced: 3 });
  const { container } = renderScreen(<HistoryScreen view={{}} onLook={() => {}} />, {
    "/api/conversations": page([told]),
  });
  const row = await screen.findByRole("link", { name: /2 compactions/ });
  expect(row.getAttribute("href")).toBe("/history/s-1");
  for (const word of [HARMLESS, "claude-code", "2 prompts", "4 responses", "$0.12", "3 unpriced"]) {
    expect(row.textContent).toContain(word);
  }
  expect(container.querySelector("img")).toBeNull();
});

test("without files, and without a hit, the list says which of both it is", async () => {
  const none = { "/api/conversations": page([]) };
  renderScreen(<HistoryScreen view={{}} onLook={() => {}} />, none);
  await screen.findByText("No agent's files were read yet");
  cleanup();
  renderScreen(<HistoryScreen view={{ q: "x" }} onLook={() => {}} />, none);
  await screen.findByText("No such conversation");
});

test("words of the first prompt become the address once typing rests", async () => {
  const look = vi.fn();
  renderScreen(<HistoryScreen view={{ project: "/p" }} onLook={look} />, {
    "/api/conversations": page([]),
  });
  fireEvent.change(screen.getByRole("textbox"), { target: { value: " parser " } });
  await waitFor(() => expect(look).toHaveBeenCalledWith({ project: "/p", q: "parser" }));
});

test("lines and what passed on the wire stand on one time line, the newest first", async () => {
  const at = (second: number) => `2026-01-02T00:00:0${second}.000000Z`;
  const line = (second: number, over: Partial<ConversationLine>) =>
    makeLine({
      at: at(second),
      src: { path: "f", line: second, offset: second, bytes: 9 },
      ...over,
    });
  const { asked, container } = conversation({
    "/api/conversations/s-1": detail([
      line(6, { role: "note", kind: "system", subkind: "stop_hook_summary", text: "ran" }),
      line(5, {
        role: "answer",
        content: { message: { role: "assistant", content: [{ type: "text", text: HOSTILE }] } },
      }),
      line(1, {
        content: { message: { role: "user", content: "Mend it" } },
      }),
    ]),
    "/api/flows": page([makeFlow({ id: "f-3", started_at: at(3) })]),
  });
  const list = await screen.findByRole("list", { name: "Lines" });
  await within(list).findByText("On the wire");
  const rows = within(list).getAllByRole("listitem");
  const told = rows.map(({ textContent }) => textContent ?? "");
  expect(told[0]).toContain("Hook");
  expect(told[1]).toContain(HARMLESS);
  expect(told[2]).toContain("On the wire");
  expect(told[3]).toContain("Mend it");
  expect(container.querySelector("img")).toBeNull();
  expect(asked.find((it) => it.includes("order=newest"))).toContain("content=true");
});

test("the wire can be left out, and notes be asked for", async () => {
  const lines = { "/api/conversations/s-1": detail([makeLine()]) };
  const { asked, look } = conversation(lines, { wire: "no" });
  await screen.findByRole("list", { name: "Lines" });
  expect(asked.some((it) => it.startsWith("/api/flows"))).toBe(false);
  fireEvent.click(screen.getByRole("button", { name: "Notes" }));
  expect(look).toHaveBeenLastCalledWith({ wire: "no", notes: "yes" });
  fireEvent.click(screen.getByRole("button", { name: "Wire" }));
  expect(look).toHaveBeenLastCalledWith({});
});

test("what the wire does not tell takes the lines from nobody, and it says so", async () => {
  for (const view of [{}, { order: "oldest" }] as const) {
    conversation(
      {
        "/api/conversations/s-1": detail([makeLine({ text: "Kept" })]),
        "/api/flows": 500,
      },
      view,
    );
    await screen.findByText("Kept");
    await screen.findByText(/^What passed on the wire could not be loaded/);
    cleanup();
  }
});

test("where more passed than is shown between the lines, the session has it", async () => {
  const flows = page([makeFlow({ id: "f-3" })]);
  conversation(
    {
      "/api/conversations/s-1": detail([makeLine({ text: "Kept" })]),
      "/api/flows": { ...flows, next_cursor: "more" },
    },
    { order: "oldest" },
  );
  await screen.findByText(/^More passed on the wire than is shown here/);
});

test("a conversation that is not there says so, and leads to those that are", async () => {
  conversation({ "/api/conversations/s-1": 404 });
  await screen.findByRole("heading", { name: "There is no such conversation here", level: 1 });
  const all = screen.getByRole("link", { name: "All conversations" });
  expect(all.getAttribute("href")).toBe("/history");
  cleanup();
  conversation({ "/api/conversations/s-1": 400 });
  await screen.findByText(/could not be loaded/i);
});

test("from the start each page of lines asks for the wire of its time, and stands in its order", async () => {
  const at = (second: number) => `2026-01-02T00:00:0${second}.000000Z`;
  const line = (second: number, text: string) =>
    makeLine({ at: at(second), text, src: { path: "f", line: second, offset: second, bytes: 9 } });
  const { asked, look } = conversation(
    {
      "/api/conversations/s-1": detail([line(1, "First said"), line(5, "Then said")], "next"),
      "/api/flows": page([makeFlow({ id: "f-3", started_at: at(3) })]),
    },
    { order: "oldest" },
  );
  const list = await screen.findByRole("list", { name: "Lines" });
  await within(list).findByText("On the wire");
  const told = within(list)
    .getAllByRole("listitem")
    .map(({ textContent }) => textContent ?? "");
  expect(told[0]).toContain("First said");
  expect(told[1]).toContain("On the wire");
  expect(told[2]).toContain("Then said");
  expect(asked.some((it) => it.includes("order=oldest"))).toBe(true);
  const flows = asked.filter((it) => it.startsWith("/api/flows"));
  expect(flows).toHaveLength(1);
  expect(new URLSearchParams(flows[0]?.split("?")[1]).get("until")).toBe(at(5));
  expect(screen.getByRole("button", { name: "Show newer" })).toBeTruthy();
  fireEvent.click(screen.getByRole("radio", { name: "Newest" }));
  expect(look).toHaveBeenLastCalledWith({});
});

test("spans of pages follow each other without a gap, the last to the end", () => {
  const of = (at: string[], next_cursor: string | null) => ({
    items: at.map((each) => makeLine({ at: each })),
    next_cursor,
  });
  expect(spans([of(["1", "2"], "a"), of([], "b"), of(["3"], null)])).toEqual([
    [undefined, "2"],
    ["2", "2"],
    ["2", undefined],
  ]);
  expect(spans([])).toEqual([]);
});

test("a result has the name of its tool and server, and a subagent's line that of its lane", async () => {
  const message = (role: string, block: object) => ({ message: { role, content: [block] } });
  const lanes = [{ number: 0 }, { number: 1, agent_id: "a1", agent_type: "Explore" }];
  conversation(
    {
      "/api/conversations/s-1": {
        ...detail([
          makeLine({
            role: "tool_result",
            lane: 1,
            content: message("user", { type: "tool_result", tool_use_id: "t1", content: "found" }),
            src: { path: "f", line: 2, offset: 2, bytes: 9 },
          }),
          makeLine({
            role: "answer",
            content: message("assistant", {
              type: "tool_use",
              id: "t1",
              name: "mcp__github__search",
              input: {},
            }),
          }),
          makeLine({
            role: "compaction",
            text: "So far",
            src: { path: "f", line: 3, offset: 3, bytes: 9 },
          }),
        ]),
        lanes,
      },
    },
    { wire: "no" },
  );
  const result = await screen.findByRole("article", { name: /^Tool result/ });
  expect(result.textContent).toContain("search");
  expect(result.textContent).toContain("MCP github");
  expect(within(result).getByText("Explore")).toBeTruthy();
  expect(screen.getByRole("article", { name: /^Summary after the compaction/ })).toBeTruthy();
});
