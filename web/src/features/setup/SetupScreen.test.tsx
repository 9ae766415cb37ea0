// The first-run page gives no advice that does not hold.
// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { setupQuery } from "@/api/queries";
import type { Setup } from "@/api/types";
import { SetupScreen } from "./SetupScreen";

afterEach(cleanup);

const SETUP: Setup = {
  proxy_url: "http://127.0.0.1:1",
  reverse_url: "http://127.0.0.1:1",
  api_url: "http://127.0.0.1:2",
  ca_path: "/ca.pem",
  ca_fingerprint: "AA",
  home: "/home",
  intercept_hosts: [],
  commands: [{ label: "Run any agent", command: "langley run -- claude" }],
  clients: [
    {
      name: "Codex",
      run: "langley run -- codex",
      proxied: "HTTPS_PROXY=http://127.0.0.1:1 CODEX_CA_CERTIFICATE=/bundle.pem codex",
      proxied_note: null,
      based: "codex -c openai_base_url=x",
    },
    {
      name: "curl",
      run: "langley run -- curl",
      proxied: "HTTPS_PROXY=http://x curl",
      proxied_note: "Only a newer one.",
      based: null,
    },
  ],
  checklist: { proxy_up: true, trust_ready: false, first_byte: false, first_token: false },
  demo: false,
};

function show(setup: Setup) {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: 60_000 } } });
  queries.setQueryData(setupQuery().queryKey, setup);
  render(
    <QueryClientProvider client={queries}>
      <SetupScreen />
    </QueryClientProvider>,
  );
}

test("a server that watches agents tells how to point one at it", () => {
  show(SETUP);
  expect(screen.getByRole("heading", { name: "Point an agent at Langley" })).toBeTruthy();
  expect(screen.getByText("langley run -- claude")).toBeTruthy();
});

test("a demonstration says that it is one, and sends no agent there", () => {
  show({ ...SETUP, demo: true });
  expect(screen.getByRole("heading", { name: "This is a demonstration" })).toBeTruthy();
  expect(screen.queryByText("langley run -- claude")).toBeNull();
  expect(screen.queryByRole("list", { name: "Checklist" })).toBeNull();
});

test("each known client has its lines by proxy and by base URL", async () => {
  show(SETUP);
  const unfold = (name: string) => {
    const fold = screen.getByText(name).closest("details") as HTMLDetailsElement;
    fold.open = true;
    fireEvent(fold, new Event("toggle"));
    return within(fold);
  };
  const codex = unfold("Codex");
  expect(codex.getByText(/CODEX_CA_CERTIFICATE/)).toBeTruthy();
  expect(codex.getByText("codex -c openai_base_url=x")).toBeTruthy();
  expect(codex.queryByText(/takes none/)).toBeNull();
  expect(codex.queryByText(/newer/)).toBeNull();
  const curl = unfold("curl");
  expect(curl.getByText(/takes none/)).toBeTruthy();
  expect(curl.getByText("Only a newer one.")).toBeTruthy();
});
