// The star's button keeps its name and its focus, whatever becomes of the star.
// @vitest-environment jsdom
import { QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { createQueryClient } from "@/api/queries";
import { StarButton } from "./StarButton";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** A server whose answers are given one by one. */
function server() {
  const asked: { what: string; answer: (response: Response) => void }[] = [];
  vi.stubGlobal(
    "fetch",
    (address: string, { method }: RequestInit) =>
      new Promise<Response>((answer) => asked.push({ what: `${method} ${address}`, answer })),
  );
  return async (what: string, status: number, body: unknown) => {
    await waitFor(() => expect(asked.map((each) => each.what)).toEqual([what]));
    await act(async () => asked.shift()?.answer(Response.json(body, { status })));
  };
}

const stars = (...ids: string[]) => ({
  items: ids.map((session_id) => ({ session_id, starred_at: "2026-05-02T12:00:00.000000Z" })),
  next_cursor: null,
});

test("one name, pressed or not; a press while it waits changes nothing and keeps the focus", async () => {
  const answer = server();
  render(
    <QueryClientProvider client={createQueryClient()}>
      <StarButton session="s" />
    </QueryClientProvider>,
  );
  const button = screen.getByRole("button", { name: "Star" });
  const is = (name: string) => button.getAttribute(`aria-${name}`);
  button.focus();
  // It is not known yet: a press would be a guess.
  expect(is("disabled")).toBe("true");
  fireEvent.click(button);
  await answer("GET /api/stars", 200, stars("s"));
  await waitFor(() => expect([is("pressed"), is("disabled")]).toEqual(["true", "false"]));

  fireEvent.click(button);
  await waitFor(() => expect([is("pressed"), is("disabled")]).toEqual(["false", "true"]));
  fireEvent.click(button);
  expect(document.activeElement).toBe(button);
  await answer("DELETE /api/sessions/s/star", 403, { error: { code: "no", message: "no" } });
  await answer("GET /api/stars", 200, stars("s"));
  await waitFor(() => expect([is("pressed"), is("disabled")]).toEqual(["true", "false"]));
  expect(screen.getByRole("status").textContent).toBe("The star could not be changed.");
  expect(screen.getByRole("button", { name: "Star" })).toBe(button);
  expect(document.activeElement).toBe(button);
});
