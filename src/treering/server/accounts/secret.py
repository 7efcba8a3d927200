"""Random texts that open something, and the form in which they are kept."""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["digest_of", "new_id", "new_secret"]


def new_secret(prefix: str) -> str:
    """Return a secret of 256 bits behind a prefix by which a leaked one is recognised."""
    return prefix + secrets.token_urlsafe(32)


def new_id() -> str:
    """Return an id that is safe to show and to log."""
    return secrets.token_hex(6)


def digest_of(secret: str) -> str:
    """Return what is stored in place of a secret. It is random, so a fast hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
