"""
The door: whose token this is, with or without accounts.

``Tokens`` is the door of a server without them. With them it is ``TeamDoor``: the folder's own token still opens it for
the command line on this machine, since whoever can read that file can read the runs too; the browser sessions of the
other mode do not.
"""

from __future__ import annotations

from typing import Protocol

from .accounts import Accounts
from .permissions import Principal
from .tokens import Tokens

__all__ = ["Door", "TeamDoor"]


class Door(Protocol):
    """Lets callers in. Thread-safe."""

    def remembered(self, token: str) -> Principal | None:
        """Return whose token this is if that is known without waiting for a disk."""

    def authenticate(self, token: str) -> Principal | None:
        """Return whose token this is, or None."""

    def current(self, principal: Principal) -> Principal | None:
        """Return somebody who was let in earlier with the rights that they have now, or None."""

    def anyone(self) -> Principal | None:
        """Return the rights of who brings nothing, or None."""


class TeamDoor:
    """The door of a server with accounts."""

    def __init__(self, tokens: Tokens, accounts: Accounts) -> None:
        self._tokens = tokens
        self._accounts = accounts

    def remembered(self, token: str) -> Principal | None:
        return self._of_the_folder(token) or self._accounts.remembered(token)

    def authenticate(self, token: str) -> Principal | None:
        return self._of_the_folder(token) or self._accounts.authenticate(token)

    def current(self, principal: Principal) -> Principal | None:
        return principal if principal.kind == "folder" else self._accounts.current(principal)

    def anyone(self) -> Principal | None:
        return self._accounts.anyone()

    def _of_the_folder(self, token: str) -> Principal | None:
        principal = self._tokens.authenticate(token) if token.startswith("trl_") else None
        return principal if principal is not None and principal.kind == "folder" else None
