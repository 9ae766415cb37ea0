// A host as a URL names it: its port only where it is not the scheme's own, an IPv6 address in brackets.

export function authority({
  scheme,
  host,
  port,
}: {
  scheme: string;
  host: string;
  port: number;
}): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === (scheme === "http" ? 80 : 443) ? name : `${name}:${port}`;
}
