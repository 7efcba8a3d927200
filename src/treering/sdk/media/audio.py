"""Sounds: ``tr.Audio``."""

from __future__ import annotations

import io
import os
import wave
from pathlib import Path
from typing import Any, ClassVar, Final

from treering.limits import AUDIO_PEAKS_MAX

from .arrays import snapshot
from .media import Media, Shelf, Source, Unusable
from .payload import Payload

__all__ = ["Audio", "about_wav"]

_READ_FRAMES: Final = 1 << 18  # of a WAV file at once


class Audio(Media):
    """
    A sound.

    Args:
        data_or_path: an array of samples, (n,) or (n, channels), or the path of a sound file. Floats from -1 to 1
            become 16-bit samples, louder ones are clipped with a warning; integers keep their width. An array whose
            first dimension is at most 8 and shorter than the other is taken as (channels, n).
        sample_rate: samples per second; needed for an array.
        caption: text beside it.
    """

    kind: ClassVar[str] = "audio-file"
    accepts: ClassVar[str] = "an array of samples with sample_rate, or the path of a sound file"

    def __init__(self, data_or_path: Any, sample_rate: int | None = None, caption: str | None = None) -> None:
        super().__init__(caption)
        self._source: Source | None = None
        self._samples: Payload | None = None
        self._sample_rate = 0
        with self._guarded():
            if isinstance(data_or_path, (str, os.PathLike)):
                self._source = Source(self, data_or_path)
            elif sample_rate is None or not sample_rate > 0:
                raise Unusable("an array of samples needs sample_rate")
            else:
                self._sample_rate = int(sample_rate)
                self._samples = self._keep(_samples(snapshot(data_or_path)))

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        if self._source is not None:
            return self._captioned(_encode_file(self._source, shelf))
        assert self._samples is not None
        samples = _to_integers(self._samples.get(), shelf)
        frames, channels = samples.shape
        file = io.BytesIO()
        with wave.open(file, "wb") as sound:
            sound.setnchannels(channels)
            sound.setsampwidth(samples.dtype.itemsize)
            sound.setframerate(self._sample_rate)
            sound.writeframes(samples.tobytes())
        blob = shelf.store(file.getvalue(), "wav")
        return self._captioned(
            {
                "sha256": blob.sha256,
                "size": blob.size,
                "format": "wav",
                "duration_s": frames / self._sample_rate,
                "sample_rate": self._sample_rate,
                "channels": channels,
                "peaks": _peaks(samples),
            }
        )


def _samples(array: Any) -> Any:
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise Unusable(f"samples of shape {'×'.join(map(str, array.shape))}; they are (n,) or (n, channels)")
    if array.shape[0] <= 8 and array.shape[0] < array.shape[1]:
        array = array.T
    if array.shape[1] > 65_535:
        raise Unusable(f"{array.shape[1]:,} channels")
    return array


def _to_integers(samples: Any, shelf: Shelf) -> Any:
    """Return samples of 8 (unsigned), 16 or 32 bits, little endian."""
    import numpy as np

    if samples.dtype.kind == "f":
        finite = np.isfinite(samples)
        if not finite.all():
            shelf.warn(f"{int(samples.size - finite.sum()):,} samples are NaN or infinite; they are silent now")
            samples = np.where(finite, samples, 0)
        loudest = float(np.abs(samples).max()) if samples.size else 0.0
        if loudest > 1:
            shelf.warn(f"samples reach {loudest:.4g}; they are from -1 to 1, and louder ones were clipped")
        return np.rint(samples.clip(-1, 1).astype(np.float64) * 32_767).astype("<i2")
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype == np.int8:
        return (samples.astype(np.int16) + 128).astype(np.uint8)
    if samples.dtype.itemsize > 2:
        return samples.clip(-(1 << 31), (1 << 31) - 1).astype("<i4")
    return samples.astype("<i2") if samples.dtype.kind == "i" else samples.clip(0, 32_767).astype("<i2")


def _peaks(samples: Any) -> list[list[float]]:
    """Return least and greatest of at most 400 equal parts of all channels together, as a share of full scale."""
    import numpy as np

    if not len(samples):
        return []
    middle, full = (128, 128) if samples.dtype == np.uint8 else (0, float(1 << (8 * samples.dtype.itemsize - 1)))
    low, high = samples.min(axis=1), samples.max(axis=1)
    parts = min(AUDIO_PEAKS_MAX, len(samples))
    begins = np.arange(parts) * len(samples) // parts
    lows, highs = np.minimum.reduceat(low, begins), np.maximum.reduceat(high, begins)
    return [
        [round((float(lo) - middle) / full, 4), round((float(hi) - middle) / full, 4)]
        for lo, hi in zip(lows, highs, strict=True)
    ]


def _encode_file(source: Source, shelf: Shelf) -> dict[str, Any]:
    blob, stored = source.store(shelf)
    value: dict[str, Any] = {"sha256": blob.sha256, "size": blob.size, "format": source.extension}
    if source.extension in ("wav", "wave"):
        value["format"] = "wav"
        value.update(about_wav(stored))
    return value


def about_wav(path: Path) -> dict[str, Any]:
    """Return what the header of a WAV file says, and its peaks; nothing for one that is compressed."""
    import numpy as np

    try:
        with wave.open(str(path), "rb") as sound:
            frames, rate, channels = sound.getnframes(), sound.getframerate(), sound.getnchannels()
            value: dict[str, Any] = {"duration_s": frames / rate, "sample_rate": rate, "channels": channels}
            dtype = {1: "u1", 2: "<i2", 4: "<i4"}.get(sound.getsampwidth())
            if dtype is None or not frames:
                return value
            parts = max(1, -(-frames // _READ_FRAMES))
            each = max(1, AUDIO_PEAKS_MAX // parts)
            peaks: list[list[float]] = []
            while data := sound.readframes(_READ_FRAMES):
                samples = np.frombuffer(data, dtype).reshape(-1, channels)
                peaks += _thinned(_peaks(samples), each)
            value["peaks"] = _thinned(peaks, AUDIO_PEAKS_MAX)
            return value
    except (wave.Error, EOFError, ValueError, ZeroDivisionError):
        return {}


def _thinned(peaks: list[list[float]], most: int) -> list[list[float]]:
    if len(peaks) <= most:
        return peaks
    parts = [peaks[i * len(peaks) // most : (i + 1) * len(peaks) // most] for i in range(most)]
    return [[min(lo for lo, _ in part), max(hi for _, hi in part)] for part in parts]
