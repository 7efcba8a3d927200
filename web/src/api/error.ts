/** An error reply of the server, or the lack of any reply. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    /** HTTP status; 0 = the server could not be reached. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null,
    /** Where in a text that was sent, where one was: characters from its start. */
    readonly position: number | null = null,
  ) {
    super(message);
  }
}

export function unreachable(): ApiError {
  return new ApiError(
    0,
    "unreachable",
    "The server does not answer.",
    "Is it still running? Nothing that runs log is lost meanwhile.",
  );
}

export function toApiError(status: number, body: unknown): ApiError {
  if (isErrorBody(body)) {
    const { code, message, hint, position } = body.error;
    return new ApiError(status, code, message, hint ?? null, position ?? null);
  }
  return new ApiError(status, "unknown", `The server answered with status ${status}.`, null);
}

function isErrorBody(
  body: unknown,
): body is { error: { code: string; message: string; hint?: string | null; position?: number | null } } {
  if (typeof body !== "object" || body === null || !("error" in body)) return false;
  const { error } = body;
  return typeof error === "object" && error !== null && "code" in error && "message" in error;
}
