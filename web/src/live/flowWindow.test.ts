// How the list merges a snapshot with the live tail.
import { describe, expect, test } from "vitest";
import type { Flow, Page } from "@/api/types";
import { nth } from "@/testing/flow";
import { FlowWindow, type WindowOptions } from "./flowWindow";

const page = (items: Flow[], next: string | null = null): Page<Flow> => ({
  items,
  next_cursor: next,
});

function ids(window: FlowWindow): (string | undefined)[] {
  return Array.from({ length: window.snapshot().length }, (_, at) => window.idAt(at));
}

/** A server with flows n..1, newest first, in pages of `size`. */
function serverOf(total: number, size: number) {
  const asked: (string | null)[] = [];
  const all = Array.from({ length: total }, (_, at) => nth(total - at));
  const load: WindowOptions["load"] = async (cursor) => {
    asked.push(cursor);
    const from = cursor === null ? 0 : Number(cursor);
    const next = from + size < all.length ? String(from + size) : null;
    return page(all.slice(from, from + size), next);
  };
  return { all, asked, load };
}

/** A load that answers when the test says so. */
function held() {
  let answer: (value: Page<Flow>) => void = () => {};
  let refuse: (reason: Error) => void = () => {};
  const load: WindowOptions["load"] = () =>
    new Promise((resolve, reject) => {
      answer = resolve;
      refuse = reject;
    });
  return { load, answer: (value: Page<Flow>) => answer(value), refuse: (e: Error) => refuse(e) };
}

describe("snapshot, then tail", () => {
  test("live flows that come while the list loads are replayed over it", async () => {
    const server = held();
    const window = new FlowWindow({ load: server.load, matches: () => true });
    const loading = window.resync();
    window.apply([nth(3), nth(1, { revision: 9, status: 529 })]);
    expect(window.snapshot().status).toBe("loading");
    server.answer(page([nth(2, { revision: 5 }), nth(1, { revision: 4 })]));
    await loading;
    expect(ids(window)).toEqual([nth(3).id, nth(2).id, nth(1).id]);
    expect(window.flow(nth(1).id)?.status).toBe(529);
  });

  test("an older revision never replaces a newer one, whichever way it comes", async () => {
    const server = held();
    const window = new FlowWindow({ load: server.load, matches: () => true });
    const loading = window.resync();
    window.apply([nth(1, { revision: 3, status: 500 })]);
    server.answer(page([nth(1, { revision: 7, status: 200 })]));
    await loading;
    window.apply([nth(1, { revision: 6, status: 400 })]);
    expect(window.flow(nth(1).id)?.status).toBe(200);
  });

  test("a resync keeps a live revision that is newer than the snapshot's", async () => {
    const server = held();
    const window = new FlowWindow({ load: server.load, matches: () => true });
    const first = window.resync();
    server.answer(page([nth(1, { revision: 1 })]));
    await first;
    window.apply([nth(1, { revision: 8, status: 429 })]);
    const second = window.resync();
    server.answer(page([nth(1, { revision: 5 })]));
    await second;
    expect(window.flow(nth(1).id)?.revision).toBe(8);
  });

  test("a resync drops what the server no longer has", async () => {
    const server = held();
    const window = new FlowWindow({ load: server.load, matches: () => true });
    const first = window.resync();
    server.answer(page([nth(2), nth(1)]));
    await first;
    const second = window.resync();
    server.answer(page([nth(2)]));
    await second;
    expect(ids(window)).toEqual([nth(2).id]);
  });

  test("a failed resync keeps the list and says so", async () => {
    const server = held();
    const window = new FlowWindow({ load: server.load, matches: () => true });
    const first = window.resync();
    server.answer(page([nth(1)]));
    await first;
    const second = window.resync();
    window.apply([nth(2)]);
    server.refuse(new Error("away"));
    await second;
    expect(window.snapshot()).toMatchObject({ status: "ready", length: 2 });
    expect(window.snapshot().error).toBeInstanceOf(Error);
  });
});

