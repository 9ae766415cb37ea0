// What the summary says about the two TLS fingerprints of a flow.
// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { makeFlow } from "@/testing/flow";
import { Summary } from "./Summary";

afterEach(cleanup);

const AGENT = "t13d1713h1_5b57614c22b0_7f527383e249";
const LIBRARY = "t13d1011h1_61a7ad8aa9b6_3fcd1a44f3e3";

function facts(ja4_in: string | null, ja4_out: string | null) {
  const flow = makeFlow({ ja4_in, ja4_out });
  const { container } = render(<Summary flow={flow} onFilter={() => {}} />);
  const fold = container.querySelector("details") as HTMLDetailsElement;
  fold.open = true;
  fireEvent(fold, new Event("toggle"));
}

test("equal fingerprints are called the same", () => {
  facts(AGENT, AGENT);
  expect(screen.getAllByText(AGENT)).toHaveLength(2);
  expect(screen.getByText("same as in")).toBeTruthy();
});

test("other fingerprints are called different", () => {
  facts(AGENT, LIBRARY);
  expect(screen.getByText("different from in")).toBeTruthy();
});

test("nothing is said while one of the two is unknown", () => {
  facts(null, LIBRARY);
  expect(screen.getByText(LIBRARY)).toBeTruthy();
  expect(screen.queryByText(/ in$/)).toBeNull();
});

test("a hello that was not the wanted one is told", () => {
  const note = "the mirrored TLS hello did not work; Langley's own was sent instead";
  render(<Summary flow={makeFlow({ tls_note: note })} onFilter={() => {}} />);
  expect(screen.getByText(`TLS: ${note}`)).toBeTruthy();
});

test("why Langley answered itself is told once", () => {
  const reason = "Langley: could not reach api.anthropic.com:443: connection refused";
  const error = { kind: "upstream_unreachable", message: null };
  const flow = makeFlow({ status: 502, outcome: "upstream_gone", reason, error });
  const { container } = render(<Summary flow={flow} onFilter={() => {}} />);
  expect(container.textContent?.split("connection refused")).toHaveLength(2);
  expect(container.textContent).not.toContain("upstream_unreachable");
  cleanup();
  const stated = makeFlow({ error: { kind: "overloaded_error", message: "Later" } });
  render(<Summary flow={stated} onFilter={() => {}} />);
  expect(screen.getByText(/overloaded_error/)).toBeTruthy();
});

test("what an answer lacks, and what broke another one off, are told", () => {
  const decode_note = "the answer ended without message_stop";
  render(<Summary flow={makeFlow({ decode_note })} onFilter={() => {}} />);
  expect(screen.getByText(`Note: ${decode_note}`)).toBeTruthy();
  cleanup();
  const reason = "the provider closed the connection after 12 events, in the middle of the answer";
  const error = { kind: "provider_closed", message: null };
  const flow = makeFlow({ outcome: "upstream_gone", reason, error });
  const { container } = render(<Summary flow={flow} onFilter={() => {}} />);
  expect(container.textContent).toContain(reason);
  expect(container.textContent).not.toContain("provider_closed");
});

test("what a provider did not tell is told as an estimate, beside the cost", () => {
  const usage_estimate = {
    source: "bytes",
    input: null,
    output: 10,
    cost: { micro_usd: 200 },
  } as const;
  const flow = makeFlow({ cost: { micro_usd: 101 }, usage_estimate });
  render(<Summary flow={flow} onFilter={() => {}} />);
  expect(screen.getByText("$0.00010")).toBeTruthy();
  expect(screen.getByText("~$0.00020").parentElement?.title).toContain("10 output, by bytes");
  cleanup();
  const counted = { ...usage_estimate, source: "tokenizer" } as const;
  render(<Summary flow={makeFlow({ usage_estimate: counted })} onFilter={() => {}} />);
  expect(screen.getByText("~$0.00020").parentElement?.title).toContain("by the model's tokenizer");
  cleanup();
  render(<Summary flow={makeFlow({})} onFilter={() => {}} />);
  expect(screen.queryByText("Estimated")).toBeNull();
});
