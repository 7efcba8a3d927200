"""
Pictures that people put into their texts: notes of runs, reports, comments.

A text names one as ``![what it shows](picture:<sha256>)``. The bytes are a blob; that a project has them is a document
of it, so that whoever may read the project may see them, and nobody else by naming a hash. What they are is told by
their first bytes alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from treering.errors import InvalidValue, LimitExceeded, NotFound
from treering.limits import PICTURE_MAX_BYTES, PICTURES_MAX_PER_PROJECT

from .blobs import FileBlobs
from .documents import Documents

__all__ = ["Picture", "Pictures", "picture_type"]

_KIND: Final = "picture"


class Picture(msgspec.Struct, frozen=True):
    """A picture of a project."""

    sha256: str
    bytes: int
    type: str
    author: str


class Pictures:
    """The pictures in a store's documents. Thread-safe."""

    def __init__(self, documents: Documents, blobs: FileBlobs, clock_ns: Callable[[], int]) -> None:
        self._documents = documents
        self._blobs = blobs
        self._clock_ns = clock_ns
        self._lock = threading.Lock()

    def add(self, entity: str, project: str, content: bytes, author: str) -> Picture:
        """
        Keep a picture; equal ones are kept once.

        Raises:
            InvalidValue: it is no PNG, JPEG, GIF or WebP.
            LimitExceeded: it is too large, or the project has too many. OSError.
        """
        if len(content) > PICTURE_MAX_BYTES:
            raise LimitExceeded(f"the picture has {len(content):,} bytes; at most {PICTURE_MAX_BYTES:,} are kept.")
        kind = picture_type(content)
        if kind is None:
            raise InvalidValue("this is no PNG, JPEG, GIF or WebP picture.")
        with self._lock:
            sha256, size = self._blobs.put([content])
            known = self._find(entity, project, sha256)
            if known is not None:
                return known
            self._documents.create(
                _KIND,
                entity,
                project,
                sha256,
                None,
                author,
                self._clock_ns(),
                most=PICTURES_MAX_PER_PROJECT,
                bytes=size,
                type=kind,
            )
        return Picture(sha256, size, kind, author)

    def find(self, entity: str, project: str, sha256: str) -> Picture:
        """Return a picture of a project whose bytes are here. Raises NotFound."""
        found = self._find(entity, project, sha256)
        if found is None or not self._blobs.has(sha256):
            raise NotFound(f"{entity}/{project} has no picture {sha256[:64]!r}.")
        return found

    def kept_blobs(self) -> Iterator[str]:
        """Yield the hashes of all pictures."""
        for document in self._documents.of_kind(_KIND):
            yield document.name

    def _find(self, entity: str, project: str, sha256: str) -> Picture | None:
        for document in self._documents.of_project(_KIND, entity, project):
            if document.name == sha256:
                return Picture(sha256, int(document.about["bytes"]), str(document.about["type"]), document.owner)
        return None


def picture_type(content: bytes) -> str | None:
    """Return the media type of a picture by its first bytes; None for all but PNG, JPEG, GIF and WebP."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None
