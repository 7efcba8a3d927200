"""
The list of what is in a version of an artifact: a blob of canonical JSON, whose SHA-256 is the version's digest.

Paths in it come from strangers as often as from friends, so each is checked whenever a manifest is read: what passes
here can be written below a folder and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from treering.errors import FormatError, InvalidName, InvalidValue, LimitExceeded
from treering.ids import check_path
from treering.limits import ARTIFACT_ENTRIES_MAX, ARTIFACT_MANIFEST_MAX_BYTES, ARTIFACT_REFERENCE_MAX_CHARS

__all__ = ["Entry", "Manifest", "check_entry_path"]

_FORMAT: Final = 1
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_BYTES_MAX: Final = 1 << 62


class Entry(msgspec.Struct, frozen=True):
    """
    Bytes in ``blobs/``, or a reference to something elsewhere.

    Attributes:
        bytes: how many; None for a reference of unknown size.
        sha256: of the bytes; None for a reference.
        ref: where a reference leads, such as ``s3://bucket/key``.
        digest: what identifies what it leads to: an ETag, a checksum; None if that is not known.
    """

    bytes: int | None = None
    sha256: str | None = None
    ref: str | None = None
    digest: str | None = None


class Manifest:
    """
    The entries of a version by their paths. It does not change.

    ``digest`` is the SHA-256 of ``encode()``; ``total_bytes`` counts each path, also where two hold the same bytes.
    """

    def __init__(self, entries: dict[str, Entry]) -> None:
        self.entries = entries

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        entries = {path: _plain(self.entries[path]) for path in sorted(self.entries, key=str.encode)}
        return msgspec.json.encode({"entries": entries, "format": _FORMAT})

    @property
    def total_bytes(self) -> int:
        """Bytes of all entries, as far as they are known."""
        return sum(entry.bytes or 0 for entry in self.entries.values())

    def blobs(self) -> dict[str, int]:
        """Return the SHA-256 of all content that the version holds itself, with its bytes."""
        return {entry.sha256: entry.bytes or 0 for entry in self.entries.values() if entry.sha256 is not None}

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return iter(self.entries.items())

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """
        Return the manifest that *data* holds.

        Raises:
            FormatError: it is none, or not canonical, or has a path that could lead out of a folder.
            LimitExceeded: it is larger than manifests may be.
        """
        if len(data) > ARTIFACT_MANIFEST_MAX_BYTES:
            raise LimitExceeded(f"a manifest has at most {ARTIFACT_MANIFEST_MAX_BYTES:,} bytes, not {len(data):,}.")
        try:
            read = msgspec.json.decode(data, type=_File)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise FormatError(f"it is no list of an artifact's entries: {error}.") from None
        if read.format != _FORMAT:
            raise FormatError(f"the list of entries has format {read.format}; this treering reads {_FORMAT}.")
        try:
            check_entries(read.entries.items())
        except (InvalidName, InvalidValue) as error:
            raise FormatError(f"the list of entries is not acceptable: {error}") from None
        found = cls(read.entries)
        if found.encode() != data:
            raise FormatError("the list of entries is not in its canonical form.")
        return found


class _File(msgspec.Struct):
    entries: dict[str, Entry]
    format: int


def _plain(entry: Entry) -> dict[str, Any]:
    if entry.sha256 is not None:
        return {"bytes": entry.bytes, "sha256": entry.sha256}
    return {"bytes": entry.bytes, "digest": entry.digest, "ref": entry.ref}


def check_entry_path(path: object) -> str:
    """
    Return *path* as the path of an entry.

    Raises:
        InvalidName: it is empty, too long, absolute, has an empty part, ``.`` or ``..``, NUL, a backslash, a drive
            letter, or bytes that are no Unicode.
    """
    name = check_path(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidName(f"{name!r} holds bytes that are no Unicode: no other system could have this name.") from None
    if any(part[1:2] == ":" for part in name.split("/")):
        raise InvalidName(f"{name!r} has a part that some systems take for a drive. Rename it.")
    return name


def check_entries(entries: Iterable[tuple[str, Entry]]) -> None:
    """
    Check that entries can stand together in one version.

    Raises:
        InvalidName: a path that entries may not have, or one that is a file and a folder at once.
        InvalidValue: an entry that is neither bytes nor a reference.
        LimitExceeded: there are too many.
    """
    files: set[str] = set()
    folders: set[str] = set()
    for path, entry in entries:
        check_entry_path(path)
        files.add(path)
        place = path.rfind("/")
        while place > 0 and path[:place] not in folders:
            folders.add(path[:place])
            place = path.rfind("/", 0, place)
        _check_entry(path, entry)
        if len(files) > ARTIFACT_ENTRIES_MAX:
            raise LimitExceeded(f"a version has at most {ARTIFACT_ENTRIES_MAX:,} entries. Put them into archives.")
    both = files & folders
    if both:
        raise InvalidName(f"{min(both)!r} is a file and a folder at once.")


def _check_entry(path: str, entry: Entry) -> None:
    size = entry.bytes
    if size is not None and not 0 <= size < _BYTES_MAX:
        raise InvalidValue(f"{path!r} cannot have {size:,} bytes.")
    if entry.sha256 is not None:
        if not _SHA256.match(entry.sha256) or size is None or entry.ref is not None or entry.digest is not None:
            raise InvalidValue(f"{path!r} needs a SHA-256 and its bytes, and nothing else.")
    elif (
        not entry.ref
        or len(entry.ref) > ARTIFACT_REFERENCE_MAX_CHARS
        or len(entry.digest or "") > ARTIFACT_REFERENCE_MAX_CHARS
    ):
        raise InvalidValue(
            f"{path!r} has neither bytes nor an address of at most {ARTIFACT_REFERENCE_MAX_CHARS:,} characters."
        )
