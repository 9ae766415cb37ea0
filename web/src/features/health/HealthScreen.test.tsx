// What must not be overlooked on the Health screen.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Connections, Unchecked, Upkeep } from "./HealthScreen";

afterEach(cleanup);

test("hosts that are trusted without a check are named in red, and only then", () => {
  const { container, rerender } = render(<Unchecked hosts={[]} />);
  expect(container.textContent).toBe("");
  rerender(<Unchecked hosts={["lab.example", "\u202eelpmaxe.live"]} />);
  const alert = screen.getByRole("alert");
  expect(alert.textContent).toContain("lab.example, ⟨RLO⟩elpmaxe.live is not checked");
  expect(alert.querySelector(".text-bad")).not.toBeNull();
});

test("retention tells what it removed, when it runs again, and that it failed", () => {
  const never = { phase: null, running: null, last: null, next_at: null, failed: false };
  const { container, rerender } = render(<Upkeep stats={{ maintenance: never }} />);
  expect(container.textContent).toContain("none so far");
  expect(container.textContent).not.toContain("flows removed");
  const last = {
    started_at: "2026-05-02T11:59:00.000000Z",
    ended_at: "2026-05-02T12:00:00.000000Z",
    flows: 812,
    events: 1_204_118,
    bodies: 3,
    contents: 4,
    tunnels: 5,
    drops: 6,
    freed_bytes: 31_457_280,
  };
  const next_at = "2026-05-03T12:00:00.000000Z";
  rerender(<Upkeep stats={{ maintenance: { ...never, last, next_at } }} />);
  expect(container.textContent).toContain("flows removed812");
  expect(container.textContent).toContain("events removed1,204,118");
  expect(container.textContent).toContain("given back to the disk30 MiB");
  expect(container.querySelector(`time[datetime="${next_at}"]`)).not.toBeNull();
  expect(screen.queryByRole("alert")).toBeNull();
  const running = { ...last, flows: 1 };
  rerender(
    <Upkeep stats={{ maintenance: { ...never, last, running, phase: "flows", failed: true } }} />,
  );
  expect(container.textContent).toContain("running: flows");
  expect(container.textContent).toContain("flows removed1events");
  expect(screen.getByRole("alert").textContent).toContain("The last run failed");
});

test("a provider that was not reached is not called a tunnel, and its reason is told", () => {
  const tunnel = (host: string, why: string, reason: string | null) => ({
    connection_id: host,
    host,
    port: 443,
    started_at: "2026-05-02T12:00:00.000000Z",
    ended_at: "2026-05-02T12:00:00.000000Z",
    bytes_up: 0,
    bytes_down: 0,
    why,
    reason,
  });
  const tunnels = [
    tunnel("api.anthropic.com", "dial_failed", "could not reach it: connection refused"),
    tunnel("api.openai.com", "client_rejected_certificate", "unknown authority"),
    tunnel("github.com", "not_listed", null),
  ];
  render(<Connections tunnels={tunnels} error={null} />);
  const inside = (label: string) => screen.getByRole("region", { name: label }).textContent ?? "";
  expect(inside("Could not be reached")).toContain("api.anthropic.com");
  expect(inside("Could not be reached")).toContain("connection refused");
  expect(inside("Not trusted by the agent")).toContain("api.openai.comunknown authority");
  const passed = inside("Passed through unread");
  expect(passed).toContain("github.comnot on the intercept list");
  expect(passed).not.toContain("api.anthropic.com");
});
