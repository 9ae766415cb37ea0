// What a list to pick from says to whoever does not see it.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { PickList } from "./PickList";

afterEach(cleanup);

test("the list is called open only while it shows, and what is said in its place is a status", () => {
  const list = (values: string[], empty: string, note: string | null = null) => (
    <PickList
      label="Host"
      value=""
      options={values.map((value) => ({ value, content: value }))}
      typed=""
      onType={() => {}}
      onPick={() => {}}
      note={note}
      empty={empty}
    />
  );
  const { rerender } = render(list([], "Loading…"));
  const expanded = () => screen.getByRole("combobox").getAttribute("aria-expanded");
  const said = () => screen.getAllByRole("status").map(({ textContent }) => textContent);
  const places = screen.getAllByRole("status");
  expect([expanded(), said()]).toEqual(["false", ["Loading…", ""]]);
  rerender(list(["a.example"], "No such host.", "There may be more."));
  expect([expanded(), said()]).toEqual(["true", ["", "There may be more."]]);
  rerender(list([], "No such host."));
  expect([expanded(), said()]).toEqual(["false", ["No such host.", ""]]);
  // A place that comes with its words is not read out.
  expect(screen.getAllByRole("status")).toEqual(places);
});
