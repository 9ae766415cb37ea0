// The colour of each class of usage.
import type { Class } from "@/lib/spend";

export const CLASS_TONES: Record<Class, string> = {
  input: "bg-class-input",
  cache_write_5m: "bg-class-write",
  cache_write_1h: "bg-class-write-long",
  cache_read: "bg-class-read",
  output: "bg-class-output",
  reasoning: "bg-class-reasoning",
  web_search: "bg-class-search",
  undivided: "bg-class-whole",
};
