"""Interactive figures of plotly: ``tr.Plotly``."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from .figure import figure_of, is_matplotlib
from .html import document
from .media import Media, Shelf, Unusable

__all__ = ["Plotly"]


class Plotly(Media):
    """
    A plotly figure, stored as its JSON.

    Args:
        val: a plotly figure, its dict or JSON text, or a matplotlib figure, which plotly converts as well as it can
            (``run.log({"x": figure})`` stores a matplotlib figure as a picture, which loses nothing).
    """

    kind: ClassVar[str] = "plotly-file"
    accepts: ClassVar[str] = "a plotly figure, its dict or JSON, or a matplotlib figure"

    def __init__(self, val: Any) -> None:
        super().__init__()
        with self._guarded():
            self._data = self._keep(_json_of(val))

    @classmethod
    def make_plot_media(cls, val: Any) -> Media:
        """Return a plotly figure for what plotly can show; a picture for a matplotlib figure that it cannot convert."""
        made = cls(val)
        if made.problem and is_matplotlib(val):
            from .image import Image

            return Image(val)
        return made

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        blob = shelf.store(self._data.get(), "json")
        return {"sha256": blob.sha256, "size": blob.size}


def _json_of(value: Any) -> bytes:
    if is_matplotlib(value):
        from plotly import tools

        value = tools.mpl_to_plotly(figure_of(value))
    if isinstance(value, (str, bytes)):
        data = document(value)
    elif hasattr(value, "to_json"):
        data = document(value.to_json())
    elif isinstance(value, dict):
        from treering.values import to_json

        data = msgspec.json.encode(to_json(value), enc_hook=plain)
    else:
        raise Unusable(f"a {type(value).__qualname__} is no plotly figure")
    try:
        figure = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise Unusable(f"this is no JSON of a figure: {error}") from None
    if not isinstance(figure, dict) or not isinstance(figure.get("data"), list):
        raise Unusable("a plotly figure has a list 'data'")
    return data


def plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise Unusable(f"a figure holds a {type(value).__qualname__}, which is nothing that JSON knows")
