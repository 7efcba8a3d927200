"""Pages and pieces of pages: ``tr.Html``. They are shown in a sandbox, without the rights of the app around them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from treering.limits import MEDIA_DOCUMENT_MAX_BYTES

from .media import Media, Shelf, Source, Unusable
from .payload import Payload

__all__ = ["Html"]


class Html(Media):
    """
    An HTML page or a piece of one.

    Args:
        data: text, a file object, or the path of a file. A text is a path if it has no ``<`` and ends in .html or
            .htm and the file exists.
        inject: accepted for scripts of other trackers; the page is stored as it is.
        data_is_not_path: never take a text as a path.
    """

    kind: ClassVar[str] = "html-file"
    accepts: ClassVar[str] = "HTML text, a file object or the path of an HTML file"

    def __init__(self, data: Any, inject: bool = True, data_is_not_path: bool = False) -> None:
        super().__init__()
        self._data: Source | Payload | None = None
        with self._guarded():
            if isinstance(data, os.PathLike) or (isinstance(data, str) and not data_is_not_path and _is_path(data)):
                self._data = Source(self, data)
            else:
                self._data = self._keep(document(data))

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        if isinstance(self._data, Source):
            blob, _ = self._data.store(shelf, "html")
        else:
            assert self._data is not None
            blob = shelf.store(self._data.get(), "html")
        return {"sha256": blob.sha256, "size": blob.size}


def _is_path(text: str) -> bool:
    return "<" not in text and text.lower().endswith((".html", ".htm")) and Path(text).is_file()


def document(data: Any) -> bytes:
    """Return a text, bytes, or what a file object holds, as bytes. Raises Unusable."""
    if hasattr(data, "read"):
        if hasattr(data, "seek"):
            data.seek(0)
        data = data.read()
    if isinstance(data, str):
        data = data.encode("utf-8", "replace")
    if not isinstance(data, (bytes, bytearray)):
        raise Unusable(f"a {type(data).__qualname__} is no text")
    if len(data) > MEDIA_DOCUMENT_MAX_BYTES:
        raise Unusable(f"a text of {len(data):,} bytes; at most {MEDIA_DOCUMENT_MAX_BYTES:,}")
    return bytes(data)
