// The screens that add up, against a real server: each leads to its evidence, and all by keyboard.
import { expect, isMock, startStream, test, violations } from "./support";

test.skip(isMock, "needs a real server: its sums come from real flows");

test("the first screen shows what goes on, and the words of a stream as they come", async ({
  page,
}) => {
  await page.goto("/");
  await expect(page).toHaveURL(/\/now$/);
  await startStream(page);
  const stream = page.getByTestId("stream").first();
  await expect(stream).toBeVisible({ timeout: 15_000 });
  await expect(stream).not.toHaveText("No text yet", { timeout: 15_000 });
  await stream.click();
  await expect(page).toHaveURL(/\/flows\/[0-9a-f-]{36}/);
  await expect(page.getByRole("article", { name: "Flow" })).toBeVisible();
});

test("a session leads to its turns, and a turn unfolds to what was said in it", async ({
  page,
}) => {
  await page.goto("/sessions");
  await page.getByRole("list", { name: "Sessions" }).getByRole("link").first().click();
  await expect(page).toHaveURL(/\/sessions\/[^/]+$/);
  const turns = page.getByRole("list", { name: "Turns" });
  await turns.getByRole("button", { expanded: false }).first().click();
  await expect(page).toHaveURL(/turn=/);
  await expect(turns.getByRole("heading", { name: "Answer" })).toBeVisible();
  await page.reload();
  await expect(turns.getByRole("heading", { name: "Answer" })).toBeVisible();
  await turns.getByRole("link", { name: "Open the flow" }).click();
  await expect(page.getByRole("article", { name: "Flow" })).toBeVisible();
});

test("each bar of the costs leads to what it is made of", async ({ page }) => {
  await page.goto("/spend");
  await expect(
    page.getByRole("list", { name: "Cost over time" }).getByRole("link").last(),
  ).toBeVisible();
  await page.getByRole("radio", { name: "Session" }).check();
  await expect(page).toHaveURL(/by=session/);
  await page.getByRole("list", { name: "Cost by session" }).getByRole("link").first().click();
  await expect(page).toHaveURL(/\/sessions\//);
  await page.goBack();
  await expect(page.getByRole("radio", { name: "Session" })).toBeChecked();
  await page.getByRole("radio", { name: "Today" }).check();
  await page.reload();
  await expect(page.getByRole("heading", { name: "By hour" })).toBeVisible();
});

test("a tool leads to its calls, and a call to its input", async ({ page }) => {
  await page.goto("/tools");
  await page.getByRole("list", { name: "Tools" }).getByRole("link").first().click();
  await expect(page).toHaveURL(/tool=/);
  await page.getByRole("list", { name: "Calls" }).getByRole("button").first().click();
  await expect(page.getByRole("heading", { name: "Input" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Input" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/tool=/);
});

test("settings tell their values and where they come from, and are found by a word", async ({
  page,
}) => {
  await page.goto("/settings");
  await expect(page.getByText("retention.flows_ttl_days")).toBeVisible();
  // Both this test's server and a demonstration are told their home by a flag.
  await page.getByLabel("Find a setting").fill("home");
  await expect(page.getByText("flag", { exact: true })).toBeVisible();
  await expect(page.getByText("retention.flows_ttl_days")).toHaveCount(0);
});

test("the keyboard alone goes to every screen, and into a session and out of it", async ({
  page,
}) => {
  await page.goto("/health");
  await expect(page.getByRole("heading", { name: "Health" })).toBeVisible();
  const screens = { n: "now", e: "sessions", f: "flows", c: "spend", t: "tools", i: "findings" };
  for (const [key, path] of Object.entries(screens)) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await expect(page).toHaveURL(new RegExp(`/${path}$`));
  }
  await page.keyboard.press("g");
  await page.keyboard.press("e");
  await expect(page.getByRole("list", { name: "Sessions" })).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("list", { name: "Turns" })).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/turn=/);
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/turn=/);
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/sessions$/);
});

for (const theme of ["light", "dark"] as const) {
  for (const width of [360, 1280]) {
    test(`axe finds nothing on the screens that add up, ${theme}, ${width} px`, async ({
      page,
    }) => {
      test.setTimeout(120_000);
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 800 });
      const first = async (path: string) => {
        const answer = await page.request.get(path);
        const { items } = (await answer.json()) as { items: { id: string; name: string }[] };
        return items[0];
      };
      const session = encodeURIComponent((await first("/api/sessions"))?.id ?? "none");
      const tool = encodeURIComponent((await first("/api/tools"))?.name ?? "none");
      const flow = (await first("/api/flows?provider=anthropic&outcome=completed"))?.id ?? "none";
      for (const path of [
        "/now",
        "/sessions",
        `/sessions/${session}`,
        `/tools?tool=${tool}`,
        "/history",
        `/history/${session}?order=oldest`,
        `/flows/${flow}?tab=changes`,
        `/flows/${flow}?tab=context`,
        "/spend",
        "/spend?by=class",
        "/spend?by=commit",
        "/spend?chart=tokens",
        "/spend?model=none",
        "/spend?from=transcripts",
        "/spend?from=transcripts&by=session",
        "/tools",
        "/findings",
        "/findings?state=muted",
        "/settings",
      ]) {
        await page.goto(path);
        await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
        expect(await violations(page), path).toEqual([]);
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth - window.innerWidth,
        );
        expect(wide, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
      }
    });
  }
}
