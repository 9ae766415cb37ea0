// Usage in classes that mean the same for every provider, read from what each states in its own sense.
//
// Anthropic and Bedrock state input without what was cached. OpenAI and Gemini state all of it, cached
// tokens included; so does OpenAI's output with its reasoning, while Gemini states thoughts beside it.
import type { Flow, Usage } from "@/api/types";

type Class = "cache_write_5m" | "cache_write_1h" | "reasoning";

interface Sense {
  /** What it may state beside input, what was read from the cache, and output. */
  states: readonly Class[];
  /** Whether `input` holds what was read from the cache and written to it. */
  inputHasCached: boolean;
  /** Whether `output` holds the reasoning. */
  outputHasReasoning: boolean;
}

const SENSES: Record<string, Sense> = {
  anthropic: {
    states: ["cache_write_5m", "cache_write_1h"],
    inputHasCached: false,
    outputHasReasoning: true,
  },
  bedrock: {
    states: ["cache_write_5m", "cache_write_1h"],
    inputHasCached: false,
    outputHasReasoning: true,
  },
  openai: { states: ["reasoning"], inputHasCached: true, outputHasReasoning: true },
  gemini: { states: ["reasoning"], inputHasCached: true, outputHasReasoning: false },
};

export interface Figure {
  name: string;
  value: number | null;
  /** What it is, for people who have to rely on it. */
  title: string;
}

type Used = Pick<Flow, "dialect" | "usage">;

/**
 * Input tokens that the cache had no part in. Where that cannot be told, because the input holds cached
 * tokens and nobody says how many, it is the whole input under a name of its own.
 */
export function inputFigure({ dialect, usage }: Used): Figure {
  const { input } = usage;
  const sense = SENSES[dialect ?? ""];
  const uncached = { name: "Uncached input", value: input };
  if (input === null) return { ...uncached, title: "Input tokens: not stated" };
  if (!sense) return { name: "Input", value: input, title: "Input tokens, as stated" };
  if (!sense.inputHasCached) {
    return { ...uncached, title: "Input tokens neither read from the cache nor written to it" };
  }
  const rest = input - (usage.cache_read ?? 0) - written(usage);
  // Of nothing, nothing was cached, whether that is stated or not.
  if ((usage.cache_read === null && input > 0) || rest < 0) {
    return {
      name: "Input, cached or not",
      value: input,
      title: "Input tokens; how many of them were cached is not stated",
    };
  }
  return {
    ...uncached,
    value: rest,
    title: `Of ${input.toLocaleString("en-US")} input tokens stated, those that the cache had no part in`,
  };
}

/**
 * The classes of a flow, in the order of an exchange; those its provider does not know are left out, and those it may
 * yet state have their place from the beginning.
 */
export function usageFigures(flow: Used): Figure[] {
  const { dialect, usage } = flow;
  const sense = SENSES[dialect ?? ""];
  const figures: (Figure & { of?: Class })[] = [
    inputFigure(flow),
    {
      name: "Cache read",
      value: usage.cache_read,
      title: "Input tokens read from the prompt cache",
    },
    {
      name: "Cache write 5 m",
      value: usage.cache_write_5m,
      title: "Input tokens written to the cache, for five minutes where the provider says how long",
      of: "cache_write_5m",
    },
    {
      name: "Cache write 1 h",
      value: usage.cache_write_1h,
      title: "Input tokens written to the cache for an hour",
      of: "cache_write_1h",
    },
    {
      name: "Output",
      value: usage.output,
      title:
        sense === undefined
          ? "Output tokens, as stated"
          : sense.outputHasReasoning
            ? "Output tokens, reasoning included"
            : "Output tokens, without the reasoning, which is counted beside them",
    },
    {
      name: sense && !sense.outputHasReasoning ? "Reasoning (beside)" : "Reasoning (of output)",
      value: usage.reasoning,
      title:
        sense && !sense.outputHasReasoning
          ? "Reasoning tokens, counted beside the output"
          : "Reasoning tokens, a part of the output",
      of: "reasoning",
    },
  ];
  return figures
    .filter(({ value, of }) => of === undefined || value !== null || sense?.states.includes(of))
    .map(({ name, value, title }) => ({
      name,
      value,
      title: value === null && !title.endsWith("not stated") ? `${title}: not stated` : title,
    }));
}

/** All input tokens, those of the cache included; null where the input is not stated. */
export function inputTotal({ dialect, usage }: Used): number | null {
  if (usage.input === null) return null;
  const sense = SENSES[dialect ?? ""];
  if (!sense || sense.inputHasCached) return usage.input;
  return usage.input + (usage.cache_read ?? 0) + written(usage);
}

/** How much of the input was read from the cache, from 0 to 1; null where that is not stated. */
export function cacheShare(flow: Used): number | null {
  const total = inputTotal(flow);
  const read = flow.usage.cache_read;
  return total === null || total === 0 || read === null ? null : Math.min(1, read / total);
}

function written(usage: Usage): number {
  return (usage.cache_write_5m ?? 0) + (usage.cache_write_1h ?? 0);
}
