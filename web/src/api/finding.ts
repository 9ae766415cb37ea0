// Saying something of a finding: that it was seen, that it is not wanted, that it is done with.
import { useMutation, useMutationState, useQueryClient } from "@tanstack/react-query";
import { change } from "./client";
import type { Finding, FindingState, Page } from "./types";

export const SAYINGS = ["acknowledge", "mute", "resolve", "reopen"] as const;
export type Saying = (typeof SAYINGS)[number];

interface Wish {
  finding: number;
  saying: Saying;
  /** Takes back what was said before. */
  undoes?: boolean;
  /** When it was wished, where the same press wished it of others too. */
  press?: number;
}

/** By this key what was said is found again. */
const KEY = ["saying"];

export function useSaying() {
  const queries = useQueryClient();
  return useMutation({
    mutationKey: KEY,
    mutationFn: ({ finding, saying }: Wish) =>
      change<Finding>("POST", `/api/findings/${finding}/${saying}`),
    // Its state until now, to which it can be brought back.
    onMutate: ({ finding }: Wish): FindingState =>
      queries
        .getQueriesData<{ pages: Page<Finding>[] }>({ queryKey: ["findings"] })
        .flatMap(([, data]) => data?.pages ?? [])
        .flatMap(({ items }) => items)
        .find(({ id }) => id === finding)?.state ?? "open",
    // Of many that one press named, the last one asks anew.
    onSettled: () =>
      queries.isMutating({ mutationKey: KEY }) > 1
        ? undefined
        : queries.invalidateQueries({ queryKey: ["findings"] }),
  });
}

/** What was said of findings, and was heard. */
export interface Said {
  finding: Finding;
  saying: Saying;
  was: FindingState;
  /** When, in milliseconds since the epoch. */
  at: number;
  undoes: boolean;
  press: number | undefined;
}

/** What was said last with one wish: of several findings where they were named together. */
export function useSaid(): Said[] {
  const all = useMutationState({
    filters: { mutationKey: KEY, status: "success" },
    select: ({ state }): Said => {
      const wish = state.variables as Wish;
      return {
        finding: state.data as Finding,
        saying: wish.saying,
        was: state.context as FindingState,
        at: state.submittedAt,
        undoes: wish.undoes ?? false,
        press: wish.press,
      };
    },
  });
  const last = all.at(-1);
  if (!last) return [];
  return all.filter((each) => each === last || (each.press ?? null) === last.press);
}

/** How many of those that a press named were refused, and whether some are on their way. */
export function usePressed(press: number | undefined): { refused: number; isPending: boolean } {
  const states = useMutationState({
    filters: { mutationKey: KEY },
    select: ({ state }) => ({ press: (state.variables as Wish).press, status: state.status }),
  }).filter((each) => press !== undefined && each.press === press);
  return {
    refused: states.filter(({ status }) => status === "error").length,
    isPending: states.some(({ status }) => status === "pending"),
  };
}
