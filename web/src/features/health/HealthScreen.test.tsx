// What must not be overlooked on the Health screen.
// @vitest-environment jsdom
import { QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { createQueryClient } from "@/api/queries";
import type { Stats } from "@/api/types";
import { makeFlow } from "@/testing/flow";
import { renderScreen } from "@/testing/screen";
import {
  Connections,
  Drops,
  Open,
  Recorded,
  Recorder,
  Tunnels,
  Unchecked,
  Uncounted,
  Unredacted,
  Upkeep,
} from "./HealthScreen";
import { Sources, Transcripts } from "./Sources";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test("hosts that are trusted without a check are named in red, and only then", () => {
  const { container, rerender } = render(<Unchecked hosts={[]} />);
  expect(container.textContent).toBe("");
  rerender(<Unchecked hosts={["lab.example", "\u202eelpmaxe.live"]} />);
  const alert = screen.getByRole("alert");
  expect(alert.textContent).toContain("lab.example, ⟨RLO⟩elpmaxe.live is not checked");
  expect(alert.querySelector(".text-bad")).not.toBeNull();
});

test("transcripts tell what was found, what waits, what was refused and why", () => {
  const transcripts = {
    following: true,
    folders: ["/home/me/.claude/\u202eprojects"],
    looked_at: null,
    waiting: 2,
    files: 112,
    deleted: 4,
    lines: 48_210,
    bytes: 2_048,
    unreadable: 0,
    mended: 0,
    cut: 0,
    deleted_conversations: 0,
    left_out: 0,
    damaged: 0,
    refused: 1,
    refused_why: "permission denied",
  };
  const { container, rerender } = render(<Transcripts stats={{ transcripts }} />);
  const told = [...container.querySelectorAll("dt")].map(
    (name) => `${name.textContent}: ${name.nextElementSibling?.textContent}`,
  );
  for (const line of [
    "looked at last: not yet",
    "files found and there: 112",
    "files that wait to be read: 2",
    "files and folders that could not be read: 1",
    "lines read and kept: 48,210 · 2.0 KiB",
    "folder: /home/me/.claude/⟨RLO⟩projects",
  ]) {
    expect(told).toContain(line);
  }
  expect(told.join()).not.toContain("no JSON");
  expect(screen.getByText("Not everything could be read: permission denied")).toBeTruthy();
  rerender(<Transcripts stats={{ transcripts: { ...transcripts, following: false } }} />);
  expect(container.textContent).toContain("langley import");
  rerender(<Transcripts stats={{ transcripts: null }} />);
  expect(container.textContent).toContain("agents' files are not read");
});

test("each source says when it spoke last, and which are not read", async () => {
  renderScreen(<Sources stats={{ transcripts: null }} />, {
    "/api/flows": { items: [makeFlow({ started_at: new Date().toISOString() })] },
    "/api/conversations": { items: [] },
  });
  expect(await screen.findByText("within the last minute")).toBeTruthy();
  expect(screen.getByText("not read")).toBeTruthy();
  expect(screen.getByText("not read by this version")).toBeTruthy();
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
  const ended = [
    makeFlow({
      host: "reverse.example",
      mode: "reverse",
      outcome: "timed_out",
      error: { kind: "upstream_connect_timed_out", message: "no answer within 10 s" },
    }),
    makeFlow({ host: "broke-off.example", outcome: "upstream_gone" }),
  ];
  render(<Connections tunnels={tunnels} ended={ended} error={null} />);
  const inside = (label: string) => screen.getByRole("region", { name: label }).textContent ?? "";
  expect(inside("Could not be reached")).toContain("api.anthropic.com");
  expect(inside("Could not be reached")).toContain("connection refused");
  expect(inside("Could not be reached")).toContain("reverse.exampleno answer within 10 s");
  expect(inside("Could not be reached")).not.toContain("broke-off");
  expect(inside("Not trusted by the agent")).toContain("api.openai.comunknown authority");
  const passed = inside("Passed through unread");
  expect(passed).toContain("github.comnot on the intercept list");
  expect(passed).not.toContain("api.anthropic.com");
});

test("nothing is said of connections before they are known, and then only of those looked at", () => {
  const { container, rerender } = render(
    <Connections tunnels={undefined} ended={[]} error={null} />,
  );
  const loading = () => screen.queryByRole("status", { name: "Loading" });
  expect(loading()).not.toBeNull();
  rerender(<Connections tunnels={[]} ended={undefined} error={null} />);
  expect(loading()).not.toBeNull();
  expect(container.textContent).toBe("Connections");
  rerender(<Connections tunnels={[]} ended={undefined} error={new Error("it broke")} />);
  expect(screen.getByRole("alert").textContent).toContain("it broke");
  rerender(<Connections tunnels={[]} ended={[makeFlow()]} error={null} />);
  expect(loading()).toBeNull();
  expect(container.textContent).toContain(
    "None among the last 0 connections without a readable request and the last 1 broken call.",
  );
  rerender(<Connections tunnels={[]} ended={[]} error={null} />);
  expect(container.textContent).toContain("No failed connection or call is in the record.");
});

test("connections and drops are asked for, and until each answer came nothing is claimed", async () => {
  const asked = new Map<string, (answer: Response) => void>();
  vi.stubGlobal(
    "fetch",
    (address: string) => new Promise<Response>((answer) => asked.set(address, answer)),
  );
  const { container } = render(
    <QueryClientProvider client={createQueryClient()}>
      <Tunnels />
      <Drops flowHref={(id) => id} />
    </QueryClientProvider>,
  );
  await vi.waitFor(() => expect(asked.size).toBe(4));
  const answer = async (address: string, items: unknown[] = []) => {
    const give = asked.get(address);
    if (!give) throw new Error(`${address} was not asked for, but ${[...asked.keys()]}`);
    await act(async () => give(Response.json({ items, next_cursor: null })));
  };
  expect(screen.getAllByRole("status", { name: "Loading" })).toHaveLength(2);
  await answer("/api/tunnels?limit=500");
  await answer("/api/flows?outcome=upstream_gone&limit=100");
  expect(screen.getAllByRole("status", { name: "Loading" })).toHaveLength(2);
  expect(container.textContent).toBe("ConnectionsDropsnewest first");
  const late = {
    outcome: "timed_out",
    host: "late.example",
    error: { kind: "upstream_connect_timed_out", message: "no answer" },
  };
  await answer("/api/flows?outcome=timed_out&limit=100", [makeFlow(late)]);
  const unreached = await screen.findByRole("region", { name: "Could not be reached" });
  expect(unreached.textContent).toContain("late.exampleno answer");
  expect(container.textContent).not.toContain("Nothing was dropped");
  await answer("/api/drops?limit=100");
  expect(await screen.findByText("Nothing was dropped.")).toBeTruthy();
});

test("bodies that are kept unredacted are told, with what is missing of them", () => {
  const { container, rerender } = render(<Unredacted raw={null} />);
  expect(container.textContent).toBe("");
  rerender(
    <Unredacted raw={{ bytes_total: 2048, dropped_bytes_total: 0, dropped_ends_total: 0 }} />,
  );
  expect(screen.getByRole("alert").textContent).toContain("2.0 KiB since the start. Start without");
  rerender(
    <Unredacted raw={{ bytes_total: 2048, dropped_bytes_total: 1024, dropped_ends_total: 0 }} />,
  );
  expect(screen.getByRole("alert").textContent).toContain("1.0 KiB that found no room");
});

test("what is in the record is not mixed up with what ever was", () => {
  const stats = { flows: 12, flows_total: 4_000, events_total: 90_000 };
  const { container } = render(<Recorded stats={stats} />);
  expect(container.textContent).toBe(
    "Flows in the record124,000 flows, 90,000 events ever recorded, the checks of langley doctor included",
  );
});

test("connections are counted in words that fit their number", () => {
  const shown = (connections: number | null) =>
    render(<Open stats={{ open_flows: 0, proxy_connections: connections }} />).container
      .textContent;
  expect(shown(1)).toBe("Open flows01 connection");
  expect(shown(2)).toBe("Open flows02 connections");
  expect(shown(null)).toBe("Open flows0the proxy does not listen");
});

test("the recorder's counters say what they count", () => {
  const recorder = { refusals_total: 3, store_refusals_total: 4 } as Stats["recorder"];
  const { container } = render(<Recorder stats={{ recorder }} />);
  expect(container.textContent).toContain("flows that Langley refused3");
  expect(container.textContent).toContain("times the store took nothing4");
  expect(container.textContent).not.toContain("refusals");
});

test("flows whose tokens nobody could count are told, and only these are a warning", () => {
  const shown = (tokens_given_up: number) =>
    render(<Uncounted stats={{ tokens_given_up, tokens_waiting: 3 }} />).container;
  const told = shown(2);
  expect(told.textContent).toBe("Not counted2flows whose tokens stay an estimate · 3 waiting");
  expect(told.innerHTML).toContain("text-warn");
  expect(shown(0).innerHTML).not.toContain("text-warn");
});
