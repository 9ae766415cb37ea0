// What the browser tests share: traffic, a watch on the console, and axe.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test as base, expect, type Page } from "@playwright/test";

export const isMock = process.env["LANGLEY_URL"] === undefined;

/** Every test fails on a script error or a breach of the content policy. */
export const test = base.extend<{ watched: undefined }>({
  watched: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
      });
      await use(undefined);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Starts one streamed exchange of some seconds; ends with the test at the latest. */
export async function startStream(page: Page): Promise<void> {
  if (isMock) {
    await page.request.post("/mock/stream?words=220");
    return;
  }
  const command = process.env["LANGLEY_TRAFFIC"];
  if (!command)
    throw new Error("LANGLEY_TRAFFIC must name a command that makes a streamed exchange.");
  spawn("sh", ["-c", command], { stdio: "ignore" });
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds wrong with the page, as one line for each finding. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    interface Found {
      violations: { id: string; nodes: { html: string }[] }[];
    }
    const { axe } = window as unknown as { axe: { run(): Promise<Found> } };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`),
    );
  });
}

export const rows = (page: Page) => page.getByRole("grid", { name: "Flows" }).locator("[id^=row-]");

/** What a fixed piece of script takes on a machine that a person would work on, in milliseconds. */
const USUAL_MS = 20;

/** What is slower than this many times is so for another reason. */
const SLOWEST = 3;

/** How many times slower than such a machine this one runs the page's scripts; 1 to 3. */
export async function slowness(page: Page): Promise<number> {
  const best = await page.evaluate(() => {
    const once = () => {
      const began = performance.now();
      const made = new Map<string, { at: number }>();
      for (let at = 0; at < 60_000; at += 1) made.set(`k${(at * 7919) % 100_003}`, { at });
      return made.size > 0 ? performance.now() - began : 0;
    };
    return Math.min(...Array.from({ length: 16 }, once));
  });
  return Math.min(SLOWEST, Math.max(1, best / USUAL_MS));
}

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** CPU time of the thread, in microseconds. */
  tdur?: number;
  args: { name?: string };
}

/**
 * Follows the tasks of the page's main thread until the answer is called. CPU time, not wall time:
 * on a busy machine a task also waits for its turn, which says nothing about the page.
 */
export async function traceTasks(
  page: Page,
): Promise<() => Promise<{ tasks: number; longest: number }>> {
  const client = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  client.on("Tracing.dataCollected", ({ value }) =>
    events.push(...(value as unknown as TraceEvent[])),
  );
  await client.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["toplevel", "__metadata"] },
  });
  return async () => {
    const complete = new Promise((resolve) => client.once("Tracing.tracingComplete", resolve));
    await client.send("Tracing.end");
    await complete;
    // What listens would be kept, with all it heard, for as long as the page is there.
    await client.detach();
    const where = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
    const main = new Set(
      events
        .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
        .map(where),
    );
    const tasks = events.filter((event) => /RunTask$/.test(event.name) && main.has(where(event)));
    const longest = tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur), 0) / 1000;
    return { tasks: tasks.length, longest };
  };
}
