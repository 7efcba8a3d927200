import createClient from "openapi-fetch";
import type { paths } from "./schema.gen";
import { authorizedFetch } from "./session";

/** An error reply of the server, or the lack of any reply. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    /** HTTP status; 0 = the server could not be reached. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null,
  ) {
    super(message);
  }
}

/** Typed access to the JSON routes. Routes with binary bodies have their own files. */
export const client = createClient<paths>({
  // openapi-fetch joins by string; the routes carry /api/1 themselves.
  baseUrl: new URL(".", document.baseURI).href.replace(/\/$/, ""),
  fetch: authorizedFetch,
});

interface Reply<Data> {
  data?: Data | undefined;
  error?: unknown;
  response: Response;
}

/** The body of a reply; throws ApiError for anything else. */
export async function unwrap<Data>(pending: Promise<Reply<Data>>): Promise<Data> {
  let reply: Reply<Data>;
  try {
    reply = await pending;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw unreachable();
  }
  if (reply.error !== undefined || reply.data === undefined) throw toApiError(reply.response.status, reply.error);
  return reply.data;
}

export function unreachable(): ApiError {
  return new ApiError(0, "unreachable", "The server does not answer.", "Is `treering ui` still running?");
}

export function toApiError(status: number, body: unknown): ApiError {
  if (isErrorBody(body)) {
    const { code, message, hint } = body.error;
    return new ApiError(status, code, message, hint ?? null);
  }
  return new ApiError(status, "unknown", `The server answered with status ${status}.`, null);
}

function isErrorBody(body: unknown): body is { error: { code: string; message: string; hint?: string | null } } {
  if (typeof body !== "object" || body === null || !("error" in body)) return false;
  const { error } = body;
  return typeof error === "object" && error !== null && "code" in error && "message" in error;
}
