// Names of flows, kept once.
import { expect, test } from "vitest";
import { Names } from "./names";

test("what was parsed stays as it is, whatever of it is shared", () => {
  const flow = {
    id: "f-1",
    host: "api.anthropic.com",
    cost: { source: "prices of today" },
    rate_limits: [{ name: "tokens", used_percent: 4 }],
    tool_names: ["Bash", "Bash"],
    agent: null,
    preview: "x".repeat(400),
  };
  const names = new Names();
  expect(names.share(structuredClone(flow))).toEqual(flow);
  // Neither the id nor the preview is one.
  expect(names.size).toBe(4);
  names.share(structuredClone({ ...flow, id: "f-2" }));
  expect(names.size).toBe(4);
});

test("no more names are kept than there is room for", () => {
  const names = new Names(3);
  for (let at = 0; at < 100; at += 1) {
    expect(names.share({ host: `h${at}` })).toEqual({ host: `h${at}` });
    expect(names.size).toBeLessThanOrEqual(3);
  }
});
