// Puts a star on a session, or takes it away: retention leaves a starred one alone.
import { useStarring, useStars } from "@/api/stars";
import { IconButton } from "@/ui/Button";
import { StarIcon } from "@/ui/icons";

export function StarButton({ session }: { session: string }) {
  const stars = useStars();
  const { mutate, isPending, isError, variables } = useStarring();
  const pending = isPending && variables.session === session;
  const starred = pending ? variables.starred : stars.has(session);
  const failed = isError && variables.session === session;
  return (
    <IconButton
      label={
        failed
          ? "The star could not be changed: press to try again"
          : starred
            ? "Starred: the session is kept. Press to take the star away"
            : "Star the session, so that it is kept"
      }
      aria-pressed={starred}
      disabled={pending}
      onClick={() => mutate({ session, starred: !starred })}
      className={failed ? "text-bad" : starred ? "text-warn" : ""}
    >
      <StarIcon filled={starred} />
    </IconButton>
  );
}
