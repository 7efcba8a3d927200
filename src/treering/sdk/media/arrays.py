"""Arrays of any library as numpy arrays of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .media import Unusable

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["is_torch", "snapshot"]


def is_torch(value: object) -> bool:
    """Return whether *value* is a torch tensor, whose channels stand first by custom."""
    return type(value).__module__.partition(".")[0] == "torch" or hasattr(value, "detach")


def snapshot(value: Any) -> Array:
    """
    Return a copy of *value* as a numpy array: numpy, torch (any device), jax, tensorflow, lists of numbers.

    Raises:
        Unusable: it is no array of numbers.
    """
    import numpy as np

    if hasattr(value, "detach"):
        value = value.detach()
        if str(getattr(value, "dtype", "")) in ("torch.bfloat16", "torch.float16"):
            value = value.float()
        value = value.cpu()
        if getattr(value, "is_sparse", False):
            value = value.to_dense()
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        value = value.numpy()
    array = np.array(value)
    if array.dtype.kind not in "biuf":
        if array.dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
            return array.astype(np.float32)
        raise Unusable(f"an array of {array.dtype} is no array of numbers")
    return array
