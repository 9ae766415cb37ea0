// One function that asks the API, and the one kind of error it can end in.

/** Why a question got no answer: nobody there, not signed in, or an answer that says no. */
export type Failure = "away" | "signed_out" | "refused";

export class ApiError extends Error {
  constructor(
    readonly failure: Failure,
    readonly status: number | null,
    readonly code: string,
    message: string,
    readonly hint: string | null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export type Params = Record<string, string | number | undefined>;

/** `GET path` as JSON; throws {@link ApiError}, or the signal's own abort. */
export function ask<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  return send("GET", `${path}${queryOf(params)}`, signal);
}

/** Parameters as the end of an address; nothing where there is none. */
export function queryOf(params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size > 0 ? `?${query}` : "";
}

/** Asks for a change; throws {@link ApiError}. */
export function change<T>(method: "POST" | "DELETE", path: string): Promise<T> {
  return send(method, path);
}

async function send<T>(method: string, address: string, signal?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address, {
      method,
      headers: { accept: "application/json" },
      credentials: "same-origin",
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(
      "away",
      null,
      "unreachable",
      "Langley does not answer.",
      "It may have been stopped. Start it with: langley",
    );
  }
  if (answer.ok) return (await answer.json()) as T;
  throw await refusal(answer);
}

/** What an answer that is no success says. */
export async function refusal(answer: Response): Promise<ApiError> {
  const body: unknown = await answer.json().catch(() => null);
  const said = isErrorBody(body) ? body.error : null;
  if (answer.status === 401) {
    return new ApiError("signed_out", 401, "unauthorised", "This browser is not signed in.", null);
  }
  return new ApiError(
    "refused",
    answer.status,
    said?.code ?? `http_${answer.status}`,
    said?.message ?? `The server answered with status ${answer.status}.`,
    said?.hint ?? null,
  );
}

function isErrorBody(
  body: unknown,
): body is { error: { code?: string; message?: string; hint?: string | null } } {
  return (
    typeof body === "object" &&
    body !== null &&
    "error" in body &&
    typeof body.error === "object" &&
    body.error !== null
  );
}
