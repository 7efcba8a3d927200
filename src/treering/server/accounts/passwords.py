"""
Passwords: argon2id, two at a time.

One hash takes 64 MiB and nearly half a second on purpose, so a crowd of sign-ins has to wait in line and not in memory;
beyond a short line it is asked to come back.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from treering.errors import InvalidValue
from treering.limits import HASHES_AT_ONCE, HASHES_WAITING_MAX, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS
from treering.server.errors import ApiError

__all__ = ["Passwords", "check_password"]

_T = TypeVar("_T")


def check_password(password: str) -> str:
    """
    Return a password that may be chosen.

    Raises:
        InvalidValue: too short, too long, or half a surrogate pair in it.
    """
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        raise InvalidValue(f"A password has {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters.")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise InvalidValue("The password is not valid Unicode.") from None
    return password


class Passwords:
    """Makes and checks hashes. ``checked`` counts how often a password went through the hash function."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody: str | None = None
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, "passwords")
        self._waiting = 0
        self.checked = 0

    def hash(self, password: str) -> str:
        """Return the hash of a password that ``check_password`` let pass."""
        return self._hasher.hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        """Return whether a password is the stored one. Takes the same time when nothing is stored."""
        if self._nobody is None:  # before looking at *stored*, so that the first check is slow for every name
            self._nobody = self._hasher.hash(secrets.token_urlsafe(32))
        matches = self._verify(password, self._nobody if stored is None else stored)
        return matches and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Return whether the hash was made with weaker settings than today's."""
        return self._hasher.check_needs_rehash(stored)

    async def in_line(self, work: Callable[[], _T]) -> _T:
        """
        Do *work*, which hashes, on one of two threads.

        Raises:
            ApiError: "too_busy", too many wait already.
        """
        if self._waiting >= HASHES_WAITING_MAX:
            raise ApiError("too_busy", "Many people sign in at this moment.", "Try again.", {"retry-after": "5"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, stored: str) -> bool:
        self.checked += 1
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
