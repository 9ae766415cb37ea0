// States that a real server cannot be brought into at will, played by the mock server.
import { expect, isMock, rows, test, violations } from "./support";

test.skip(!isMock, "needs the mock server");
test.afterEach(async ({ page }) => {
  await page.request.post("/mock/normal");
});

test("with no flow at all the checklist is shown", async ({ page }) => {
  await page.request.post("/mock/empty");
  await page.goto("/flows");
  await expect(page.getByRole("heading", { name: "Point an agent at Langley" })).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test("a server that goes away is told, and the page comes back by itself", async ({ page }) => {
  await page.goto("/flows");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.request.post("/mock/away");
  await expect(page.getByText(/Reconnecting/)).toBeVisible();
  await expect(rows(page).first()).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.request.post("/mock/normal");
  await expect(page.getByText("Live", { exact: true })).toBeVisible({ timeout: 20_000 });
});

test("a page opened while the server is away says so, and loads when it is back", async ({
  page,
}) => {
  await page.request.post("/mock/away");
  await page.goto("/flows");
  await expect(page.getByText("The list of flows could not be loaded")).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.request.post("/mock/normal");
  await expect(rows(page).first()).toBeVisible({ timeout: 20_000 });
});

test("a session that ended shows how to sign in", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  await page.request.post("/mock/signed-out");
  await expect(page.getByRole("heading", { name: "This browser is not signed in" })).toBeVisible({
    timeout: 20_000,
  });
  expect(await violations(page)).toEqual([]);
});

test("after a resync the list is the server's", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  await page.request.post("/mock/stream?words=3");
  await page.request.post("/mock/resync");
  await expect(rows(page).first()).toContainText("Tell me why");
});
