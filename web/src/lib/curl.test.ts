// A request can be sent again from a shell, and nothing of it is obeyed by the shell.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import type { RequestView } from "@/api/types";
import { curlOf } from "./curl";

const FLOW = { scheme: "https", host: "api.example", port: 443 };
const body = (text: string | null, truncated = false): RequestView["body"] => ({
  text,
  base64: text === null ? "AA==" : null,
  media_type: null,
  stored_bytes: 1,
  original_bytes: 1,
  truncated,
});
const request = (over: Partial<RequestView> = {}): RequestView => ({
  method: "POST",
  path: "/v1?a=b",
  host: "api.example",
  headers: [
    ["Host", "api.example"],
    ["x-api-key", "[redacted:x-api-key]"],
  ],
  trailers: [],
  body: null,
  body_retired: false,
  ...over,
});

test("headers that are curl's own are left out, and what was redacted stays so", () => {
  expect(curlOf({ ...FLOW, port: 8443 }, request({ body: body("{}") }))).toBe(
    [
      "curl --request 'POST' 'https://api.example:8443/v1?a=b'",
      "--header 'x-api-key: [redacted:x-api-key]'",
      "--data-raw '{}'",
    ].join(" \\\n  "),
  );
});

test("a shell gives every word to the command as it was", () => {
  const hostile = 'it\'s $(touch x) `id` "$HOME" \\ \n! @file';
  const command = curlOf(FLOW, request({ path: `/${hostile}`, headers: [], body: body(hostile) }));
  const words = execFileSync("sh", ["-c", `curl() { printf '%s\\0' "$@"; }\n${command}`], {
    encoding: "utf8",
  }).split("\0");
  expect(words).toEqual([
    "--request",
    "POST",
    `https://api.example/${hostile}`,
    "--data-raw",
    hostile,
    "",
  ]);
});

test("a body that is not there in full makes no command", () => {
  expect(curlOf(FLOW, request({ body: body("{", true) }))).toBeNull();
  expect(curlOf(FLOW, request({ body: body(null) }))).toBeNull();
  expect(curlOf(FLOW, request({ body_retired: true }))).toBeNull();
});
