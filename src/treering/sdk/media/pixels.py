"""
What the numbers of an array mean as pixels. The same rules hold for images and for the frames of a video.

Place of the channels, if there are three dimensions: a numpy array is height × width × channels, unless only its
first dimension is 1, 3 or 4; a torch tensor is channels × height × width, unless only its last one is.

Numbers: ``uint8`` and ``bool`` stay what they are. Floats from 0 to 1 are multiplied by 255 and rounded. Other floats
are scaled, with a warning that says how: those that reach beyond by at most 0.05 are clipped; from -1 to 1 becomes 0
to 255; from 0 to 255 are levels; anything else is scaled from its least to its greatest value. ``normalize=True``
always scales from least to greatest, ``normalize=False`` always clips to 0…1. NaN is black.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from .media import Unusable

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["channels_last", "levels"]

_CHANNELS: Final = (1, 3, 4)
_OVERSHOOT: Final = 0.05  # of a network that was meant to end in 0…1


def channels_last(array: Array, *, first: bool, deep: bool = False) -> Array:
    """
    Return an image as (height, width) or (height, width, channels); 2 channels are grey with alpha.

    Args:
        first: whether the channels stand first where both places are possible.
        deep: two dimensions are not enough (frames of a video).

    Raises:
        Unusable: no place for channels, or nothing in it.
    """
    shape = "×".join(map(str, array.shape))
    while array.ndim > 3 and 1 in array.shape[:-3]:
        array = array.squeeze(array.shape.index(1))
    if array.ndim > 3:
        raise Unusable(f"an array of shape {shape} is a batch; log a list, one tr.Image for each")
    if array.size == 0 or array.ndim < (3 if deep else 2):
        raise Unusable(f"an array of shape {shape} is no image")
    if array.ndim == 2:
        return array
    for allowed in (_CHANNELS, (2,)):
        front, back = array.shape[0] in allowed, array.shape[2] in allowed
        if front and (first or not back):
            return array.transpose(1, 2, 0)
        if back:
            return array
    raise Unusable(f"an array of shape {shape} has no dimension of 1, 3 or 4 channels")


def levels(array: Array, normalize: bool | None, warn: Callable[[str], None]) -> Array:
    """Return the pixels as ``uint8``, ``bool``, or, for one channel of larger integers, ``uint16``."""
    import numpy as np

    kind = array.dtype.kind
    if kind == "b" or array.dtype == np.uint8:
        return array
    if kind == "f":
        return _from_floats(array, normalize, warn)
    low, high = int(array.min()), int(array.max())
    if normalize:
        return _stretched(array.astype(np.float64), low, high)
    deep = array.ndim == 2 or array.shape[-1] == 1
    if deep and (array.dtype == np.uint16 or (low >= 0 and 255 < high <= 65_535)):
        return array.astype(np.uint16)
    if low < 0 or high > 255:
        if array.dtype == np.uint16:
            warn("colours of 16 bits were stored with 8 bits")
            return _rounded(array // 256)
        warn(f"integers from {low:,} to {high:,} were clipped to 0…255")
        array = array.clip(0, 255)
    return array.astype(np.uint8)


def _from_floats(array: Array, normalize: bool | None, warn: Callable[[str], None]) -> Array:
    import numpy as np

    array = array.astype(np.float32 if array.dtype.itemsize < 8 else np.float64, copy=False)
    low, high = float(array.min()), float(array.max())  # NaN if there is one
    if not (np.isfinite(low) and np.isfinite(high)):
        finite = np.isfinite(array)
        warn(f"{int(array.size - finite.sum()):,} pixels are NaN or infinite")
        known = array[finite]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
        array = np.nan_to_num(array, nan=min(low, 0.0) if normalize is None else low, posinf=high, neginf=low)
    if normalize:
        return _stretched(array, low, high)
    if low >= 0 and high <= 1:
        return _rounded(array * 255)
    says = f"floats from {low:.4g} to {high:.4g}, not from 0 to 1, were "
    choose = "; choose with normalize=True or False"
    if normalize is False or (low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT):
        if normalize is None:
            warn(f"{says}clipped{choose}")
        return _rounded(array.clip(0, 1) * 255)
    if low >= -1 and high <= 1:
        warn(f"{says}taken as -1…1{choose}")
        return _rounded((array + 1) * 127.5)
    if low >= 0 and high <= 255:
        warn(f"{says}taken as levels 0…255{choose}")
        return _rounded(array)
    warn(f"{says}scaled from the least to the greatest{choose}")
    return _stretched(array, low, high)


def _stretched(array: Array, low: float, high: float) -> Array:
    span = high - low
    return _rounded((array - low) * (255 / span if span else 0.0))


def _rounded(array: Array) -> Array:
    import numpy as np

    pixels: Array = np.rint(array).astype(np.uint8)
    return pixels
