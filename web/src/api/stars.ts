// The starred sessions, and putting a star on one or taking it away.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { change } from "./client";
import { starsQuery } from "./queries";
import type { Star } from "./types";

/** The ids of the starred sessions; empty until they are known. */
export function useStars(): ReadonlySet<string> {
  const { data } = useQuery(starsQuery());
  return useMemo(() => new Set(data?.items.map(({ session_id }) => session_id)), [data]);
}

/** Whether it is known which sessions have a star. */
export type StarsState = "loading" | "failed" | "known";

export function useStarsState(): StarsState {
  const { data, isError } = useQuery(starsQuery());
  return data ? "known" : isError ? "failed" : "loading";
}

export function useStarring() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ session, starred }: { session: string; starred: boolean }) =>
      change<Star>(
        starred ? "POST" : "DELETE",
        `/api/sessions/${encodeURIComponent(session)}/star`,
      ),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: starsQuery().queryKey }),
        queries.invalidateQueries({ queryKey: ["flows", "count"] }),
      ]),
  });
}
