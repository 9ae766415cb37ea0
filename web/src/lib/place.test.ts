// Hosts as URLs name them.
import { expect, test } from "vitest";
import { authority } from "./place";

test("a port is told where it is not the scheme's own", () => {
  expect(authority({ scheme: "https", host: "a.example", port: 443 })).toBe("a.example");
  expect(authority({ scheme: "http", host: "a.example", port: 80 })).toBe("a.example");
  expect(authority({ scheme: "https", host: "a.example", port: 8443 })).toBe("a.example:8443");
  expect(authority({ scheme: "http", host: "::1", port: 11434 })).toBe("[::1]:11434");
});
