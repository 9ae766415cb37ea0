// The assembled answer's blocks as the parts that are shown.
import { expect, test } from "vitest";
import type { Block } from "@/api/types";
import { blockParts } from "./message";

test("sources stand behind their text, and an image is told by type and size", () => {
  const source = { url: "https://e.example" };
  const blocks: Block[] = [
    { index: 0, complete: true, type: "text", text: "So", citations: [source] },
    { index: 1, complete: true, type: "text", text: "on", citations: [] },
    {
      index: 2,
      complete: true,
      type: "other",
      kind: "inlineData",
      json: { mimeType: "image/png", bytes: 5 },
    },
    { index: 3, complete: true, type: "other", kind: "dream", json: { a: 1 } },
  ];
  expect(blockParts(blocks)).toEqual([
    { kind: "text", text: "So" },
    { kind: "other", type: "sources", json: [source] },
    { kind: "text", text: "on" },
    { kind: "media", what: "image", mediaType: "image/png", bytes: 5 },
    { kind: "other", type: "dream", json: { a: 1 } },
  ]);
});
