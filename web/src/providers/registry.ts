// Which dialect's view shows a flow, and what its provider is called; what nobody knows is shown raw.
import type { KnownDialect, KnownProvider } from "@/api/types";
import { anthropic } from "./anthropic";
import { bedrock } from "./bedrock";
import type { ProviderView } from "./conversation";
import { gemini } from "./gemini";
import { openai } from "./openai";

const VIEWS: readonly ProviderView[] = [anthropic, openai, gemini, bedrock];

/** Providers that speak the dialect of another. */
const NAMES: Record<Exclude<KnownProvider, KnownDialect>, string> = {
  azure: "Azure",
  cerebras: "Cerebras",
  copilot: "GitHub Copilot",
  deepseek: "DeepSeek",
  fireworks: "Fireworks",
  groq: "Groq",
  lmstudio: "LM Studio",
  mistral: "Mistral",
  moonshot: "Moonshot",
  ollama: "Ollama",
  "openai-compatible": "OpenAI-compatible",
  openrouter: "OpenRouter",
  perplexity: "Perplexity",
  together: "Together",
  vertex: "Vertex AI",
  vllm: "vLLM",
  xai: "xAI",
  zai: "Z.ai",
};

/** The view of what is written in a dialect. */
export function dialectView(dialect: string | null): ProviderView | null {
  return VIEWS.find((view) => view.id === dialect) ?? null;
}

/** A provider's name for people. */
export function providerLabel(id: string): string {
  return dialectView(id)?.label ?? (NAMES as Record<string, string>)[id] ?? id;
}
