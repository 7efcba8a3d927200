"""
What a value becomes before it enters the log: metrics, config and JSON.

Nothing here imports numpy, torch or any other library: an array is recognised by what it can do, and whoever passes
one has its library loaded already. Nothing here raises for a strange value; it becomes text, with one warning.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import hashlib
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Final

from .limits import (
    CONFIG_MAX_DEPTH,
    CONFIG_MAX_LEAVES,
    KEY_MAX_BYTES,
    ROW_MAX_DEPTH,
    TEXT_MAX_CHARS,
    UNKNOWN_TYPE_MAX_CHARS,
)

__all__ = [
    "Take",
    "Warn",
    "clean_config",
    "clean_key",
    "clean_row",
    "clean_text",
    "from_json",
    "is_media",
    "split_row",
    "to_json",
]

# Called with (subject, message); the caller says each subject once.
Warn = Callable[[str, str], None]

# Called with (key, value); returns whether it took the value over.
Take = Callable[[str, Any], bool]
_PLAIN: Final = frozenset({float, int, bool, str})

# Columns of every history row; a metric of this name could not be told from them.
RESERVED: Final = frozenset({"_step", "_attempt", "_writer", "_timestamp", "_runtime"})

_INT_MIN, _INT_MAX = -(1 << 63), (1 << 64) - 1  # what msgpack can hold

# Config arrays up to this many elements are stored as lists, larger ones as a description.
_CONFIG_ARRAY_MAX = 10_000


def clean_text(text: str) -> str:
    """Return *text* as valid UTF-8: halves of surrogate pairs, which no file can hold, become ``?``."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return str(text)


def clean_key(key: object, warn: Warn) -> str:
    """Return *key* as a metric key: ``str(key)``, valid UTF-8, cut to 1,024 bytes with a hash suffix."""
    text = clean_text(key if isinstance(key, str) else str(key))
    raw = text.encode()
    if len(raw) <= KEY_MAX_BYTES:
        return text
    digest = hashlib.sha256(raw).hexdigest()[:12]
    cut = raw[: KEY_MAX_BYTES - 13].decode("utf-8", "ignore") + "~" + digest
    warn(f"key {digest}", f"a key of {len(raw):,} bytes was cut to {KEY_MAX_BYTES:,}: {text[:60]!r}…")
    return cut


def is_media(value: object) -> bool:
    """Return whether *value* is an encoded media value: a dict whose ``_type`` names its kind."""
    return type(value) is dict and isinstance(value.get("_type"), str)


# ── metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────


def clean_row(data: Mapping[Any, Any], warn: Warn, take: Take | None = None) -> dict[str, Any]:
    """
    Return a snapshot of one ``log()`` call as plain numbers, texts and media maps, keyed by flat names.

    Nested dicts are flattened with ``/``. A 0-d or 1-element array of any library becomes its number (NaN and ±inf
    stay what they are); a larger one, and None, is left out with one warning per key. A value of an unknown type
    becomes text of at most 1,000 characters. The caller's dict is not changed.

    Args:
        take: asked about each value that is no plain number or text, with its flat name; what it takes over (returns
            True for) does not appear in the row.
    """
    row: dict[str, Any] = {}
    _flatten(data, "", row, warn, 0, take)
    return row


def split_row(row: Mapping[str, Any], max_keys: int, max_bytes: int) -> list[dict[str, Any]]:
    """
    Return *row* in parts of at most so many keys and about so many bytes, in order. One part if all fits.

    A value that is larger on its own is a part of its own.
    """
    parts: list[dict[str, Any]] = [{}]
    size = 0
    for key, value in row.items():
        its = _utf8_max(key) + _size(value)
        if parts[-1] and (len(parts[-1]) >= max_keys or size + its > max_bytes):
            parts.append({})
            size = 0
        parts[-1][key] = value
        size += its
    return parts


def _utf8_max(text: str) -> int:
    return 8 + (len(text) if text.isascii() else 4 * len(text))


def _size(value: object) -> int:
    """Return about how many bytes a stored value takes."""
    if isinstance(value, str):
        return _utf8_max(value)
    if isinstance(value, bytes):
        return 8 + len(value)
    if isinstance(value, dict):
        return 8 + sum(_utf8_max(key) + _size(item) for key, item in value.items())
    if isinstance(value, list):
        return 8 + sum(map(_size, value))
    return 9


