// States that a real server cannot be brought into at will, played by the mock server.
import { expect, isMock, rows, test, violations } from "./support";
import { note, shifted } from "./watch";

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

test("a screen first opened while the server is down says so, and comes by itself when it is back", async ({
  page,
}) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  await page.request.post("/mock/down");
  await expect(page.getByText(/Reconnecting/)).toBeVisible();
  await page.getByRole("link", { name: "Spend" }).click();
  const told = page.getByRole("alert").getByText("Langley does not answer");
  await expect(told).toBeVisible();
  await page.getByRole("button", { name: "Try again", exact: true }).click();
  await expect(told).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.request.post("/mock/normal");
  await expect(page.getByRole("heading", { name: "Where it goes" })).toBeVisible({
    timeout: 20_000,
  });
});

test("an address of no session, or of no conversation, leads back to those there are", async ({
  page,
}) => {
  await page.goto("/sessions/no-such-session");
  await expect(
    page.getByRole("heading", { name: "There is no such session here", level: 1 }),
  ).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("link", { name: "Look in History" }).click();
  await expect(
    page.getByRole("heading", { name: "There is no such conversation here", level: 1 }),
  ).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("link", { name: "All conversations" }).click();
  await expect(page).toHaveURL(/\/history$/);
});

test("what was said of a finding is taken back by a key", async ({ page }) => {
  await page.goto("/findings");
  const mute = page.getByRole("button", { name: /^Mute all 7: Bash fails again and again/ });
  await mute.click();
  await expect(mute).toHaveCount(0);
  await expect(page.getByText("Muted: 7 findings").first()).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("u");
  await expect(mute).toBeVisible();
  await expect(page.getByText("Undone: 7 findings").first()).toBeVisible();
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

test("a tool that is being called has its name while its input is written", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  const before = await rows(page).first().getAttribute("id");
  await page.request.post("/mock/stream?words=20&tool=mcp__github__search");
  await expect(rows(page).first()).not.toHaveAttribute("id", before ?? "");
  await rows(page).first().click();
  const live = page.getByTestId("live-answer");
  await expect(live).toContainText("searchMCP github", { timeout: 10_000 });
  await expect(live).toContainText("cargo nextest");
});

test("sessions that begin and come to rest move nothing at once", async ({ page }) => {
  await note(page);
  await page.setViewportSize({ width: 1280, height: 2400 });
  await page.goto("/now");
  const cards = page.getByRole("main").locator("[data-glide^=session]");
  await expect(cards.first()).toBeVisible();
  const before = await cards.count();
  for (const session of ["0000-a", "0000-b", "0000-c"]) {
    await page.request.post(`/mock/stream?words=3&session=${session}`);
    await expect(page.getByRole("link", { name: session })).toBeVisible();
  }
  const atWork = page.getByRole("list", { name: "Sessions at work" });
  await expect(atWork.getByRole("link", { name: "0000-c" })).toHaveCount(0, { timeout: 20_000 });
  expect(await cards.count()).toBe(before + 3);
  expect(await shifted(page)).toEqual([]);
});

test("the end of a stream moves nothing, and a row stays the element it was", async ({ page }) => {
  await note(page);
  const stream = async (query: string) => {
    const answer = await page.request.post(`/mock/stream?${query}`);
    return ((await answer.json()) as { id: string }).id;
  };
  const id = await stream("words=60");
  await page.goto(`/flows/${id}`);
  const article = page.getByRole("article", { name: "Flow" });
  await expect(article.getByTestId("live-answer")).toBeVisible();
  const row = page.locator(`#row-${id}`);
  await row.evaluate((element) => Object.assign(element, { stays: true }));
  const newer = await stream("words=3");
  await expect(page.locator(`#row-${newer}`)).toBeVisible();
  await expect(article.getByText("200 Completed")).toBeVisible({ timeout: 20_000 });
  await expect(article.getByTestId("live-answer")).toHaveCount(0);
  expect(await row.evaluate((element) => "stays" in element)).toBe(true);
  expect(await shifted(page)).toEqual([]);
});

test("the page of a WebSocket tells its responses as links, and of no fault", async ({ page }) => {
  // Its calls came after it.
  await page.goto("/flows?status=101");
  await rows(page).last().click();
  const article = page.getByRole("article", { name: "Flow" });
  await expect(article.getByText("All 3 responses completed.")).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.goto(`${page.url()}&tab=raw`);
  await expect(article.getByText("All 3 responses completed.")).toBeVisible();
  await article.getByRole("link", { name: "Other messages" }).click();
  await expect(article.getByText(/each has its messages as its own events/)).toBeVisible();
  await article.getByRole("link", { name: "Responses" }).click();
  await article.getByRole("link", { name: /the note is written/ }).click();
  await expect(article.getByRole("link", { name: "Conversation" })).toBeVisible();
});

test("only types that occur are offered among the events", async ({ page }) => {
  await page.goto("/flows?status=200");
  await rows(page).nth(5).click();
  await page.getByRole("link", { name: /^Events/ }).click();
  const type = page.getByLabel("Type of event");
  await expect(type.locator("option").nth(1)).toHaveText(/^\w+ \([\d,]+\)$/);
  await type.selectOption("message_start");
  await expect(page.getByText("1 events")).toBeVisible();
});

test("a request says in how many pieces it is kept, and which are new", async ({ page }) => {
  await page.goto("/flows?status=200");
  await rows(page).nth(6).click();
  await page.getByRole("link", { name: "Raw" }).click();
  const pieces = page.getByText(/^Kept in 83 pieces/);
  await expect(pieces).toContainText("3 of them new");
  await pieces.click();
  await expect(page.getByText("31 pieces, 176 KiB")).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test("the cost has a column once a flow has one", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  const cost = page.getByRole("columnheader", { name: "Cost" });
  await expect(cost).toHaveCount(0);
  await page.request.post("/mock/priced");
  await page.reload();
  await expect(cost).toBeVisible();
});

test("menus of many values say that there may be more, and search for them", async ({ page }) => {
  await page.goto("/flows");
  await expect(rows(page).first()).toBeVisible();
  await page.getByRole("button", { name: "Session", exact: true }).click();
  await expect(page.getByText("12 sessions are listed; there may be more")).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.type("THE");
  await expect(page.getByRole("listbox").getByRole("option").first()).toContainText(/the/i);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/session=/);
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: /^Session \S/ }).click();
  await page.keyboard.type("no such session");
  await expect(page.getByText("No such session.")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByText("No such session.")).toBeHidden();
});

