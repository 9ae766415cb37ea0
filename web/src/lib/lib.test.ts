// The small readers and writers: figures, hostile text, cut JSON, lines, and the join of two texts.
import { describe, expect, test } from "vitest";
import { bytes, clock, compact, duration, money } from "./format";
import { oneLine, REDACTED, visible } from "./hostile";
import { jsonSpans, toLines } from "./lines";
import { join } from "./overlap";
import { readJson } from "./partialJson";

describe("figures", () => {
  test.each([
    [null, "—"],
    [0, "0"],
    [999, "999"],
    [999.6, "1.0k"],
    [1_234, "1.2k"],
    [9_949, "9.9k"],
    [45_112, "45k"],
    [999_600, "1.0M"],
    [1_300_000, "1.3M"],
  ])("%s tokens are %s", (value, text) => expect(compact(value)).toBe(text));

  test.each([
    [null, "—"],
    [0.42, "420 µs"],
    [3.14, "3.1 ms"],
    [148, "148 ms"],
    [999.7, "1.00 s"],
    [59_949, "59.9 s"],
    [61_000, "1m 01s"],
    [7_260_000, "2h 01m"],
  ])("%s ms are %s", (value, text) => expect(duration(value)).toBe(text));

  test("missing is not zero", () => {
    expect(money(null)).toBe("—");
    expect(money(0)).toBe("$0.00");
    expect(money(1_200)).toBe("$0.00120");
    expect(money(12_345_000)).toBe("$12.35");
    expect(bytes(null)).toBe("—");
    expect(bytes(1_536)).toBe("1.5 KiB");
  });

  test("a time of another day tells its day", () => {
    const now = new Date(2026, 0, 2, 12);
    expect(clock(new Date(2026, 0, 2, 3, 4, 5).toISOString(), now)).toBe("03:04:05");
    expect(clock(new Date(2025, 11, 31, 23, 4, 5).toISOString(), now)).toBe("Dec 31 23:04");
    expect(clock("never", now)).toBe("never");
  });
});

describe("hostile text", () => {
  test("control, direction and invisible characters are written out", () => {
    expect(visible("\u001b[31mred")).toBe("⟨ESC⟩[31mred");
    expect(visible("a\u202eb\u2069c\u0000\u007f\ufeff")).toBe("a⟨RLO⟩b⟨PDI⟩c⟨NUL⟩⟨DEL⟩⟨U+FEFF⟩");
    expect(visible("tag\u{e0041}")).toBe("tag⟨U+E0041⟩");
    expect(visible("one\r\ntwo\tthree")).toBe("one\ntwo\tthree");
  });

  test("one line is one line, and cut", () => {
    expect(oneLine("a\n  b\u2028c")).toBe("a b⟨U+2028⟩c");
    expect(oneLine("x".repeat(500)).length).toBe(241);
  });

  test("the redactor's placeholders are known", () => {
    expect(REDACTED.test("Bearer [redacted:authorization]")).toBe(true);
    expect(REDACTED.test("the redacted part")).toBe(false);
  });
});

describe("cut JSON", () => {
  test("whole JSON is not cut", () => {
    expect(readJson('{"a":[1,2]}')).toEqual({ value: { a: [1, 2] }, cut: false });
  });

  test("at every place of a cut, what was there before it is read", () => {
    const text = '{"a":[1,{"b":"x\\u00e9\\n"}],"c":true,"d":-1.5e3,"e":null}';
    for (let at = 1; at < text.length; at += 1) {
      const { value, cut } = readJson(text.slice(0, at));
      expect(cut).toBe(true);
      expect(typeof value).toBe("object");
    }
    expect(readJson(text.slice(0, 20)).value).toEqual({ a: [1, { b: "x" }] });
  });

  test("hostile nesting and keys do no harm", () => {
    expect(readJson("[".repeat(200_000)).cut).toBe(true);
    const { value } = readJson('{"__proto__":{"polluted":1},"x"');
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(Object.keys(value as object)).toContain("__proto__");
    expect(readJson("").value).toBeUndefined();
    expect(readJson("<html>").value).toBeUndefined();
  });
});

describe("lines", () => {
  test("a long line is carried on, and no character is split", () => {
    const lines = toLines(`ab\n${"😀".repeat(5)}`, 3);
    expect(lines[0]).toEqual({ number: 1, text: "ab" });
    expect(
      lines
        .slice(1)
        .map(({ text }) => text)
        .join(""),
    ).toBe("😀".repeat(5));
    expect(lines.slice(1).every(({ text }) => !/^[\udc00-\udfff]/.test(text))).toBe(true);
    expect(lines[2]?.number).toBeNull();
  });

  test("colouring loses nothing", () => {
    for (const line of ['  "a": "b\\"c", 1.5e3, true]', "plain", '"open', ""]) {
      expect(
        jsonSpans(line)
          .map(({ text }) => text)
          .join(""),
      ).toBe(line);
    }
  });
});

describe("joining stored and live text", () => {
  test("what both hold is taken once", () => {
    expect(join("The quick br", "ck brown fox")).toBe("The quick brown fox");
    expect(join("abc", "abc")).toBe("abc");
    expect(join("xabc", "abc")).toBe("xabc");
    expect(join("abc", "def")).toBe("abcdef");
    expect(join("", "a")).toBe("a");
    expect(join("aab", "aabaab")).toBe("aabaab");
  });

  test("every split with every overlap gives the whole", () => {
    const whole = "the cat sat on the mat";
    for (let end = 0; end <= whole.length; end += 1) {
      for (let start = 0; start <= end; start += 1) {
        const joined = join(whole.slice(0, end), whole.slice(start));
        expect(joined.length).toBeLessThanOrEqual(whole.length);
        if (end - start > 4) expect(joined).toBe(whole);
      }
    }
  });
});
