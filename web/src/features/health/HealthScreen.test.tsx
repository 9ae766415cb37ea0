// What must not be overlooked on the Health screen.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Unchecked } from "./HealthScreen";

afterEach(cleanup);

test("hosts that are trusted without a check are named in red, and only then", () => {
  const { container, rerender } = render(<Unchecked hosts={[]} />);
  expect(container.textContent).toBe("");
  rerender(<Unchecked hosts={["lab.example", "\u202eelpmaxe.live"]} />);
  const alert = screen.getByRole("alert");
  expect(alert.textContent).toContain("lab.example, ⟨RLO⟩elpmaxe.live is not checked");
  expect(alert.querySelector(".text-bad")).not.toBeNull();
});
