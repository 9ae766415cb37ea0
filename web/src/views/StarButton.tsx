// Puts a star on a session, or takes it away: retention leaves a starred one alone.
import { useStarring, useStars, useStarsState } from "@/api/stars";
import { IconButton } from "@/ui/Button";
import { StarIcon } from "@/ui/icons";

export function StarButton({ session }: { session: string }) {
  const stars = useStars();
  const isKnown = useStarsState() === "known";
  const { mutate, isPending, isError, variables } = useStarring();
  const pending = isPending && variables.session === session;
  const starred = pending ? variables.starred : stars.has(session);
  const failed = isError && variables.session === session;
  // What a press would do is not known before the stars are; disabling it would drop the focus.
  const waits = pending || !isKnown;
  return (
    <>
      <IconButton
        label="Star"
        title={
          failed
            ? "Press to try again"
            : !isKnown
              ? "It is not known yet whether the session has a star"
              : starred
                ? "The session is kept; press to take the star away"
                : "Press to keep the session"
        }
        aria-pressed={starred}
        aria-disabled={waits}
        onClick={() => {
          if (!waits) mutate({ session, starred: !starred });
        }}
        className={failed ? "text-bad" : starred ? "text-warn" : ""}
      >
        <StarIcon filled={starred} />
      </IconButton>
      <span role="status" className="sr-only">
        {failed ? "The star could not be changed." : ""}
      </span>
    </>
  );
}
