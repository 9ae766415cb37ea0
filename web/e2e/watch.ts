// What the measurements share: what a page does while it is watched, second by second.
import type { CDPSession, Page } from "@playwright/test";
import { traceTasks } from "./support";

/** A task longer than this is felt. */
export const LONG_MS = 50;

/** What the page itself notes; kept in it, under `soak`. */
interface Noted {
  /** Since the page began: how often React has changed what is shown, and in which second how often. */
  commits: Record<number, number>;
  shift: number;
  shifted: string[];
  /** Long tasks by the clock: when, in milliseconds since the epoch, and how long. */
  long: [number, number][];
}

/** Begins to note in every document that this page opens. */
export async function note(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const noted: Noted = { commits: {}, shift: 0, shifted: [], long: [] };
    const second = () => Math.floor((performance.timeOrigin + performance.now()) / 1000);
    Object.assign(window, {
      soak: noted,
      // How React tells tools of each change it makes: in a build for use too.
      __REACT_DEVTOOLS_GLOBAL_HOOK__: {
        supportsFiber: true,
        renderers: new Map(),
        inject: () => 1,
        onCommitFiberUnmount: () => undefined,
        onPostCommitFiberRoot: () => undefined,
        onCommitFiberRoot: () => {
          noted.commits[second()] = (noted.commits[second()] ?? 0) + 1;
        },
      },
    });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & {
        value: number;
        sources: { node: Node | null }[];
      })[]) {
        noted.shift += entry.value;
        for (const { node } of entry.sources) {
          const element = node instanceof Element ? node : node?.parentElement;
          if (noted.shifted.length < 5) noted.shifted.push(element?.outerHTML.slice(0, 160) ?? "?");
        }
      }
    }).observe({ type: "layout-shift" });
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        noted.long.push([performance.timeOrigin + startTime, duration]);
      }
    }).observe({ type: "longtask" });
  });
}

/** What has jumped since the document began, or since it was watched last; the first of it. */
export async function shifted(page: Page): Promise<string[]> {
  const noted = await page.evaluate(() => (window as unknown as { soak: Noted }).soak);
  return noted.shifted;
}

/** Bytes of the page's heap after what is not used any more was let go. */
export async function heap(client: CDPSession): Promise<number> {
  await client.send("HeapProfiler.collectGarbage");
  return (await client.send("Runtime.getHeapUsage")).usedSize;
}

/** What was seen of a page in a while. */
export interface Seen {
  seconds: number;
  /** Render batches in the busiest second, and in a second on average. */
  batches: number;
  usual: number;
  shift: number;
  shifted: string[];
  /** Long tasks by the clock, in milliseconds; those of moments at which nothing ran here are told apart. */
  long: number[];
  frozen: number;
  /** The longest task by processor time, in milliseconds. */
  longest: number;
}

/** When this process itself was not let run, as [from, to]: then the page was not either. */
class Stalls {
  private readonly found: [number, number][] = [];
  private last = Date.now();
  private readonly timer = setInterval(() => {
    const now = Date.now();
    if (now - this.last > 60) this.found.push([this.last, now]);
    this.last = now;
  }, 10);

  during(from: number, to: number): boolean {
    return this.found.some(([began, ended]) => began < to && from < ended);
  }

  end(): void {
    clearInterval(this.timer);
  }
}

/** Looks on while `during` happens. */
export async function watch(page: Page, during: () => Promise<void>): Promise<Seen> {
  const stalls = new Stalls();
  const began = Date.now();
  await page.evaluate(() => {
    const { soak } = window as unknown as { soak: Noted };
    Object.assign(soak, { commits: {}, shift: 0, shifted: [], long: [] });
  });
  const stop = await traceTasks(page);
  await during();
  const { longest } = await stop();
  const noted = await page.evaluate(() => (window as unknown as { soak: Noted }).soak);
  const ended = Date.now();
  stalls.end();
  // The first second and the last one were not watched from end to end.
  const seconds = Math.max(1, Math.floor(ended / 1000) - Math.floor(began / 1000) - 1);
  const counts = Object.entries(noted.commits)
    .filter(([at]) => Number(at) > began / 1000 && Number(at) + 1 < ended / 1000)
    .map(([, count]) => count);
  const long = noted.long.filter(([at, took]) => !stalls.during(at, at + took));
  return {
    seconds,
    batches: Math.max(0, ...counts),
    usual: counts.reduce((sum, count) => sum + count, 0) / seconds,
    shift: noted.shift,
    shifted: noted.shifted,
    long: long.map(([, took]) => Math.round(took)),
    frozen: noted.long.length - long.length,
    longest,
  };
}

/** On one line. */
export function told(seen: Seen): string {
  const { seconds, batches, usual, shift, long, frozen, longest } = seen;
  return [
    `${seconds} s`,
    `${batches} render batches in the busiest second, ${usual.toFixed(1)} in a usual one`,
    `layout shift ${shift.toFixed(4)}`,
    `${long.length} long tasks by the clock${long.length > 0 ? ` (the longest ${Math.max(...long)} ms)` : ""}${
      frozen > 0 ? ` and ${frozen} while this machine stood still` : ""
    }`,
    `the longest took ${longest.toFixed(0)} ms of the processor`,
  ].join("; ");
}
