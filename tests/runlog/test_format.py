"""The bytes: golden files of every format version, and round trips of anything that can be logged."""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlog.golden import make
from runlog.logs import LIFE, all_frames, rows_of
from treering.errors import FormatError, LimitExceeded
from treering.runlog import records
from treering.runlog.frames import CODEC_ZLIB, HEADER_BYTES, Frame, encode_frame, encode_header, seed
from treering.runlog.reader import SegmentReader
from treering.runlog.writer import Writer

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("version", sorted(folder.name for folder in GOLDEN.iterdir() if folder.name[0].isdigit()))
def test_every_released_version_is_read(version: str) -> None:
    (path,) = (GOLDEN / version).glob("*.trl")
    with SegmentReader(path) as reader:
        frames = all_frames(reader)
        assert reader.status == "sealed"
        assert reader.header.segment_id == make.SEGMENT
        assert reader.header.created_ns == make.CREATED_NS
    found = {records.KINDS.get(frame.kind, frame.kind): records.decode(frame)[0] for frame in frames}

    rows = rows_of(path)
    for row, expected in zip(rows, make.ROWS, strict=True):
        assert row[:2] == expected[:2]
        assert repr(row.data) == repr(expected[2]), "types, NaN, signs and order are kept"
    assert found["life"]["writer"] == ""
    assert found["life"]["meta"]["tags"] == ["a", "b"]
    assert found["config"].mode == "delete"
    assert found["config"].keys == ["lr"]
    assert found["define"].data["step_metric"] == "epoch"
    assert found["system"].data == {"system/cpu.util": [1.0, 2.0, 3.0, 10]}
    assert found["console"].text == "epoch 1\n"
    assert found["gap"].data["count"] == 3
    assert found["end"].data["state"] == "finished"
    assert found[200] == [1, "a kind from the future"]
    assert found["seal"]["reason"] == "finish"


def test_the_present_version_writes_the_golden_bytes(tmp_path: Path) -> None:
    written = make.write(tmp_path).read_bytes()

    assert written == (GOLDEN / "1.0" / f"{make.SEGMENT}.trl").read_bytes()


def test_the_layout_is_the_one_that_the_format_page_draws(tmp_path: Path) -> None:
    """Parsed here by hand from FORMAT.md, without the package's own structs."""
    data = make.write(tmp_path).read_bytes()
    assert data[:8] == b"\x89TRL\r\n\x1a\n"
    major, minor, size, incompatible = struct.unpack_from("<HHII", data, 8)
    assert (major, minor, size, incompatible) == (1, 0, 48, 0)
    assert data[20:36].hex() == make.SEGMENT
    assert struct.unpack_from("<QI", data, 36) == (make.CREATED_NS, zlib.crc32(data[:44]))

    at, previous, kinds = 48, zlib.crc32(data[:44]), []
    while at < len(data):
        sync, kind, _, _, length, raw, _, prev, payload_crc, header_crc = struct.unpack_from("<4sBBHIIQIII", data, at)
        assert sync == b"TRF\xf2"
        assert prev == previous
        assert raw == length
        assert payload_crc == zlib.crc32(data[at + 36 : at + 36 + length])
        assert header_crc == zlib.crc32(data[at : at + 32], zlib.crc32(bytes.fromhex(make.SEGMENT)))
        kinds.append(kind)
        previous = header_crc
        at += 36 + length
    assert kinds[:2] == [0, 3]
    assert kinds[-2:] == [8, 19]


numbers = st.floats() | st.integers(-(1 << 63), (1 << 64) - 1) | st.booleans()
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.lists(st.dictionaries(keys, numbers | st.text(st.characters(exclude_categories=["Cs"]))), max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_row_comes_back_the_same(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    writer = Writer(tmp_path_factory.mktemp("log"), LIFE)
    for step, data in enumerate(rows):
        writer.append(records.ROW, (step, 5, data))
    writer.close()

    assert repr([row.data for row in rows_of(writer.path)]) == repr(rows)


@given(st.binary(max_size=3_000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_behind_a_header_are_read_without_an_exception(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("log") / f"{'ab' * 16}.trl"
    path.write_bytes(encode_header("ab" * 16, 0) + junk)

    with SegmentReader(path) as reader:
        assert all_frames(reader) == []


def frame_of(payload: bytes, kind: int = records.ROW, flags: int = 0, nrec: int = 1) -> Frame:
    return Frame(kind, flags, nrec, 0, 48, 48 + len(payload), payload, 0)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xc1", b"\x93\x00", b"\xdd\xff\xff\xff\xff", b"\x93\xa1a\x00\x80", b"\x81\x00\x00", b"\x91" * 100_000],
    ids=["empty", "reserved", "cut", "4 billion items", "text as step", "map", "deep"],
)
def test_a_payload_that_is_no_row_says_where_it_stands(payload: bytes) -> None:
    with pytest.raises(FormatError, match="byte 48"):
        records.decode(frame_of(payload))


@pytest.mark.parametrize("kind", [records.CONFIG, records.SYSTEM, records.CONSOLE, records.EDIT, records.FILE])
@pytest.mark.parametrize("value", [{"a": 1}, "letters that could be fields", b"bytes", 5, None, True])
def test_a_record_that_should_be_a_list_and_is_not_is_refused(kind: int, value: object) -> None:
    with pytest.raises(FormatError, match="it is no list but a"):
        records.decode(frame_of(records.encode(value), kind))


def test_several_records_in_one_compressed_frame() -> None:
    values = [[step, 1, {"a": math.nan}] for step in range(300)]
    payload = zlib.compress(b"".join(records.encode(value) for value in values))

    rows = records.decode(frame_of(payload, flags=CODEC_ZLIB, nrec=300))

    assert [row.step for row in rows] == list(range(300))


def test_a_bomb_is_refused_before_it_inflates() -> None:
    with pytest.raises(LimitExceeded, match="inflates"):
        records.decode(frame_of(zlib.compress(bytes(50 << 20), 9), flags=CODEC_ZLIB))


def test_a_frame_validates_only_in_its_own_segment(tmp_path: Path) -> None:
    here, there = "ab" * 16, "cd" * 16
    header = encode_header(here, 0)
    chain = int.from_bytes(header[-4:], "little")
    foreign = encode_frame(1, b"\x93\x00\x01\x80", first_seq=0, prev=chain, crc_seed=seed(there))
    path = tmp_path / f"{here}.trl"
    path.write_bytes(header + foreign)

    with SegmentReader(path) as reader:
        assert all_frames(reader) == []
        assert reader.offset == HEADER_BYTES
