// Saying something of a finding: that it was seen, that it is not wanted, that it is done with.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { change } from "./client";
import type { Finding } from "./types";

export const SAYINGS = ["acknowledge", "mute", "resolve", "reopen"] as const;
export type Saying = (typeof SAYINGS)[number];

export function useSaying() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ finding, saying }: { finding: number; saying: Saying }) =>
      change<Finding>("POST", `/api/findings/${finding}/${saying}`),
    onSettled: () => queries.invalidateQueries({ queryKey: ["findings"] }),
  });
}
