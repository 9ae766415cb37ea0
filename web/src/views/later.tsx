// Code that comes when it is asked for, and is asked for anew when it did not come: once Langley answers again.
import {
  type ComponentType,
  type ReactNode,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";
import { useSocketState } from "@/live/context";
import { Button } from "@/ui/Button";
import { Notice, Skeleton } from "@/ui/Notice";

export interface Instead<P> {
  /** What stands in its place until it is there. */
  waiting?: (props: P) => ReactNode;
  /** What does where it did not come; else why it did not is told there. */
  missing?: (props: P) => ReactNode;
  /** Whether it is all that the page has. */
  isPage?: boolean;
}

/** A component whose code is loaded when it is first shown. */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
  { waiting = () => <Skeleton lines={10} />, missing, isPage = false }: Instead<P> = {},
): ComponentType<P> {
  // A component is a function, which a setter of state would call: it is kept in a box.
  let come: { Part: ComponentType<P> } | null = null;
  return function Later(props: P) {
    const [part, setPart] = useState(come);
    const [failed, setFailed] = useState(false);
    const asking = useRef(false);
    const ask = useCallback(() => {
      if (asking.current) return;
      asking.current = true;
      load()
        .then(
          (Part) => {
            come = { Part };
            setPart(come);
          },
          () => setFailed(true),
        )
        .finally(() => {
          asking.current = false;
        });
    }, []);
    const isMissing = part === null;
    useEffect(() => {
      if (isMissing) ask();
    }, [isMissing, ask]);
    if (part) return <part.Part {...props} />;
    if (!failed) return waiting(props);
    return (
      <Missing isPage={isPage} onRetry={ask}>
        {missing?.(props)}
      </Missing>
    );
  };
}

const LOADED_AT = "langley.loaded-anew";
/** A page that was loaded anew so shortly before lacks the part for another reason. */
const ANEW_MS = 60_000;

function loadAnew(): void {
  const last = Number(sessionStorage.getItem(LOADED_AT) ?? 0);
  if (Date.now() - last < ANEW_MS) return;
  sessionStorage.setItem(LOADED_AT, String(Date.now()));
  location.reload();
}

/** Asks anew by itself when the connection is there again. */
function Missing({
  isPage,
  onRetry,
  children,
}: {
  isPage: boolean;
  onRetry: () => void;
  children?: ReactNode;
}) {
  const isLive = useSocketState().at === "live";
  const wasLive = useRef(isLive);
  useEffect(() => {
    if (isLive && !wasLive.current) onRetry();
    wasLive.current = isLive;
  }, [isLive, onRetry]);
  // Some browsers remember that a part of a page did not come, and never ask for it again. There is nothing else on the
  // page, and its address says all that it shows.
  const isLost = isLive && isPage && children === undefined;
  useEffect(() => {
    if (isLost) loadAnew();
  }, [isLost]);
  if (children !== undefined) return children;
  if (isLive) {
    return (
      <Notice
        tone="bad"
        isPage={isPage}
        title="This view could not be fetched"
        action={<Button onClick={() => location.reload()}>Load the page anew</Button>}
      >
        <p>
          Langley answers, but no longer has this part of the page: it may be of another version
          than when the page was opened.
        </p>
      </Notice>
    );
  }
  return (
    <Notice
      tone="bad"
      isPage={isPage}
      title="Langley does not answer"
      action={<Button onClick={onRetry}>Try again</Button>}
    >
      <p>
        This view was not opened before, so it has to be fetched first. It appears here by itself
        once Langley answers again. If it was stopped, start it with: langley
      </p>
    </Notice>
  );
}
