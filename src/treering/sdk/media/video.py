"""Moving pictures: ``tr.Video``."""

from __future__ import annotations

import io
import itertools
import os
from pathlib import Path
from typing import Any, ClassVar, Final

from .arrays import snapshot
from .html import document
from .image import picture_of
from .media import Media, Shelf, Source, Unusable
from .payload import Payload
from .pixels import levels

__all__ = ["Video"]

_FORMATS: Final = frozenset({"gif", "mp4", "webm", "ogg", "mov", "avi", "mkv", "webp"})
_FPS: Final = 4
_GIF_TICKS: Final = 100  # per second


class Video(Media):
    """
    A video.

    Args:
        data_or_path: the path of a file; bytes or a file object with *format*; or an array of frames, (time, channels,
            height, width), with several videos side by side (number, time, channels, height, width). Frames with the
            channels last are taken too, where only the last dimension can be one. Numbers mean what they mean in a
            ``tr.Image``.
        caption: text beside it.
        fps: frames per second of an array; 4 if it is not given.
        format: gif, which needs nothing, or mp4 or webm, which need PyAV or imageio-ffmpeg (without them it becomes a
            GIF, with a warning). Also the format of bytes.
    """

    kind: ClassVar[str] = "video-file"
    accepts: ClassVar[str] = "an array of frames (time, channels, height, width), or the path of a video file"

    def __init__(
        self,
        data_or_path: Any,
        caption: str | None = None,
        fps: float | None = None,
        format: str | None = None,  # noqa: A002 - the field's word for it
    ) -> None:
        super().__init__(caption)
        self._source: Source | None = None
        self._data: Payload | None = None
        self._fps = float(fps or _FPS)
        with self._guarded():
            self._format = (format or "").lower().lstrip(".")
            if isinstance(data_or_path, (str, os.PathLike)):
                self._source = Source(self, data_or_path)
                self._format = self._source.extension
            elif isinstance(data_or_path, (bytes, bytearray)) or hasattr(data_or_path, "read"):
                self._data = self._keep(document(data_or_path))
            else:
                self._format = self._format or "gif"
                self._data = self._keep(_frames(snapshot(data_or_path)))
                if not 0 < self._fps < 1_000:
                    raise Unusable(f"{self._fps:g} frames per second")
            if self._format not in _FORMATS:
                raise Unusable(f"the format {self._format!r} is unknown; it is one of {', '.join(sorted(_FORMATS))}")

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        data: Any = self._data.get() if self._data is not None else None
        if hasattr(data, "dtype"):
            return self._captioned(self._encode_frames(data, shelf))
        if self._source is not None:
            blob, path = self._source.store(shelf)
        else:
            blob = shelf.store(data, self._format)
            path = shelf.blobs.path(blob.sha256)
        value = {"sha256": blob.sha256, "size": blob.size, "format": self._format}
        if self._format in ("gif", "webp"):
            value.update(_about(path))
        return self._captioned(value)

    def _encode_frames(self, data: Any, shelf: Shelf) -> dict[str, Any]:
        import numpy as np

        frames = levels(data, None, shelf.warn)
        if frames.dtype == np.bool_:
            frames = frames.astype(np.uint8) * 255
        elif frames.dtype == np.uint16:
            shelf.warn("levels of 16 bits were stored with 8 bits")
            frames = (frames >> 8).astype(np.uint8)
        form = self._format
        if form in ("mp4", "webm"):
            try:
                with shelf.writing() as path:
                    _write_film(path, frames, self._fps, form)
                    blob = shelf.take(path, form)
            except ImportError:
                shelf.warn(f"{form} needs PyAV (pip install av) or imageio-ffmpeg; it was stored as a GIF")
                form = "gif"
        elif form != "gif":
            shelf.warn(f"frames are not stored as {form}; it was stored as a GIF")
            form = "gif"
        if form == "gif":
            blob = shelf.store(_gif(frames, self._fps), "gif")
        count, height, width = frames.shape[:3]
        value = {"sha256": blob.sha256, "size": blob.size, "format": form, "width": width, "height": height}
        return {**value, "frames": count, "fps": self._fps}


