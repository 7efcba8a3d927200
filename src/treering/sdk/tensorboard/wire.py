"""
The wire format of protocol buffers, as much of it as event files need.

Nothing here trusts a length: each is compared with what is there before anything is cut out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

from treering.errors import FormatError, LimitExceeded
from treering.limits import EVENT_FIELDS_MAX

__all__ = ["double", "doubles", "fields", "floats", "raw", "signed", "text", "varints"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WORD: Final = (1 << 64) - 1


def fields(data: Any) -> Iterator[tuple[int, Any]]:
    """
    Yield (number, value) of each field: an int for varints, a view of 4, 8 or any number of bytes for the others.

    Raises:
        FormatError: a field goes over the end, or is of a type that is no more in use.
        LimitExceeded: there are more than a message may have.
    """
    data = raw(data)
    at, end = 0, len(data)
    for _ in range(EVENT_FIELDS_MAX):
        if at >= end:
            return
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind == _FIXED64:
            size = 8
        elif kind == _FIXED32:
            size = 4
        else:
            raise FormatError(f"a field of type {kind}")
        if size > end - at:
            raise FormatError(f"a field of {size:,} bytes where {end - at:,} are left")
        yield key >> 3, data[at : at + size]
        at += size
    if at < end:
        raise LimitExceeded(f"a message of more than {EVENT_FIELDS_MAX:,} fields")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    for byte in data[at : at + 10]:
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value & _WORD, at
        shift += 7
    raise FormatError("a number that does not end")


def raw(value: Any) -> memoryview:
    """Return the value of a field that is a text, bytes or a message."""
    if not isinstance(value, memoryview):
        raise FormatError("a number where bytes are")
    return value


def signed(value: Any) -> int:
    """Return an int64 field's value."""
    if not isinstance(value, int):
        raise FormatError("a number that is none")
    return value - (1 << 64) if value >> 63 else value


def text(value: Any) -> str:
    """Return a text field's value; bytes that are no UTF-8 are replaced."""
    return str(raw(value), "utf-8", "replace")


def floats(value: Any) -> list[float]:
    """Return one float, or several packed ones."""
    return _numbers(value, "f", 4)


def doubles(value: Any) -> list[float]:
    """Return one double, or several packed ones."""
    return _numbers(value, "d", 8)


def double(value: Any) -> float:
    """Return the value of a field that is one double."""
    found = doubles(value)
    if len(found) != 1:
        raise FormatError(f"{len(found):,} numbers where one is")
    return found[0]


def _numbers(value: Any, code: str, size: int) -> list[float]:
    if not isinstance(value, memoryview) or len(value) % size:
        raise FormatError("a number that is none")
    return list(struct.unpack(f"<{len(value) // size}{code}", value))


def varints(value: Any) -> list[int]:
    """Return one varint, or several packed ones, as signed numbers."""
    if isinstance(value, int):
        return [signed(value)]
    found, at = [], 0
    value = raw(value)
    while at < len(value):
        number, at = _varint(value, at)
        found.append(signed(number))
    return found
