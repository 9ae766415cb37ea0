// An export is saved when it is whole and not before, and how it ended is always told.
import { afterEach, expect, test, vi } from "vitest";
import { ExportStore, type ExportWish } from "./exporting";

afterEach(() => vi.unstubAllGlobals());

const WISH: ExportWish = {
  what: "flows",
  file: "langley-flows",
  filter: { model: "a b" },
  format: "csv",
};
const body = (...chunks: (string | Error)[]) =>
  new ReadableStream<Uint8Array>({
    pull(control) {
      const next = chunks.shift();
      if (next === undefined) control.close();
      else if (next instanceof Error) control.error(next);
      else control.enqueue(new TextEncoder().encode(next));
    },
  });
function exporter(answer: () => Response, heldMax?: number) {
  const saved: [string, string][] = [];
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (address: string) => {
    asked.push(address);
    return answer();
  });
  const text = (parts: BlobPart[]) =>
    parts.map((part) => new TextDecoder().decode(part as Uint8Array<ArrayBuffer>)).join("");
  const store = new ExportStore((parts, file) => saved.push([file, text(parts)]), heldMax);
  return { store, saved, asked };
}

test("all pieces of an export are saved under a name that tells its form", async () => {
  const { store, saved, asked } = exporter(() => new Response(body("one,", "two")));
  const begun = store.start(WISH);
  expect(store.current()).toEqual({ state: "running", what: "flows", bytes: 0 });
  await begun;
  expect(asked).toEqual(["/api/flows/export?model=a+b&format=csv"]);
  expect(saved).toEqual([["langley-flows.csv", "one,two"]]);
  expect(store.current()).toEqual({
    state: "saved",
    what: "flows",
    file: "langley-flows.csv",
    bytes: 7,
  });
  store.dismiss();
  expect(store.current()).toBeNull();
});

test("an export that breaks off is told as such, and no part of it is saved", async () => {
  const { store, saved } = exporter(() => new Response(body("one,", new Error("reset"))));
  await store.start(WISH);
  expect(saved).toEqual([]);
  expect(store.current()).toMatchObject({ state: "failed", href: null });
});

test("what the server says against it is told in its words", async () => {
  const error = { code: "busy", message: "Two exports run.", hint: "Wait." };
  const { store } = exporter(() => Response.json({ error }, { status: 503 }));
  await store.start(WISH);
  expect(store.current()).toMatchObject({ message: "Two exports run.", hint: "Wait." });
});

test("what is too large to hold is left to the browser", async () => {
  const { store, saved } = exporter(() => new Response(body("12345", "67890", "never read")), 8);
  await store.start(WISH);
  expect(saved).toEqual([]);
  expect(store.current()).toMatchObject({
    state: "failed",
    href: "/api/flows/export?model=a+b&format=csv",
  });
});

test("one that was stopped saves nothing, and says nothing later", async () => {
  const { store, saved } = exporter(() => new Response(body("one")));
  const begun = store.start(WISH);
  store.stop();
  await begun;
  expect([saved, store.current()]).toEqual([[], null]);
});
