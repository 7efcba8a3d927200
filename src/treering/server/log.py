"""
The server's log: one JSON object a line, in ``server.log`` of the data folder.

What is written is chosen field by field. No header and no query string is: a filter may name what should stay
private, and a token must never be found in a log. Should one come in some other way, in a message of a library, it is
cut by its prefix.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["JsonLines", "RequestLog", "log_to", "scrub"]

_log = logging.getLogger("treering.server")
_LOGGERS = ("treering.server", "treering.store", "uvicorn.error")

_TOKEN = re.compile(r"(tr[klosv]_)[A-Za-z0-9_-]{12,}|(?i:(bearer |basic ))[A-Za-z0-9_.~+/=-]{8,}")
_FIELDS = ("method", "path", "status", "ms", "client", "principal", "request")

_APPENDS = "/api/1/segments/"
_LOG_MAX_BYTES = 10 * 1024 * 1024


def scrub(text: str) -> str:
    """Return *text* with every token cut down to its prefix."""
    return _TOKEN.sub(lambda match: f"{match[1] or match[2]}…", text)


class JsonLines(logging.Formatter):
    """Formats a record as one line of ASCII JSON, so that no byte of a message reaches a terminal as a control."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
        }
        for name in _FIELDS:
            value = getattr(record, name, None)
            if value is not None:
                line[name] = scrub(value) if isinstance(value, str) else value
        if record.exc_info:
            line["traceback"] = scrub(_format_own_frames(record.exc_info))
        return json.dumps(line)


def _format_own_frames(failure: Any) -> str:
    """Return a traceback without the frames of libraries but the last: thirty of them stand between two of ours."""
    told = traceback.TracebackException(*failure)
    ours = [frame for frame in told.stack[:-1] if "site-packages" not in frame.filename]
    told.stack = traceback.StackSummary.from_list([*ours, *told.stack[-1:]])
    return "".join(told.format())


class _PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return open(descriptor, "a", encoding="utf-8")


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Send what the server, the store and uvicorn log to *path*: mode 0600, three files of 10 MiB at most."""
    handler = _PrivateRotatingFile(str(path), maxBytes=_LOG_MAX_BYTES, backupCount=2)
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
        handler.close()


class RequestLog:
    """
    ASGI layer that writes one line for each request once its reply is sent, and a traceback for each that failed.

    Appends that went well are not written: a thousand runs would turn the log over every five minutes. They are
    counted in /metrics.

    A failure ends here: its reply, if none had begun, has been sent by the application inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.perf_counter()
        status = 0
        ended = False

        async def watch(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False):
                ended = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            _log.exception("failure", extra={"path": scope["path"][:500], "request": scope.get("request_id")})
            if not ended:
                raise  # the reply is cut short: the connection must be too
        finally:
            if status != 200 or not scope["path"].startswith(_APPENDS):
                _log.info("request", extra=_describe(scope, status, time.perf_counter() - begin))


def _describe(scope: Scope, status: int, took_s: float) -> dict[str, Any]:
    principal = scope.get("state", {}).get("principal")
    client = scope.get("client")
    return {
        "method": scope["method"],
        "path": scope["path"][:500],
        "status": status,
        "ms": round(took_s * 1000, 1),
        "client": client[0] if client else "unix",
        "principal": principal.id if principal else None,
        "request": scope.get("request_id"),
    }
