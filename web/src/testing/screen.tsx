// Renders a screen over made-up answers of the API.
import { QueryClientProvider } from "@tanstack/react-query";
import { configure, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { createQueryClient } from "@/api/queries";
import { FeedContext } from "@/live/context";
import { Feed } from "@/live/feed";

// A busy machine may take long to show an answer; a test that waits for one proves no speed.
configure({ asyncUtilTimeout: 10_000 });

/** By the beginning of its path, what each question is answered with; a number is an error's status. */
export type Answers = Record<string, unknown>;

/** Answers what was asked, in order: the method where it is no GET, and the address. */
export function renderScreen(screen: ReactNode, answers: Answers) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (address: string, { method = "GET" }: RequestInit = {}) => {
    asked.push(method === "GET" ? address : `${method} ${address}`);
    const path = Object.keys(answers)
      .filter((each) => address.startsWith(each))
      .sort((a, b) => b.length - a.length)[0];
    const answer = path === undefined ? 404 : answers[path];
    return typeof answer === "number"
      ? Response.json(
          { error: { code: "x", message: `Refused with ${answer}.` } },
          { status: answer },
        )
      : Response.json(answer);
  });
  const queries = createQueryClient();
  const feed = new Feed({ queries, url: "ws://localhost/ws" });
  const rendered = render(
    <QueryClientProvider client={queries}>
      <FeedContext value={feed}>{screen}</FeedContext>
    </QueryClientProvider>,
  );
  return { ...rendered, asked };
}

/** Words that try to be more than text. */
export const HOSTILE = '<img src=x onerror="alert(1)">\u202elive\u001b[31m';
/** The same, as it is to be shown. */
export const HARMLESS = '<img src=x onerror="alert(1)">⟨RLO⟩live⟨ESC⟩[31m';
