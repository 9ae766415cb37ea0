// What a row of the list says of a flow that lacks something or was broken off.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { makeFlow } from "@/testing/flow";
import { Status, What } from "./columns";

afterEach(cleanup);

test("a flow with a note says so, and the note itself is what it is asked for", () => {
  const note = "the answer ended without message_stop";
  render(<What flow={makeFlow({ decode_note: note })} />);
  expect(screen.getByTitle(note).textContent).toBe("note");
  expect(screen.queryByText("gaps")).toBeNull();
  cleanup();
  render(<What flow={makeFlow({ capture_gaps: 2 })} />);
  expect(screen.getByText("gaps")).toBeTruthy();
  expect(screen.queryByText("note")).toBeNull();
});

test("an outcome has its reason where one is known, and else what it means", () => {
  const reason = "the provider reset the connection after 12 events, in the middle of the answer";
  render(<Status flow={makeFlow({ outcome: "upstream_gone", reason })} />);
  expect(screen.getByTitle(new RegExp(`: ${reason}$`))).toBeTruthy();
  cleanup();
  render(<Status flow={makeFlow({ outcome: "upstream_gone" })} />);
  expect(screen.queryByTitle(new RegExp(reason))).toBeNull();
});
