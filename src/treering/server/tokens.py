"""
Tokens of a server without accounts.

Three kinds, each with its own prefix so that a leaked one is recognised:

* ``trl_`` the folder token, new at each start, in ``server.json`` (0600): the command line and ``tr.Api()``;
* ``tro_`` a one-time code in the fragment of a printed address, good for ten minutes and one exchange;
* ``trs_`` a session, what the code is exchanged for: 30 days, revocable, kept in ``sessions.json`` (0600) as a hash.

Nothing here is in a cookie: cookies ignore ports, so every other local web program would be sent ours.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from treering.errors import AccessDenied
from treering.limits import ONE_TIME_CODE_S, ONE_TIME_CODES_MAX, SESSION_DAYS, SESSIONS_MAX

from .permissions import Principal
from .privatefile import read_private, write_private

__all__ = ["Session", "Tokens"]

_DAY_S = 86_400.0


class Session(msgspec.Struct, frozen=True):
    """
    A browser's session as it is stored: *digest* is the SHA-256 of its token in hexadecimal, times are unix seconds.
    """

    id: str
    digest: str
    created_at: float
    expires_at: float


class _SessionsFile(msgspec.Struct):
    sessions: list[Session]


class Tokens:
    """
    The tokens of one data folder. Thread-safe.

    Raises:
        AccessDenied: ``sessions.json`` can be read by others, belongs to somebody else, or is not what we wrote.
    """

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder_token = "trl_" + secrets.token_urlsafe(32)
        self._folder_digest = _digest(self.folder_token)
        self._path = data_dir / "sessions.json"
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: dict[str, float] = {}
        self._sessions = {session.digest: session for session in self._read()}

    def authenticate(self, token: str) -> Principal | None:
        """Return whose token this is, or None for one that is unknown, revoked or expired."""
        # Only digests are compared, so the time taken says nothing about the token.
        digest = _digest(token)
        if hmac.compare_digest(digest, self._folder_digest):
            return Principal("folder", "folder")
        with self._lock:
            session = self._sessions.get(digest)
        if session is None or session.expires_at <= self._clock():
            return None
        return Principal("session", session.id)

    remembered = authenticate

    def current(self, principal: Principal) -> Principal | None:
        """Return a principal that was let in earlier, or None if it would not be let in now."""
        return principal if self.is_live(principal) else None

    def anyone(self) -> Principal | None:
        """Return None: without a token there is nothing here."""
        return None

    def is_live(self, principal: Principal) -> bool:
        """Return whether a principal that was let in earlier would be let in now. Long streams ask again and again."""
        if principal.kind == "folder":
            return True
        now = self._clock()
        with self._lock:
            return any(s.id == principal.id and s.expires_at > now for s in self._sessions.values())

    def new_code(self) -> str:
        """Return a one-time code."""
        code = "tro_" + secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._codes = {digest: expiry for digest, expiry in self._codes.items() if expiry > now}
            while len(self._codes) >= ONE_TIME_CODES_MAX:
                del self._codes[next(iter(self._codes))]
            self._codes[_digest(code)] = now + ONE_TIME_CODE_S
        return code

    def exchange(self, code: str) -> tuple[str, Session] | None:
        """
        Return a new session's token and the session for a one-time code, or None if the code is used up or unknown.
        """
        now = self._clock()
        with self._lock:
            if self._codes.pop(_digest(code), 0.0) <= now:
                return None
            token = "trs_" + secrets.token_urlsafe(32)
            session = Session(secrets.token_hex(6), _digest(token), now, now + SESSION_DAYS * _DAY_S)
            live = [s for s in self._sessions.values() if s.expires_at > now]
            live = sorted(live, key=lambda s: s.created_at)[-(SESSIONS_MAX - 1) :]
            self._replace([*live, session])
        return token, session

    def revoke(self, session_id: str | None = None) -> int:
        """End one session, or all; return how many ended."""
        with self._lock:
            kept = [s for s in self._sessions.values() if session_id is not None and s.id != session_id]
            ended = len(self._sessions) - len(kept)
            if ended:
                self._replace(kept)
        return ended

    def _replace(self, sessions: list[Session]) -> None:
        write_private(self._path, msgspec.json.encode(_SessionsFile(sessions)))
        self._sessions = {session.digest: session for session in sessions}

    def _read(self) -> list[Session]:
        content = read_private(self._path)
        if content is None:
            return []
        try:
            return msgspec.json.decode(content, type=_SessionsFile).sessions
        except msgspec.DecodeError as error:
            raise AccessDenied(
                f"{self._path} is not a list of sessions ({error}). Remove it: browsers will ask for a new link."
            ) from None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
