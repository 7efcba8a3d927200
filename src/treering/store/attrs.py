"""Attributes: config and summary values as rows that a filter can find, and back."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from .state import Attr

# Longer texts are searched for by nobody, and an index row per run has to stay small. The document has the whole.
TEXT_KEPT: Final = 1_000

_encode_json = msgspec.json.Encoder(enc_hook=str).encode


def flatten(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of a nested map with dotted keys. An empty map is a leaf."""
    flat: dict[str, Any] = {}
    stack: list[tuple[str, dict[str, Any]]] = [(prefix, value)]
    while stack:
        head, mapping = stack.pop()
        for key, item in mapping.items():
            name = f"{head}{key}"
            if isinstance(item, dict) and item and "_type" not in item:
                stack.append((name + ".", item))
            else:
                flat[name] = item
    return flat


def to_attr(value: Any) -> Attr:
    """Return the row of one leaf. Only int and float have a number: a comparison needs to look at nothing else."""
    if value is None:
        return Attr("null")
    if isinstance(value, bool):
        return Attr("bool", None, "true" if value else "false")
    if isinstance(value, int):
        return Attr("int", _float(value), str(value) if abs(value) > 1 << 53 else None)
    if isinstance(value, float):
        return Attr("float", None, "NaN") if math.isnan(value) else Attr("float", value)
    if isinstance(value, str):
        return Attr("str", None, value.replace("\0", "")[:TEXT_KEPT])
    return Attr("json", None, _encode_json(value).decode().replace("\0", "")[:TEXT_KEPT])


def from_attr(kind: str, num: float | None, text: str | None) -> Any:
    """Return the value of a row; long texts and lists come back cut (the document has them whole)."""
    if kind == "null":
        return None
    if kind == "bool":
        return text == "true"
    if kind == "int":
        return int(text) if text is not None else int(num or 0)
    if kind == "float":
        return math.nan if num is None else num
    if kind == "json":
        try:
            return msgspec.json.decode(text or "null")
        except msgspec.DecodeError:
            return text
    return text


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
