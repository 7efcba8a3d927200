"""Which values of a ``log()`` call are rich, and what becomes of those that another library made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["as_media", "may_be_rich"]

# Libraries whose values are taken without a type of ours around them.
_LIBRARIES: Final = frozenset({"PIL", "matplotlib", "plotly", "pandas", "treering", "seaborn"})


_TYPES_MAX: Final = 10_000  # remembered; a program that makes types all the time must not fill the memory

# By type, since a loss that is a numpy number comes by in every log().
_rich_types: dict[type, bool] = {}


def may_be_rich(value: Any) -> bool:
    """Return whether :func:`as_media` is worth asking: cheap, and it loads nothing."""
    kind = type(value)
    known = _rich_types.get(kind)
    if known is not None:
        return known
    if kind is list or kind is tuple:
        return bool(value) and may_be_rich(value[0])
    if kind.__module__ == "builtins":
        return kind.__name__ == "module" and value.__name__ == "matplotlib.pyplot"
    if len(_rich_types) > _TYPES_MAX:
        _rich_types.clear()
    rich = any(base.__module__.partition(".")[0] in _LIBRARIES for base in kind.__mro__)
    _rich_types[kind] = rich
    return rich


def as_media(value: Any, table: Callable[[Any], Any] | None = None) -> Any:
    """
    Return *value* as a rich value; None if it is none.

    *table* makes one of a pandas DataFrame; where it is not given, in a table's own cells, a DataFrame is none.
    """
    if not may_be_rich(value):
        return None
    from .media import Media, Several

    if isinstance(value, Media):
        return value
    if isinstance(value, (list, tuple)):
        values = [as_media(each, table) for each in value]
        return None if any(each is None or isinstance(each, Several) for each in values) else Several(values)
    tops = {base.__module__.partition(".")[0] for base in type(value).__mro__}
    if "PIL" in tops and hasattr(value, "getbands"):
        from .image import Image

        return Image(value)
    if "plotly" in tops and hasattr(value, "to_json"):
        from .plotly import Plotly

        return Plotly(value)
    if "pandas" in tops and hasattr(value, "iloc") and hasattr(value, "columns"):
        return None if table is None else table(value)
    from .figure import is_matplotlib

    if is_matplotlib(value):
        from .image import Image

        return Image(value)
    return None
