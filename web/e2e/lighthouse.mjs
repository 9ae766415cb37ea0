// Lighthouse on every screen, by hand: what loads, whom it shuts out, and what browsers advise against. See docs/quality.md.
//
// Run it in a folder where `npm install lighthouse` was run, with a one-time link of a running langley:
//   node …/web/e2e/lighthouse.mjs 'http://127.0.0.1:9091/auth?code=…' [mobile]
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Not a dependency of the dashboard: it is taken from the folder that this is run in. */
const here = createRequire(join(process.cwd(), "package.json"));
const from = (name) => import(pathToFileURL(here.resolve(name)).href);
const { default: lighthouse, desktopConfig } = await from("lighthouse");
const { launch } = await from("chrome-launcher");
const { default: puppeteer } = await from("puppeteer-core");

const [link, form] = process.argv.slice(2);
if (!link)
  throw new Error("Name a one-time link of a running langley: it is printed at its start.");
const { origin } = new URL(link);
const found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const chromePath = process.env.CHROMIUM ?? found.find((path) => existsSync(path));

/** From this score on a category is good enough. */
const WANTED = 95;

const chrome = await launch({
  chromePath,
  chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"],
});
const browser = await puppeteer.connect({ browserURL: `http://127.0.0.1:${chrome.port}` });
const page = await browser.newPage();
await page.goto(link);
const first = (path) =>
  page.evaluate(
    async (path) => encodeURIComponent((await (await fetch(path)).json()).items[0]?.id ?? "none"),
    path,
  );
const session = await first("/api/sessions?limit=1");
const flow = await first("/api/flows?outcome=completed&limit=1");
const written = await first("/api/conversations?limit=1");
if (written === "none")
  console.log("No conversation is scored: no agent's file was read by this langley.");
let low = 0;
for (const path of [
  "/now",
  "/sessions",
  `/sessions/${session}`,
  "/history",
  ...(written === "none" ? [] : [`/history/${written}`]),
  "/flows",
  `/flows/${flow}`,
  "/spend",
  "/tools",
  "/findings",
  "/search?q=the",
  "/health",
  "/settings",
  "/setup",
]) {
  const options = {
    port: chrome.port,
    // The sign-in is a cookie.
    disableStorageReset: true,
    logLevel: "error",
    onlyCategories: ["performance", "accessibility", "best-practices"],
  };
  const { lhr } = await lighthouse(
    origin + path,
    options,
    form === "mobile" ? undefined : desktopConfig,
  );
  const scores = Object.values(lhr.categories).map(({ id, score }) => {
    const points = Math.round((score ?? 0) * 100);
    if (points < WANTED) low += 1;
    return `${id} ${points}`;
  });
  const costly = Object.values(lhr.categories)
    .flatMap(({ auditRefs }) => auditRefs)
    .filter(({ weight, id }) => weight > 0 && (lhr.audits[id].score ?? 1) < 0.9)
    .map(({ id }) => `${id} ${lhr.audits[id].displayValue ?? ""}`.trim());
  console.log(`${path.slice(0, 20).padEnd(22)}${scores.join("  ")}  ${costly.join(", ")}`);
}
await browser.disconnect();
chrome.kill();
process.exitCode = low > 0 ? 1 : 0;
