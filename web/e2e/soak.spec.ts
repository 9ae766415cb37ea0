// A dashboard that is left open beside fifty streams: `cargo xtask soak dashboard` runs it, by hand.
//
// LANGLEY_MINUTES  how long each screen is watched; without it nothing is
// LANGLEY_PID      the server's process, which is killed once; something else starts it again
// LANGLEY_TOUR     only what has this in its name
import type { APIRequestContext, Page } from "@playwright/test";
import { expect, test } from "./support";
import { heap, LONG_MS, note, told, watch } from "./watch";

const minutes = Number(process.env["LANGLEY_MINUTES"] ?? 0);
const only = process.env["LANGLEY_TOUR"] ?? "";

test.skip(minutes === 0, "LANGLEY_MINUTES names no time");

/** Most render batches in a second. */
const BATCHES_MAX = 10;
/** Most that the heap may grow in all of the time. */
const GROWTH_MAX = 5_000_000;
/** Until caches are filled and code is compiled; not watched. */
const WARM_MS = 30_000;
/** What is traced in one piece. */
const PIECE_MS = 15_000;
/** Events a second of all streams together, below which too little was asked of the page. */
const EVENTS_MIN = 2_000;

const wanted = (name: string) => test.skip(!name.includes(only), `only ${only}`);

interface Frames {
  flows: number;
  backwards: string[];
}

/** Follows what the live feed says: no revision may be lower than one before it, on one connection. */
function follow(page: Page): Frames {
  const frames: Frames = { flows: 0, backwards: [] };
  page.on("websocket", (socket) => {
    let reached = 0;
    socket.on("framereceived", ({ payload }) => {
      const message = JSON.parse(String(payload)) as { type: string; revision?: number };
      if (message.type !== "flow" || message.revision === undefined) return;
      frames.flows += 1;
      if (message.revision < reached) frames.backwards.push(`${message.revision} after ${reached}`);
      reached = message.revision;
    });
  });
  return frames;
}

async function events(request: APIRequestContext): Promise<number> {
  const stats = (await (await request.get("/api/stats")).json()) as { events_total: number };
  return stats.events_total;
}

/** Stays on the page for the time, and fails on what is missed. */
async function stay(page: Page, name: string, frames: Frames): Promise<void> {
  const client = await page.context().newCDPSession(page);
  await page.waitForTimeout(WARM_MS);
  const before = await heap(client);
  const [first, began] = [await events(page.request), Date.now()];
  const ends = began + minutes * 60_000;
  const missed: string[] = [];
  while (Date.now() < ends) {
    const seen = await watch(page, () =>
      page.waitForTimeout(Math.min(PIECE_MS, Math.max(1_000, ends - Date.now()))),
    );
    const now = await heap(client);
    console.log(`${name}: ${told(seen)}; heap ${(now / 1e6).toFixed(1)} MB`);
    if (seen.batches > BATCHES_MAX) missed.push(`${seen.batches} render batches in a second`);
    if (seen.shift > 0) missed.push(`layout shift ${seen.shift} of ${seen.shifted.join(" | ")}`);
    // By the clock a task waits for streams, server and browser that share these cores; that is told, and no miss.
    if (seen.longest === 0) missed.push("no task was traced");
    if (seen.longest > LONG_MS) missed.push(`a task of ${seen.longest} ms of the processor`);
  }
  const rate = ((await events(page.request)) - first) / ((Date.now() - began) / 1000);
  const grown = (await heap(client)) - before;
  console.log(
    `${name}: heap ${(before / 1e6).toFixed(1)} MB, grown by ${(grown / 1e6).toFixed(2)} MB; ${rate.toFixed(0)} events a second; ${frames.flows} changes of flows, ${frames.backwards.length} backwards`,
  );
  expect.soft(missed).toEqual([]);
  expect.soft(grown, "the heap after garbage collection grew").toBeLessThanOrEqual(GROWTH_MAX);
  expect.soft(frames.backwards, "revisions went backwards").toEqual([]);
  expect(frames.flows).toBeGreaterThan(0);
  expect(rate, "the streams were too slow to show anything").toBeGreaterThan(EVENTS_MIN);
}

const atWork = (page: Page) =>
  page.getByRole("list", { name: "Sessions at work" }).getByRole("listitem");

test("Now, beside fifty streams", async ({ page }) => {
  wanted("now");
  test.setTimeout(minutes * 60_000 + 300_000);
  await note(page);
  const frames = follow(page);
  await page.goto("/now");
  await expect(atWork(page)).toHaveCount(50, { timeout: 60_000 });
  await stay(page, "now", frames);
});

test("Flows, beside fifty streams", async ({ page }) => {
  wanted("flows");
  test.setTimeout(minutes * 60_000 + 300_000);
  await note(page);
  const frames = follow(page);
  await page.goto("/flows");
  await expect(
    page.getByRole("grid", { name: "Flows" }).locator("[id^=row-]").first(),
  ).toBeVisible();
  await stay(page, "flows", frames);
});

test("a flow that streams, beside forty-nine others", async ({ page }) => {
  wanted("flow");
  test.setTimeout(minutes * 60_000 + 300_000);
  await note(page);
  const frames = follow(page);
  await page.goto(`/flows/${await longest(page)}`);
  await expect(page.getByTestId("live-answer")).toBeVisible({ timeout: 60_000 });
  await stay(page, "flow", frames);
});

/** The open flow that will go on for longest: the first agent's. */
async function longest(page: Page): Promise<string> {
  const session = "0190f0c4-7e2a-7000-8000-50a400000000";
  const flows = (await (
    await page.request.get(`/api/flows?outcome=open&session=${session}&limit=1`)
  ).json()) as { items: { id: string }[] };
  return flows.items[0]?.id ?? "none";
}

test("a killed server is joined again without a reload, and the page says how it stands", async ({
  page,
}) => {
  wanted("kill");
  test.setTimeout(180_000);
  await note(page);
  const frames = follow(page);
  await page.goto("/now");
  await expect(atWork(page)).toHaveCount(50, { timeout: 60_000 });
  await page.evaluate(() => Object.assign(window, { stayed: true }));
  const state = page.getByTitle(/^Live updates: live$/);
  await expect(state).toBeVisible();
  process.kill(Number(process.env["LANGLEY_PID"]), "SIGKILL");
  await expect(page.getByTitle("Langley does not answer; press to try again now")).toBeVisible();
  const [away, heard] = [Date.now(), frames.flows];
  await expect(state).toBeVisible({ timeout: 90_000 });
  console.log(`kill: joined again after ${((Date.now() - away) / 1000).toFixed(1)} s`);
  await expect.poll(() => frames.flows, { timeout: 30_000 }).toBeGreaterThan(heard + 100);
  await expect(atWork(page)).toHaveCount(50, { timeout: 60_000 });
  expect(await page.evaluate(() => "stayed" in window)).toBe(true);
  expect(frames.backwards).toEqual([]);
});
