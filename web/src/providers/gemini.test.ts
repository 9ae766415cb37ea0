// Reading Gemini's requests and streams, honest and hostile.
import { describe, expect, test } from "vitest";
import { gemini, readRequest } from "./gemini";

const PATH = "/v1beta/models/gemini-2.5-pro:streamGenerateContent";

function read(body: object, path = PATH) {
  return readRequest(path, JSON.stringify(body));
}

function parts(...given: unknown[]) {
  return read({ contents: [{ role: "user", parts: given }] })?.turns[0]?.parts;
}

describe("a request", () => {
  test("becomes system, tools and turns, with the model of the path", () => {
    const found = read(
      {
        contents: [
          {
            role: "user",
            parts: [
              { text: "Look" },
              { inlineData: { mimeType: "image/png", data: "aGVsbG8=" } },
              { fileData: { mimeType: "application/pdf", fileUri: "gs://bucket/a.pdf" } },
            ],
          },
          {
            role: "model",
            parts: [
              { text: "Hm", thought: true },
              { text: "I look.", thoughtSignature: "QUJD" },
              { functionCall: { id: "c1", name: "ls", args: { a: 1 } }, thoughtSignature: "QUJD" },
              { functionCall: { name: "now" } },
            ],
          },
          {
            role: "user",
            parts: [
              { functionResponse: { id: "c1", response: { output: "a.txt" } } },
              { functionResponse: { name: "now", response: { error: "no clock" } } },
            ],
          },
        ],
        systemInstruction: { role: "user", parts: [{ text: "Be kind." }] },
        tools: [
          {
            functionDeclarations: [
              { name: "ls", description: "Lists", parameters: { type: "OBJECT" } },
              { name: "now", parametersJsonSchema: { type: "object" } },
            ],
          },
          { googleSearch: {}, codeExecution: {} },
        ],
        toolConfig: { functionCallingConfig: { mode: "AUTO" } },
        generationConfig: { temperature: 0, maxOutputTokens: 8192, topP: null },
      },
      `${PATH}?alt=sse&key=a:b`,
    );
    expect(found?.system).toEqual([{ kind: "text", text: "Be kind." }]);
    expect(found?.tools).toEqual([
      { name: "ls", description: "Lists", schema: { type: "OBJECT" } },
      { name: "now", description: null, schema: { type: "object" } },
      { name: "googleSearch", description: null, schema: {} },
      { name: "codeExecution", description: null, schema: {} },
    ]);
    expect(found?.turns).toEqual([
      {
        role: "user",
        parts: [
          { kind: "text", text: "Look" },
          { kind: "media", what: "image", mediaType: "image/png", bytes: 5 },
          {
            kind: "media",
            what: "file",
            mediaType: "application/pdf",
            bytes: null,
            note: "gs://bucket/a.pdf",
          },
        ],
      },
      {
        role: "assistant",
        parts: [
          { kind: "thinking", text: "Hm" },
          { kind: "text", text: "I look." },
          { kind: "tool_use", id: "c1", name: "ls", input: { a: 1 } },
          { kind: "tool_use", id: "", name: "now", input: undefined },
        ],
      },
      {
        role: "user",
        parts: [
          {
            kind: "tool_result",
            id: "c1",
            name: "ls",
            error: false,
            parts: [{ kind: "text", text: "a.txt" }],
          },
          {
            kind: "tool_result",
            id: "",
            name: "now",
            error: true,
            parts: [{ kind: "text", text: "no clock" }],
          },
        ],
      },
    ]);
    expect(found?.settings).toEqual([
      ["model", "gemini-2.5-pro"],
      ["maxOutputTokens", "8192"],
      ["temperature", "0"],
      ["toolConfig", '{"functionCallingConfig":{"mode":"AUTO"}}'],
    ]);
    expect(found?.cut).toBe(false);
  });

  test("may use the other form of the names, one object for a list, and no role", () => {
    const found = read({
      contents: { parts: { inline_data: { mime_type: "audio/wav", data: "TQ==" } } },
      system_instruction: { parts: { text: "Be kind." } },
      tools: { function_declarations: [{ name: "ls", parameters_json_schema: {} }] },
      generation_config: { max_output_tokens: 5 },
      cached_content: "cachedContents/1",
    });
    expect(found?.system).toEqual([{ kind: "text", text: "Be kind." }]);
    expect(found?.tools).toEqual([{ name: "ls", description: null, schema: {} }]);
    expect(found?.turns).toEqual([
      { role: "user", parts: [{ kind: "media", what: "audio", mediaType: "audio/wav", bytes: 1 }] },
    ]);
    expect(found?.settings.slice(1)).toEqual([
      ["maxOutputTokens", "5"],
      ["cachedContent", "cachedContents/1"],
    ]);
  });

  test("whose tokens are counted is read inside", () => {
    const request = { model: "models/inner", contents: [{ parts: [{ text: "Hi" }] }] };
    const found = read({ generateContentRequest: request }, "/elsewhere");
    expect(found?.turns).toEqual([{ role: "user", parts: [{ kind: "text", text: "Hi" }] }]);
    expect(found?.settings).toEqual([["model", "inner"]]);
  });

  test("names its model as its path does", () => {
    const vertex = "/v1/projects/p/locations/l";
    for (const [path, model] of [
      [`${vertex}/publishers/google/models/m:generateContent`, "m"],
      [`${vertex}/endpoints/12:generateContent`, "endpoints/12"],
      ["/v1beta/tunedModels/mine:generateContent/", "tunedModels/mine"],
      ["/v1beta/models/a%2Fb:countTokens", "a/b"],
      ["/v1beta/models/%zz:countTokens", "%zz"],
    ] as const) {
      expect(read({ contents: [] }, path)?.settings, path).toEqual([["model", model]]);
    }
    for (const path of ["", "/", ":generateContent", "/v1beta/models/m", "/models/:countTokens"]) {
      expect(read({ contents: [] }, path)?.settings, path).toEqual([]);
    }
  });

  test("tells code that the provider ran, and what a function gave back", () => {
    expect(
      parts(
        { executableCode: { id: "x", language: "PYTHON", code: "1" } },
        { codeExecutionResult: { id: "x", outcome: "OUTCOME_OK", output: "1\n" } },
        { codeExecutionResult: { outcome: "OUTCOME_FAILED" } },
      ),
    ).toEqual([
      {
        kind: "tool_use",
        id: "x",
        name: "codeExecution",
        input: { id: "x", language: "PYTHON", code: "1" },
        ranAt: "provider",
      },
      {
        kind: "tool_result",
        id: "x",
        name: "codeExecution",
        error: false,
        parts: [{ kind: "text", text: "1\n" }],
      },
      { kind: "tool_result", id: "", name: "codeExecution", error: true, parts: [] },
    ]);
    const response = { output: "a", count: 1 };
    const attached = [{ inlineData: { mimeType: "image/png", data: "TWFu" } }, 7];
    const result = parts({ functionResponse: { name: "f", response, parts: attached } })?.[0];
    expect(result).toMatchObject({
      error: false,
      parts: [
        { kind: "other", type: "response", json: response },
        { kind: "media", what: "image", bytes: 3 },
        { kind: "other", type: "?", json: 7 },
      ],
    });
  });

  test("shows what is strange, and hides but an empty text", () => {
    expect(parts({ text: "", thoughtSignature: "QUJD" })).toEqual([]);
    const strange: [unknown, string][] = [
      [7, "?"],
      [{}, "?"],
      [{ text: 7 }, "text"],
      [{ functionCall: 7 }, "functionCall"],
      [{ thought: false, hologram: { depth: 3 } }, "hologram"],
      [{ thoughtSignature: "QUJD" }, "thoughtSignature"],
    ];
    for (const [json, type] of strange)
      expect(parts(json)).toEqual([{ kind: "other", type, json }]);
    expect(parts({ inlineData: { data: "[redacted]" } })).toEqual([
      { kind: "media", what: "file", mediaType: null, bytes: null, note: "[redacted]" },
    ]);
    expect(parts({ functionResponse: { response: [1] } }, { functionResponse: {} })).toMatchObject([
      { name: null, parts: [{ kind: "other" }] },
      { name: null, parts: [] },
    ]);
  });

  test("that is cut is read to the cut, and anything else is no conversation", () => {
    const cut = readRequest(PATH, '{"contents":[{"role":"user","parts":[{"text":"Hel');
    expect(cut?.turns).toEqual([{ role: "user", parts: [{ kind: "text", text: "Hel" }] }]);
    expect(cut?.cut).toBe(true);
    for (const odd of ["", "7", "[]", "{}", "nonsense", '{"contents":7,"generationConfig":1}']) {
      expect(readRequest(PATH, odd)).toBeNull();
    }
    const odd = read({
      contents: [7, {}, { role: 7, parts: 7 }],
      tools: [3],
      systemInstruction: 7,
    });
    expect(odd?.turns.map(({ role }) => role)).toEqual(["?", "user", "user"]);
    expect(odd?.tools).toEqual([{ name: "?", description: null, schema: 3 }]);
  });

  test("that is nested without end is read all the same", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const found = readRequest(
      PATH,
      `{"contents":[{"parts":${deep}}],"generationConfig":{"responseSchema":${deep}}}`,
    );
    expect(found?.settings).toContainEqual(["responseSchema", "[nested too deeply]"]);
  });
});

