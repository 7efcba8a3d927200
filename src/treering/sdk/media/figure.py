"""matplotlib figures as pictures."""

from __future__ import annotations

import io
import sys
from typing import Any

from .media import Unusable

__all__ = ["figure_of", "is_matplotlib", "render"]


def is_matplotlib(value: object) -> bool:
    """Return whether *value* is a matplotlib figure, an axes or another part of one, or the ``pyplot`` module."""
    if value is sys.modules.get("matplotlib.pyplot", sys):
        return True
    top = type(value).__module__.partition(".")[0]
    # A seaborn grid and a subclass of Figure of somebody's own hold or are a figure too.
    return top == "matplotlib" or (hasattr(value, "savefig") and hasattr(value, "get_axes"))


def figure_of(value: Any) -> Any:
    """
    Return the figure that *value* is, belongs to, or, for the module, that is the current one.

    Raises:
        Unusable: nothing is drawn in it.
    """
    if value is sys.modules.get("matplotlib.pyplot", sys):
        value = value.gcf()
    figure = value if hasattr(value, "savefig") else getattr(value, "figure", None)
    if figure is None or not hasattr(figure, "savefig"):
        raise Unusable(f"a {type(value).__qualname__} of matplotlib belongs to no figure")
    if not figure.get_axes() and not figure.get_children()[1:]:
        raise Unusable("the figure is empty: log it before plt.show() or plt.close()")
    return figure


def render(value: Any) -> bytes:
    """
    Return a figure as PNG.

    It is drawn on the calling thread: a figure may change after the call, and matplotlib must not be used from two
    threads.
    """
    file = io.BytesIO()
    figure_of(value).savefig(file, format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue()
