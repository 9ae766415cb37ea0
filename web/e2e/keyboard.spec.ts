// The whole tour by keyboard alone: every screen, list, tab, order, filter and menu; the focus is always somewhere, seen, and never caught.
import type { Locator, Page } from "@playwright/test";
import { expect, rows, test } from "./support";

/** Presses of Tab after which a page has no end. */
const TABS_MAX = 400;

/** A list is added up when it is asked for. */
const SLOW = { timeout: 30_000 };

const SCREENS = {
  n: ["/now", "Now"],
  e: ["/sessions", "Sessions"],
  y: ["/history", "History"],
  f: ["/flows", "Flows"],
  c: ["/spend", "Spend"],
  t: ["/tools", "Tools"],
  i: ["/findings", "Findings"],
  w: ["/search", "Search"],
  h: ["/health", "Health"],
  ",": ["/settings", "Settings"],
  s: ["/setup", /./],
} as const;

interface Focus {
  /** What has it, for whoever reads a failure. */
  what: string;
  lost: boolean;
  /** Whether it lies in the window, and nothing of another element over its middle. */
  inView: boolean;
  /** Whether something about it is drawn because it has the focus. */
  ringed: boolean;
}

async function focus(page: Page): Promise<Focus> {
  return page.evaluate(() => {
    const element = document.activeElement ?? document.body;
    const box = element.getBoundingClientRect();
    const inView =
      box.width > 0 &&
      box.height > 0 &&
      box.bottom > 0 &&
      box.right > 0 &&
      box.top < window.innerHeight &&
      box.left < window.innerWidth;
    const shown = [element, element.closest("label")].filter((each) => each !== null);
    const ringed = shown.some((each) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(each);
      return outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0;
    });
    const name = element.getAttribute("aria-label") ?? element.textContent ?? "";
    return {
      what: `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""} ${name.trim().slice(0, 60)}`,
      lost: element === document.body,
      inView,
      ringed,
    };
  });
}

/** The focus is on something, in view, and marked as having it. */
async function expectFocus(page: Page, where: string): Promise<string> {
  const { what, lost, inView, ringed } = await focus(page);
  expect({ lost, inView, ringed }, `${where}: ${what}`).toEqual({
    lost: false,
    inView: true,
    ringed: true,
  });
  return what;
}