describe("a stream", () => {
  function assemble(...chunks: unknown[]) {
    const assembler = gemini.assembler();
    for (const chunk of chunks) {
      assembler.event("message", typeof chunk === "string" ? chunk : JSON.stringify(chunk));
    }
    return assembler.blocks();
  }
  const answer = (...given: unknown[]) => ({ candidates: [{ content: { parts: given } }] });

  test("is put together of parts that follow each other", () => {
    expect(
      assemble(
        answer({ text: "Look", thought: true }),
        answer({ text: "ing", thought: true }),
        answer({ text: "I will " }, { text: "read it." }),
        answer(
          { functionCall: { id: "c1", name: "read", args: { path: "a" } }, thoughtSignature: "QQ" },
          { functionCall: { name: "now" } },
        ),
        answer({ text: "", thoughtSignature: "QQ" }),
      ),
    ).toEqual([
      { block: 0, kind: "thinking", text: "Looking" },
      { block: 1, kind: "text", text: "I will read it." },
      { block: 2, kind: "tool_input", text: '{"path":"a"}', name: "read" },
      { block: 3, kind: "tool_input", text: "", name: "now" },
    ]);
  });

  test("numbers its blocks as the server does, with those that are not shown", () => {
    const two = [
      { index: 0, content: { parts: [{ hologram: { depth: 3 }, thought: false }, { text: "." }] } },
      { index: 1, content: { parts: [{ text: "Another" }] } },
    ];
    expect(
      assemble(
        answer({ text: "Let me. " }, { executableCode: { language: "PYTHON", code: "6" } }),
        answer(
          { codeExecutionResult: { outcome: "OUTCOME_OK", output: "42" } },
          { inlineData: { mimeType: "image/png", data: "TWFu" } },
        ),
        answer({ text: "It is" }, { thoughtSignature: "QQ" }, {}, { text: " 42" }),
        { candidates: two },
      ),
    ).toEqual([
      { block: 0, kind: "text", text: "Let me. " },
      {
        block: 1,
        kind: "tool_input",
        text: '{"language":"PYTHON","code":"6"}',
        name: "codeExecution",
      },
      { block: 4, kind: "text", text: "It is 42" },
      { block: 6, kind: "text", text: "." },
    ]);
  });

  test("is harmed by nothing that is odd", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(
      assemble(
        ...["", "7", "[]", "[DONE]", '{"candidates": [{"content": {"parts": [{"text": "cut'],
        { candidates: 7 },
        { candidates: [7, {}, { content: 1 }, { content: { parts: 1 } }] },
        { error: { code: 503 }, candidates: [{ content: { parts: [{ text: "no" }] } }] },
        answer(7, { text: 7 }, {}, null, { text: "hi" }),
        answer({ functionCall: 7 }, { functionCall: { name: 7, args: 7 } }),
        `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${deep}}}]}}]}`,
      ),
    ).toEqual([
      { block: 0, kind: "text", text: "hi" },
      { block: 2, kind: "tool_input", text: "7", name: "" },
      { block: 3, kind: "tool_input", text: "[nested too deeply]", name: "f" },
    ]);
  });
});
