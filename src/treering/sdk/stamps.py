"""
Stamps: which run a weights file is of, written into the file's own metadata.

::

    tr.stamp("model.safetensors")                    # of the active run
    run.save("model.safetensors", stamp=True)        # stamped, then saved

A stamp travels with the file through copies, uploads and renames; ``treering origin`` reads it. It is a note and no
proof: what proves where a file comes from is what it holds.

Only what is understood from the first to the last byte of the metadata is written anew: of safetensors the header, of
GGUF the table of keys, of ONNX one field at the end. A stamp takes the place of an earlier one, and all other bytes
stay as they are. The new file takes the place of the old one at once, or not at all.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
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
_ONNX_FIELDS_MAX: Final = 1_000_000  # of a model: beyond, a file is something else that happens to begin alike
_COPY_BYTES: Final = 1 << 20


class Span(NamedTuple):
    """Bytes of a file, from *begin* to before *end*."""

    begin: int
    end: int


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
        InvalidValue: it is no safetensors, GGUF or ONNX file, or not one that is understood as a whole; it was changed
            meanwhile, or another process stamps it now. It was left as it is.
        OSError: it cannot be read or written.
    """
    text = json.dumps({"run": stamp.run_key, "path": stamp.path})
    with open(file, "rb") as source:
        found = os.fstat(source.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise InvalidValue(f"{str(file)!r} is no regular file; only such can be stamped.")
        try:
            pieces = _stamped(source, found.st_size, text)
        except InvalidValue as error:
            raise InvalidValue(f"{str(file)!r} was not stamped: {error}") from None
        real = file.resolve()
        target, temporary = _open_beside(real)
        with target:
            try:
                for piece in pieces:
                    if isinstance(piece, bytes):
                        target.write(piece)
                    else:
                        _copy(source, target, piece)
                target.flush()
                os.fchmod(target.fileno(), stat.S_IMODE(found.st_mode))
                os.fsync(target.fileno())
                now = os.stat(file)
                if (now.st_size, now.st_mtime_ns, now.st_ino) != (found.st_size, found.st_mtime_ns, found.st_ino):
                    raise InvalidValue(f"{str(file)!r} changed while it was stamped; it was left as it is.")
                os.replace(temporary, real)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


def _open_beside(file: Path) -> tuple[BinaryIO, Path]:
    """
    Open, empty, the one place where the stamped copy of a file is made, and hold it.

    Its name follows from the file's, so that what a kill left is written over by the next try, not left for ever.
    """
    name = hashlib.sha256(file.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    temporary = file.with_name(f".{name}.treering-stamp")
    while True:
        fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with _without_locks():
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(fd, temporary):  # else whoever had it has just given it the file's name
                os.ftruncate(fd, 0)
                return open(fd, "wb"), temporary
        except BlockingIOError:
            os.close(fd)
            raise InvalidValue(f"another process stamps {str(file)!r} now; it was left to that one.") from None
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


@contextmanager
def _without_locks() -> Iterator[None]:
    """Go on on a file system that knows no locks."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.stat(path, follow_symlinks=False).st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False


def _copy(source: BinaryIO, target: BinaryIO, span: Span) -> None:
    source.seek(span.begin)
    left = span.end - span.begin
    while left > 0:
        data = source.read(min(left, _COPY_BYTES))
        if not data:
            raise InvalidValue("it became shorter while it was stamped.")
        target.write(data)
        left -= len(data)


def _stamped(source: BinaryIO, size: int, text: str) -> list[bytes | Span]:
    """Return of what the stamped file is made: new bytes, and spans of the old file. Raises InvalidValue."""
    found = tensors_header(source, size)
    if found is not None:
        return [_stamp_safetensors(found[1], text), Span(8 + found[0], size)]
    source.seek(0)
    if source.read(4) == _GGUF:
        head, begin = _stamp_gguf(source, text)
        return [head, Span(begin, size)]
    model = _read_model(source, size)
    if model is None:
        raise InvalidValue("it is no safetensors, GGUF or ONNX file, or not a whole one.")
    entry = _field(1, KEY.encode()) + _field(2, text.encode())
    return [*_without(model.stamps, size), _varint(_ONNX_PROPS) + _varint(len(entry)) + entry]


def _without(gaps: list[Span], size: int) -> list[bytes | Span]:
    """Return what is between gaps, which are in order."""
    kept: list[bytes | Span] = []
    begin = 0
    for gap in gaps:
        kept.append(Span(begin, gap.begin))
        begin = gap.end
    return [*kept, Span(begin, size)]


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


def _stamp_safetensors(header: dict[str, Any], text: str) -> bytes:
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
class _Model(NamedTuple):
    """What of an ONNX model matters here: the stamp that holds, and where stamps stand."""

    stamp: str | None
    stamps: list[Span]


def _read_onnx(source: BinaryIO, size: int) -> str | None:
    model = _read_model(source, size)
    return None if model is None else model.stamp


def _read_model(source: BinaryIO, size: int) -> _Model | None:
    """Look at the fields of an ONNX model; return None if a file is not one, from the first byte to the last."""
    source.seek(0)
    stamp: str | None = None
    stamps: list[Span] = []
    seen: set[int] = set()
    for _ in range(_ONNX_FIELDS_MAX):
        begin = source.tell()
        if begin >= size:
            return _Model(stamp, stamps) if {1, 7} <= seen else None  # a version and a graph
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
            if entry is not None and entry[0] == KEY:
                stamp = entry[1]  # of several with one key the last one holds
                stamps.append(Span(begin, source.tell()))
        else:
            source.seek(length, os.SEEK_CUR)
    return None


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
