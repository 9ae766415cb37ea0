// A flow that a search found is opened at the place of the words.
// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { makeFlow } from "@/testing/flow";
import { renderScreen } from "@/testing/screen";
import { ConversationView } from "./ConversationView";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const flow = makeFlow({ id: "f-1" });
const turn = (content: unknown) => ({ role: "user", content });
const messages = Array.from({ length: 40 }, (_, at) => turn(`turn number ${at}`));
messages[4] = turn([
  { type: "tool_result", tool_use_id: "t", content: `${"noise ".repeat(100)}a wombat` },
]);

function open(hit: { hit: string; around?: string; place?: string }) {
  const text = JSON.stringify({ model: "m", system: "Be kind to emus.", messages });
  return renderScreen(<ConversationView flow={flow} hit={hit} />, {
    "/api/flows/f-1/request": { body: { text, truncated: false, original_bytes: text.length } },
    "/api/flows/f-1/response": {
      message: {
        blocks: [
          { type: "thinking", text: "a quokka, perhaps", complete: true },
          {
            type: "tool_use",
            id: "u",
            name: "Edit",
            input: { file_path: "/a", old_string: "dingo", new_string: "x" },
            complete: true,
          },
        ],
      },
    },
  });
}

test("a turn far from the end is shown with its neighbours, unfolded, marked and focused", async () => {
  const { container } = open({ hit: "wombat", around: "noise a wombat" });
  const mark = await screen.findByText("wombat", { selector: "mark" });
  expect(document.activeElement).toBe(mark);
  expect(container.textContent).toContain("turn number 3");
  expect(container.textContent).not.toContain("turn number 12");
  expect(screen.getByRole("button", { name: "Show 1 earlier turn" })).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Show 20 turns in between" }));
  expect(container.textContent).toContain("turn number 12");
  expect(screen.getByText("wombat", { selector: "mark" })).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Show it as usual" }));
  expect(container.querySelector("mark")).toBeNull();
});

test.each([
  ["quokka", "thinking"],
  ["dingo", "tool_input"],
  ["emus", "prompt"],
])("%s is found in folded %s", async (hit, place) => {
  open({ hit, place });
  expect(await screen.findByText(hit, { selector: "mark" })).toBeTruthy();
});

test("words that are not kept are said to be so", async () => {
  open({ hit: "platypus" });
  expect(await screen.findByText(/“platypus” is not in what is kept/)).toBeTruthy();
});
