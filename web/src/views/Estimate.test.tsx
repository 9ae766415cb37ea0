// What is estimated stands beside a cost, and says that no sum has it.
// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Estimate } from "./Estimate";

afterEach(cleanup);

test("an estimate tells its cost and of what it is", () => {
  const estimated = {
    cost: { micro_usd: 427_400 },
    flows: 2,
    priced_flows: 2,
    input: null,
    output: 5_200,
  };
  render(<Estimate of={estimated} />);
  const told = screen.getByText("+ ~$0.427");
  expect(told.title).toBe(
    "Estimated of 2 flows whose usage was not told to the end: 5.2k output tokens. It is in no other figure.",
  );
});

test("without one nothing is told", () => {
  const nothing = { cost: null, flows: 1, priced_flows: 0, input: null, output: 3 };
  const { container } = render(
    <>
      <Estimate of={null} />
      <Estimate of={nothing} />
    </>,
  );
  expect(container.textContent).toBe("");
});
