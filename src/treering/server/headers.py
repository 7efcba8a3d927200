"""
Headers that every reply carries, whatever answered: a page, the API, a refusal of the guard, a failure.

The Content-Security-Policy is one text for all but what others wrote, which brings a stricter one of its own. Its nonce
is made per request and only the UI's page repeats it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SecurityHeaders", "content_security_policy"]


def content_security_policy(nonce: str, embedders: Sequence[str] = ()) -> str:
    """
    Return the policy of the UI; *embedders* are origins that may show it in a frame.

    ``'self'`` covers connections and fonts; nothing inline runs or styles.
    """
    ancestors = " ".join(embedders) or "'none'"
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "frame-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            f"frame-ancestors {ancestors}",
            "require-trusted-types-for 'script'",
        )
    )


class SecurityHeaders:
    """The outermost layer: adds the headers to whatever reply passes, and a nonce and an id to the request."""

    def __init__(self, app: ASGIApp, embedders: Sequence[str] = ()) -> None:
        self.app = app
        self._embedders = embedders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = scope["nonce"] = secrets.token_urlsafe(16)
        scope["request_id"] = secrets.token_hex(6)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # Bytes that somebody logged, and the frames that show them, bring a stricter policy of their own.
                headers.setdefault("Content-Security-Policy", content_security_policy(nonce, self._embedders))
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)