test("a menu's field has the focus as soon as the menu is there", async ({ page }) => {
  await page.goto("/flows");
  const button = page.getByRole("button", { name: "Session", exact: true });
  const focused = await button.evaluate((opener: HTMLButtonElement) => {
    opener.focus();
    opener.click();
    return document.activeElement?.getAttribute("role");
  });
  expect(focused).toBe("combobox");
  await page.keyboard.press("Escape");
  await expect(button).toBeFocused();
  await expect(page.getByLabel("Search in Session")).toHaveCount(0);
});

test("a search that cannot be read says why", async ({ page }) => {
  await page.goto("/search?q=explode");
  await expect(page.getByText("The search words cannot be read.")).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test("a used link is told in the dashboard's own page", async ({ page }) => {
  await page.goto("/auth?code=spent");
  await expect(
    page.getByRole("heading", { name: "This sign-in link does not work any more" }),
  ).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test("a demonstration gives no advice on agents", async ({ page }) => {
  await page.request.post("/mock/demo");
  await page.goto("/setup");
  await expect(page.getByRole("heading", { name: "This is a demonstration" })).toBeVisible();
  await expect(page.getByText("langley run -- claude")).toHaveCount(0);
});

test("the setup page needs no scrolling on a laptop", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto("/setup");
  await expect(page.getByRole("heading", { name: "Commands" })).toBeVisible();
  // Once all of it is there.
  const setup = page.getByRole("region", { name: "Setup" });
  await expect
    .poll(() => setup.evaluate((view) => view.scrollHeight - view.clientHeight))
    .toBeLessThanOrEqual(0);
});

test("the flow of a link is in view in the list, wherever it stands there", async ({ page }) => {
  const answer = await page.request.get("/api/flows?limit=200");
  const { items } = (await answer.json()) as { items: { id: string }[] };
  const { id } = items[180] ?? { id: "none" };
  await page.goto(`/flows/${id}`);
  await expect(page.locator(`#row-${id}`)).toBeInViewport();
  // Whoever scrolls on is not taken back.
  await page.getByRole("grid", { name: "Flows" }).evaluate((grid) => grid.scrollTo(0, 0));
  await expect(page.locator(`#row-${id}`)).toHaveCount(0);
});

test("of a flow that is further back than the list goes, the list up to it is offered", async ({
  page,
}) => {
  let cursor = "";
  let id = "none";
  for (let pages = 0; pages < 6; pages++) {
    const answer = await page.request.get(`/api/flows?limit=500${cursor}`);
    const { items, next_cursor } = (await answer.json()) as {
      items: { id: string }[];
      next_cursor: string;
    };
    cursor = `&cursor=${encodeURIComponent(next_cursor)}`;
    id = items[100]?.id ?? "none";
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`/flows/${id}`);
  await page.getByRole("button", { name: "List those up to it" }).click();
  await expect(page).toHaveURL(/until=/);
  await expect(page.locator(`#row-${id}`)).toBeInViewport();
  await expect(page.getByText("further back than the list goes")).toHaveCount(0);
});

for (const theme of ["light", "dark"] as const) {
  for (const width of [390, 1280]) {
    test(`axe finds nothing where much is unfolded, ${theme}, ${width} px`, async ({ page }) => {
      test.setTimeout(120_000);
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 844 });
      const fine = async (what: string) => {
        await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
        expect(await violations(page), what).toEqual([]);
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth - window.innerWidth,
        );
        expect(wide, `${what} scrolls sideways`).toBeLessThanOrEqual(0);
      };
      // What is the same in many places is one row, which unfolds to each of them.
      await page.goto("/findings");
      await page.getByRole("button", { name: "Kind" }).click();
      await expect(page.getByRole("option", { name: /failing tool/ })).toBeVisible();
      await fine("the kinds of findings");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /×\d+/ }).click();
      await expect(page.getByRole("list", { name: /^\d+ findings: / })).toBeVisible();
      await fine("a group of findings");
      const ask = async (path: string) =>
        (await (await page.request.get(path)).json()) as {
          items: { id: string; name: string; agent_id?: string; session_id: string }[];
        };
      const { items } = await ask("/api/flows?provider=anthropic&outcome=completed&limit=300");
      const flow = items[40]?.id ?? "none";
      await page.goto(`/flows/${flow}?tab=context`);
      await page.getByRole("table", { name: "Parts of the context" }).waitFor();
      await fine("the parts of a context");
      await page.goto(`/flows/${flow}?tab=changes`);
      const piece = page.locator("main details li details, main li details").first();
      await piece.locator("summary").click();
      await expect(piece).toHaveAttribute("open", "");
      await fine("what changed");
      const lanes = items.find(({ agent_id }) => agent_id)?.session_id ?? "none";
      await page.goto(`/history/${encodeURIComponent(lanes)}?order=oldest`);
      await expect(page.getByRole("radio", { name: "Oldest" })).toBeChecked();
      await expect(page.getByRole("button", { name: /^Explore: / }).first()).toBeVisible();
      await fine("a conversation from its beginning");
    });
  }
}

