"""
What identifies the content that a reference leads to: ``etag:"9a0364b9"``, ``sha256:…``, ``generation:17 md5:…``.

Parts of names and values with a space between. Where both sides know one that is made from the content, it decides;
else a version, a generation or a time does.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["CONTENT", "Found", "is_changed", "read_parts", "spell"]

CONTENT: Final = ("sha256", "md5", "crc32c", "etag")
_PART: Final = re.compile(r'([a-z0-9]{1,20}):((?:W/)?"[^"]*"|\S+)')


class Found(NamedTuple):
    """What is at an address: what identifies it, None if nothing does, and its bytes, None if that is not said."""

    digest: str | None
    bytes: int | None


def spell(parts: dict[str, str]) -> str | None:
    """Return a digest of parts, those without a value left out; None if there is no other."""
    return " ".join(f"{name}:{value}" for name, value in parts.items() if value) or None


def read_parts(digest: str | None) -> dict[str, str]:
    """Return the parts of a digest; of one that somebody made up for themselves there may be none."""
    return dict(_PART.findall(digest or ""))


def is_changed(recorded: str | None, found: str | None) -> bool | None:
    """Return whether two digests are of different content; None if they say nothing of one another."""
    left, right = read_parts(recorded), read_parts(found)
    shared = [name for name in left if name in right]
    decisive = [name for name in shared if name in CONTENT] or shared
    if not decisive:
        return None
    return any(left[name] != right[name] for name in decisive)
