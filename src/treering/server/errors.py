"""
Errors over HTTP: one JSON shape, ``{"error": {"code", "message", "hint"}}``, and one table of codes.

A message repeats a caller's value only as JSON text, and the characters that mean something to HTML leave escaped:
even a browser that ignores ``nosniff`` finds nothing to render.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from treering import errors

__all__ = ["CODES", "ApiError", "error_reply", "reply_to"]


@dataclass(frozen=True, slots=True)
class Code:
    """One error code: its HTTP status and what it tells the caller."""

    status: int
    meaning: str


CODES: Mapping[str, Code] = {
    "invalid_json": Code(400, "The body is not JSON, is nested too deeply, or holds text that is not Unicode."),
    "invalid_name": Code(400, "An entity, project, run id or key has a form that names may not have."),
    "invalid_value": Code(400, "A value has the wrong type or is out of range."),
    "invalid_filter": Code(400, "The filter does not parse; `position` counts its characters from 0."),
    "invalid_expression": Code(400, "The expression does not parse; `position` counts its characters from the `=`, 0."),
    "malformed_segment": Code(400, "The body is not whole frames of this segment, or names the wrong run."),
    "bad_request": Code(400, "The request itself is malformed: a header twice, no Host."),
    "unauthorized": Code(401, "No token, or one that is unknown, revoked or expired."),
    "forbidden": Code(403, "The caller may not do this."),
    "origin_refused": Code(403, "A page of another site sent the request."),
    "not_found": Code(404, "No such page or route."),
    "project_not_found": Code(404, "No project has this entity and name."),
    "run_not_found": Code(404, "No run has this key."),
    "metric_not_found": Code(404, "The run never logged this key."),
    "segment_not_found": Code(404, "No segment has this id."),
    "user_not_found": Code(404, "No account has this name."),
    "key_not_found": Code(404, "No API key of yours has this id."),
    "share_not_found": Code(404, "No share link that you may see has this id."),
    "method_not_allowed": Code(405, "The route exists, but not for this method."),
    "request_timeout": Code(408, "The body did not arrive in time."),
    "conflict": Code(409, "It was changed meanwhile, or the server is not in a state in which this can be done."),
    "check_failed": Code(409, "A check of a registered model refuses the promotion; the reply says what each found."),
    "segment_gap": Code(409, "The bytes begin behind the end of what is held, which the reply says under `held`."),
    "blob_gap": Code(409, "A piece of a file begins elsewhere than where the bytes end that are here, `length`."),
    "segment_diverged": Code(409, "Other bytes are held than these follow or repeat; the reply says what is `held`."),
    "purged": Code(410, "The run was removed for good; nothing of it is taken again."),
    "locked": Code(423, "The run is locked: nothing is added to its log."),
    "too_large": Code(413, "The body, or what it asks for, is beyond a limit; the message names it."),
    "unsupported_media_type": Code(415, "The body's content type or encoding is not one that this route takes."),
    "range_refused": Code(416, "The range begins behind the end of the file."),
    "wrong_host": Code(421, "The Host is not one of this server's names; the hint names the setting."),
    "invalid_request": Code(422, "The body or the query lacks a field or has one of the wrong type."),
    "too_many_attempts": Code(429, "Too many sign-ins failed; Retry-After says how long to wait."),
    "headers_too_large": Code(431, "Too many header fields."),
    "internal": Code(500, "A fault of the server. Its log has the traceback under the same `request`."),
    "missing_extra": Code(501, "The answer needs an optional dependency that the server lacks; the hint installs it."),
    "too_busy": Code(503, "Too many live streams are open, or too many bodies on their way in."),
    "folder_in_use": Code(503, "Another process owns the index of the data folder."),
    "disk_full": Code(507, "The server has too little room on its disk; Retry-After says when to come again."),
    "storage": Code(507, "The server's disk refused: full, read-only or broken."),
}

# The most derived class that matches wins, so the order here does not matter.
_CODE_OF: Mapping[type[BaseException], str] = {
    errors.FilterError: "invalid_filter",
    errors.ExpressionError: "invalid_expression",
    errors.InvalidName: "invalid_name",
    errors.InvalidValue: "invalid_value",
    errors.UsageError: "invalid_value",
    errors.ProjectNotFound: "project_not_found",
    errors.RunNotFound: "run_not_found",
    errors.MetricNotFound: "metric_not_found",
    errors.SegmentNotFound: "segment_not_found",
    errors.UserNotFound: "user_not_found",
    errors.KeyNotFound: "key_not_found",
    errors.ShareNotFound: "share_not_found",
    errors.NotFound: "not_found",
    errors.EditConflict: "conflict",
    errors.LimitExceeded: "too_large",
    errors.AccessDenied: "forbidden",
    errors.MissingExtra: "missing_extra",
    errors.FolderInUse: "folder_in_use",
    errors.StorageFull: "disk_full",
    errors.StorageError: "storage",
    errors.TreeringError: "internal",
}

_CODE_OF_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


_BEGINS_AT = "It begins at /api/1; an address that a client is given (TREERING_BASE_URL) ends before that."
_RETRY_FULL_S = 30  # somebody has to make room first


class ApiError(HTTPException):
    """An error with a code of the table. An ``HTTPException``, so that it passes through FastAPI's body reading."""

    def __init__(self, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(CODES[code].status, message, headers)
        self.code = code
        self.message = message
        self.hint = hint


def error_reply(
    code: str,
    message: str,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
    beside: Mapping[str, object] | None = None,
    **extra: int | str,
) -> Response:
    """Return the reply for an error. *extra* goes beside code, message and hint, *beside* beside the error itself."""
    body = json.dumps({"error": {"code": code, "message": message, "hint": hint, **extra}, **(beside or {})})
    body = body.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    # Closed, because a refused request may have a body that is still arriving and that nobody will read.
    all_headers = {"connection": "close", **(headers or {})} if CODES[code].status != 404 else dict(headers or {})
    return Response(body, CODES[code].status, all_headers, "application/json")


def reply_to(request: Request, error: Exception) -> Response:
    """Return the reply for an exception that left a route. Anything unknown is "internal" and says nothing more."""
    match error:
        case ApiError():
            return error_reply(error.code, error.message, error.hint, error.headers)
        case HTTPException():
            code = _CODE_OF_STATUS.get(error.status_code, "bad_request")
            if code == "method_not_allowed" and "/api/" in request.path_params.get("path", ""):
                # The page takes every address, so a client whose address has a path too many ends here.
                return error_reply("not_found", f"The API has no {request.scope['path'][:100]!r}.", _BEGINS_AT)
            return error_reply(code, CODES[code].meaning, headers=error.headers)
        case RequestValidationError():
            return error_reply("invalid_request", _first_problem(error))
        case errors.FilterError():
            return error_reply("invalid_filter", str(error), position=error.position)
        case errors.ExpressionError():
            return error_reply("invalid_expression", str(error), position=error.position)
        case errors.TreeringError():
            code = next(_CODE_OF[kind] for kind in type(error).__mro__ if kind in _CODE_OF)
            if code != "internal":
                retry = {"retry-after": str(_RETRY_FULL_S)} if code == "disk_full" else None
                return error_reply(code, str(error), headers=retry)
    return error_reply(
        "internal",
        "The server failed to answer.",
        "Its log has the details.",
        request=request.scope.get("request_id", ""),
    )


def _first_problem(error: RequestValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where[:200]}: {str(problem['msg'])[:300]}."
