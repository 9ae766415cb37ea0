// Pieces of a request are told in words from their beginnings, and found whole in the body.
import { expect, test } from "vitest";
import { pieceWords, wholePiece } from "./pieces";

test("a beginning is told in its words, whatever form it has", () => {
  const of = (value: unknown) => JSON.stringify(value);
  expect(pieceWords("user", of({ role: "user", content: "**Mend** it" }).slice(0, -5))).toBe(
    "Mend",
  );
  const use = { type: "tool_use", id: "t", name: "Bash", input: { command: "ls -l" } };
  expect(pieceWords("assistant", of({ role: "assistant", content: [use] }))).toBe("Bash ls -l");
  const result = { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "ok" }] };
  expect(pieceWords("tool_results", of({ role: "user", content: [result] }))).toBe("ok");
  expect(pieceWords("user", of({ role: "user", parts: [{ text: "hi" }] }))).toBe("hi");
  const call = { type: "function_call", name: "shell", arguments: '{"command":["ls"]}' };
  expect(pieceWords("assistant", of(call))).toBe("shell ls");
  expect(pieceWords("tools", of({ name: "Bash", description: "Runs it", input_schema: {} }))).toBe(
    "Bash: Runs it",
  );
  expect(pieceWords("rest", '{"model":"x"}')).toBe('{"model":"x"}');
  expect(pieceWords("user", "no json \u202e")).toBe("no json ⟨RLO⟩");
});

test("the whole of a piece is found by its place, and another one is not taken for it", () => {
  const body = JSON.stringify({
    tools: [{ name: "Bash" }, { name: "Read", description: "Reads" }],
    system: "Be kind",
    messages: [
      { role: "user", content: "one" },
      { role: "assistant", content: "two" },
    ],
  });
  const whole = (kind: "tools" | "system" | "user" | "rest", position: number, text: string) =>
    wholePiece(body, { kind, position, text });
  expect(whole("tools", 1, '{"name":"Re')?.value).toEqual({ name: "Read", description: "Reads" });
  expect(whole("tools", 0, '{"name":"Read"}')).toBeNull();
  expect(whole("system", 0, '"Be')?.value).toBe("Be kind");
  expect(whole("user", 1, '{"role":"assistant","content":"t')?.list).toBe("messages");
  expect(whole("user", 1, '{"role":"user"')).toBeNull();
  expect(whole("user", 7, "{}")).toBeNull();
  expect(whole("rest", 0, "{}")).toBeNull();
  expect(wholePiece("no json", { kind: "user", position: 0, text: "{}" })).toBeNull();
});