describe("what could not be loaded", () => {
  /** A window on two pages, of which the server refuses the second so often. */
  async function refused(times: number) {
    const server = serverOf(4, 2);
    let left = times;
    const load: WindowOptions["load"] = async (cursor, signal) => {
      const page = await server.load(cursor, signal);
      if (cursor !== null && left-- > 0) throw new Error("away");
      return page;
    };
    const window = new FlowWindow({ load, matches: () => true });
    await window.resync();
    return { window, asked: server.asked };
  }

  test("a page below that fails is not asked for again before the reader says so", async () => {
    const { window, asked } = await refused(1);
    // As the table does: each change looks and asks for more.
    const asking: Promise<void>[] = [];
    const leave = window.subscribe(() => {
      window.lookAt(0, 1, true);
      if (asking.length < 50) asking.push(window.loadMore());
    });
    await window.loadMore();
    await Promise.all(asking);
    expect(asked).toEqual([null, "2"]);
    expect(window.snapshot()).toMatchObject({ stuck: true, length: 2, more: true });
    window.retry();
    for (let turn = 0; turn < 50 && window.snapshot().more; turn += 1) await Promise.resolve();
    leave();
    expect(asked).toEqual([null, "2", "2"]);
    expect(window.snapshot()).toMatchObject({ stuck: false, error: null, length: 4 });
  });

  test("a list that was loaded anew asks for the page below again", async () => {
    const { window, asked } = await refused(1);
    await window.loadMore();
    await window.loadMore();
    expect(asked).toEqual([null, "2"]);
    await window.resync();
    await window.loadMore();
    expect(asked).toEqual([null, "2", null, "2"]);
    expect(window.snapshot()).toMatchObject({ stuck: false, length: 4 });
  });

  test("a page that was let go and cannot be loaded again is asked for once", async () => {
    const server = serverOf(6, 2);
    let away = false;
    const load: WindowOptions["load"] = async (cursor, signal) => {
      const page = await server.load(cursor, signal);
      if (away) throw new Error("away");
      return page;
    };
    const window = new FlowWindow({ load, matches: () => true, rowsMax: 2 });
    await window.resync();
    window.lookAt(2, 3, false);
    await window.loadMore();
    window.lookAt(5, 5, false);
    await window.loadMore();
    away = true;
    const before = server.asked.length;
    for (let turn = 0; turn < 20; turn += 1) {
      window.lookAt(2, 3, false);
      await Promise.resolve();
    }
    expect(server.asked.length).toBe(before + 1);
    expect(window.snapshot().stuck).toBe(true);
  });
});

describe("a list that could not be loaded anew", () => {
  /** A window on one page of `size`, whose server is away until it is told otherwise. */
  async function away(size: number) {
    const server = serverOf(size, size);
    let isAway = false;
    const load: WindowOptions["load"] = async (cursor, signal) => {
      const page = await server.load(cursor, signal);
      if (isAway) throw new Error("away");
      return page;
    };
    const window = new FlowWindow({ load, matches: () => true, rowsMax: 3 });
    await window.resync();
    isAway = true;
    await window.resync();
    server.asked.length = 0;
    const settled = () => new Promise((done) => setTimeout(done));
    return { window, asked: server.asked, settled, back: () => (isAway = false) };
  }

  test("is loaded anew when the reader asks for it", async () => {
    const { window, asked, settled, back } = await away(2);
    expect(window.snapshot()).toMatchObject({ stuck: true, length: 2 });
    back();
    window.retry();
    await settled();
    expect(asked).toEqual([null]);
    expect(window.snapshot()).toMatchObject({ stuck: false, error: null, length: 2 });
  });

  test("is not asked for again by the flows that come", async () => {
    const { window, asked, settled } = await away(2);
    window.lookAt(0, 1, true);
    for (const id of [3, 4, 5]) window.apply([nth(id)]);
    await settled();
    expect(asked).toEqual([]);
    expect(window.snapshot().stuck).toBe(true);
  });
});

describe("the filter", () => {
  test("a flow that stops matching leaves, and one that does not match never comes", async () => {
    const { load } = serverOf(2, 10);
    const window = new FlowWindow({ load, matches: (flow) => flow.status === 200 });
    await window.resync();
    window.apply([nth(2, { revision: 2, status: 500 }), nth(3, { status: 404 })]);
    expect(ids(window)).toEqual([nth(1).id]);
  });
});