def _flatten(
    data: Mapping[Any, Any], prefix: str, row: dict[str, Any], warn: Warn, depth: int, take: Take | None
) -> None:
    for name, value in list(data.items()):
        key = clean_key(f"{prefix}{name}" if prefix else name, warn)
        if key in RESERVED:
            warn(f"reserved {key}", f"{key!r} is a column of every row and cannot be logged; use another name.")
            continue
        if isinstance(value, Mapping) and not is_media(value):
            if depth + 1 >= ROW_MAX_DEPTH:
                warn(f"depth {key}", f"{key!r} is nested deeper than {ROW_MAX_DEPTH} levels and was stored as text.")
                row[key] = _as_text(value)
            else:
                _flatten(value, f"{key}/", row, warn, depth + 1, take)
            continue
        if take is not None and type(value) not in _PLAIN and take(key, value):
            continue
        cleaned = _scalar(key, value, warn)
        if cleaned is not None:
            if key in row:
                warn(f"twice {key}", f"two values of one log() call are both named {key!r}; the later one is kept.")
            row[key] = cleaned


def _scalar(key: str, value: object, warn: Warn) -> Any:
    """Return a number, text or media map; None when there is nothing to store."""
    kind = type(value)
    if kind is float or kind is bool:
        return value
    if kind is int:
        return _int(key, value, warn)  # type: ignore[arg-type]
    if value is None:
        warn(f"none {key}", f"{key!r} is None and was left out.")
        return None
    if isinstance(value, str):
        return _text(key, str(value), warn)
    try:
        return _media(key, value, warn, 0) if is_media(value) else _foreign(key, value, warn)
    except Exception as error:  # a user's type may raise anything from any of its methods
        warn(f"unreadable {key}", f"{key!r} ({_name(value)}) cannot be read: {error!r}. It was left out.")
        return None


def _foreign(key: str, value: object, warn: Warn) -> Any:
    """A value of some library: a number if it is one."""
    if isinstance(value, enum.Enum):
        return _scalar(key, value.value, warn) if isinstance(value.value, (int, float, str)) else value.name
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return _int(key, int(value), warn)
    if isinstance(value, float):
        return float(value)
    shape = _shape(value)
    if shape is not None:
        if math.prod(shape) != 1:
            size = "×".join(map(str, shape))
            warn(f"array {key}", f"{key!r} is an array of shape {size}, not one number, and was left out.")
            return None
        return _element(key, value, warn)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, PurePath):
        return _text(key, str(value), warn)
    if hasattr(value, "__index__"):
        return _int(key, value.__index__(), warn)
    if hasattr(value, "__float__") and not isinstance(value, complex):
        return float(value)
    warn(f"type {key} {_name(value)}", f"{key!r} has the type {_name(value)}, which is no metric; stored as text.")
    return _as_text(value)


def _media(key: str, value: Any, warn: Warn, depth: int) -> Any:
    """Return a snapshot of what stands in a media map: maps, lists, texts, bytes, numbers and None."""
    kind = type(value)
    if value is None or kind in (float, bool, bytes):
        return value
    if kind is int:
        return _int(key, value, warn)
    if isinstance(value, str):
        return clean_text(value)
    if depth < ROW_MAX_DEPTH:
        if isinstance(value, Mapping):
            return {clean_text(str(name)): _media(key, item, warn, depth + 1) for name, item in list(value.items())}
        if isinstance(value, (list, tuple)):
            return [_media(key, item, warn, depth + 1) for item in value]
        shape = _shape(value)
        if shape is not None and hasattr(value, "tolist"):
            return _media(key, value.tolist(), warn, depth + 1)
        if shape is None and isinstance(value, (bool, int, float, enum.Enum)):
            return _foreign(key, value, warn)
    warn(f"media {key}", f"{key!r} holds a {_name(value)}, which cannot be stored inside it; stored as text.")
    return _as_text(value)


