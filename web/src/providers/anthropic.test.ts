// Reading Anthropic requests and streams, honest and hostile.
import { describe, expect, test } from "vitest";
import { anthropic, readRequest } from "./anthropic";

describe("a request", () => {
  test("becomes system, tools and turns, with results named after their calls", () => {
    const found = readRequest(
      JSON.stringify({
        model: "claude-x",
        max_tokens: 5,
        system: [
          { type: "text", text: "Be kind.", cache_control: { type: "ephemeral", ttl: "1h" } },
        ],
        tools: [
          { name: "Bash", description: "Runs", input_schema: {} },
          { type: "web_search_20250305", name: "web_search" },
        ],
        messages: [
          { role: "user", content: "Hello" },
          {
            role: "assistant",
            content: [
              { type: "thinking", thinking: "Hm" },
              { type: "tool_use", id: "t1", name: "Bash", input: { command: "ls" } },
            ],
          },
          {
            role: "user",
            content: [
              {
                type: "tool_result",
                tool_use_id: "t1",
                is_error: true,
                content: [
                  { type: "text", text: "no" },
                  {
                    type: "image",
                    source: { type: "base64", media_type: "image/png", data: "aGVsbG8=" },
                  },
                ],
              },
            ],
          },
        ],
      }),
    );
    expect(found?.system).toEqual([{ kind: "text", text: "Be kind.", cache: "1h" }]);
    expect(found?.tools.map(({ name }) => name)).toEqual(["Bash", "web_search"]);
    expect(found?.turns.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
    const result = found?.turns[2]?.parts[0];
    expect(result).toMatchObject({ kind: "tool_result", name: "Bash", error: true });
    expect(result?.kind === "tool_result" && result.parts[1]).toMatchObject({
      kind: "media",
      mediaType: "image/png",
      bytes: 6,
    });
    expect(found?.settings).toContainEqual(["max_tokens", "5"]);
    expect(found?.cut).toBe(false);
  });

  test("that was cut keeps what came before the cut", () => {
    const whole = JSON.stringify({
      model: "m",
      messages: [
        { role: "user", content: "one" },
        { role: "assistant", content: "two and more" },
      ],
    });
    const found = readRequest(whole.slice(0, whole.indexOf(" and more")));
    expect(found?.cut).toBe(true);
    expect(found?.turns[1]).toEqual({ role: "assistant", parts: [{ kind: "text", text: "two" }] });
  });

  test.each([
    ["not JSON", "<html>"],
    ["a number", "5"],
    ["another API's body", '{"input":"x"}'],
    ["nothing", ""],
  ])("that is %s is none", (_name, body) => expect(readRequest(body)).toBeNull());

  test("with parts of the wrong shape is shown as it is, and nothing throws", () => {
    const odd = [
      null,
      5,
      "text",
      [],
      {},
      { type: 7 },
      { type: "text" },
      { type: "text", text: 1 },
      { type: "thinking" },
      { type: "tool_use" },
      { type: "tool_result", content: 5 },
      { type: "image" },
      { type: "image", source: 3 },
      { type: "new_thing", x: 1 },
    ];
    const found = readRequest(
      JSON.stringify({
        messages: [null, 3, { role: 5, content: odd }, { content: { a: 1 } }],
        tools: [null, {}, 7],
        system: 9,
      }),
    );
    expect(found?.turns[2]?.parts).toHaveLength(odd.length);
    expect(found?.turns[2]?.parts.at(-1)).toMatchObject({ kind: "other", type: "new_thing" });
    expect(found?.tools).toHaveLength(3);
  });

  test("whose results nest without end is cut short", () => {
    let content: unknown = "end";
    for (let depth = 0; depth < 200; depth += 1)
      content = [{ type: "tool_result", tool_use_id: "t", content }];
    expect(() =>
      readRequest(JSON.stringify({ messages: [{ role: "user", content }] })),
    ).not.toThrow();
  });
});

test("stored events give the answer so far", () => {
  const assembler = anthropic.assembler();
  const say = (type: string, data: object) => assembler.event(type, JSON.stringify(data));
  say("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  say("content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hel" } });
  say("ping", {});
  assembler.event("content_block_delta", "not json");
  say("content_block_delta", { index: 0, delta: { type: "text_delta", text: "lo" } });
  say("content_block_start", {
    index: 1,
    content_block: { type: "tool_use", id: "t", name: "Bash" },
  });
  say("content_block_delta", {
    index: 1,
    delta: { type: "input_json_delta", partial_json: '{"a"' },
  });
  expect(assembler.blocks()).toEqual([
    { block: 0, kind: "text", text: "Hello" },
    { block: 1, kind: "tool_input", text: '{"a"', name: "Bash" },
  ]);
});
