// Which provider's view shows a flow; one that nobody knows is shown raw.
import { anthropic } from "./anthropic";
import { bedrock } from "./bedrock";
import type { ProviderView } from "./conversation";
import { gemini } from "./gemini";
import { openai } from "./openai";

const VIEWS: readonly ProviderView[] = [anthropic, openai, gemini, bedrock];

export function providerView(id: string | null): ProviderView | null {
  return VIEWS.find((view) => view.id === id) ?? null;
}

/** A provider's name for people. */
export function providerLabel(id: string): string {
  return providerView(id)?.label ?? id;
}
