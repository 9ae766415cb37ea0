// The palette, the keyboard map and exports: by keyboard alone, told to everyone, in both themes.
import { readFile } from "node:fs/promises";
import { expect, rows, test, violations } from "./support";

test("the commands lead to a screen, a flow and a search, from a field too", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  const id = (await rows(page).first().getAttribute("id"))?.slice("row-".length) ?? "";
  await page.keyboard.press("/");
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox", { name: "Search in Commands" });
  await expect(field).toBeFocused();
  await page.keyboard.type("cost");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/spend$/);
  await page.keyboard.press("Control+k");
  await page.keyboard.type(id);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/flows/${id}$`));
  await page.keyboard.press("Control+k");
  await page.keyboard.type("zebra crossing");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/search\?q=zebra\+crossing$/);
});

test("a session is found by its id, and opened", async ({ page }) => {
  const answer = await page.request.get("/api/facets");
  const { sessions } = (await answer.json()) as { sessions: { value: string }[] };
  const session = sessions[0]?.value ?? "";
  await page.goto("/health");
  await expect(page.getByRole("heading", { name: "Health" })).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type(session);
  await expect(page.getByRole("option", { name: /^Session/ })).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/sessions/${encodeURIComponent(session)}$`));
});

test("the theme is one of the commands, and Esc leaves all as it was", async ({ page }) => {
  await page.goto("/health");
  await expect(page.getByRole("heading", { name: "Health" })).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("dark");
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Commands" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: "Commands" })).toBeHidden();
  await expect(page).toHaveURL(/\/health$/);
});

test("the map is one of the commands, and the commands open over the map", async ({ page }) => {
  await page.goto("/health");
  await expect(page.getByRole("heading", { name: "Health" })).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("keyboard");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Keyboard map" })).toBeVisible();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Keyboard map" })).toBeHidden();
  await expect(page.getByRole("dialog", { name: "Commands" })).toBeVisible();
});

test("an export is saved as a file, and the page says so", async ({ page }) => {
  await page.goto("/flows?status=200");
  await expect(rows(page).first()).toBeVisible();
  await page.getByRole("button", { name: "Export" }).focus();
  await page.keyboard.press("Enter");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: /^JSON lines/ }).press("Enter");
  const file = await download;
  expect(file.suggestedFilename()).toBe("langley-flows.ndjson");
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\n");
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ status: 200 });
  const told = page.getByRole("region", { name: "Export" });
  await expect(told).toContainText("langley-flows.ndjson");
  expect(await violations(page)).toEqual([]);
  await told.getByRole("button", { name: "Close" }).click();
  await expect(told).toHaveCount(0);
});

for (const theme of ["light", "dark"] as const) {
  for (const width of [360, 1280]) {
    test(`axe finds nothing over the page, ${theme}, ${width} px`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 800 });
      await page.goto("/flows");
      await expect(rows(page).first()).toBeVisible();
      await page.keyboard.press("Control+k");
      await expect(page.getByRole("option", { name: /^Session/ }).first()).toBeVisible();
      expect(await violations(page), "commands").toEqual([]);
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keyboard map" })).toBeVisible();
      expect(await violations(page), "map").toEqual([]);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Export" }).click();
      expect(await violations(page), "export").toEqual([]);
    });
  }
}
