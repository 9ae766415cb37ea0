// Reading other people's JSON: whatever is not of the expected type counts as absent.

export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The named members that are there, as words for people. */
export function settings(request: Json, names: readonly string[]): [string, string][] {
  return names
    .filter((name) => request[name] !== undefined && request[name] !== null)
    .map((name) => {
      const value = request[name];
      return [name, typeof value === "object" ? written(value) : String(value)];
    });
}

/** A value as JSON; what is nested too deeply to be written is only said to be so. */
export function written(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "[nested too deeply]";
  }
}

/** Bytes that a text in base64 stands for; null when it is none, as where a secret was replaced. */
export function base64Bytes(value: unknown): number | null {
  if (typeof value !== "string" || !/^[\w+/=\s-]*$/.test(value.slice(0, 256))) return null;
  const padding = value.endsWith("==") ? 2 : value.endsWith("=") ? 1 : 0;
  return Math.floor(((value.length - padding) * 3) / 4);
}

/** A name that stands in a path, percent escapes undone where they are whole. */
export function inPath(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
