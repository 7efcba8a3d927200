"""
Stamps: which run a weights file is of, written into the file's own metadata.

::

    tr.stamp("model.safetensors")                    # of the active run
    run.save("model.safetensors", stamp=True)        # stamped, then saved

A stamp travels with the file through copies, uploads and renames; ``treering origin`` reads it. It is a note and no
proof: what proves where a file comes from is what it holds.

Only what is understood from the first to the last byte of the metadata is written anew: of safetensors the header, of
GGUF the table of keys, of ONNX one field at the end. The tensors stay as they are. The new file takes the place of the
old one at once, or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import struct
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from treering.errors import InvalidValue
from treering.ids import RUN_KEY
from treering.limits import TENSORS_HEADER_MAX_BYTES
from treering.runlog.file_parts import tensors_header

__all__ = ["Stamp", "read_stamp", "write_stamp"]

KEY: Final = "treering.run"
_GGUF: Final = b"GGUF"
_STRING, _ARRAY = 8, 9
_GGUF_SIZES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_ALIGNMENT_KEY: Final = b"general.alignment"
_ONNX_PROPS: Final = (14 << 3) | 2  # ModelProto.metadata_props
_ONNX_FIELDS: Final = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})


class Stamp(NamedTuple):
    """The run of a file: its key, and ``entity/project/id`` as it was called then."""

    run_key: str
    path: str


def read_stamp(file: Path) -> Stamp | None:
    """Return the stamp of a file; None if it has none, or is of a format that holds none. Raises OSError."""
    with open(file, "rb") as source:
        size = os.fstat(source.fileno()).st_size
        text = _read_safetensors(source, size)
        text = _read_gguf(source) if text is None else text
        text = _read_onnx(source, size) if text is None else text
    return _parse(text)


def write_stamp(file: Path, stamp: Stamp) -> None:
    """
    Write a stamp into a file, in place of one that it has.

    Raises:
        InvalidValue: it is no safetensors, GGUF or ONNX file, or not one that is understood as a whole.
        OSError: it cannot be read or written.
    """
    text = json.dumps({"run": stamp.run_key, "path": stamp.path})
    with open(file, "rb") as source:
        found = os.fstat(source.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise InvalidValue(f"{str(file)!r} is no regular file; only such can be stamped.")
        head, rest = _stamped(source, found.st_size, text, file)
        folder = file.resolve().parent
        descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".tmp", dir=folder)
        try:
            with open(descriptor, "wb") as target:
                begin, tail = rest
                target.write(head)
                source.seek(begin)
                shutil.copyfileobj(source, target, 1 << 20)
                target.write(tail)
                target.flush()
                os.fchmod(target.fileno(), stat.S_IMODE(found.st_mode))
                os.fsync(target.fileno())
            now = os.stat(file)
            if (now.st_size, now.st_mtime_ns, now.st_ino) != (found.st_size, found.st_mtime_ns, found.st_ino):
                raise InvalidValue(f"{str(file)!r} changed while it was stamped; it was left as it is.")
            os.replace(temporary, file.resolve())
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _stamped(source: BinaryIO, size: int, text: str, file: Path) -> tuple[bytes, tuple[int, bytes]]:
    """Return the new beginning, from where on the old file follows it, and what comes behind that."""
    found = tensors_header(source, size)
    if found is not None:
        return _stamp_safetensors(*found, text), (8 + found[0], b"")
    source.seek(0)
    if source.read(4) == _GGUF:
        head, begin = _stamp_gguf(source, text)
        return head, (begin, b"")
    props = _onnx_props(source, size)
    if props is None:
        raise InvalidValue(
            f"{str(file)!r} is no safetensors, GGUF or ONNX file, or not a whole one; it was not stamped."
        )
    if props.get(KEY) == text:
        return b"", (0, b"")
    if KEY in props:
        raise InvalidValue(f"{str(file)!r} is an ONNX file with the stamp of another run; it was left as it is.")
    entry = _field(1, KEY.encode()) + _field(2, text.encode())
    return b"", (0, _varint(_ONNX_PROPS) + _varint(len(entry)) + entry)


def _parse(text: str | None) -> Stamp | None:
    try:
        said = json.loads(text) if text else None
    except ValueError:
        return None
    if not isinstance(said, dict) or not RUN_KEY.fullmatch(str(said.get("run"))):
        return None
    return Stamp(str(said["run"]), str(said.get("path") or "")[:400])


# ── safetensors ──────────────────────────────────────────────────────────────────────────────────────────────────
def _read_safetensors(source: BinaryIO, size: int) -> str | None:
    found = tensors_header(source, size)
    metadata = None if found is None else found[1].get("__metadata__")
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    return text if isinstance(text, str) else None


def _stamp_safetensors(_: int, header: dict[str, Any], text: str) -> bytes:
    metadata = header.get("__metadata__")
    header = {
        "__metadata__": {**(metadata if isinstance(metadata, dict) else {}), KEY: text},
        **{name: about for name, about in header.items() if name != "__metadata__"},
    }
    data = json.dumps(header, separators=(",", ":")).encode()
    data += b" " * (-len(data) % 8)
    return struct.pack("<Q", len(data)) + data


# ── GGUF ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class _Gguf:
    """Reads the little-endian header of a GGUF file, bounded."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        source.seek(4)
        self.version, self.tensors, self.count = struct.unpack("<IQQ", self.take(20))
        if self.version not in (2, 3) or self.count > 1_000_000 or self.tensors > 1_000_000:
            raise InvalidValue("it is a GGUF file of a version that is not understood.")

    def take(self, length: int) -> bytes:
        if length > TENSORS_HEADER_MAX_BYTES or self._source.tell() > TENSORS_HEADER_MAX_BYTES:
            raise InvalidValue("its header is larger than any that is understood.")
        data = self._source.read(length)
        if len(data) < length:
            raise InvalidValue("it is not a whole GGUF file.")
        return data

    def string(self) -> bytes:
        (length,) = struct.unpack("<Q", self.take(8))
        return self.take(length)

    def value(self, kind: int, depth: int = 0) -> bytes | None:
        """Pass a value over; return it if it is a string or a number."""
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY and depth < 4:
            inner, count = struct.unpack("<IQ", self.take(12))
            if inner in _GGUF_SIZES:
                self.take(_GGUF_SIZES[inner] * count)
                return None
            for _ in range(count):
                self.value(inner, depth + 1)
            return None
        if kind not in _GGUF_SIZES:
            raise InvalidValue(f"it is a GGUF file with a value of a kind ({kind}) that is not understood.")
        return self.take(_GGUF_SIZES[kind])


