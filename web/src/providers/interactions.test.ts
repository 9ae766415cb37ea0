// Reading requests and streams of Gemini's Interactions API and of code assist.
import { describe, expect, test } from "vitest";
import { gemini, readRequest } from "./gemini";

const PATH = "/v1beta/interactions";

describe("a request for an interaction", () => {
  test("becomes turns, tools and settings", () => {
    const found = readRequest(
      PATH,
      JSON.stringify({
        model: "gemini-3-pro",
        system_instruction: "Be kind.",
        input: [
          { type: "user_input", content: [{ type: "text", text: "Look" }] },
          { type: "thought", summary: [{ type: "text", text: "Hm" }], signature: "x" },
          { type: "function_call", id: "c1", name: "ls", arguments: { a: 1 } },
          { type: "function_result", call_id: "c1", name: "ls", result: "a.txt" },
        ],
        tools: [{ type: "function", name: "ls", parameters: { type: "object" } }],
        generation_config: { max_output_tokens: 9 },
      }),
    );
    expect(found?.system).toEqual([{ kind: "text", text: "Be kind." }]);
    expect(found?.turns.map((turn) => turn.role)).toEqual(["user", "assistant", "user"]);
    expect(found?.turns[1]?.parts).toEqual([
      { kind: "thinking", text: "Hm" },
      { kind: "tool_use", id: "c1", name: "ls", input: { a: 1 } },
    ]);
    expect(found?.tools[0]?.name).toBe("ls");
    expect(found?.settings).toEqual([
      ["model", "gemini-3-pro"],
      ["max_output_tokens", "9"],
    ]);
    const plain = readRequest(PATH, '{"model":"m","input":"Hi"}');
    expect(plain?.turns).toEqual([{ role: "user", parts: [{ kind: "text", text: "Hi" }] }]);
  });

  test("is harmed by nothing that is odd", () => {
    for (const input of ["null", "7", "[7,[],{}]", '{"type":"x"}', '[{"role":"user"}]']) {
      expect(() => readRequest(PATH, `{"input":${input},"tools":[7],"model":7}`)).not.toThrow();
    }
  });
});

test("what code assist wraps is read inside", () => {
  const body = '{"model":"m","project":"p","request":{"contents":[{"parts":[{"text":"Hi"}]}]}}';
  const found = readRequest("/v1internal:streamGenerateContent?alt=sse", body);
  expect(found?.turns).toEqual([{ role: "user", parts: [{ kind: "text", text: "Hi" }] }]);
  expect(found?.settings).toEqual([["model", "m"]]);
  const assembler = gemini.assembler();
  assembler.event(
    "message",
    '{"response":{"candidates":[{"content":{"parts":[{"text":"Yes"}]}}]},"traceId":"t"}',
  );
  expect(assembler.blocks()).toEqual([{ block: 0, kind: "text", text: "Yes" }]);
});

test("the events of an interaction are its blocks, numbered as the server does", () => {
  const assembler = gemini.assembler();
  for (const event of [
    { event_type: "interaction.created", interaction: { id: "v1" } },
    { event_type: "step.start", index: 0, step: { type: "thought" } },
    {
      event_type: "step.delta",
      index: 0,
      delta: { type: "thought_summary", content: { type: "text", text: "Hm" } },
    },
    { event_type: "step.start", index: 1, step: { type: "google_search_call", id: "g" } },
    { event_type: "step.start", index: 2, step: { type: "google_search_result", call_id: "g" } },
    { event_type: "step.delta", index: 2, delta: { type: "google_search_result", result: [] } },
    { event_type: "step.start", index: 3, step: { type: "model_output" } },
    { event_type: "step.delta", index: 3, delta: { type: "text", text: "He" } },
    { event_type: "step.delta", index: 3, delta: { type: "text", text: "llo" } },
    { event_type: "step.start", index: 4, step: { type: "function_call", id: "f", name: "ls" } },
    {
      event_type: "step.delta",
      index: 4,
      delta: { type: "arguments_delta", partial_arguments: "{}" },
    },
  ]) {
    assembler.event("message", JSON.stringify(event));
  }
  assembler.event("message", "[DONE]");
  expect(assembler.blocks()).toEqual([
    { block: 0, kind: "thinking", text: "Hm" },
    { block: 1, kind: "tool_input", text: "", name: "google_search" },
    { block: 3, kind: "text", text: "Hello" },
    { block: 4, kind: "tool_input", text: "{}", name: "ls" },
  ]);
});
