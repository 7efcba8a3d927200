"""Event files, written as TensorFlow writes them and as nobody should."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

START_S = 1_700_000_000.0
FILE = "events.out.tfevents.1700000000.host.1.0"


def crc32c(data: bytes) -> int:
    """The checksum, bit by bit, as its definition has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(record: bytes) -> bytes:
    """A record with its length and its two checksums."""
    length = struct.pack("<Q", len(record))
    return length + masked(length) + record + masked(record)


# ── protocol buffers ─────────────────────────────────────────────────────────────────────────────────────────────


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, value: int | float | bytes | str) -> bytes:
    """A varint, a double, or bytes."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def event(step: int, *values: bytes, at_s: float | None = None) -> bytes:
    """An event with a summary of these values."""
    at_s = START_S + step if at_s is None else at_s
    summary = b"".join(field(1, value) for value in values)
    return field(1, at_s) + field(2, step) + (field(5, summary) if values else b"")


def version(at_s: float = START_S) -> bytes:
    """The first event of each file."""
    return field(1, at_s) + field(3, "brain.Event:2")


def session_start(step: int) -> bytes:
    return field(1, START_S + step) + field(2, step) + field(7, field(1, 1))


def scalar(tag: str, value: float) -> bytes:
    return field(1, tag) + varint(2 << 3 | 5) + struct.pack("<f", value)


def metadata(plugin: str, content: bytes = b"") -> bytes:
    return field(9, field(1, field(1, plugin) + (field(2, content) if content else b"")))


def tensor(tag: str, plugin: str, kind: int, shape: Iterable[int], content: bytes) -> bytes:
    """A value that is a tensor; *content* are encoded fields."""
    dims = b"".join(field(2, field(1, size)) for size in shape)
    proto = field(1, kind) + field(2, dims) + content
    return field(1, tag) + (metadata(plugin) if plugin else b"") + field(8, proto)


def text(tag: str, *lines: str) -> bytes:
    content = b"".join(field(8, line) for line in lines)
    return tensor(f"{tag}/text_summary", "text", 7, [len(lines)], content)


def picture(tag: str, data: bytes, width: int = 2, height: int = 1) -> bytes:
    return field(1, tag) + field(4, field(1, height) + field(2, width) + field(3, 3) + field(4, data))


def pictures(tag: str, *data: bytes) -> bytes:
    return tensor(tag, "images", 7, [2 + len(data)], b"".join(field(8, each) for each in (b"2", b"1", *data)))


def sound(tag: str) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8000)
        made.writeframes(bytes(1600))
    return field(1, tag) + field(6, field(4, file.getvalue()) + field(5, "audio/wav"))


def doubles(number: int, values: Iterable[float]) -> bytes:
    values = list(values)
    return field(number, struct.pack(f"<{len(values)}d", *values))


def histogram(tag: str, limits: list[float], counts: list[float], least: float, greatest: float) -> bytes:
    total = sum(counts)
    proto = (
        field(1, least) + field(2, greatest) + field(3, float(total)) + field(4, total * 1.0) + field(5, total * 2.0)
    )
    return field(1, tag) + field(5, proto + doubles(6, limits) + doubles(7, counts))


def histogram_tensor(tag: str, rows: list[tuple[float, float, float]]) -> bytes:
    flat = [number for row in rows for number in row]
    return tensor(tag, "histograms", 2, [len(rows), 3], field(4, struct.pack(f"<{len(flat)}d", *flat)))


def hyperparameters(settings: Mapping[str, Any]) -> bytes:
    """What ``add_hparams`` begins a session with."""

    def value(given: Any) -> bytes:
        if isinstance(given, bool):
            return field(4, int(given))
        if isinstance(given, str):
            return field(3, given)
        if isinstance(given, list):
            return field(6, b"".join(field(1, value(each)) for each in given))
        return field(2, float(given))

    pairs = b"".join(field(1, field(1, name) + field(2, value(each))) for name, each in settings.items())
    return field(1, "_hparams_/session_start_info") + metadata("hparams", field(3, pairs))


def write(path: Path, *records: bytes, append: bool = False) -> Path:
    """Write a file of records; a new one begins with its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab" if append else "wb") as file:
        for record in records if append else (version(), *records):
            file.write(framed(record))
    return path
