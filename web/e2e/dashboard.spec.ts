// The dashboard in a real browser: live text, filters, keyboard, smoothness, accessibility.
import {
  expect,
  isMock,
  rows,
  slowness,
  startStream,
  test,
  traceTasks,
  violations,
} from "./support";

test("the list shows flows, and a click opens one beside it", async ({ page }) => {
  await page.goto("/flows");
  await rows(page).first().click();
  await expect(page).toHaveURL(/\/flows\/[0-9a-f-]{36}/);
  await expect(page.getByRole("article", { name: "Flow" })).toBeVisible();
  await expect(page.getByRole("grid", { name: "Flows" })).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
});

test("a stream's text appears live, and the whole answer replaces it", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  const before = await rows(page).first().getAttribute("id");
  await startStream(page);
  const first = rows(page).first();
  await expect(first).not.toHaveAttribute("id", before ?? "", { timeout: 10_000 });
  await first.click();
  const live = page.getByTestId("live-answer");
  await expect(live).toContainText(/\w/, { timeout: 10_000 });
  const early = (await live.textContent())?.length ?? 0;
  await expect
    .poll(async () => (await live.textContent())?.length ?? 0)
    .toBeGreaterThan(early + 20);
  // Joined in its middle: what was sent before the flow was opened is there too, and nothing twice.
  if (isMock)
    await expect(live).toHaveText(/^The test failed because the page below was let go while/);
  await expect(page.getByText("stop: end_turn").first()).toBeVisible({ timeout: 45_000 });
  await expect(live).toHaveCount(0);
});

test("filters live in the URL and survive a reload", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  await page.getByLabel("Outcome").selectOption("completed");
  await expect(page).toHaveURL(/outcome=completed/);
  await page.keyboard.press("Escape");
  await page.getByLabel("Search the flows").fill("the");
  await expect(page).toHaveURL(/q=the/);
  await page.reload();
  await expect(page.getByLabel("Outcome")).toHaveValue("completed");
  await expect(page.getByLabel("Search the flows")).toHaveValue("the");
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(page).toHaveURL(/\/flows$/);
});

test("the tab and the filter are kept in the address of a flow", async ({ page }) => {
  await page.goto("/flows?provider=anthropic");
  await rows(page).first().click();
  await page.getByRole("link", { name: "Headers" }).click();
  await expect(page).toHaveURL(/\/flows\/[^?]+\?provider=anthropic&tab=headers/);
  await page.reload();
  await expect(page.getByRole("region", { name: "Headers" })).toBeVisible();
  await page.getByRole("link", { name: "Raw" }).click();
  await expect(page.getByRole("region", { name: "request body" })).toBeVisible();
  await page.getByRole("link", { name: /^Events/ }).click();
  await expect(page).toHaveURL(/tab=events/);
});

test("the search is reached by a key, marks the words, and leads to the flow", async ({ page }) => {
  await page.goto("/search");
  const box = page.getByLabel("Words to search for");
  await box.press("Escape");
  await expect(box).not.toBeFocused();
  await page.keyboard.press("/");
  await expect(box).toBeFocused();
  await page.keyboard.type("the");
  await expect(page).toHaveURL(/\/search\?q=the$/);
  const found = page.getByRole("list", { name: "Found flows" }).getByRole("link");
  await expect(found.first().locator("mark").first()).toHaveText(/^the$/i);
  await found.first().click();
  await expect(page.getByRole("article", { name: "Flow" })).toBeVisible();
  await page.goBack();
  await expect(box).toHaveValue("the");
  await box.fill("no-such-thing-anywhere");
  await expect(page.getByText("Nothing was found")).toBeVisible();
});

test("columns are chosen, kept, and never wider than the list", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  const heading = (name: string) => page.getByRole("columnheader", { name, exact: true });
  for (const name of ["Session", "Agent", "Model"]) await expect(heading(name)).toBeVisible();
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByLabel("Host", { exact: true }).last().check();
  await page.getByLabel("Agent", { exact: true }).uncheck();
  await page.keyboard.press("Escape");
  await page.reload();
  await expect(heading("Host")).toBeVisible();
  await expect(heading("Agent")).toHaveCount(0);
  for (const width of [640, 768, 900, 1024, 1280, 1920]) {
    await page.setViewportSize({ width, height: 800 });
    const beyond = await page
      .getByRole("grid", { name: "Flows" })
      .evaluate((grid) => grid.scrollWidth - grid.clientWidth);
    expect(beyond, `${width} px`).toBeLessThanOrEqual(0);
  }
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("button", { name: "As at first" }).click();
  await expect(heading("Agent")).toBeVisible();
});

