// What passed, as the ledger of a session tells it.
import { expect, test } from "vitest";
import type { Ledger } from "@/api/types";
import { onTheWire } from "./LedgerLine";

const sum = (responses: number) => ({ responses, usage: {}, cost: null, unpriced: 0 });
const ledger = (responses: number, gaps: unknown[]) =>
  ({ wire: sum(responses), gaps }) as unknown as Ledger;

test("what failed is no answer", () => {
  const gap = (side: string, reason: string) => ({ side, reason, why: "", ...sum(1) });
  expect(onTheWire(ledger(4, [gap("wire", "failed"), gap("wire", "no_transcript")]))).toBe(
    "3 responses on the wire, and 1 that failed",
  );
  expect(onTheWire(ledger(1, [gap("wire", "no_transcript")]))).toBe("1 response on the wire");
});
