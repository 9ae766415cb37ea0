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
      return [name, typeof value === "object" ? JSON.stringify(value) : String(value)];
    });
}
