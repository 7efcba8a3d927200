"""
The cookie of somebody who signed in.

Over https it is ``__Host-treering``, which only this very host can have set and which is sent to it alone. Over plain
http that name is refused by browsers; then it has another name and goes with nothing that another site begins.
"""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

from treering.limits import SIGN_IN_MAX_S

__all__ = ["clear_cookie", "session_cookie", "session_token"]

_SECURE: Final = "__Host-treering"
_PLAIN: Final = "treering_session"


def session_token(scope: Scope, header: str) -> str:
    """Return the session's token in a Cookie header, "" if there is none or more than one."""
    name = _name(scope)
    found = [
        value.strip() for key, _, value in (part.partition("=") for part in header.split(";")) if key.strip() == name
    ]
    return found[0] if len(found) == 1 else ""


def session_cookie(scope: Scope, token: str) -> str:
    """Return the Set-Cookie value that starts a session."""
    return f"{_name(scope)}={token}; Path=/; Max-Age={int(SIGN_IN_MAX_S)}; {_attributes(scope)}"


def clear_cookie(scope: Scope) -> str:
    """Return the Set-Cookie value that makes the browser forget its session."""
    return f"{_name(scope)}=; Path=/; Max-Age=0; {_attributes(scope)}"


def _name(scope: Scope) -> str:
    return _SECURE if scope["scheme"] == "https" else _PLAIN


def _attributes(scope: Scope) -> str:
    return "Secure; HttpOnly; SameSite=Lax" if scope["scheme"] == "https" else "HttpOnly; SameSite=Strict"
