// Which key presses are a field's, and which are the page's.
// @vitest-environment jsdom
import { afterEach, expect, test } from "vitest";
import { isTyping } from "./keys";

afterEach(() => document.body.replaceChildren());

function pressedIn(html: string): boolean {
  document.body.innerHTML = html;
  const event = new KeyboardEvent("keydown", { key: "?", bubbles: true });
  document.querySelector("input, button")?.dispatchEvent(event);
  return isTyping(event);
}

test("a key in a field is the field's, unless what it is in was closed", () => {
  expect(pressedIn("<input>")).toBe(true);
  expect(pressedIn("<dialog open><input></dialog>")).toBe(true);
  expect(pressedIn("<dialog><input></dialog>")).toBe(false);
  expect(pressedIn("<input type='radio'>")).toBe(false);
  expect(pressedIn("<button></button>")).toBe(false);
});
