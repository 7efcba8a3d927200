"""
What all rich values have in common.

A value is made on the training's thread, where it takes a snapshot of what it is given; from then on it does not
change. Encoding it, on the encoder's thread, turns it into a small map that goes into the row, and into blobs.

Data that cannot be used never raise where the value is made: the training would end for a picture. The value keeps
what is wrong with it, and ``log()`` says so, once per key. Only an argument that does not exist raises TypeError.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NamedTuple

from treering.errors import InvalidValue
from treering.limits import MEDIA_CAPTION_MAX_CHARS, MEDIA_LIST_MAX, MEDIA_READ_NOW_BYTES
from treering.sdk.blobs import Blob, Blobs
from treering.values import clean_text

from .payload import Payload

__all__ = ["Media", "Several", "Shelf", "Source", "Unusable"]


class Unusable(InvalidValue):
    """Data that cannot become a value of this kind; the message says why and goes into the warning of ``log()``."""


class Media:
    """A rich value. ``kind`` is the ``_type`` of its map, ``accepts`` says in words what it can be made of."""

    kind: ClassVar[str] = ""
    accepts: ClassVar[str] = ""

    def __init__(self, caption: str | None = None) -> None:
        self.caption = None if caption is None else clean_text(str(caption))[:MEDIA_CAPTION_MAX_CHARS]
        self.problem = ""  # why it cannot be logged
        self._payloads: list[Payload] = []
        self._encoded: _Encoded | None = None

    @property
    def type_name(self) -> str:
        """The ``_type`` of its map."""
        return self.kind

    # ── on the training's thread ────────────────────────────────────────────────────────────────────────────────

    def _guarded(self) -> _Guard:
        """Inside ``with``, an exception is kept as this value's problem."""
        return _Guard(self)

    def _keep(self, data: Any) -> Payload:
        """Hold *data*, which nobody changes any more, until it is encoded."""
        payload = Payload(data)
        self._payloads.append(payload)
        return payload

    def snapshot(self) -> Media:
        """Return this value as it is now; itself, unless its kind can be changed after it was made."""
        return self

    def payloads(self) -> Iterable[Payload]:
        """Return what of it is large."""
        return self._payloads

    def size(self) -> int:
        """Return about how many bytes it takes in memory until it is encoded."""
        return sum(payload.size for payload in self.payloads())

    # ── on the encoder's thread ─────────────────────────────────────────────────────────────────────────────────

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        """
        Return the map of this value without its ``_type``; its bytes go on the *shelf*.

        Raises:
            Unusable: the data turns out not to be what it should be.
        """
        raise NotImplementedError

    def _captioned(self, value: dict[str, Any]) -> dict[str, Any]:
        if self.caption is not None:
            value["caption"] = self.caption
        return value

    def __repr__(self) -> str:
        return f"<treering.{type(self).__name__}{f' {self.caption!r}' if self.caption else ''}>"


class _Guard:
    def __init__(self, media: Media) -> None:
        self._media = media

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        # The training must not end for a picture, whatever a user's type raises.
        self._media.problem = problem_of(error)
        return True


def problem_of(error: Exception) -> str:
    """Return what a warning says of *error*."""
    if isinstance(error, Unusable):
        return str(error)
    if isinstance(error, ImportError) and error.name:
        return f"it needs {error.name}: pip install {_PACKAGES.get(error.name, error.name)}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fspath(error.filename)!r}: {error.strerror}"
    return f"{type(error).__name__}: {error}"


_PACKAGES = {"PIL": "pillow"}


