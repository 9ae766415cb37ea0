// Reading Bedrock's requests and streams in both its forms, honest and hostile.
import { describe, expect, test } from "vitest";
import { bedrock, readRequest } from "./bedrock";

const PATH = "/model/amazon.nova-pro-v1%3A0/converse-stream";

function read(body: object, path = PATH) {
  return readRequest(path, JSON.stringify(body));
}

function parts(...content: unknown[]) {
  return read({ messages: [{ role: "user", content }] })?.turns[0]?.parts;
}

describe("a Converse request", () => {
  test("becomes system, tools and turns, with results named after their calls", () => {
    const found = read({
      system: [{ text: "Be kind." }, { cachePoint: { type: "default", ttl: "1h" } }],
      messages: [
        {
          role: "user",
          content: [
            { text: "Look" },
            { image: { format: "png", source: { bytes: "aGVsbG8=" } } },
            { document: { format: "pdf", name: "d", source: { bytes: "TQ==" } } },
          ],
        },
        {
          role: "assistant",
          content: [
            { reasoningContent: { reasoningText: { text: "Hm", signature: "QUJD" } } },
            { reasoningContent: { redactedContent: "QUJD" } },
            { toolUse: { toolUseId: "t1", name: "ls", input: { a: 1 } } },
            { toolUse: { toolUseId: "t2", name: "ground", input: {}, type: "server_tool_use" } },
          ],
        },
        {
          role: "user",
          content: [
            {
              toolResult: {
                toolUseId: "t1",
                status: "error",
                content: [{ text: "no" }, { json: { code: 1 } }],
              },
            },
            { cachePoint: { type: "default" } },
          ],
        },
      ],
      toolConfig: {
        tools: [
          { toolSpec: { name: "ls", description: "Lists", inputSchema: { json: { a: 1 } } } },
          { systemTool: { name: "nova_grounding" } },
          { cachePoint: { type: "default" } },
        ],
        toolChoice: { auto: {} },
      },
      inferenceConfig: { maxTokens: 512, stopSequences: ["x"] },
      additionalModelRequestFields: { top_k: 5 },
    });
    expect(found?.system).toEqual([{ kind: "text", text: "Be kind.", cache: "1h" }]);
    expect(found?.tools).toEqual([
      { name: "ls", description: "Lists", schema: { a: 1 } },
      {
        name: "nova_grounding",
        description: null,
        schema: { systemTool: { name: "nova_grounding" } },
        cache: "5m",
      },
    ]);
    expect(found?.turns).toEqual([
      {
        role: "user",
        parts: [
          { kind: "text", text: "Look" },
          { kind: "media", what: "image", mediaType: "image/png", bytes: 5 },
          { kind: "media", what: "document", mediaType: "pdf", bytes: 1, note: "d" },
        ],
      },
      {
        role: "assistant",
        parts: [
          { kind: "thinking", text: "Hm" },
          { kind: "thinking", text: "", note: "withheld by the provider" },
          { kind: "tool_use", id: "t1", name: "ls", input: { a: 1 } },
          { kind: "tool_use", id: "t2", name: "ground", input: {}, ranAt: "provider" },
        ],
      },
      {
        role: "user",
        parts: [
          {
            kind: "tool_result",
            id: "t1",
            name: "ls",
            error: true,
            parts: [
              { kind: "text", text: "no" },
              { kind: "other", type: "json", json: { code: 1 } },
            ],
            cache: "5m",
          },
        ],
      },
    ]);
    expect(found?.settings).toEqual([
      ["model", "amazon.nova-pro-v1:0"],
      ["maxTokens", "512"],
      ["stopSequences", '["x"]'],
      ["toolChoice", '{"auto":{}}'],
      ["additionalModelRequestFields", '{"top_k":5}'],
    ]);
    expect(found?.cut).toBe(false);
  });

  test("names its model as its path does", () => {
    const arn = "arn:aws:bedrock:us-east-1:1:provisioned-model/abc";
    for (const [path, model] of [
      ["/model/a.b/converse-stream?x=/model/y/converse", "a.b"],
      [`/model/${arn}/converse/`, arn],
      [`/gw/model/${encodeURIComponent(arn)}/converse`, arn],
      ["/model/%zz/converse", "%zz"],
    ] as const) {
      expect(read({ messages: [] }, path)?.settings, path).toEqual([["model", model]]);
    }
    for (const path of ["", "/", "/model/converse", "/model//converse", "/a/converse"]) {
      expect(read({ messages: [] }, path)?.settings, path).toEqual([]);
    }
  });

  test("tells media, guarded and cited texts", () => {
    const told = (source: object) => parts({ document: { format: "txt", source } })?.[0];
    const media = { kind: "media", what: "document", mediaType: "txt", bytes: null };
    expect(told({ s3Location: { uri: "s3://b/a" } })).toEqual({ ...media, note: "s3://b/a" });
    expect(told({ text: "Dear" })).toEqual({ ...media, note: "Dear" });
    expect(told({ content: [{ text: "Dear" }] })).toEqual({ ...media, note: "Dear" });
    expect(told({ bytes: "[redacted]" })).toEqual({ ...media, note: "[redacted]" });
    expect(told({})).toEqual(media);
    expect(
      parts(
        { guardContent: { text: { text: "g" } } },
        { guardContent: { image: { format: "png", source: { bytes: "TWFu" } } } },
        { citationsContent: { content: [{ text: "a" }, 7, { text: "b" }], citations: [] } },
        { video: { format: "mp4", source: { s3Location: { uri: "s3://b/v" } } } },
      ),
    ).toEqual([
      { kind: "text", text: "g" },
      { kind: "media", what: "image", mediaType: "image/png", bytes: 3 },
      { kind: "text", text: "ab" },
      { kind: "media", what: "video", mediaType: "video/mp4", bytes: null, note: "s3://b/v" },
    ]);
  });

  test("shows what is strange", () => {
    const point = { type: "default" };
    expect(
      parts({ cachePoint: point }, 7, {}, { hologram: 1 }, { text: 7 }, { guardContent: {} }),
    ).toEqual([
      { kind: "other", type: "cachePoint", json: point },
      { kind: "other", type: "?", json: 7 },
      { kind: "other", type: "?", json: {} },
      { kind: "other", type: "hologram", json: 1 },
      { kind: "other", type: "text", json: 7 },
      { kind: "other", type: "guardContent", json: {} },
    ]);
    expect(parts({ text: null, toolUse: {} }, { toolResult: { content: 7 } })).toEqual([
      { kind: "tool_use", id: "", name: "?", input: undefined },
      {
        kind: "tool_result",
        id: "",
        name: "?",
        error: false,
        parts: [{ kind: "other", type: "content", json: 7 }],
      },
    ]);
    const inner = { toolUseId: "b", content: [] };
    const nested = parts({ toolResult: { toolUseId: "a", content: [{ toolResult: inner }] } });
    expect(nested?.[0]).toMatchObject({ parts: [{ kind: "other", type: "toolResult" }] });
  });

  test("that is cut is read to the cut, and anything else is no conversation", () => {
    const cut = readRequest(PATH, '{"messages":[{"role":"user","content":[{"text":"Hel');
    expect(cut?.turns).toEqual([{ role: "user", parts: [{ kind: "text", text: "Hel" }] }]);
    expect(cut?.cut).toBe(true);
    const odd = ["", "7", "[]", "{}", "nonsense", '{"prompt":"Hi"}', '{"messages":7,"system":1}'];
    for (const body of odd) expect(readRequest(PATH, body)).toBeNull();
    const strange = read({
      messages: [7, {}, { role: 7, content: 7 }],
      toolConfig: { tools: [3] },
    });
    expect(strange?.turns.map(({ role }) => role)).toEqual(["?", "?", "?"]);
    expect(strange?.tools).toEqual([{ name: "?", description: null, schema: 3 }]);
    expect(read({ messages: [], system: 7, toolConfig: 7, inferenceConfig: 7 })?.system).toEqual([
      { kind: "other", type: "content", json: 7 },
    ]);
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const endless = readRequest(
      PATH,
      `{"messages":[{"role":"user","content":${deep}}],"guardrailConfig":${deep}}`,
    );
    expect(endless?.settings).toContainEqual(["guardrailConfig", "[nested too deeply]"]);
  });
});

