import { apiUrl } from "./base";
import { toApiError, unreachable } from "./error";
import { authorizedFetch } from "./session";

type Parameters = Readonly<Record<string, string | number | null | undefined>>;

/** Address of an API route with its parameters; empty ones are left out. */
export function routeUrl(route: string, parameters: Parameters = {}): string {
  const url = new URL(apiUrl(route));
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url.href;
}

/** A reply of the server; throws ApiError for anything but success. */
export async function ask(request: Request): Promise<Response> {
  let response: Response;
  try {
    response = await authorizedFetch(request);
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    throw unreachable();
  }
  if (!response.ok) throw toApiError(response.status, await response.json().catch(() => null));
  return response;
}

/** What a GET route answers in JSON. */
export async function getJson<Reply>(
  route: string,
  parameters: Parameters,
  signal?: AbortSignal,
): Promise<Reply> {
  const response = await ask(new Request(routeUrl(route, parameters), signal ? { signal } : {}));
  return (await response.json()) as Reply;
}

/** What a POST route answers, whatever its form. */
export function postBody(route: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return ask(
    new Request(apiUrl(route), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    }),
  );
}

export async function postJson<Reply>(route: string, body: unknown, signal?: AbortSignal): Promise<Reply> {
  return (await (await postBody(route, body, signal)).json()) as Reply;
}

/** What a route that changes something answers. */
export async function sendJson<Reply>(
  method: "PUT" | "DELETE" | "PATCH",
  route: string,
  body?: unknown,
): Promise<Reply> {
  const response = await ask(
    new Request(apiUrl(route), {
      method,
      ...(body === undefined
        ? {}
        : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    }),
  );
  return (await response.json()) as Reply;
}