class Several(Media):
    """Several values of one kind that were logged under one key."""

    def __init__(self, values: Sequence[Media]) -> None:
        super().__init__()
        self.values = values
        for number, value in enumerate(values):
            if value.problem:
                self.problem = f"number {number}: {value.problem}"
                break
            if value.kind != values[0].kind:
                self.problem = f"{values[0].kind} and {value.kind} cannot stand in one list"
                break
        if len(values) > MEDIA_LIST_MAX:
            self.problem = f"a list of {len(values):,} values; at most {MEDIA_LIST_MAX:,}"

    def snapshot(self) -> Media:
        return Several([value.snapshot() for value in self.values])

    def payloads(self) -> Iterable[Payload]:
        return [payload for value in self.values for payload in value.payloads()]

    def size(self) -> int:
        return sum(value.size() for value in self.values)

    @property
    def type_name(self) -> str:
        """The kind of its elements."""
        return self.values[0].kind

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        return {"items": [shelf.encode(value) for value in self.values]}


class Source:
    """
    A user's file as bytes of a value.

    A file up to 8 MiB is read at once, so that a script may write the next picture over it. A larger one is copied by
    the encoder, and a change in between is noticed.
    """

    def __init__(self, media: Media, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self.extension = self.path.suffix.lower().lstrip(".")
        found = os.stat(self.path)
        if not self.path.is_file():
            raise Unusable(f"{str(path)!r} is no file")
        self._then = (found.st_size, found.st_mtime_ns)
        self._data = media._keep(self.path.read_bytes()) if found.st_size <= MEDIA_READ_NOW_BYTES else None

    def store(self, shelf: Shelf, extension: str = "", kind: str = "") -> tuple[Blob, Path]:
        """Store the bytes; return the blob and where it can be read."""
        extension = extension or self.extension
        if self._data is not None:
            blob = shelf.store(self._data.get(), extension, kind)
        else:
            found = os.stat(self.path)
            if (found.st_size, found.st_mtime_ns) != self._then:
                shelf.warn(f"{str(self.path)!r} was changed after log(); what it holds now was stored")
            blob = shelf.copy(self.path, extension, kind)
        return blob, shelf.blobs.path(blob.sha256)


class _Encoded(NamedTuple):
    """The result of encoding, so that a value that is logged twice is encoded once."""

    folder: Path
    value: dict[str, Any]
    files: list[StoredFile]


class StoredFile(NamedTuple):
    """A blob that a value put on the shelf."""

    blob: Blob
    extension: str
    kind: str


class Shelf:
    """Takes the bytes of the values of one row while they are encoded, and remembers them as files of the run."""

    def __init__(self, blobs: Blobs, warn: Callable[[str], None]) -> None:
        self.blobs = blobs
        self.warn = warn
        self.files: list[StoredFile] = []
        self._kind = ""

    def encode(self, media: Media) -> dict[str, Any]:
        """Return the map of *media* without its ``_type``, encoded now or before."""
        known = media._encoded
        if known is not None and known.folder == self.blobs.folder:
            self.files += known.files
            return dict(known.value)
        if media.problem:
            raise Unusable(media.problem)
        first, outer = len(self.files), self._kind
        self._kind = media.kind or outer
        try:
            value = media.encode(self)
        finally:
            self._kind = outer
        media._encoded = _Encoded(self.blobs.folder, dict(value), self.files[first:])
        return value

    def store(self, data: bytes | bytearray | memoryview, extension: str, kind: str = "") -> Blob:
        """Store bytes as a file of the run."""
        return self._noted(self.blobs.put(data), extension, kind)

    def copy(self, path: Path, extension: str, kind: str = "") -> Blob:
        """Store a user's file. Raises OSError when it cannot be read."""
        return self._noted(self.blobs.copy(path), extension, kind)

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Yield a path for a library that writes files itself; :meth:`take` stores what it wrote."""
        with self.blobs.temporary() as path:
            yield path

    def take(self, path: Path, extension: str, kind: str = "") -> Blob:
        """Store the file that was written at *path*."""
        return self._noted(self.blobs.take(path), extension, kind)

    def _noted(self, blob: Blob, extension: str, kind: str) -> Blob:
        self.files.append(StoredFile(blob, extension, kind or self._kind))
        return blob
