"""How values are distributed: ``tr.Histogram``."""

from __future__ import annotations

import math
import sys
from typing import Any, ClassVar, Final

from treering.limits import HISTOGRAM_BINS_MAX

from .arrays import snapshot
from .media import Media, Shelf, Unusable
from .payload import Payload

__all__ = ["Histogram"]

_LARGE: Final = 1e300
_SCALE: Final = 2.0**64
_GREATEST: Final = sys.float_info.max


class Histogram(Media):
    """
    Counts of values in bins of equal width, or a histogram that was made elsewhere.

    NaN and infinite values are counted apart; the bins hold the finite ones. Empty data give an empty histogram.

    Args:
        sequence: numbers of any shape: list, numpy or torch array. Counted off the training's thread.
        np_histogram: instead of *sequence*: counts and the edges of the bins, as ``numpy.histogram`` returns them.
        num_bins: 1 to 512.
    """

    kind: ClassVar[str] = "histogram"
    accepts: ClassVar[str] = "a sequence of numbers, or np_histogram=(counts, edges)"

    def __init__(
        self,
        sequence: Any = None,
        np_histogram: tuple[Any, Any] | None = None,
        num_bins: int = 64,
    ) -> None:
        super().__init__()
        self._data: Payload | None = None
        self._value: dict[str, Any] | None = None
        self._num_bins = num_bins
        with self._guarded():
            if np_histogram is not None:
                self._value = _given(np_histogram)
            elif sequence is None:
                raise Unusable("neither a sequence nor np_histogram was given")
            elif not 1 <= num_bins <= HISTOGRAM_BINS_MAX:
                raise Unusable(f"num_bins is from 1 to {HISTOGRAM_BINS_MAX}; got {num_bins}")
            else:
                self._data = self._keep(snapshot(sequence))

    @property
    def histogram(self) -> list[float]:
        """The counts."""
        return list(self._counted()["values"])

    @property
    def bins(self) -> list[float]:
        """The edges: one more than there are counts."""
        return list(self._counted()["bins"])

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        return self._counted()

    def _counted(self) -> dict[str, Any]:
        if self._value is None:
            self._value = {"bins": [], "values": []} if self._data is None else count(self._data.get(), self._num_bins)
        return self._value


def _given(pair: Any) -> dict[str, Any]:
    try:
        counts, edges = pair
    except (TypeError, ValueError):
        raise Unusable("np_histogram is a pair: counts and edges") from None
    values, bins = snapshot(counts).ravel(), snapshot(edges).ravel()
    if len(bins) != len(values) + 1 and len(values):
        raise Unusable(f"np_histogram has {len(values):,} counts and {len(bins):,} edges; there is one more edge")
    if len(values) > HISTOGRAM_BINS_MAX:
        raise Unusable(f"np_histogram has {len(values):,} bins; at most {HISTOGRAM_BINS_MAX}")
    if len(values) and not (math.isfinite(float(values.sum())) and math.isfinite(float(abs(bins).max()))):
        raise Unusable("np_histogram holds NaN or infinite counts or edges")
    return {"bins": bins.tolist() if len(values) else [], "values": values.tolist()}


def count(array: Any, num_bins: int) -> dict[str, Any]:
    """Return the map of a histogram of *array*, of any shape and number type."""
    import numpy as np

    # Bins of narrow floats and of large integers overflow in numpy.
    flat = array.ravel().astype(np.float64, copy=False)
    value: dict[str, Any] = {}
    finite = np.isfinite(flat)
    if not finite.all():
        nan = int(np.isnan(flat).sum())
        infinite = int(flat.size - finite.sum()) - nan
        value = {**({"nan": nan} if nan else {}), **({"inf": infinite} if infinite else {})}
        flat = flat[finite]
    if flat.size == 0:
        return {"bins": [], "values": [], **value}
    low, high = float(flat.min()), float(flat.max())
    if max(-low, high) > _LARGE:
        # The width of a bin, or a range that is made a little wider, might lie beyond what a float can hold.
        small = count(flat / _SCALE, num_bins)
        edges = [max(-_GREATEST, min(_GREATEST, edge * _SCALE)) for edge in small["bins"]]
        return {
            **small,
            **value,
            "bins": edges,
            "min": low,
            "max": high,
            "mean": small["mean"] * _SCALE,
            "std": small["std"] * _SCALE,
        }
    counts, edges = _bins(flat, num_bins, low, high)
    # Around the middle and scaled to at most 1, so that neither sums nor squares of large numbers overflow.
    middle, half = low / 2 + high / 2, (high / 2 - low / 2) or 1.0
    rest = (flat - middle) / half
    return {
        "bins": edges.tolist(),
        "values": counts.tolist(),
        **value,
        "min": low,
        "max": high,
        "mean": float(rest.mean()) * half + middle,
        "std": float(rest.std()) * half,
    }


def _bins(flat: Any, num_bins: int, low: float, high: float) -> tuple[Any, Any]:
    import numpy as np

    if low == high:
        # numpy makes such a range 1 wide, which is nothing beside 1e300.
        half = max(0.5, abs(low) * 2**-20)
        low, high = low - half, high + half
    try:
        return np.histogram(flat, bins=num_bins, range=(low, high))
    except ValueError:  # too many bins for a range this narrow: fewer than num_bins floats lie between
        return np.array([flat.size]), np.array([low, high])
