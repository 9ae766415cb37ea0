// A turn that a search found is unfolded with the place of the words, wherever in its request they stand.
// @vitest-environment jsdom
import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { makeFlow } from "@/testing/flow";
import { renderScreen } from "@/testing/screen";
import { TurnDetail } from "./TurnDetail";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const messages = [
  { role: "user", content: "look at the wombat" },
  { role: "assistant", content: "I see it" },
  { role: "user", content: "now the quokka" },
];

function open(hit: { hit: string; place: string }) {
  const text = JSON.stringify({ model: "m", system: "Be kind to emus.", messages });
  return renderScreen(<TurnDetail flow={makeFlow({ id: "f-1" })} failed={[]} hit={hit} />, {
    "/api/flows/f-1/request": { body: { text, truncated: false, original_bytes: text.length } },
    "/api/flows/f-1/response": {
      message: { blocks: [{ type: "text", text: "a dingo", citations: [], complete: true }] },
    },
  });
}

test.each([
  ["wombat", "prompt", true],
  ["emus", "prompt", true],
  ["quokka", "prompt", false],
  ["dingo", "answer", false],
])("%s is marked in the turn", async (hit, place, isEarlier) => {
  const { container } = open({ hit, place });
  expect(await screen.findByText(hit, { selector: "mark" })).toBeTruthy();
  expect(container.textContent).toContain("now the quokka");
  expect(screen.queryByText("Found further back in the request") !== null).toBe(isEarlier);
});