test("on a phone a session's id is whole, and what turns a conversation stands in one row", async ({
  page,
}) => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/sessions", "/history"]) {
    await page.goto(path);
    const ids = page.locator("main [data-row] span.font-mono > span.truncate");
    await expect(ids.first()).toBeVisible();
    const cut = await ids.evaluateAll((all) =>
      all.filter((id) => id.scrollWidth > id.clientWidth).map((id) => id.textContent),
    );
    expect(cut, path).toEqual([]);
  }
  await page.locator("main [data-row]").first().click();
  const controls = [
    page.getByRole("button", { name: "Wire", exact: true }),
    page.getByRole("button", { name: "Notes", exact: true }),
  ];
  const [wire, notes] = await Promise.all(
    controls.map(async (control) => (await control.boundingBox())?.y),
  );
  expect(wire).toBeDefined();
  expect(notes).toBe(wire);
});

test("what has no room in a call's row stands below its time", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/tools?tool=Read");
  const row = page.getByRole("list", { name: "Calls" }).locator("[data-row]").first();
  await expect(row).toBeVisible();
  const lefts = await row.evaluate((button) =>
    [...button.querySelectorAll(":scope > span")].map((part) =>
      Math.round(part.getBoundingClientRect().left),
    ),
  );
  expect(Math.min(...lefts)).toBe(lefts[0]);
});
