// The frame around every screen: navigation, health at a glance, and what to do when not signed in.
import { Link, Outlet, useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { accessStore } from "@/api/access";
import { oneLine } from "@/lib/hostile";
import { paths } from "@/routes/paths";
import { unread } from "@/routes/unread";
import { Boundary } from "@/ui/Boundary";
import { CommandIcon } from "@/ui/icons";
import { asksForPalette, isTyping, KEYS, keyName, useKeys } from "@/ui/keys";
import { ThemeSwitch } from "@/views/ThemeSwitch";
import { Connection } from "./Connection";
import { ExportStatus } from "./ExportStatus";
import { HealthStrip } from "./HealthStrip";
import { Palette } from "./Palette";
import { ShortcutsDialog } from "./ShortcutsDialog";
import { SignedOut } from "./SignedOut";
import { isScreen, SCREENS } from "./screens";

/** What lies over the page. */
type Over = "help" | "palette" | null;

/** What of the address is not understood. */
function Unread() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const search = useRouterState({ select: (state) => state.location.searchStr });
  const said = unread(path, search);
  if (said.length === 0) return null;
  return (
    <p role="status" className="border-b bg-warn-soft px-4 py-1.5 text-xs wrap-anywhere text-warn">
      The address says{" "}
      {said.map(([name, value]) => `${oneLine(name, 40)}=${oneLine(value, 80)}`).join(", ")}, which
      is not known here: what is shown is without it.
    </p>
  );
}

/** How long after `g` the letter of a screen is awaited. */
const CHORD_MS = 1_200;

export function Shell() {
  const access = useSyncExternalStore(accessStore.subscribe, accessStore.current);
  const [over, setOver] = useState<Over>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useScreenKeys(() => setOver("help"));
  usePaletteKey(() => setOver((now) => (now === "palette" ? null : "palette")));
  useInnerLinks();
  useKeptFocus();
  const bar = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const screen = SCREENS.find(({ to }) => path.startsWith(to));
    document.title = screen ? `${screen.label} · Langley` : "Langley";
    // Where there is no room for all of them, the current one is brought into view.
    const link = bar.current?.querySelector(`a[href="${screen?.to}"]`);
    link?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [path]);
  if (path === paths.auth) return <SignedOut spent />;
  if (access === "signed_out") return <SignedOut />;
  return (
    <div className="flex h-full flex-col-reverse md:flex-row">
      <a
        href="#main"
        className="sr-only z-popover rounded-md bg-surface px-3 py-2 font-medium focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
      >
        Skip to the content
      </a>
      <nav
        aria-label="Screens"
        className="z-nav flex shrink-0 items-center gap-1 border-t bg-ground px-2 py-1 md:w-14 md:flex-col md:items-stretch md:border-t-0 md:border-r md:px-2 md:py-3 xl:w-48"
      >
        <Wordmark />
        <ul
          ref={bar}
          className="flex min-w-0 flex-1 gap-1 overflow-x-auto [mask-image:linear-gradient(to_right,black_calc(100%-1.5rem),transparent)] pr-4 [scrollbar-width:none] md:flex-none md:flex-col md:overflow-visible md:pr-0 md:[mask-image:none]"
        >
          {SCREENS.map(({ to, label, key, Icon }) => (
            <li key={to} className="min-w-15 flex-1 md:min-w-0 md:flex-none">
              <Link
                to={to}
                title={`${label} (${KEYS.go} ${key})`}
                className="flex h-11 flex-col items-center justify-center gap-0.5 rounded-md px-1 text-ink-2 hover:bg-raised hover:text-ink md:h-8 md:flex-row md:gap-2.5 md:px-2.5 xl:justify-start aria-[current=page]:bg-selected aria-[current=page]:text-ink"
              >
                <Icon />
                <span className="text-2xs font-medium md:sr-only md:text-sm xl:not-sr-only">
                  {label}
                </span>
              </Link>
            </li>
          ))}
        </ul>
        <div className="flex items-center gap-1 md:mt-auto md:flex-col md:items-stretch md:gap-3">
          <PaletteButton onOpen={() => setOver("palette")} />
          <Connection />
          <div className="max-md:hidden">
            <ThemeSwitch />
          </div>
        </div>
      </nav>
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <HealthStrip />
        <Unread />
        <main id="main" tabIndex={-1} className="min-h-0 flex-1 bg-surface outline-none">
          <Boundary resetKey={path}>
            <Outlet />
          </Boundary>
        </main>
      </div>
      <ExportStatus />
      {/* A dialog tells its end later than another may have begun. */}
      <ShortcutsDialog
        open={over === "help"}
        onClose={() => setOver((now) => (now === "help" ? null : now))}
      />
      <Palette
        open={over === "palette"}
        onClose={() => setOver((now) => (now === "palette" ? null : now))}
        onHelp={() => setOver("help")}
      />
    </div>
  );
}

function Wordmark() {
  return (
    <div className="hidden items-center gap-2.5 px-2 pb-4 md:flex xl:px-2.5">
      <img src="/favicon.svg" alt="" width={20} height={20} className="size-5" />
      <span className="hidden text-base font-semibold tracking-tight xl:inline">Langley</span>
    </div>
  );
}

/** A plain link to another screen changes the screen, not the page: what is loaded stays. */
function useInnerLinks(): void {
  const router = useRouter();
  useEffect(() => {
    const follow = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
      const wish = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
      const href = link?.getAttribute("href") ?? "";
      if (event.defaultPrevented || !wish || event.altKey || !isScreen(href)) return;
      if (link?.hasAttribute("download") || link?.hasAttribute("target")) return;
      event.preventDefault();
      router.history.push(href);
    };
    document.addEventListener("click", follow);
    return () => document.removeEventListener("click", follow);
  }, [router]);
}

/** What had the focus may go with the screen it was on: the content has it then, not the page's beginning. */
function useKeptFocus(): void {
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe("onRendered", ({ fromLocation }) => {
        if (fromLocation === undefined || document.activeElement !== document.body) return;
        document.getElementById("main")?.focus({ preventScroll: true });
      }),
    [router],
  );
}

function PaletteButton({ onOpen }: { onOpen: () => void }) {
  const key = keyName("palette");
  return (
    <button
      type="button"
      onClick={onOpen}
      title={`Commands (${key})`}
      className="flex h-11 w-11 items-center justify-center gap-2.5 rounded-md text-ink-2 hover:bg-raised hover:text-ink md:h-8 md:w-auto md:px-2.5 xl:justify-start xl:border xl:bg-surface"
    >
      <CommandIcon />
      <span className="sr-only flex-1 text-left text-sm xl:not-sr-only">Commands</span>
      <span aria-hidden="true" className="hidden font-mono text-2xs text-ink-3 xl:inline">
        {key}
      </span>
    </button>
  );
}

/** From anywhere, a field too: what is typed there is not lost. */
function usePaletteKey(onKey: () => void): void {
  const latest = useRef(onKey);
  useEffect(() => {
    latest.current = onKey;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (!asksForPalette(event)) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}

function useScreenKeys(onHelp: () => void): void {
  const navigate = useNavigate();
  const chord = useRef(0);
  useKeys((event) => {
    if (isTyping(event)) return false;
    if (event.key === KEYS.help) {
      onHelp();
      return true;
    }
    if (event.key === KEYS.go) {
      chord.current = Date.now();
      return true;
    }
    const screen = SCREENS.find(({ key }) => key === event.key);
    if (!screen || Date.now() - chord.current > CHORD_MS) return false;
    chord.current = 0;
    void navigate({ to: screen.to });
    return true;
  });
}