def _frames(array: Any) -> Any:
    """Return frames as (time, height, width, channels), several videos in one row beside each other."""
    import numpy as np

    shape = "×".join(map(str, array.shape))
    if array.ndim not in (4, 5) or array.size == 0:
        raise Unusable(f"an array of shape {shape} is no video; it is (time, channels, height, width)")
    videos = array[None] if array.ndim == 4 else array
    if videos.shape[2] in (1, 3, 4):
        videos = videos.transpose(0, 1, 3, 4, 2)
    elif videos.shape[4] not in (1, 3, 4):
        raise Unusable(f"an array of shape {shape} has no dimension of 1, 3 or 4 channels")
    number, time, height, width, channels = videos.shape
    # The same grid as wandb's: a power of two of places, the rows not more than the columns.
    places = 1 << (number - 1).bit_length()
    rows = 1 << ((number.bit_length() - 1) // 2)
    if places > number:
        videos = np.concatenate([videos, np.zeros((places - number, *videos.shape[1:]), videos.dtype)])
    grid = videos.reshape(rows, places // rows, time, height, width, channels).transpose(2, 0, 3, 1, 4, 5)
    return np.ascontiguousarray(grid.reshape(time, rows * height, places // rows * width, channels))


def _gif(frames: Any, fps: float) -> bytes:
    from PIL import Image as Pictures

    pictures = []
    for frame in frames:
        picture = picture_of(frame)
        if picture.mode == "RGBA":
            picture = picture.convert("RGB")
        if picture.mode == "RGB":
            picture = picture.quantize(256, method=Pictures.Quantize.FASTOCTREE, dither=Pictures.Dither.NONE)
        pictures.append(picture)
    # A GIF counts hundredths of a second; rounding the sum keeps the length right.
    ends = [round(number * _GIF_TICKS / fps) for number in range(len(pictures) + 1)]
    durations = [max(1, end - begin) * 10 for begin, end in itertools.pairwise(ends)]
    file = io.BytesIO()
    pictures[0].save(
        file, format="GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=False
    )
    return file.getvalue()


def _write_film(path: Path, frames: Any, fps: float, form: str) -> None:
    """Write a film with whichever library is there; raises ImportError if none is."""
    import numpy as np

    height, width = frames.shape[1] // 2 * 2, frames.shape[2] // 2 * 2  # yuv420p halves the colours
    if not height or not width:
        raise Unusable("a film is at least 2×2 pixels; use format='gif'")
    frames = frames[:, :height, :width, :3]
    if frames.shape[3] == 1:
        frames = np.repeat(frames, 3, axis=3)
    try:
        import av
    except ImportError:
        _write_with_ffmpeg(path, frames, fps, form)
        return
    from fractions import Fraction

    with av.open(str(path), "w", format=form) as film:
        stream = film.add_stream(
            "libx264" if form == "mp4" else "libvpx-vp9", rate=Fraction(fps).limit_denominator(1000)
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            film.mux(stream.encode(picture))
        film.mux(stream.encode(None))


def _write_with_ffmpeg(path: Path, frames: Any, fps: float, form: str) -> None:
    import imageio_ffmpeg
    import numpy as np

    writer = imageio_ffmpeg.write_frames(
        str(path),
        (frames.shape[2], frames.shape[1]),
        fps=fps,
        codec="libx264" if form == "mp4" else "libvpx-vp9",
        macro_block_size=2,
        output_params=["-f", form],
    )
    writer.send(None)
    for frame in frames:
        writer.send(np.ascontiguousarray(frame))
    writer.close()


def _about(path: Path) -> dict[str, Any]:
    from PIL import Image as Pictures
    from PIL import UnidentifiedImageError

    try:
        with Pictures.open(path) as picture:
            return {"width": picture.width, "height": picture.height, "frames": getattr(picture, "n_frames", 1)}
    except (UnidentifiedImageError, OSError, EOFError, ValueError):
        return {}