def _shape(value: object) -> tuple[int, ...] | None:
    """Return the shape of an array-like (numpy, torch, jax, tensorflow), None for anything else."""
    shape = getattr(value, "shape", None)
    if shape is None or not (hasattr(value, "dtype") or hasattr(value, "item")):
        return None
    try:
        return tuple(int(size) for size in shape)
    except TypeError:
        return None


def _element(key: str, value: Any, warn: Warn) -> Any:
    """Return the one element of an array as a Python number."""
    if hasattr(value, "item"):
        element = value.item()
    elif hasattr(value, "numpy"):
        element = value.numpy().item()
    else:
        element = float(value)
    if type(element) in (float, bool):
        return element
    if type(element) is int:
        return _int(key, element, warn)
    if element is value or isinstance(element, complex) or _shape(element) is not None:
        # A scalar type that item() does not unpack, such as bfloat16 of ml_dtypes.
        return float(value.real if isinstance(element, complex) and not element.imag else element)
    return _scalar(key, element, warn)


def _int(key: str, value: int, warn: Warn) -> int | float | str:
    if _INT_MIN <= value <= _INT_MAX:
        return value
    try:
        nearest = float(value)
    except OverflowError:
        warn(f"int {key}", f"{key!r} is an integer beyond the range of a float and was stored as text.")
        return f"{'-' if value < 0 else ''}{hex(abs(value))[:UNKNOWN_TYPE_MAX_CHARS]}"
    warn(f"int {key}", f"{key!r} is an integer of more than 64 bits and was stored as a float.")
    return nearest


def _text(key: str, value: str, warn: Warn) -> str:
    if len(value) > TEXT_MAX_CHARS:
        warn(f"text {key}", f"{key!r} is a text of {len(value):,} characters and was cut to {TEXT_MAX_CHARS:,}.")
        value = value[:TEXT_MAX_CHARS]
    return clean_text(value)


def _as_text(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # a user's __repr__ may raise anything
        text = f"<{_name(value)} whose repr() raised {type(error).__name__}>"
    return clean_text(text[:UNKNOWN_TYPE_MAX_CHARS])


def _name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


# ── config ───────────────────────────────────────────────────────────────────────────────────────────────────────


class _Budget:
    """What is left of a config's leaves, and the objects on the present path (to see a cycle)."""

    def __init__(self) -> None:
        self.leaves = CONFIG_MAX_LEAVES
        self.path: set[int] = set()


def clean_config(value: object, warn: Warn) -> dict[str, Any]:
    """
    Return a configuration as nested dicts, lists, int, float, bool, None and str, whose types come back the same.

    Takes a mapping, ``argparse.Namespace``, dataclass, attrs or pydantic object, OmegaConf node (resolved), or absl
    flags. Leaves may be paths, enums, sets, tuples, decimals, dates, numpy or torch scalars
    and small arrays. A value that cannot be read becomes text, with a warning; it never blocks the others.
    """
    cleaned = _config_value("config", value, warn, _Budget(), 0)
    if isinstance(cleaned, dict):
        return cleaned
    warn("config type", f"config must be a mapping or an object with fields, got {_name(value)}; stored as one value.")
    return {"value": cleaned}


def _config_value(key: str, value: Any, warn: Warn, budget: _Budget, depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return _leaf(value, budget)
    if kind is int:
        if _INT_MIN <= value <= _INT_MAX:
            return _leaf(value, budget)
        warn(f"int {key}", f"{key!r} is an integer of more than 64 bits and was stored as text.")
        return _leaf(str(value) if abs(value) < 10**4000 else hex(value), budget)
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return _leaf(clean_text(str(value)), budget)
    if depth >= CONFIG_MAX_DEPTH:
        warn(f"depth {key}", f"{key!r} is nested deeper than {CONFIG_MAX_DEPTH} levels and was stored as text.")
        return _as_text(value)
    if id(value) in budget.path:
        warn(f"cycle {key}", f"{key!r} contains itself; the inner one was stored as text.")
        return f"<cycle: {_name(value)}>"
    budget.path.add(id(value))
    try:
        return _config_object(key, value, warn, budget, depth)
    except Exception as error:  # a user's type may raise anything from any of its methods
        warn(f"unreadable {key}", f"{key!r} ({_name(value)}) cannot be read: {error!r}. It was stored as text.")
        return _as_text(value)
    finally:
        budget.path.discard(id(value))


def _leaf(value: Any, budget: _Budget) -> Any:
    budget.leaves -= 1
    return value


def _config_object(key: str, value: Any, warn: Warn, budget: _Budget, depth: int) -> Any:
    fields = _fields(value)
    if fields is not None:
        result: dict[str, Any] = {}
        for name, item in fields.items():
            if budget.leaves <= 0:
                warn(
                    "leaves", f"config has more than {CONFIG_MAX_LEAVES:,} values; those after {name!r} were left out."
                )
                break
            text = clean_key(name, warn)
            result[text] = _config_value(f"{key}.{text}", item, warn, budget, depth + 1)
        return result
    if isinstance(value, (list, tuple)):
        return [_config_value(f"{key}[{i}]", item, warn, budget, depth + 1) for i, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        try:
            ordered = sorted(value)
        except TypeError:
            ordered = sorted(value, key=repr)
        return [_config_value(f"{key}[{i}]", item, warn, budget, depth + 1) for i, item in enumerate(ordered)]
    return _leaf(_config_leaf(key, value, warn, budget, depth), budget)


def _config_leaf(key: str, value: Any, warn: Warn, budget: _Budget, depth: int) -> Any:
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, (int, float, str, bool)) else value.name
    if isinstance(value, (bool, int, float)):  # subclasses, such as numpy.float64 and IntEnum
        plain = bool(value) if isinstance(value, bool) else int(value) if isinstance(value, int) else float(value)
        return _config_value(key, plain, warn, budget, depth)
    if isinstance(value, decimal.Decimal):
        return float(value) if decimal.Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, PurePath):
        return clean_text(str(value))
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[:UNKNOWN_TYPE_MAX_CHARS]).decode("utf-8", "replace")
    shape = _shape(value)
    if shape is not None:
        size = math.prod(shape)
        if size == 1 and not any(shape):
            return _config_value(key, value.item(), warn, budget, depth + 1)
        if size <= _CONFIG_ARRAY_MAX and hasattr(value, "tolist"):
            return _config_value(key, value.tolist(), warn, budget, depth + 1)
        return f"<{_name(value)} of shape {shape}>"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return clean_text(str(value)[:TEXT_MAX_CHARS])


