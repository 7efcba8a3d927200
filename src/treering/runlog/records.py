"""
What frames carry. A payload is one or more msgpack values; the frame's kind says which.

The hot record is the row, ``[step, time_ns, {key: value}]``. Kinds are numbers for ever: a number is never reused,
and ``FORMAT.md`` names those that are reserved.
"""

from __future__ import annotations

import zlib
from typing import Any, Final, NamedTuple

import msgspec

from treering.errors import FormatError, LimitExceeded
from treering.limits import FRAME_MAX_BYTES, FRAME_RATIO_MAX

from .frames import CODEC_MASK, CODEC_NONE, CODEC_ZLIB, Frame

HEADER: Final = 0
ROW: Final = 1
ROW_RELATIVE: Final = 2
LIFE: Final = 3
CONFIG: Final = 4
SUMMARY: Final = 5
DEFINE: Final = 6
STATE: Final = 7
END: Final = 8
BEAT: Final = 9
SYSTEM: Final = 10
CONSOLE: Final = 11
GAP: Final = 12
EDIT: Final = 13
REWIND: Final = 14
FORK: Final = 15
DELETE: Final = 16
SOURCE: Final = 17
EPOCH: Final = 18
SEAL: Final = 19
FACTS: Final = 20
REGISTER: Final = 21
RECEIVED: Final = 22
FILE: Final = 23
HELD: Final = 24
DOCUMENT: Final = 25
PLACE: Final = 26
PURGE: Final = 27
WAITING: Final = 28
ARTIFACT: Final = 29
USE: Final = 30
VERSION: Final = 31
ARTIFACT_ACT: Final = 32
ALERT: Final = 33
ALERT_NOTE: Final = 34

KINDS: Final[dict[int, str]] = {
    HEADER: "header",
    ROW: "row",
    ROW_RELATIVE: "row_relative",
    LIFE: "life",
    CONFIG: "config",
    SUMMARY: "summary",
    DEFINE: "define",
    STATE: "state",
    END: "end",
    BEAT: "beat",
    SYSTEM: "system",
    CONSOLE: "console",
    GAP: "gap",
    EDIT: "edit",
    REWIND: "rewind",
    FORK: "fork",
    DELETE: "delete",
    SOURCE: "source",
    EPOCH: "epoch",
    SEAL: "seal",
    FACTS: "facts",
    REGISTER: "register",
    RECEIVED: "received",
    FILE: "file",
    HELD: "held",
    DOCUMENT: "document",
    PLACE: "place",
    PURGE: "purge",
    WAITING: "waiting",
    ARTIFACT: "artifact",
    USE: "use",
    VERSION: "version",
    ARTIFACT_ACT: "artifact_act",
    ALERT: "alert",
    ALERT_NOTE: "alert_note",
}


class Row(NamedTuple):
    """One ``log()`` call. ``step`` is absolute in a ROW and counts from the life's base in a ROW_RELATIVE."""

    step: int
    time_ns: int
    data: dict[str, Any]


class System(NamedTuple):
    """System metrics of one window: key → ``[min, mean, max, n]``."""

    time_ns: int
    data: dict[str, list[float]]


class Console(NamedTuple):
    """
    A finished line of what the process printed, without its line break; it may hold ANSI colour codes.

    If *open* is 1, it is the present state of the line (or lines) that is not finished yet. Only the newest state of
    a writer's stream counts, and only while no finished line of that stream follows it.
    """

    time_ns: int
    stream: str
    text: str
    open: int = 0


class File(NamedTuple):
    """
    Bytes that belong to the run; they stand in the data folder by their SHA-256. It comes before a row that names them.

    *about* has ``purpose`` (media, saved, code, patch, tree, worktree, packages, notebook, artifact) and may have
    ``mode``, ``redacted`` and more.
    """

    time_ns: int
    path: str
    sha256: str
    bytes: int
    about: dict[str, Any]


