"""Pictures and sounds that are encoded already: their bytes are stored as they are and never decoded here."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from treering.sdk.media.audio import about_wav
from treering.sdk.media.media import Media, Shelf

__all__ = ["EncodedPicture", "EncodedSound"]

_PICTURES: Final = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"BM": "bmp"}


class EncodedPicture(Media):
    """A picture as the bytes of a file; a GIF that moves is a video."""

    accepts: ClassVar[str] = "the bytes of a PNG, JPEG, GIF, BMP or WebP file"

    def __init__(self, data: memoryview, width: int = 0, height: int = 0) -> None:
        super().__init__()
        head = bytes(data[:32])
        self._format = next((name for mark, name in _PICTURES.items() if head.startswith(mark)), "")
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            self._format = "webp"
        self._size = (width, height)
        if self._format == "png" and len(head) >= 24:
            self._size = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
        elif self._format == "gif":
            self._size = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
        # Only a GIF of several frames has this block, which says how often they are shown.
        moves = self._format == "gif" and b"NETSCAPE2.0" in bytes(data[:1024])
        self._kind = "video-file" if moves else "image-file"
        if not self._format:
            self.problem = "a picture of a format that browsers do not show"
        self._data = self._keep(bytes(data))

    @property
    def kind(self) -> str:  # type: ignore[override]
        """The ``_type`` of its map."""
        return self._kind

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        blob = shelf.store(self._data.get(), "jpg" if self._format == "jpeg" else self._format)
        value: dict[str, Any] = {"sha256": blob.sha256, "size": blob.size, "format": self._format}
        if all(self._size):
            value["width"], value["height"] = self._size
        return value


class EncodedSound(Media):
    """A sound as the bytes of a WAV file."""

    kind: ClassVar[str] = "audio-file"
    accepts: ClassVar[str] = "the bytes of a WAV file"

    def __init__(self, data: memoryview, caption: str = "") -> None:
        super().__init__(caption or None)
        head = bytes(data[:12])
        self._data = self._keep(bytes(data))
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            self.problem = "a sound that is no WAV file"

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        blob = shelf.store(self._data.get(), "wav")
        about = about_wav(shelf.blobs.path(blob.sha256))
        return self._captioned({"sha256": blob.sha256, "size": blob.size, "format": "wav", **about})
