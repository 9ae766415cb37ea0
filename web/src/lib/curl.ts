// A request as a command for a shell, to be sent again by hand.
import type { RequestView } from "@/api/types";

/** What curl says by itself, or works out from the body. */
const OWN =
  /^(host|content-length|content-encoding|transfer-encoding|connection|accept-encoding|expect)$/i;

/**
 * The command; null where the body cannot be told whole as text. What was redacted stands in it as
 * it is kept: whoever sends it again puts their own key there.
 */
export function curlOf(
  flow: { scheme: string; host: string; port: number },
  { method, path, headers, body, body_retired }: RequestView,
): string | null {
  if (body_retired || body?.truncated || (body !== null && body.text === null)) return null;
  const usual = flow.scheme === "https" ? 443 : 80;
  const port = flow.port === usual ? "" : `:${flow.port}`;
  const lines = [
    `curl --request ${quoted(method)} ${quoted(`${flow.scheme}://${flow.host}${port}${path}`)}`,
    ...headers
      .filter(([name = ""]) => !OWN.test(name) && !name.startsWith(":"))
      .map(([name, value]) => `--header ${quoted(`${name}: ${value}`)}`),
    ...(body?.text ? [`--data-raw ${quoted(body.text)}`] : []),
  ];
  return lines.join(" \\\n  ");
}

/** Nothing in it means anything to a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
