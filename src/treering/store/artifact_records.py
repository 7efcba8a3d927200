"""
What runs say of artifacts, checked as it is read from their logs: versions that they made, and that they used.

A record is written by a stranger's program as often as by ours, so whatever it says is bounded here, before it becomes
a row.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final, Literal

import msgspec

from treering.errors import InvalidName
from treering.ids import check_alias, check_name
from treering.limits import (
    ARTIFACT_ALIASES_MAX,
    ARTIFACT_DESCRIPTION_MAX_CHARS,
    ARTIFACT_KEEP_MAX,
    ARTIFACT_MANIFEST_MAX_BYTES,
    ARTIFACT_METADATA_MAX_BYTES,
    ARTIFACT_TTL_MAX_DAYS,
    KEY_MAX_BYTES,
    NAME_MAX_CHARS,
    TAG_MAX_CHARS,
    TAGS_MAX,
)
from treering.values import to_json

from .state import ArtifactRow, UseRow

__all__ = ["LATEST", "About", "KeepRule", "clean_aliases", "clean_keep", "clean_ttl", "read_artifact", "read_use"]

LATEST: Final = "latest"
_RECORD: Final = re.compile(r"[0-9a-f]{16}\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_COUNT_MAX: Final = 1 << 62

_to_json = msgspec.json.Encoder().encode


class KeepRule(msgspec.Struct, frozen=True):
    """Which versions of an artifact stay: the newest ``count``, or the best by a metric of their runs."""

    kind: Literal["last", "best"]
    count: int
    metric: str | None = None
    goal: Literal["maximize", "minimize"] | None = None

    def __str__(self) -> str:
        return (
            f"keep the last {self.count:,}" if self.kind == "last" else f"keep the best {self.count:,} by {self.metric}"
        )


class About(msgspec.Struct, frozen=True):
    """What a run says of a version beside its content. ``ttl_days`` None: as the artifact says."""

    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    description: str = ""
    metadata: dict[str, Any] = {}
    ttl_days: float | None = None
    keep: KeepRule | None = None
    step: int | None = None
    values: dict[str, float | str] = {}  # NaN and the infinities by their names, as JSON cannot write them


def read_artifact(time_ns: int, body: dict[str, Any], segment: str) -> ArtifactRow:
    """Return the row of an ``artifact`` record. Raises TypeError, ValueError, KeyError: it is none."""
    record, digest = str(body["id"]), str(body["digest"])
    if not _RECORD.match(record) or not _SHA256.match(digest):
        raise ValueError("an artifact needs an id of 16 hexadecimal digits and the SHA-256 of its manifest")
    about = About(
        aliases=tuple(alias for alias in clean_aliases(body.get("aliases") or ()) if alias != LATEST),
        tags=_texts(body.get("tags") or (), TAGS_MAX, TAG_MAX_CHARS),
        description=str(body.get("description") or "")[:ARTIFACT_DESCRIPTION_MAX_CHARS],
        metadata=_metadata(body.get("metadata") or {}),
        ttl_days=clean_ttl(body.get("ttl_days")),
        keep=clean_keep(body.get("keep")),
        step=None if body.get("step") is None else _count(body["step"]),
        values=_values(body.get("values") or {}),
    )
    return ArtifactRow(
        record=record,
        segment=segment,
        name=check_name(body["name"], "artifact"),
        type=check_name(body["type"], "artifact type"),
        digest=digest,
        manifest_bytes=min(_count(body["manifest_bytes"]), ARTIFACT_MANIFEST_MAX_BYTES + 1),
        bytes=_count(body["bytes"]),
        files=_count(body["files"]),
        time_us=time_ns // 1000,
        about=_to_json(about).decode(),
    )


def read_use(time_ns: int, body: dict[str, Any]) -> UseRow:
    """Return the row of a ``use`` record. Raises TypeError, ValueError, KeyError: it is none."""
    names = [check_name(body[part], part) for part in ("entity", "project", "name")]
    return UseRow(
        artifact="/".join(names),
        version=_count(body["version"]),
        type=check_name(body["type"], "artifact type"),
        digest=str(body.get("digest") or "").replace("\0", "")[:64],
        use_as=str(body.get("use_as") or "").replace("\0", "")[:NAME_MAX_CHARS],
        time_us=time_ns // 1000,
    )


def clean_aliases(given: Any) -> tuple[str, ...]:
    """Return aliases, each once, ``latest`` among them if it is given. Raises TypeError, InvalidName."""
    names = _texts(given, ARTIFACT_ALIASES_MAX, NAME_MAX_CHARS)
    return tuple(name if name == LATEST else check_alias(name) for name in names)


def clean_ttl(days: Any) -> float | None:
    """Return how many days a version is kept, infinite for ever, None for what the artifact says."""
    if days is None:
        return None
    value = float(days)
    if not (0 < value <= ARTIFACT_TTL_MAX_DAYS or value == math.inf):
        raise ValueError(f"a version is kept for more than 0 and at most {ARTIFACT_TTL_MAX_DAYS:g} days")
    return value


def clean_keep(rule: Any) -> KeepRule | None:
    """Return a rule of retention. Raises ValueError: it is none."""
    if rule is None:
        return None
    found = msgspec.convert(rule, KeepRule)
    if not 1 <= found.count <= ARTIFACT_KEEP_MAX:
        raise ValueError(f"a rule keeps 1 to {ARTIFACT_KEEP_MAX:,} versions")
    if found.kind == "last":
        return KeepRule("last", found.count)
    if not found.metric or len(found.metric.encode()) > KEY_MAX_BYTES or found.goal is None:
        raise ValueError("a rule that keeps the best needs a metric, and whether more or less is better")
    return found


def _texts(given: Any, most: int, most_chars: int) -> tuple[str, ...]:
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) and one for one in given):
        raise TypeError("a list of texts is needed")
    found = tuple(dict.fromkeys(given))
    if len(found) > most or any(len(one) > most_chars for one in found):
        raise InvalidName(f"at most {most} names of at most {most_chars} characters each are kept.")
    return found


def _metadata(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise TypeError("metadata is a map")
    plain: dict[str, Any] = to_json(given)
    if len(_to_json(plain)) > ARTIFACT_METADATA_MAX_BYTES:
        raise ValueError(f"metadata takes more than {ARTIFACT_METADATA_MAX_BYTES:,} bytes")
    return plain


def _values(given: Any) -> dict[str, float | str]:
    if not isinstance(given, dict) or len(given) > ARTIFACT_ALIASES_MAX:
        raise TypeError("values are a small map")
    found: dict[str, float | str] = to_json({str(key): float(value) for key, value in given.items()})
    return found


def _count(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("a count that is no whole number")
    number = int(value)
    if not 0 <= number < _COUNT_MAX:
        raise ValueError("a count or size below 0, or beyond 62 bits")
    return number