test("a session is picked by what it is known by, starred, and found by its star", async ({
  page,
}) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  await page.getByRole("button", { name: "Session", exact: true }).click();
  const options = page.getByRole("listbox", { name: "Session" }).getByRole("option");
  await expect(options.first()).toContainText(/^[\w-]{1,8}/);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/session=/);
  await rows(page).first().click();
  const star = page.getByRole("button", { name: "Star", exact: true });
  await expect(star).toHaveAttribute("aria-pressed", "false");
  await star.click();
  await expect(star).toHaveAttribute("aria-pressed", "true");
  await expect(star).toBeFocused();
  await page.goto("/flows?starred=true");
  await expect(rows(page).first()).toBeVisible();
  await rows(page).first().click();
  await expect(star).toHaveAttribute("aria-pressed", "true");
  await star.click();
  await expect(page.getByText("No session has a star")).toBeVisible();
});

test("the keyboard walks the list, opens, closes and searches", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("article", { name: "Flow" })).toBeVisible();
  const opened = page.url();
  await page.keyboard.press("j");
  await expect(page).not.toHaveURL(opened);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("article", { name: "Flow" })).toHaveCount(0);
  await page.keyboard.press("/");
  await expect(page.getByLabel("Search the flows")).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  await expect(page).toHaveURL(/\/health$/);
});

test("a long list scrolls without a long task and without a jump", async ({ page }) => {
  test.setTimeout(120_000);
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  const { count } = (await (await page.request.get("/api/flows/count")).json()) as {
    count: number;
  };
  const wanted = Math.min(count, 10_000) - 60;
  await page.waitForTimeout(1_500);
  await page.evaluate(() => {
    const seen = { shift: 0 };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        seen.shift += (entry as PerformanceEntry & { value: number }).value;
      }
    }).observe({ type: "layout-shift" });
  });
  const slower = await slowness(page);
  const stop = await traceTasks(page);
  await page.getByRole("grid", { name: "Flows" }).hover();
  const reached = () =>
    rows(page).evaluateAll((all) => Math.max(...all.map((row) => Number(row.ariaRowIndex))));
  for (let step = 0; step < 1_200; step += 1) {
    await page.mouse.wheel(0, 480);
    await page.waitForTimeout(12);
    if (step % 20 === 0 && (await reached()) >= wanted) break;
  }
  const { tasks, longest } = await stop();
  const shift = await page.evaluate(
    () => (window as unknown as { seen: { shift: number } }).seen.shift,
  );
  console.log(
    `reached row ${await reached()} of ${count}; ${tasks} tasks, the longest took ${longest.toFixed(0)} ms of CPU on a machine ${slower.toFixed(1)} times as slow as usual; layout shift ${shift}`,
  );
  expect(await reached()).toBeGreaterThanOrEqual(wanted);
  expect(longest).toBeLessThanOrEqual(50 * slower);
  expect(shift).toBe(0);
});

for (const theme of ["light", "dark"] as const) {
  for (const width of [360, 768, 1280]) {
    test(`axe finds nothing, ${theme}, ${width} px`, async ({ page }) => {
      test.setTimeout(120_000);
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 800 });
      await page.goto("/flows");
      const id = (await rows(page).first().getAttribute("id"))?.slice("row-".length);
      const screens = [
        "/flows",
        `/flows/${id}`,
        `/flows/${id}?tab=events`,
        `/flows/${id}?tab=headers`,
        `/flows/${id}?tab=raw`,
        `/flows/${id}?tab=changes`,
        `/flows/${id}?tab=context`,
        `/flows/${id}?tab=timing`,
        "/flows?q=no-such-thing-anywhere",
        "/flows/none",
        "/search",
        "/search?q=the",
        "/search?q=no-such-thing-anywhere",
        "/health",
        "/setup",
      ];
      for (const screen of screens) {
        await page.goto(screen);
        await page.waitForTimeout(500);
        expect(await violations(page), screen).toEqual([]);
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth - window.innerWidth,
        );
        expect(wide, `${screen} scrolls sideways`).toBeLessThanOrEqual(0);
      }
    });
  }
}

test("the theme is kept", async ({ page }) => {
  await page.goto("/flows");
  await page.getByRole("radio", { name: "Dark" }).check();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByRole("radio", { name: "System" }).check();
  await page.reload();
  await expect(page.locator("html")).not.toHaveAttribute("data-theme");
});

test("without a session the page tells how to get one", async ({ browser }) => {
  test.skip(isMock, "the mock asks for no session; see states.spec.ts");
  const page = await (
    await browser.newContext({ storageState: { cookies: [], origins: [] } })
  ).newPage();
  await page.goto("/flows");
  await expect(page.getByRole("heading", { name: "This browser is not signed in" })).toBeVisible();
});
