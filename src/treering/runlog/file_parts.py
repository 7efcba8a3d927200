"""
Parts of a large file by which it is known again when it is not byte for byte what it was.

Of a file in the safetensors format each tensor is a part, so that another header (a stamp, other metadata, another
order) changes none; a file in another format is cut every 4 MiB, or into 3,000 parts if it is larger than that gives.
A part is told by 64 bits of BLAKE2b: enough to tell parts apart, and not to prove anything, which the hash of the whole
file does.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from treering.limits import PART_BYTES, PARTS_MAX, PARTS_MIN_BYTES, READ_CHUNK_BYTES, TENSORS_HEADER_MAX_BYTES

__all__ = ["Part", "parts_of", "read_digests", "tensors_header", "write_digests"]

_DIGITS: Final = 16
_DIGEST: Final = re.compile(r"[0-9a-f]{16}")


class Part(NamedTuple):
    """A piece of a file and what it is told by."""

    offset: int
    length: int
    digest: str


def parts_of(path: Path) -> list[Part]:
    """Return the parts of a file, none of a small one. Raises OSError."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < PARTS_MIN_BYTES:
            return []
        return [Part(offset, length, _digest(file, offset, length)) for offset, length in _cuts(file, size)]


def write_digests(parts: list[Part]) -> str:
    """Return the digests of parts as a record holds them: one behind the other."""
    return "".join(part.digest for part in parts)


def read_digests(text: Any) -> list[str]:
    """Return the digests that a record holds; none if it holds something else."""
    if not isinstance(text, str) or len(text) % _DIGITS or len(text) > PARTS_MAX * _DIGITS:
        return []
    found = [text[begin : begin + _DIGITS] for begin in range(0, len(text), _DIGITS)]
    return found if all(_DIGEST.fullmatch(one) for one in found) else []


def _cuts(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    tensors = _tensors(file, size)
    if tensors and len(tensors) <= PARTS_MAX:
        yield from tensors
        return
    length = PART_BYTES
    while size > length * PARTS_MAX:
        length *= 2
    for offset in range(0, size, length):
        yield offset, min(length, size - offset)


def _tensors(file: BinaryIO, size: int) -> list[tuple[int, int]]:
    """Return where the tensors of a safetensors file are; nothing for another file."""
    header = tensors_header(file, size)
    if header is None:
        return []
    begin = 8 + header[0]
    found = []
    for name, about in header[1].items():
        offsets = about.get("data_offsets") if isinstance(about, dict) and name != "__metadata__" else None
        if offsets is None:
            continue
        if not (
            isinstance(offsets, list)
            and len(offsets) == 2
            and all(isinstance(at, int) for at in offsets)
            and 0 <= offsets[0] <= offsets[1] <= size - begin
        ):
            return []
        if offsets[1] > offsets[0]:
            found.append((begin + offsets[0], offsets[1] - offsets[0]))
    return sorted(found)


def tensors_header(file: BinaryIO, size: int) -> tuple[int, dict[str, Any]] | None:
    """Return the length and the content of the header of a safetensors file; None if it is none. Raises OSError."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(size - 8, TENSORS_HEADER_MAX_BYTES):
        return None
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError):
        return None
    return (length, header) if isinstance(header, dict) else None


def _digest(file: BinaryIO, offset: int, length: int) -> str:
    digest = hashlib.blake2b(digest_size=_DIGITS // 2)
    file.seek(offset)
    left = length
    while left and (chunk := file.read(min(left, READ_CHUNK_BYTES))):
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest()
