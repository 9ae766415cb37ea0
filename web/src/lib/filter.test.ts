// The filter, in the URL and over a live flow.
import { describe, expect, test } from "vitest";
import { filterOf, flowHref, parseSearch, readFlowsSearch, writeSearch } from "@/routes/paths";
import { makeFlow } from "@/testing/flow";
import { matches, readFilter, toParams } from "./filter";

describe("filter and URL", () => {
  test("a filter survives the URL", () => {
    const search = {
      q: 'a & b = "c" #1 ü',
      status: "200",
      tool: "mcp__github__search",
      session: "s/1",
      since: "1h",
      tab: "events",
    };
    const text = writeSearch(search);
    expect(readFlowsSearch(parseSearch(text))).toEqual(search);
    expect(writeSearch(readFlowsSearch(parseSearch(text)))).toBe(text);
  });

  test("a flow's address keeps the filter and the tab", () => {
    expect(flowHref("id", { host: "h", tab: "raw" })).toBe("/flows/id?host=h&tab=raw");
    expect(flowHref("../x", {})).toBe("/flows/..%2Fx");
  });

  test("starred is said in one word only", () => {
    expect(readFilter({ starred: "true" })).toEqual({ starred: "true" });
    expect(readFilter({ starred: "false" })).toEqual({});
  });

  test("a live flow belongs by its tool in any case, and by the star of its session", () => {
    const flow = makeFlow({ tool_names: ["Bash"], session_id: "s-1" });
    expect(matches({ tool: "bash" }, flow)).toBe(true);
    expect(matches({ tool: "bas" }, flow)).toBe(false);
    const starred = (...ids: string[]) =>
      matches({ starred: "true" }, flow, Date.now(), new Set(ids));
    expect([starred("s-1"), starred("s-2"), starred()]).toEqual([true, false, false]);
    expect(matches({ starred: "true" }, makeFlow(), Date.now(), new Set([""]))).toBe(false);
  });

  test("what is no filter is left out", () => {
    const search = {
      status: "abc",
      since: "yesterday",
      tab: "nope",
      side: "both",
      model: "",
      host: ["x"],
      task: "x".repeat(600),
      other: "1",
    };
    expect(readFlowsSearch(search)).toEqual({});
    expect(filterOf({ tab: "raw", q: "x" })).toEqual({ q: "x" });
  });

  test("a moving range becomes a moment", () => {
    const now = Date.parse("2026-01-02T12:00:00Z");
    expect(toParams({ since: "1h", status: "4xx" }, now)).toEqual({
      since: "2026-01-02T11:00:00.000Z",
      status: "4xx",
    });
  });
});

describe("a live flow", () => {
  const flow = makeFlow({ tool_names: ["Bash"], session_id: "s", preview: "Fix the Test" });
  test.each([
    [{}, true],
    [{ provider: "anthropic", host: "api.anthropic.com" }, true],
    [{ provider: "openai" }, false],
    [{ outcome: "completed" }, true],
    [{ outcome: "open" }, false],
    [{ status: "2xx" }, true],
    [{ status: "404" }, false],
    [{ tool: "Bash", session: "s" }, true],
    [{ tool: "Read" }, false],
    [{ q: "the test" }, true],
    [{ q: "elsewhere" }, false],
    [{ until: "2026-01-02T03:00:00Z" }, false],
    [{ since: "2026-01-02T03:00:00Z" }, true],
  ])("%j is %s", (filter, expected) => {
    expect(matches(readFilter(filter), flow)).toBe(expected);
  });

  test("an open flow has the outcome open, and no status", () => {
    const open = makeFlow({ outcome: null, status: null });
    expect(matches({ outcome: "open" }, open)).toBe(true);
    expect(matches({ status: "2xx" }, open)).toBe(false);
  });
});