def _read_gguf(source: BinaryIO) -> str | None:
    source.seek(0)
    if source.read(4) != _GGUF:
        return None
    try:
        head = _Gguf(source)
        for _ in range(head.count):
            name = head.string()
            (kind,) = struct.unpack("<I", head.take(4))
            value = head.value(kind)
            if name == KEY.encode() and kind == _STRING and value is not None:
                return value.decode("utf-8", "replace")
    except InvalidValue:
        return None
    return None


def _stamp_gguf(source: BinaryIO, text: str) -> tuple[bytes, int]:
    head = _Gguf(source)
    entries: list[bytes] = []
    alignment = 32
    for _ in range(head.count):
        begin = source.tell()
        name = head.string()
        (kind,) = struct.unpack("<I", head.take(4))
        value = head.value(kind)
        end = source.tell()
        if name == _ALIGNMENT_KEY and kind == 4 and value is not None:
            (alignment,) = struct.unpack("<I", value)
        if name != KEY.encode():
            source.seek(begin)
            entries.append(source.read(end - begin))
    if not 1 <= alignment <= 1 << 20:
        raise InvalidValue(f"it is a GGUF file with an alignment of {alignment}, which is not understood.")
    begin = source.tell()
    for _ in range(head.tensors):
        head.string()
        (dimensions,) = struct.unpack("<I", head.take(4))
        if dimensions > 8:
            raise InvalidValue("it is a GGUF file with tensors that are not understood.")
        head.take(8 * dimensions + 4 + 8)
    infos_end = source.tell()
    source.seek(begin)
    infos = source.read(infos_end - begin)
    data_begin = infos_end + -infos_end % alignment
    said = text.encode()
    entries.append(struct.pack("<Q", len(KEY)) + KEY.encode() + struct.pack("<IQ", _STRING, len(said)) + said)
    new = _GGUF + struct.pack("<IQQ", head.version, head.tensors, len(entries)) + b"".join(entries) + infos
    return new + b"\0" * (-len(new) % alignment), data_begin


# ── ONNX ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _read_onnx(source: BinaryIO, size: int) -> str | None:
    props = _onnx_props(source, size)
    return None if props is None else props.get(KEY)


def _onnx_props(source: BinaryIO, size: int) -> dict[str, str] | None:
    """Return the metadata of an ONNX model; None if a file is not one, from the first byte to the last."""
    source.seek(0)
    props: dict[str, str] = {}
    seen: set[int] = set()
    while source.tell() < size:
        tag = _read_varint(source)
        if tag is None or tag >> 3 not in _ONNX_FIELDS:
            return None
        field, kind = tag >> 3, tag & 7
        seen.add(field)
        if kind == 0:
            if _read_varint(source) is None:
                return None
            continue
        length = _read_varint(source) if kind == 2 else None
        if length is None or source.tell() + length > size:
            return None
        if field == 14 and length <= 1 << 20:
            entry = _entry(source.read(length))
            if entry is not None:
                props[entry[0]] = entry[1]
        else:
            source.seek(length, os.SEEK_CUR)
    return props if {1, 7} <= seen else None  # a version and a graph


def _entry(data: bytes) -> tuple[str, str] | None:
    """Return key and value of a StringStringEntryProto."""
    found: dict[int, str] = {}
    at = 0
    while at < len(data):
        tag, at = data[at], at + 1
        length = shift = 0
        while at < len(data):
            byte, at = data[at], at + 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if tag not in (0x0A, 0x12) or at + length > len(data):
            return None
        found[tag >> 3] = data[at : at + length].decode("utf-8", "replace")
        at += length
    return (found[1], found.get(2, "")) if 1 in found else None


def _read_varint(source: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = source.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data
