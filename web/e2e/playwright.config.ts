// Browser tests against a running langley, or against the mock server when none is named.
//
// LANGLEY_URL      a one-time link of a running langley
// LANGLEY_TRAFFIC  a command that makes one streamed exchange of some seconds through it
// CHROMIUM         the browser; /usr/bin/chromium when it is not said
import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const link = process.env["LANGLEY_URL"];
const found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const chromium = process.env["CHROMIUM"] ?? found.find((path) => existsSync(path));
if (!chromium) throw new Error("No browser was found: name one in CHROMIUM.");

const MOCK = "http://127.0.0.1:9291";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  globalSetup: "./sign-in.ts",
  outputDir: "../test-results",
  // One browser at a time: the tests share one server, and one measures smoothness.
  workers: 1,
  timeout: 60_000,
  reporter: "list",
  use: {
    baseURL: link ? new URL(link).origin : MOCK,
    storageState: "test-results/session.json",
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      executablePath: chromium,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  ...(link
    ? {}
    : {
        webServer: {
          command: "node mock-server.mjs",
          url: `${MOCK}/api/health`,
          env: { PORT: "9291", QUIET: "1" },
          reuseExistingServer: false,
        },
      }),
});