describe("an invoked model's request", () => {
  const path = "/model/us.anthropic.claude-x-v1:0/invoke-with-response-stream";

  test("is Anthropic's when it says so or has its form", () => {
    const messages = [{ role: "user", content: [{ type: "text", text: "fix it" }] }];
    for (const version of [{ anthropic_version: "bedrock-2023-05-31" }, {}]) {
      const found = read({ ...version, model: "other", max_tokens: 9, messages }, path);
      expect(found?.turns).toEqual([{ role: "user", parts: [{ kind: "text", text: "fix it" }] }]);
      expect(found?.settings).toEqual([
        ["model", "us.anthropic.claude-x-v1:0"],
        ["max_tokens", "9"],
      ]);
    }
    const said = read({ messages: [{ role: "user", content: "Hi" }] }, path);
    expect(said?.turns).toEqual([{ role: "user", parts: [{ kind: "text", text: "Hi" }] }]);
    expect(read({ anthropic_version: "x", prompt: "Hi" }, path)).toBeNull();
  });

  test("is Converse's when another model takes that, and else none", () => {
    const nova = "/model/amazon.nova-lite-v1:0/invoke";
    const body = {
      schemaVersion: "messages-v1",
      messages: [{ role: "user", content: [{ text: "Hi" }] }],
    };
    const found = read({ ...body, inferenceConfig: { max_new_tokens: 5 } }, nova);
    expect(found?.turns).toEqual([{ role: "user", parts: [{ kind: "text", text: "Hi" }] }]);
    expect(found?.settings).toContainEqual(["max_new_tokens", "5"]);
    expect(read({ prompt: "Hi", max_gen_len: 9 }, "/model/meta.llama/invoke")).toBeNull();
  });
});