/** As a person does who looks for something: Tab until it is there. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await expect(wanted.first()).toBeVisible();
  for (let press = 0; press < TABS_MAX; press += 1) {
    await page.keyboard.press("Tab");
    const there = await wanted.evaluateAll((all) => all.includes(document.activeElement as never));
    if (there) {
      await expectFocus(page, "on the way");
      return;
    }
  }
  throw new Error(`${wanted} is not reached by Tab.`);
}

async function go(page: Page, key: string): Promise<void> {
  await page.keyboard.press("g");
  await page.keyboard.press(key);
}

async function loaded(page: Page): Promise<void> {
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0, { timeout: 30_000 });
}

test("each screen is reached by its letter, Tab goes all through it, and out of it", async ({
  page,
}) => {
  test.setTimeout(600_000);
  await page.goto("/health");
  await expect(page.getByRole("heading", { name: "Health" })).toBeVisible();
  for (const [key, [path, name]] of Object.entries(SCREENS)) {
    await go(page, key);
    await expect(page).toHaveURL(new RegExp(`${path}$`));
    await expect(page.getByRole("heading", { level: 1, name }).first()).toBeAttached();
    await loaded(page);
    // A field that waits for words has the focus already.
    await page.keyboard.press("Escape");
    const seen: string[] = [];
    let round = 0;
    for (let press = 0; press < TABS_MAX && round < 2; press += 1) {
      await page.keyboard.press("Tab");
      const { lost, what } = await focus(page);
      // Between the end and the beginning the browser itself has it.
      if (lost) continue;
      await expectFocus(page, path);
      if (what.includes("Skip to the content")) round += 1;
      else if (round === 1) seen.push(what);
    }
    expect(round, `${path} lets go of the focus; last: ${seen.slice(-3).join(", ")}`).toBe(2);
    expect(seen.length, path).toBeGreaterThan(10);
  }
});

test("the lists are walked with j and k, opened with Enter and left with Esc", async ({ page }) => {
  await page.goto("/health");
  await expect(page.getByRole("heading", { name: "Health" })).toBeVisible();

  await go(page, "e");
  await expect(page.locator("main [data-row]").nth(1)).toBeVisible(SLOW);
  await page.keyboard.press("j");
  await expect(page.locator("main [data-row]").first()).toBeFocused();
  await page.keyboard.press("j");
  await expect(page.locator("main [data-row]").nth(1)).toBeFocused();
  await page.keyboard.press("k");
  await expectFocus(page, "sessions");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/sessions\/.+/);
  await expect(page.locator("main [data-row]").first()).toBeVisible(SLOW);
  expect((await focus(page)).lost, "in the session").toBe(false);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/turn=/);
  await expectFocus(page, "a turn");
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/turn=/);
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/sessions$/);
  expect((await focus(page)).lost, "back in the sessions").toBe(false);

  await go(page, "f");
  await expect(rows(page).first()).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await expectFocus(page, "flows");
  const active = page.getByRole("grid", { name: "Flows" });
  await expect(active).toHaveAttribute("aria-activedescendant", /^row-/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("article", { name: "Flow" })).toBeVisible();
  const opened = page.url();
  await page.keyboard.press("j");
  await expect(page).not.toHaveURL(opened);
  await expectFocus(page, "the next flow");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("article", { name: "Flow" })).toHaveCount(0);
  expect((await focus(page)).lost, "back in the flows").toBe(false);

  await go(page, "t");
  await expect(page.locator("main [data-row]").first()).toBeVisible(SLOW);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/tool=/);
  await expect(page.getByRole("list", { name: "Calls" }).getByRole("button").first()).toBeVisible();
  expect((await focus(page)).lost, "in a tool").toBe(false);
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/tool=/);
  expect((await focus(page)).lost, "back in the tools").toBe(false);
});

test("hits are walked with j and k; Esc leads from a flow to where it was opened", async ({
  page,
}) => {
  await page.goto("/health");
  await expect(page.getByRole("heading", { name: "Health" })).toBeVisible();
  await go(page, "w");
  await page.getByLabel("Words to search for").fill("the");
  await page.keyboard.press("Enter");
  const hits = page.locator("main [data-row]");
  await expect(hits.first()).toBeVisible(SLOW);
  await page.keyboard.press("j");
  await expect(hits.first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/flows\/.+/);
  await page.getByRole("link", { name: "Show this turn in its session" }).click();
  await expect(page).toHaveURL(/\/sessions\/.+turn=/);
  await expect(page.locator("main [data-row]").first()).toBeVisible(SLOW);
  // First the turn is folded.
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/turn=/);
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/flows\/.+/);
  await expect(page.getByRole("article", { name: "Flow" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/search\?q=the$/);
});

test("what lies over the page takes the focus, and gives it back", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  const columns = page.getByRole("button", { name: "Columns" });
  await tabTo(page, columns);

  await page.keyboard.press("?");
  const map = page.getByRole("dialog", { name: "Keyboard map" });
  await expect(map).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(map).toBeHidden();
  await expect(columns).toBeFocused();

  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Search in Commands" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(columns).toBeFocused();

  const exporting = page.getByRole("button", { name: "Export" });
  await page.keyboard.press("Shift+Tab");
  await expect(exporting).toBeFocused();
  await page.keyboard.press("Enter");
  const forms = page.getByRole("dialog", { name: "Export" }).getByRole("button");
  await expect(forms.first()).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(forms.first()).toBeFocused();
  await expectFocus(page, "forms of export");
  await page.keyboard.press("Escape");
  await expect(forms).toHaveCount(0);
  await expect(exporting).toBeFocused();

  await page.keyboard.press("/");
  await expect(page.getByLabel("Search the flows")).toBeFocused();
  await page.keyboard.type("the");
  await expect(page).toHaveURL(/q=the/);
});

test("tabs of a flow, orders, filters and the theme are chosen without a mouse", async ({
  page,
}) => {
  await page.goto("/flows?status=200");
  await expect(rows(page).first()).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const article = page.getByRole("article", { name: "Flow" });
  await expect(article).toBeVisible();
  for (const [name, tab] of [
    ["Headers", "headers"],
    ["Raw", "raw"],
    ["Timing", "timing"],
  ] as const) {
    const link = article.getByRole("link", { name, exact: true });
    await tabTo(page, link);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`tab=${tab}`));
    await expect(link).toBeFocused();
  }
  await page.keyboard.press("Escape");
  await expect(article).toHaveCount(0);

  const outcome = page.getByLabel("Outcome");
  await tabTo(page, outcome);
  await page.keyboard.press("c");
  await expect(page).toHaveURL(/outcome=c/);
  await expect(outcome).toBeFocused();

  await go(page, "t");
  await expect(page).not.toHaveURL(/\/tools/);
  // A choice takes letters; Esc leaves it.
  await page.keyboard.press("Escape");
  await tabTo(page, page.getByRole("button", { name: "Columns" }));
  await go(page, "t");
  await expect(page).toHaveURL(/\/tools$/);
  await tabTo(page, page.getByRole("radio", { name: "Calls" }));
  await page.keyboard.press("ArrowRight");
  await expect(page).toHaveURL(/order=cost/);
  await expect(page.getByRole("radio", { name: "Cost" })).toBeFocused();
  await expectFocus(page, "orders of the tools");

  const themes = page.getByRole("navigation", { name: "Screens" }).getByRole("radio");
  await tabTo(page, themes);
  await page.keyboard.press("ArrowLeft");
  await expect(page.locator("html")).toHaveAttribute("data-theme", /light|dark/);
  await expectFocus(page, "themes");
});
