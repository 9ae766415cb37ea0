// A tool's result is read as parts: text as text, an image as what it is and how large.
import { expect, test } from "vitest";
import { resultParts } from "./result";

const image = (bytes: number | null) => ({
  kind: "media",
  what: "image",
  mediaType: "image/png",
  bytes,
});

test("images are told by type and size, in each provider's form", () => {
  const source = { type: "base64", media_type: "image/png", data: "aGVsbG8x" };
  expect(
    resultParts([
      { type: "text", text: "see" },
      { type: "image", source },
      { type: "input_image", image_url: "data:image/png;base64,aGVsbG8x" },
      { type: "image", data: "aGVsbG8=", mimeType: "image/png" },
    ]),
  ).toEqual([{ kind: "text", text: "see" }, image(6), image(6), image(5)]);
});

test("a tool's own value is no content", () => {
  expect(resultParts({ rows: 3 })).toBeNull();
  expect(resultParts([1, 2])).toBeNull();
  expect(resultParts([])).toBeNull();
  expect(resultParts("done")).toEqual([{ kind: "text", text: "done" }]);
});