describe("a stream", () => {
  function assemble(...events: [type: string, data: unknown][]) {
    const assembler = bedrock.assembler();
    for (const [type, data] of events) {
      assembler.event(type, typeof data === "string" ? data : JSON.stringify(data));
    }
    return assembler.blocks();
  }
  const start = (contentBlockIndex: unknown, start: unknown): [string, unknown] => [
    "contentBlockStart",
    { contentBlockIndex, start },
  ];
  const delta = (contentBlockIndex: unknown, delta: unknown): [string, unknown] => [
    "contentBlockDelta",
    { contentBlockIndex, delta, p: "abc" },
  ];

  test("of Converse is put together from any point on", () => {
    const events: [string, unknown][] = [
      ["messageStart", { role: "assistant" }],
      delta(0, { reasoningContent: { text: "Look at " } }),
      delta(0, { reasoningContent: { text: "it." } }),
      delta(0, { reasoningContent: { signature: "QUJD" } }),
      ["contentBlockStop", { contentBlockIndex: 0 }],
      delta(1, { reasoningContent: { redactedContent: "QUJD" } }),
      start(2, {}),
      delta(2, { text: "On " }),
      delta(2, { citation: { title: "a" } }),
      delta(2, { text: "it." }),
      start(3, { toolUse: { toolUseId: "t1", name: "read" } }),
      delta(3, { toolUse: { input: '{"path"' } }),
      delta(3, { toolUse: { input: ':"a"}' } }),
      start(4, { toolUse: { toolUseId: "t2", name: "now" } }),
      start(5, { toolResult: { toolUseId: "t2", type: "x_result" } }),
      delta(5, { toolResult: [{ text: "x" }] }),
      delta(6, { reasoningContent: { signature: "QUJD" } }),
      ["messageStop", { stopReason: "tool_use" }],
      ["metadata", { usage: { inputTokens: 1 } }],
    ];
    expect(assemble(...events)).toEqual([
      { block: 0, kind: "thinking", text: "Look at it." },
      { block: 2, kind: "text", text: "On it." },
      { block: 3, kind: "tool_input", text: '{"path":"a"}', name: "read" },
      { block: 4, kind: "tool_input", text: "", name: "now" },
      { block: 6, kind: "thinking", text: "" },
    ]);
    expect(assemble(...events.slice(12, 13))).toEqual([
      { block: 3, kind: "tool_input", text: ':"a"}' },
    ]);
  });

  test("of an invoked model is Anthropic's", () => {
    expect(
      assemble(
        ["message_start", { type: "message_start", message: {} }],
        ["content_block_start", { index: 0, content_block: { type: "text", text: "" } }],
        ["content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hi" } }],
        ["content_block_start", { index: 1, content_block: { type: "tool_use", name: "ls" } }],
        ["content_block_delta", { index: 1, delta: { partial_json: "{}" } }],
        ["modelStreamErrorException", { message: "no" }],
      ),
    ).toEqual([
      { block: 0, kind: "text", text: "Hi" },
      { block: 1, kind: "tool_input", text: "{}", name: "ls" },
    ]);
  });

  test("is harmed by nothing that is odd", () => {
    expect(
      assemble(
        ["chunk", '{"bytes":"%%"}'],
        ["contentBlockDelta", "["],
        ["contentBlockDelta", "7"],
        ["contentBlockDelta", {}],
        delta("0", { text: "x" }),
        delta(-1, { text: "x" }),
        delta(0.5, { text: "x" }),
        delta(0, 7),
        delta(0, { text: 7 }),
        delta(0, { toolUse: 7 }),
        delta(0, { hologram: {} }),
        delta(0, { reasoningContent: { mood: 1 } }),
        start(0, 7),
        start(0, { toolUse: 7 }),
        start(1, { toolUse: { name: 7 } }),
        delta(2, { reasoningContent: null, text: "on" }),
      ),
    ).toEqual([
      { block: 1, kind: "tool_input", text: "" },
      { block: 2, kind: "text", text: "on" },
    ]);
  });
});
