// What changes its place glides there, so that the eye follows it and nothing is seen to jump.
import { type RefObject, useLayoutEffect, useRef } from "react";

const GLIDE_MS = 200;
/** A way shorter than this is none. */
const LEAST_PX = 1;

interface Place {
  /** What it is called, in what. */
  name: string;
  x: number;
  y: number;
}

/**
 * Elements in `box` with a `data-glide` of their own glide whenever `arrangement` says that they are arranged anew:
 * all that moves them must be told in it. One may stand in another and glides within it; the box, and what holds
 * others, is positioned. None may clip what it holds, since a browser counts its way as a jump: a child of it may.
 */
export function useGlide(box: RefObject<HTMLElement | null>, arrangement: string): void {
  const places = useRef(new Map<string, Place>());
  // biome-ignore lint/correctness/useExhaustiveDependencies: an arrangement is one that was rendered
  useLayoutEffect(() => {
    const within = box.current;
    if (!within) return;
    const before = places.current;
    const now = placesIn(within);
    places.current = named(now);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const [element, to] of now) {
      const from = before.get(to.name);
      if (!from) continue;
      const [x, y] = [from.x - to.x, from.y - to.y];
      if (Math.abs(x) < LEAST_PX && Math.abs(y) < LEAST_PX) continue;
      element.animate(
        [{ transform: `translate(${x}px, ${y}px)` }, { transform: "translate(0px, 0px)" }],
        // One that is still on its way from an earlier place goes on from where it is.
        { duration: GLIDE_MS, easing: "ease-out", composite: "add" },
      );
    }
  }, [box, arrangement]);
  useLayoutEffect(() => {
    const within = box.current;
    if (!within) return;
    // In a window of another width they stand elsewhere.
    const observer = new ResizeObserver(() => {
      places.current = named(placesIn(within));
    });
    observer.observe(within);
    return () => observer.disconnect();
  }, [box]);
}

/** Where each stands in the one around it, wherever that was scrolled to; one that still glides, where it goes. */
function placesIn(within: HTMLElement): [HTMLElement, Place][] {
  return Array.from(within.querySelectorAll<HTMLElement>("[data-glide]"), (element) => {
    const around = element.parentElement?.closest<HTMLElement>("[data-glide]") ?? null;
    const end = around && within.contains(around) ? around : within;
    const name = `${end.dataset["glide"] ?? ""} ${element.dataset["glide"] ?? ""}`;
    const place = { name, x: 0, y: 0 };
    let at: Element | null = element;
    while (at instanceof HTMLElement && at !== end) {
      place.x += at.offsetLeft;
      place.y += at.offsetTop;
      at = at.offsetParent;
    }
    return [element, place];
  });
}

const named = (places: readonly [HTMLElement, Place][]) =>
  new Map(places.map(([, place]) => [place.name, place]));
