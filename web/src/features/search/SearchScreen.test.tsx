// What a found flow shows, whatever was said in it.
// @vitest-environment jsdom
import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { createQueryClient } from "@/api/queries";
import { makeFlow } from "@/testing/flow";
import { renderScreen } from "@/testing/screen";
import { Found, Results, SearchScreen } from "./SearchScreen";

// Not in jsdom.
Element.prototype.scrollIntoView = () => {};

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

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
  const { container } = render(
    <Found item={item} flowHref={(id, hit) => `/flows/${id}#${hit?.place} ${hit?.hit}`} />,
  );
  expect(screen.getByRole("link").getAttribute("href")).toBe("/flows/f-1#tool_result wombat");
  expect(container.querySelector("mark")?.textContent).toBe("wombat");
  expect(container.textContent).toContain("Tool result… <b>a</b> wombat");
  expect(container.querySelector("b")).toBeNull();
});

test("hits are walked with j and k, and it says what is not searched", async () => {
  const snippets = ["one", "two"].map((text) => ({
    place: "prompt",
    text,
    highlights: [],
    cut_before: false,
    cut_after: false,
  }));
  renderScreen(
    <SearchScreen
      query="o"
      onQuery={() => {}}
      flowHref={(id, hit) => `/flows/${id}#${hit?.hit}`}
    />,
    {
      "/api/search": {
        items: [
          { flow: makeFlow({ id: "f-1" }), snippets },
          { flow: makeFlow({ id: "f-2" }), snippets: [] },
        ],
        next_cursor: null,
        unindexed: 0,
      },
    },
  );
  await screen.findByText("2 flows, newest first.");
  const walked = ["j", "j", "j", "k"].map((key) => {
    fireEvent.keyDown(document.body, { key });
    return document.activeElement?.textContent;
  });
  expect(walked).toEqual(["Promptone", "Prompttwo", "Found in /v1/messages", "Prompttwo"]);
  expect(screen.getByRole("link", { name: "History" }).getAttribute("href")).toBe("/history");
});

test("a search loads on while a page came short, and no further than is shown", async () => {
  const items = (first: number, count: number) =>
    Array.from({ length: count }, (_, at) => ({
      flow: makeFlow({ id: `f-${first + at}` }),
      snippets: [],
    }));
  const pages = [[], items(0, 15), [], items(15, 10), items(25, 3)];
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (input: Request | string | URL) => {
    const address = typeof input === "object" && "url" in input ? input.url : String(input);
    const at = Number(new URL(address, "http://localhost").searchParams.get("cursor") ?? 0);
    asked.push(String(at));
    const next_cursor = at + 1 < pages.length ? String(at + 1) : null;
    return Response.json({ items: pages[at], next_cursor, unindexed: 0 });
  });
  render(
    <QueryClientProvider client={createQueryClient()}>
      <Results query={'"two words"'} flowHref={(id) => `/flows/${id}`} />
    </QueryClientProvider>,
  );
  const more = await screen.findByRole("button", { name: "Show more" });
  expect(screen.getByRole("status").textContent).toContain("25 flows so far");
  expect(asked).toEqual(["0", "1", "2", "3"]);
  fireEvent.click(more);
  expect(await screen.findByText("28 flows, newest first.")).toBeDefined();
  expect(asked).toEqual(["0", "1", "2", "3", "4"]);
});