describe("short pages", () => {
  /** What a search answers: pages that end before they are full, and empty ones. */
  function searched(pages: Flow[][]) {
    const load: WindowOptions["load"] = async (cursor) => {
      const at = Number(cursor ?? 0);
      return page(pages[at] ?? [], at + 1 < pages.length ? String(at + 1) : null);
    };
    return new FlowWindow({ load, matches: () => true });
  }

  test("a list goes on below an empty page, and is as long when it is loaded anew", async () => {
    const window = searched([[], [nth(5)], [], [nth(2)]]);
    await window.resync();
    expect(window.snapshot()).toMatchObject({ length: 0, more: true });
    for (let times = 0; times < 3; times += 1) await window.loadMore();
    expect(window.snapshot()).toMatchObject({ length: 2, more: false });
    await window.resync();
    expect(ids(window)).toEqual([nth(5).id, nth(2).id]);
    expect(window.snapshot().more).toBe(false);
  });

  test("a live flow is shown although nothing was found yet", async () => {
    const window = searched([[], [], [nth(2)]]);
    await window.resync();
    window.apply([nth(9)]);
    expect(ids(window)).toEqual([nth(9).id]);
    await window.loadMore();
    await window.loadMore();
    expect(ids(window)).toEqual([nth(9).id, nth(2).id]);
  });
});

describe("paging", () => {
  test("an older flow belongs to a page below, not to the end of what is loaded", async () => {
    const { load } = serverOf(20, 5);
    const window = new FlowWindow({ load, matches: () => true });
    await window.resync();
    window.apply([nth(3, { revision: 5 })]);
    expect(window.snapshot().length).toBe(5);
    await window.loadMore();
    expect(window.snapshot().length).toBe(10);
  });

  test("newcomers wait while the reader is further down", async () => {
    const { load } = serverOf(20, 10);
    const window = new FlowWindow({ load, matches: () => true });
    await window.resync();
    window.lookAt(5, 9, false);
    window.apply([nth(21), nth(22)]);
    expect(window.snapshot()).toMatchObject({ length: 10, aside: 2 });
    window.lookAt(0, 5, true);
    expect(window.snapshot()).toMatchObject({ length: 12, aside: 0 });
    expect(window.idAt(0)).toBe(nth(22).id);
  });

  test("rows far away are let go, their places stay, and they are loaded again", async () => {
    const { load, asked } = serverOf(100, 10);
    const window = new FlowWindow({ load, matches: () => true, rowsMax: 30 });
    await window.resync();
    for (let at = 10; at < 100; at += 10) {
      window.lookAt(at - 5, at, false);
      await window.loadMore();
    }
    expect(window.snapshot().length).toBe(100);
    expect(window.at(95)).toBeDefined();
    expect(window.at(20)).toBeUndefined();
    expect(window.idAt(20)).toBe(nth(80).id);
    asked.length = 0;
    window.lookAt(20, 25, false);
    await Promise.resolve();
    await new Promise((done) => setTimeout(done));
    expect(asked).toEqual(["20"]);
    expect(window.at(20)?.id).toBe(nth(80).id);
    expect(window.at(95)).toBeUndefined();
  });

  test("a list left open at the top does not grow beyond its bound", async () => {
    const { load } = serverOf(20, 10);
    const window = new FlowWindow({ load, matches: () => true, rowsMax: 30 });
    await window.resync();
    await window.loadMore();
    for (let n = 21; n < 200; n += 1) {
      window.apply([nth(n)]);
      await Promise.resolve();
      await Promise.resolve();
    }
    expect(window.snapshot().length).toBeLessThanOrEqual(41);
  });

  test("pages that somebody asked for stay while flows come, and one on its way stands where it belongs", async () => {
    const { load } = serverOf(3_000, 100);
    const window = new FlowWindow({ load, matches: () => true });
    await window.resync();
    for (let n = 1; n <= 20; n += 1) {
      const page = window.loadMore();
      window.apply([nth(3_000 + n)]);
      await page;
    }
    expect(window.snapshot().length).toBe(2_120);
    const sorted = [...ids(window)].sort().reverse();
    expect(ids(window)).toEqual(sorted);
    expect(window.idAt(2_119)).toBe(nth(901).id);
  });

  test("where the newest are all that is wanted, the oldest go and nothing is asked for again", async () => {
    const { load, asked } = serverOf(20, 10);
    const window = new FlowWindow({ load, matches: () => true, newest: 40 });
    await window.resync();
    for (let n = 21; n < 200; n += 1) window.apply([nth(n)]);
    expect(asked).toHaveLength(1);
    const { length, more } = window.snapshot();
    expect([length, more]).toEqual([Math.min(length, 40), false]);
    expect(ids(window)).toEqual(Array.from({ length }, (_, at) => nth(199 - at).id));
    expect(window.flow(nth(21).id)).toBeUndefined();
    expect(length).toBeGreaterThanOrEqual(30);
  });
});
