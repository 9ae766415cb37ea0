// Uses the one-time link once and keeps the session for every test.
import { chromium, type FullConfig } from "@playwright/test";

export default async function signIn(config: FullConfig): Promise<void> {
  const { baseURL, launchOptions } = config.projects[0]?.use ?? {};
  const browser = await chromium.launch(launchOptions ?? {});
  const page = await browser.newPage();
  const answer = await page.goto(process.env["LANGLEY_URL"] ?? `${baseURL}/auth?code=mock`);
  if (!answer?.ok()) {
    throw new Error(
      `The link was refused with status ${answer?.status()}: it works once, so make a new one.`,
    );
  }
  await page.context().storageState({ path: "test-results/session.json" });
  await browser.close();
}
