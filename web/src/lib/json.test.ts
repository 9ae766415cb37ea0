// What is written of JSON, however deep it is.
import { describe, expect, it } from "vitest";
import { compact, isDeep, laidOut } from "./json";
import { pretty } from "./lines";

/** JSON of this many levels, lists and objects in turns. */
function nested(levels: number): string {
  const pairs = levels / 2;
  return `${'[{"a b":'.repeat(pairs)}[1,"x",null,{},[]]${"}]".repeat(pairs)}`;
}

describe("JSON as text", () => {
  it("is laid out where it is as deep as people read", () => {
    expect(laidOut({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(laidOut(undefined)).toBe("undefined");
    expect(compact({ a: [1] })).toBe('{"a":[1]}');
  });

  it("is the raw text where it is nested too deeply to be laid out", () => {
    for (const levels of [300, 8_000, 100_000]) {
      const text = nested(levels);
      const value: unknown = JSON.parse(text);
      expect(isDeep(value)).toBe(true);
      expect(laidOut(value)).toBe(text);
      expect(compact(value)).toBe(text);
      expect(pretty(text)).toBe(text);
    }
    expect(isDeep(JSON.parse(nested(100)))).toBe(false);
  });
});
