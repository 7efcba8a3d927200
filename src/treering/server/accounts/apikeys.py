"""
The form of an API key: ``trk_<id, 8>_<secret, 43><checksum, 6>``, all in base62.

The checksum is the CRC-32 of what is before it: a mistyped key is told apart from an unknown one without asking the
database, and scanners of public repositories find leaked keys without asking us. There is no dash, and at least 40
characters follow where one might be, since tools made for wandb keys cut at the first dash and then demand 40.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib
from typing import Final

__all__ = ["make_key", "parse_key"]

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_CHARS: Final = 8
_SECRET_CHARS: Final = 43  # 256 bits
_CRC_CHARS: Final = 6
_KEY: Final = re.compile(rf"(trk_([0-9A-Za-z]{{{_ID_CHARS}}})_[0-9A-Za-z]{{{_SECRET_CHARS}}})([0-9A-Za-z]{{6}})", re.A)


def make_key() -> tuple[str, str]:
    """Return a new key and its id."""
    key_id = _random(_ID_CHARS)
    body = f"trk_{key_id}_{_random(_SECRET_CHARS)}"
    return body + _checksum(body), key_id


def parse_key(text: str) -> str | None:
    """Return the id in a key, or None if it is not one: another form, or a checksum that does not fit."""
    match = _KEY.fullmatch(text)
    if match is None or _checksum(match[1]) != match[3]:
        return None
    return match[2]


def _random(chars: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(chars))


def _checksum(body: str) -> str:
    number, text = zlib.crc32(body.encode()), ""
    for _ in range(_CRC_CHARS):
        number, digit = divmod(number, len(_ALPHABET))
        text = _ALPHABET[digit] + text
    return text