def _fields(value: Any) -> dict[Any, Any] | None:
    """Return the fields of a mapping or of an object that is a bag of fields; None for anything else."""
    omegaconf = sys.modules.get("omegaconf")
    if omegaconf is not None and omegaconf.OmegaConf.is_config(value):
        resolved = omegaconf.OmegaConf.to_container(value, resolve=True)
        return resolved if isinstance(resolved, dict) else None
    if isinstance(value, Mapping):
        return dict(value.items())
    if isinstance(value, (type, enum.Enum)):
        return None
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__ if hasattr(value, name)}
    if hasattr(value, "__attrs_attrs__"):
        return {field.name: getattr(value, field.name) for field in value.__attrs_attrs__}
    for method in ("model_dump", "flag_values_dict"):  # pydantic, absl
        if callable(getattr(value, method, None)):
            dumped = getattr(value, method)()
            return dict(dumped) if isinstance(dumped, Mapping) else None
    if type(value).__name__ in ("Namespace", "SimpleNamespace") and hasattr(value, "__dict__"):
        return dict(vars(value))
    # wandb-like config objects: keys() and item access, yet no Mapping
    if callable(getattr(value, "keys", None)) and hasattr(value, "__getitem__") and _shape(value) is None:
        return {name: value[name] for name in value.keys()}  # noqa: SIM118
    return None


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_NAMES: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(value: Any) -> Any:
    """
    Return *value* with every NaN and infinity as the string ``"NaN"``, ``"Infinity"`` or ``"-Infinity"``.

    Strict JSON has no such numbers; a bare ``NaN`` breaks parsers and a silent ``null`` cannot be told from missing.
    """
    if isinstance(value, float):
        if value != value:
            return "NaN"
        if value in (math.inf, -math.inf):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def from_json(value: Any) -> Any:
    """Return the number that a metric field of a JSON body means: the inverse of :func:`to_json` for one value."""
    return _NAMES.get(value, value) if isinstance(value, str) else value
