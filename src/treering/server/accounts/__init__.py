"""Accounts: users, their passwords, sessions and keys, roles in projects, share links, and the audit trail."""

from __future__ import annotations

from .accounts import Accounts
from .database import accounts_file
from .keys import DEFAULT_SCOPES, SCOPES, IssuedKey
from .passwords import Passwords, check_password
from .projects import Visibility
from .shares import Share
from .trail import By
from .users import User

__all__ = [
    "DEFAULT_SCOPES",
    "SCOPES",
    "Accounts",
    "By",
    "IssuedKey",
    "Passwords",
    "Share",
    "User",
    "Visibility",
    "accounts_file",
    "check_password",
]
