// The hours of the week: each tells its flows and cost, and the busy ones lead to the flows of their newest.
// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { renderScreen } from "@/testing/screen";
import { makeCostItem, makeCostPage } from "@/testing/sums";
import { WeekMap } from "./WeekMap";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** The 5th of January 2026 is a Monday, here. */
const hour = new Date(2026, 0, 5, 9);
const show = (measure: "flows" | "cost", cost: { micro_usd: number } | null) => {
  const onMeasure = vi.fn();
  renderScreen(
    <WeekMap
      measure={measure}
      onMeasure={onMeasure}
      params={{}}
      counted="flow"
      filter={{ model: "m" }}
    />,
    {
      "/api/analytics/cost": makeCostPage("hour", [
        makeCostItem({ hour: hour.toISOString(), flows: 4, cost }),
      ]),
    },
  );
  return onMeasure;
};

test("a busy hour tells its sums, and leads to its flows", async () => {
  show("flows", { micro_usd: 2_500_000 });
  const cell = await screen.findByRole("link", { name: /^Monday 09:00: 4 flows, \$2\.50/ });
  const query = new URLSearchParams(cell.getAttribute("href")?.split("?")[1]);
  expect(Object.fromEntries(query)).toEqual({
    model: "m",
    since: hour.toISOString(),
    until: new Date(2026, 0, 5, 10).toISOString(),
  });
  expect(screen.getAllByRole("link")).toHaveLength(1);
});

test("the arrows go from hour to hour, and one tab stop is enough for all", async () => {
  show("flows", null);
  const cell = await screen.findByRole("link", { name: /cost not known/ });
  cell.focus();
  fireEvent.keyDown(cell, { key: "ArrowRight" });
  expect(document.activeElement?.getAttribute("aria-label")).toBe("Monday 10:00: nothing");
  expect(document.querySelectorAll('table [tabindex="0"]')).toHaveLength(1);
});

test("what it is told by can be chosen", async () => {
  const onMeasure = show("flows", null);
  fireEvent.click(await screen.findByRole("radio", { name: "Cost" }));
  expect(onMeasure).toHaveBeenCalledWith("cost");
});
