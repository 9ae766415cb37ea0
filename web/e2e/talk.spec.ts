// A conversation in which there is something of every kind, hostile things too: it is laid out, and a hit in it is in view.
import { expect, isMock, test, violations } from "./support";

test.skip(!isMock, "only the stand-in has such a conversation");

const FLOW = "/flows/0190f0c4-7e2a-7000-8000-7a1c00000001";

for (const theme of ["light", "dark"] as const) {
  for (const width of [360, 1280]) {
    test(`every kind of text and tool is told, and axe finds nothing, ${theme}, ${width} px`, async ({
      page,
    }) => {
      const asked: string[] = [];
      page.on("request", (request) => asked.push(new URL(request.url()).host));
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 800 });
      await page.goto(FLOW);
      const talk = page.getByRole("region", { name: "Conversation" });
      await expect(talk.getByText("rust", { exact: true })).toBeVisible({ timeout: 30_000 });
      await page.getByRole("button", { name: "Show 25 earlier turns" }).click();
      for (const words of [
        "1 of 3 tasks done",
        "MCP github",
        "MCP library",
        "RFC 9110: HTTP Semantics (June 2022)",
        "wc: a: No such file",
        '<script>alert("title")</script>',
        "click me (javascript:alert(1))",
        "crates/http/src/header.rs",
        "The input was cut off.",
      ]) {
        await expect(talk.getByText(words).filter({ visible: true }).first(), words).toBeVisible();
      }
      expect(await talk.locator("a, img, script, iframe").count()).toBe(0);
      expect(await violations(page)).toEqual([]);
      const wide = await talk.evaluate((box) => box.scrollWidth - box.clientWidth);
      expect(wide, "it scrolls sideways").toBeLessThanOrEqual(0);
      // What was written, and the JSON, are at hand.
      for (const button of await talk.getByRole("button", { name: "As written" }).all()) {
        await button.click();
      }
      for (const button of await talk.getByRole("button", { name: "As JSON" }).all()) {
        await button.click();
      }
      await expect(talk.getByText('"old_string"').first()).toBeVisible();
      await expect(talk.getByText("## What I changed").first()).toBeVisible();
      expect(await violations(page), "as written").toEqual([]);
      expect(new Set(asked).size, "only its own server is asked").toBe(1);
    });
  }
}

test("a search hit is opened where it stands, and the next flow where it ends", async ({
  page,
}) => {
  await page.goto("/search?q=wombat");
  await page.getByRole("list", { name: "Found flows" }).getByRole("link").click();
  await expect(page).toHaveURL(new RegExp(`${FLOW}.*hit=wombat`));
  const mark = page.locator("mark", { hasText: "wombat" });
  await expect(mark).toBeInViewport();
  await expect(mark).toBeFocused();
  // The page beneath stays where it is.
  expect(await page.evaluate(() => document.scrollingElement?.scrollTop)).toBe(0);
  await expect(page.getByRole("link", { name: "Conversation" })).toBeInViewport();
  expect(await violations(page)).toEqual([]);
  await page.reload();
  await expect(mark).toBeInViewport();
  // The next flow has no such place.
  await page.keyboard.press("j");
  await expect(page).not.toHaveURL(/hit=/);
});

test("words that are not in what is kept are told, not looked for in vain", async ({ page }) => {
  await page.goto(`${FLOW}?hit=platypus`);
  await expect(page.getByText(/“platypus” is not in what is kept/)).toBeVisible();
  expect(await violations(page)).toEqual([]);
});