class Held(NamedTuple):
    """In the server's own segment: these bytes came from a client that may write to the run."""

    time_ns: int
    sha256: str
    bytes: int


class Edit(NamedTuple):
    """A change made by a person after the fact. The latest time wins per field."""

    time_ns: int
    author: str
    changes: dict[str, Any]


class ConfigChange(NamedTuple):
    """A change of the configuration: ``merge`` sets the top-level keys of *data*, ``delete`` removes *keys*."""

    time_ns: int
    data: dict[str, Any]
    mode: str = "merge"
    keys: tuple[str, ...] | list[str] = ()


class Timed(NamedTuple):
    """A record of any other kind that is a time and a map."""

    time_ns: int
    data: dict[str, Any]


_decode = msgspec.msgpack.Decoder().decode
_decode_row = msgspec.msgpack.Decoder(tuple[int, int, dict[str, Any]]).decode
encode = msgspec.msgpack.Encoder().encode

_SHAPES: Final[dict[int, type]] = {
    ROW: Row,
    ROW_RELATIVE: Row,
    CONFIG: ConfigChange,
    SYSTEM: System,
    CONSOLE: Console,
    EDIT: Edit,
    FILE: File,
    HELD: Held,
}


def inflate(frame: Frame, raw_length: int | None = None) -> bytes:
    """Return the raw payload of *frame*, never more than the limits allow, whatever the bytes claim."""
    codec = frame.flags & CODEC_MASK
    if codec == CODEC_NONE:
        return frame.payload
    if codec != CODEC_ZLIB:
        raise FormatError(f"frame at byte {frame.offset:,} uses codec {codec}, which this treering does not know.")
    most = min(FRAME_MAX_BYTES, len(frame.payload) * FRAME_RATIO_MAX)
    engine = zlib.decompressobj()
    try:
        raw = engine.decompress(frame.payload, most + 1)
    except zlib.error as error:
        raise FormatError(f"frame at byte {frame.offset:,} does not inflate: {error}.") from None
    if len(raw) > most:
        raise LimitExceeded(f"frame at byte {frame.offset:,} inflates beyond {most:,} bytes.")
    return raw


def decode(frame: Frame) -> list[Any]:
    """
    Return the records of *frame*: ``Row``, ``System``, ``Console``, ``File``, ``Held``, ``Edit``, ``Timed``, or a
    plain map (life, seal).

    Raises:
        FormatError: the payload is not what its kind says. The frame passed its checksums, so it was written so.
        LimitExceeded: it would inflate beyond the limits.
    """
    kind = frame.kind
    if kind == HEADER:
        return []
    payload = inflate(frame)
    try:
        if kind <= ROW_RELATIVE and frame.nrec == 1:
            return [Row(*_decode_row(payload))]
        values = [_decode(payload)] if frame.nrec == 1 else _split(payload, frame.nrec)
        return [_shape(kind, value) for value in values]
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
        name = KINDS.get(kind, str(kind))
        raise FormatError(f"frame at byte {frame.offset:,} is not a {name} record: {error}.") from None


def _shape(kind: int, value: Any) -> Any:
    """Give a decoded value the type of its kind; extra trailing items of a later minor version are dropped."""
    shape = _SHAPES.get(kind)
    if shape is not None:
        fields: tuple[str, ...] = shape._fields  # type: ignore[attr-defined]
        if not isinstance(value, list):  # a slice of something else may raise anything, or give letters of a text
            raise TypeError(f"it is no list but a {type(value).__name__}")
        return shape(*value[: len(fields)])
    if isinstance(value, list) and len(value) >= 2 and isinstance(value[0], int) and isinstance(value[1], dict):
        return Timed(value[0], value[1])
    return value


def _split(payload: bytes, count: int) -> list[Any]:
    """Decode *count* msgpack values that stand back to back, by wrapping them as one array."""
    head = bytes([0x90 | count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    values: list[Any] = _decode(head + payload)
    return values
