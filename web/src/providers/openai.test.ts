// Reading OpenAI's requests and streams, honest and hostile.
import { describe, expect, test } from "vitest";
import { openai, readRequest } from "./openai";

describe("a chat request", () => {
  test("becomes system, tools and turns, with results named after their calls", () => {
    const found = readRequest(
      JSON.stringify({
        model: "gpt-5",
        messages: [
          { role: "developer", content: "Be kind." },
          {
            role: "user",
            content: [
              { type: "text", text: "Look" },
              { type: "image_url", image_url: { url: "data:image/png;base64,aGVsbG8=" } },
            ],
          },
          {
            role: "assistant",
            content: null,
            reasoning_content: "Hm",
            tool_calls: [
              { id: "c1", type: "function", function: { name: "ls", arguments: '{"a":1}' } },
              { id: "c2", type: "custom", custom: { name: "exec", input: "await go()" } },
            ],
          },
          { role: "tool", tool_call_id: "c1", content: "a.txt" },
          { role: "tool", tool_call_id: "c2", content: "done" },
        ],
        tools: [{ type: "function", function: { name: "ls", parameters: { type: "object" } } }],
      }),
    );
    expect(found?.system).toEqual([{ kind: "text", text: "Be kind." }]);
    expect(found?.tools).toEqual([{ name: "ls", description: null, schema: { type: "object" } }]);
    expect(found?.turns.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
    expect(found?.turns[0]?.parts[1]).toMatchObject({ kind: "media", mediaType: "image/png" });
    expect(found?.turns[1]?.parts).toEqual([
      { kind: "thinking", text: "Hm" },
      { kind: "tool_use", id: "c1", name: "ls", input: { a: 1 } },
      {
        kind: "tool_use",
        id: "c2",
        name: "exec",
        input: undefined,
        raw: "await go()",
        whole: true,
      },
    ]);
    expect(found?.turns[2]?.parts.map((part) => part.kind === "tool_result" && part.name)).toEqual([
      "ls",
      "exec",
    ]);
  });
});

describe("a Responses request", () => {
  test("joins items of one side to a turn and finds tools that come as an item", () => {
    const found = readRequest(
      JSON.stringify({
        type: "response.create",
        model: "gpt-5.4-codex",
        instructions: "You are",
        previous_response_id: "resp_1",
        input: [
          {
            type: "additional_tools",
            role: "developer",
            tools: [{ type: "namespace", name: "n", tools: [{ type: "custom", name: "exec" }] }],
          },
          { type: "message", role: "user", content: [{ type: "input_text", text: "go" }] },
          { type: "reasoning", summary: [], encrypted_content: "x" },
          { type: "custom_tool_call", call_id: "c1", name: "exec", input: "await go()" },
          { type: "custom_tool_call_output", call_id: "c1", output: "ok" },
          { type: "web_search_call", id: "w1", action: { query: "q" } },
        ],
      }),
    );
    expect(found?.system).toEqual([{ kind: "text", text: "You are" }]);
    expect(found?.tools.map(({ name }) => name)).toEqual(["exec"]);
    expect(found?.turns.map(({ role, parts }) => [role, parts.length])).toEqual([
      ["user", 1],
      ["assistant", 2],
      ["user", 1],
      ["assistant", 1],
    ]);
    expect(found?.turns[1]?.parts[0]).toMatchObject({ note: "withheld by the provider" });
    expect(found?.turns[2]?.parts[0]).toMatchObject({ kind: "tool_result", name: "exec" });
    expect(found?.turns[3]?.parts[0]).toMatchObject({ name: "web_search", ranAt: "provider" });
    expect(found?.settings).toContainEqual(["previous_response_id", "resp_1"]);
  });

  test("may be one text, and anything else is no conversation", () => {
    expect(readRequest('{"model":"m","input":"hi"}')?.turns).toEqual([
      { role: "user", parts: [{ kind: "text", text: "hi" }] },
    ]);
    for (const odd of ["", "7", "[]", "{}", "nonsense"]) expect(readRequest(odd)).toBeNull();
    const strange = readRequest('{"input":[7,{"type":9},{"type":"dance"}],"tools":[3]}');
    expect(strange?.turns.length).toBeGreaterThan(0);
  });
});

test("streams of both APIs are put together from any point on", () => {
  const chat = openai.assembler();
  const chunk = (delta: object) =>
    chat.event("chat.completion.chunk", JSON.stringify({ choices: [{ index: 0, delta }] }));
  chunk({ role: "assistant", content: "" });
  chunk({ reasoning: "hm" });
  chunk({ content: "a" });
  chunk({ content: "b" });
  chunk({ tool_calls: [{ index: 0, function: { name: "ls", arguments: "" } }] });
  chunk({ tool_calls: [{ index: 0, function: { arguments: "{}" } }] });
  chat.event("[DONE]", "[DONE]");
  expect(chat.blocks()).toEqual([
    { block: 0, kind: "thinking", text: "hm" },
    { block: 1, kind: "text", text: "ab" },
    { block: 2, kind: "tool_input", text: "{}", name: "ls" },
  ]);

  const responses = openai.assembler();
  const event = (type: string, rest: object) =>
    responses.event(type, JSON.stringify({ type, ...rest }));
  event("response.output_item.added", { output_index: 0, item: { type: "reasoning" } });
  event("response.reasoning_summary_text.delta", { output_index: 0, delta: "hm" });
  event("response.output_text.delta", { output_index: 1, content_index: 0, delta: "x" });
  event("response.output_item.added", {
    output_index: 2,
    item: { type: "custom_tool_call", name: "exec" },
  });
  event("response.custom_tool_call_input.delta", { output_index: 2, delta: "go()" });
  expect(responses.blocks()).toEqual([
    { block: 0, kind: "thinking", text: "hm" },
    { block: 1, kind: "text", text: "x" },
    { block: 2, kind: "tool_input", text: "go()", name: "exec" },
  ]);
});
