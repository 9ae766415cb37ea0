// How the dashboard is built, served while developing, and unit-tested.
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";

// Where `npm run dev` finds the API: a running langley, or the mock server.
const api = process.env["LANGLEY_API_URL"] ?? "http://127.0.0.1:9091";

/** Under its own name: langley answers to no other, and takes orders from its own pages only. */
const reached: ProxyOptions = {
  target: api,
  changeOrigin: true,
  rewriteWsOrigin: true,
  headers: { origin: api },
};

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Everything is a file of our own origin: the page's policy allows neither data: scripts nor inline styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // One sheet: a view whose code comes late would not ask again for a sheet of its own that failed to come.
    cssCodeSplit: false,
    reportCompressedSize: true,
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": reached,
      "/auth": reached,
      "/ws": { ...reached, ws: true },
    },
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    // A busy machine may take long; no test proves speed.
    testTimeout: 30_000,
  },
});
