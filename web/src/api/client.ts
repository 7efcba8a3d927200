import createClient from "openapi-fetch";
import { toApiError, unreachable } from "./error";
import type { paths } from "./schema.gen";
import { authorizedFetch } from "./session";

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
  if (reply.error !== undefined || reply.data === undefined)
    throw toApiError(reply.response.status, reply.error);
  return reply.data;
}
