// The visual tour: each screen in both themes at three widths, as files to look at.
//
// LANGLEY_SHOTS  the folder they go to; without it there is no tour
// LANGLEY_TOUR   only screens whose name contains this
import { join } from "node:path";
import type { APIRequestContext, Page } from "@playwright/test";
import { expect, startStream, test, violations } from "./support";

const folder = process.env["LANGLEY_SHOTS"];
const only = process.env["LANGLEY_TOUR"] ?? "";

test.skip(folder === undefined, "LANGLEY_SHOTS names no folder");

const WIDTHS = { 390: 844, 1280: 800, 1920: 1080 };

/** Each screen by its name, and what is pressed once it is there. */
interface Stop {
  name: string;
  path: string;
  unfold?: (page: Page) => Promise<void>;
}

/** Until nothing is shown as being loaded. */
async function loaded(page: Page): Promise<void> {
  const bars = page.getByRole("status", { name: "Loading" });
  await expect(bars).toHaveCount(0, { timeout: 30_000 });
}

async function items<T>(request: APIRequestContext, path: string): Promise<T[]> {
  return ((await (await request.get(path)).json()) as { items: T[] }).items;
}

async function stops(request: APIRequestContext): Promise<Stop[]> {
  interface Session {
    id: string;
    totals: { flows: { total: number } };
  }
  const sessions = await items<Session>(request, "/api/sessions?limit=100");
  const longest = sessions.reduce<Session | undefined>(
    (most, each) => (each.totals.flows.total > (most?.totals.flows.total ?? 0) ? each : most),
    undefined,
  );
  const [flow] = await items<{ id: string }>(request, "/api/flows?outcome=completed&limit=1");
  const [tool] = await items<{ name: string }>(request, "/api/tools");
  const calls = tool
    ? await items<{ id: string }>(
        request,
        `/api/tools/${encodeURIComponent(tool.name)}/invocations`,
      )
    : [];
  const files = await items<{ id: string; lines: number }>(request, "/api/conversations");
  const written = files.sort((one, other) => other.lines - one.lines)[0];
  const session = encodeURIComponent(longest?.id ?? "none");
  const name = encodeURIComponent(tool?.name ?? "none");
  const unfold = (page: Page) => page.locator("main [data-row]").first().click();
  return [
    { name: "now", path: "/now" },
    { name: "sessions", path: "/sessions" },
    { name: "session", path: `/sessions/${session}` },
    { name: "session-turn", path: `/sessions/${session}`, unfold },
    { name: "history", path: "/history" },
    { name: "conversation", path: `/history/${encodeURIComponent(written?.id ?? session)}` },
    { name: "flows", path: "/flows" },
    { name: "flow", path: `/flows/${flow?.id}` },
    { name: "flow-events", path: `/flows/${flow?.id}?tab=events` },
    { name: "flow-changes", path: `/flows/${flow?.id}?tab=changes` },
    { name: "flow-context", path: `/flows/${flow?.id}?tab=context` },
    { name: "flow-timing", path: `/flows/${flow?.id}?tab=timing` },
    {
      name: "flows-export",
      path: "/flows",
      unfold: (page: Page) => page.getByRole("button", { name: "Export" }).click(),
    },
    { name: "session-context", path: `/sessions/${session}`, unfold: unfoldContext },
    { name: "spend", path: "/spend" },
    { name: "spend-commit", path: "/spend?by=commit", unfold: toHeading("Where it goes") },
    { name: "spend-tokens", path: "/spend?chart=tokens" },
    { name: "spend-week", path: "/spend", unfold: toHeading("Hours of the week") },
    { name: "spend-session", path: "/spend?by=session", unfold: toHeading("Where it goes") },
    { name: "spend-tool", path: "/spend?by=tool", unfold: toHeading("Where it goes") },
    { name: "spend-class", path: "/spend?by=class", unfold: toHeading("Where it goes") },
    { name: "spend-nothing", path: "/spend?model=none" },
    { name: "tools", path: "/tools" },
    { name: "tool", path: `/tools?tool=${name}&call=${calls[0]?.id ?? ""}` },
    { name: "findings", path: "/findings" },
    { name: "finding", path: "/findings", unfold },
    { name: "findings-nothing", path: "/findings?state=muted" },
    { name: "search", path: "/search?q=the" },
    { name: "health", path: "/health" },
    { name: "settings", path: "/settings" },
    { name: "setup", path: "/setup" },
    { name: "palette", path: "/spend", unfold: (page) => page.keyboard.press("Control+k") },
    { name: "keys", path: "/spend", unfold: (page) => page.keyboard.press("?") },
  ];
}

async function unfoldContext(page: Page): Promise<void> {
  await page.getByText("Context of the longest").click();
  await page.getByRole("table", { name: "Parts of the context" }).waitFor();
}

/** Has the section below a heading in view. */
function toHeading(name: string): (page: Page) => Promise<void> {
  return (page) =>
    page.getByRole("heading", { name }).evaluate((heading) => heading.scrollIntoView());
}

for (const theme of ["light", "dark"] as const) {
  for (const [width, height] of Object.entries(WIDTHS)) {
    test(`the tour, ${theme}, ${width} px`, async ({ page }) => {
      test.setTimeout(900_000);
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width: Number(width), height });
      for (const { name, path, unfold } of await stops(page.request)) {
        if (!name.includes(only)) continue;
        // What goes on has something that goes on.
        if (name === "now" && process.env["LANGLEY_TRAFFIC"]) await startStream(page);
        await page.goto(path);
        await loaded(page);
        if (unfold) {
          await unfold(page);
          await loaded(page);
        }
        await page.evaluate(() => document.fonts.ready);
        await page.screenshot({
          path: join(folder ?? "", `${name}-${width}-${theme}.png`),
          animations: "disabled",
        });
        expect.soft(await violations(page), name).toEqual([]);
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth - window.innerWidth,
        );
        expect.soft(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
      }
    });
  }
}
