// Every setting is shown, in its place and its unit, with where it comes from.
// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { Setting } from "@/api/types";
import { HARMLESS, HOSTILE, renderScreen } from "@/testing/screen";
import { measured, partsOf, SettingsScreen } from "./SettingsScreen";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const setting = (key: string, value: unknown, source = "default"): Setting => ({
  key,
  value,
  source,
  origin: source,
});

test("a key that no part knows is shown among the rest", () => {
  const parts = partsOf([
    setting("retention.flows_ttl_days", 30),
    setting("redaction.rules", []),
    setting("quite.new", 1),
  ]);
  expect(parts.map(({ title, settings }) => [title, settings.length])).toEqual([
    ["What is stored", 1],
    ["What is redacted", 1],
    ["Everything else", 1],
  ]);
});

test("numbers are told in the unit of their key", () => {
  expect(measured("persistence.body_max_bytes", 1_048_576)).toBe("1.0 MiB");
  expect(measured("retention.flows_ttl_days", 1)).toBe("1 day");
  expect(measured("retention.flows_ttl_days", 0)).toBe("for ever");
  expect(measured("analytics.anomaly_tool_delay_ms", 30_000)).toBe("30.0 s");
  expect(measured("maintenance.wal_checkpoint_interval_s", 300)).toBe("5m 00s");
  expect(measured("proxy.port", 9_090)).toBe("9090");
  expect(measured("memory.max_flows", 1_000)).toBe("1,000");
});

test("what is set, by whom, is told; long lists are folded; words narrow the list", async () => {
  const hosts = Array.from({ length: 20 }, (_, at) => `host-${at}.example`);
  const { container } = renderScreen(<SettingsScreen />, {
    "/api/settings": {
      items: [
        setting("proxy.intercept.hosts", hosts, "file"),
        setting("proxy.upstream_proxy", HOSTILE),
      ],
      next_cursor: null,
    },
  });
  await screen.findByText("proxy.intercept.hosts");
  expect(container.textContent).toContain(HARMLESS);
  expect(container.querySelector("img")).toBeNull();
  expect(screen.getByText("file")).toBeTruthy();
  expect(container.textContent).not.toContain("host-19");
  fireEvent.click(screen.getByRole("button", { name: "and 14 more" }));
  expect(container.textContent).toContain("host-19");
  fireEvent.change(screen.getByLabelText("Find a setting"), { target: { value: "UPSTREAM" } });
  expect(screen.queryByText("proxy.intercept.hosts")).toBeNull();
  expect(screen.getByText("proxy.upstream_proxy")).toBeTruthy();
  fireEvent.change(screen.getByLabelText("Find a setting"), { target: { value: "nowhere" } });
  expect(screen.getByText("No setting has these words")).toBeTruthy();
});

test("settings that could not be loaded are told", async () => {
  renderScreen(<SettingsScreen />, { "/api/settings": 400 });
  expect(await screen.findByText("The settings could not be loaded")).toBeTruthy();
});

test("where a setting is changed is told, and that nothing leaves the machine", async () => {
  const { container } = renderScreen(<SettingsScreen />, {
    "/api/settings": {
      items: [{ ...setting("proxy.port", 1, "file"), origin: "/x/langley.config.yaml:3" }],
      next_cursor: null,
    },
    "/api/setup": { home: "/x", steps: [] },
  });
  expect(await screen.findByText("/x/langley.config.yaml:3")).toBeTruthy();
  expect(await screen.findByText("/x/langley.config.yaml")).toBeTruthy();
  expect(container.textContent).toContain("this version has no telemetry");
});
