"""Moving a segment: what is whole, what continues what, and where a copy stands."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlog.logs import LIFE, frame_ends, write_log
from treering.errors import FormatError
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, HEADER_BYTES, encode_frame, encode_header, seed
from treering.runlog.reader import SegmentReader
from treering.runlog.shipment import NOTHING, Held, check_frames, measure, next_batch
from treering.runlog.writer import Writer


def reading(data: bytes) -> Callable[[int, int], bytes]:
    return lambda length, offset: data[offset : offset + length]


def ship(name: str, data: bytes, limit_bytes: int, held: Held = NOTHING) -> tuple[bytes, Held]:
    """Return a copy made batch by batch, checked by the receiver's own eyes, and what it holds then."""
    copy = b""
    while True:
        batch, _ = next_batch(name, reading(data), held, limit_bytes)
        if not batch:
            return copy, held
        seen = check_frames(name, batch, held.length, held.chain)
        assert seen.used == len(batch)
        copy += batch
        held = Held(held.length + seen.used, seen.chain, seen.sealed)


@pytest.mark.parametrize("limit_bytes", [1, 100, 1_000, 1 << 20])
def test_a_copy_made_in_batches_of_any_size_is_equal(tmp_path: Path, limit_bytes: int) -> None:
    path = write_log(tmp_path, 200)
    data = path.read_bytes()

    copy, held = ship(path.stem, data, limit_bytes)

    assert copy == data
    assert held == measure(path.stem, reading(data))
    assert held.length == len(data)
    assert held.sealed


def test_a_batch_never_ends_within_a_frame_and_the_first_says_whose_the_segment_is(tmp_path: Path) -> None:
    path = write_log(tmp_path, 50)
    ends = {end for end, _ in frame_ends(path)}

    held = NOTHING
    batch, seen = next_batch(path.stem, reading(path.read_bytes()), held, 1)

    assert len(batch) in ends
    assert seen.frames >= 2
    (tmp_path / "copy.trl").write_bytes(batch)
    with SegmentReader(tmp_path / "copy.trl") as reader:
        assert records.decode(reader.read()[0])[0]["life_id"] == LIFE["life_id"]


def test_a_body_that_was_cut_anywhere_counts_up_to_its_last_whole_frame(tmp_path: Path) -> None:
    path = write_log(tmp_path, 20)
    data = path.read_bytes()
    ends = [end for end, _ in frame_ends(path)]

    for cut in range(len(data) + 1):
        seen = check_frames(path.stem, data[:cut], 0, 0)
        assert seen.used == max((end for end in ends if end <= cut), default=48 if cut >= 48 else 0) or seen.frames <= 1


def test_a_flipped_bit_ends_the_count_before_it(tmp_path: Path) -> None:
    path = write_log(tmp_path, 10)
    data = bytearray(path.read_bytes())
    first = FRAME_HEADER_BYTES + 48

    for at in range(48, len(data)):
        data[at] ^= 1 << at % 8
        seen = check_frames(path.stem, data, 0, 0)
        assert seen.used <= at
        assert not seen.sealed
        data[at] ^= 1 << at % 8
    assert check_frames(path.stem, data, 0, 0).used == len(data) > first


@pytest.mark.parametrize("length", [0, 1, 63, 1_023, 1_024, 1_025])
def test_no_flipped_bit_passes_whether_a_frame_is_checked_in_one_piece_or_in_two(length: int) -> None:
    name = "ab" * 16
    header = encode_header(name, 0)
    chain = int.from_bytes(header[-4:], "little")
    frame = encode_frame(records.ROW, os.urandom(length), first_seq=7, prev=chain, crc_seed=seed(name))
    assert check_frames(name, frame, HEADER_BYTES, chain).used == len(frame)

    for bit in range(8 * len(frame)):
        body = bytearray(frame)
        body[bit // 8] ^= 1 << bit % 8
        assert check_frames(name, bytes(body), HEADER_BYTES, chain).used == 0, bit


def test_frames_of_another_place_are_refused(tmp_path: Path) -> None:
    path = write_log(tmp_path, 10)
    data = path.read_bytes()
    ends = [end for end, _ in frame_ends(path)]
    held = check_frames(path.stem, data[: ends[3]], 0, 0)

    with pytest.raises(FormatError, match=f"the frame at byte {ends[3]:,} does not follow"):
        check_frames(path.stem, data[ends[5] :], ends[3], held.chain)


def test_another_segment_under_this_name_is_refused(tmp_path: Path) -> None:
    data = write_log(tmp_path, 3).read_bytes()

    with pytest.raises(FormatError, match="these bytes begin segment"):
        check_frames("ab" * 16, data, 0, 0)


def test_nothing_follows_a_seal(tmp_path: Path) -> None:
    path = write_log(tmp_path, 3)
    data = path.read_bytes()
    sealed = measure(path.stem, reading(data))

    from treering.runlog.frames import encode_frame, seed

    more = encode_frame(records.ROW, b"\x93\x01\x02\x80", first_seq=9, prev=sealed.chain, crc_seed=seed(path.stem))
    with pytest.raises(FormatError, match="something follows the seal"):
        check_frames(path.stem, data + more, 0, 0)


def test_the_room_in_front_of_a_living_writer_is_not_measured(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)
    for step in range(100):
        writer.append(records.ROW, (step, step, {"loss": 1.0}))
    fd = os.open(writer.path, os.O_RDONLY)

    held = measure(writer.segment_id, lambda length, offset: os.pread(fd, length, offset))

    assert held.length == writer.position < writer.path.stat().st_size
    assert not held.sealed
    writer.close()
    again = measure(writer.segment_id, lambda length, offset: os.pread(fd, length, offset), held)
    assert again == (writer.path.stat().st_size, again.chain, True)
    os.close(fd)


def test_a_frame_larger_than_a_batch_is_shipped_alone(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)
    writer.append(records.ROW, (0, 0, {"text": "x" * 3_000_000}))
    writer.append(records.ROW, (1, 0, {"loss": 1.0}))
    writer.close()
    data = writer.path.read_bytes()

    copy, _ = ship(writer.segment_id, data, 256 * 1024)

    assert copy == data


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(0, 400), max_size=30), limit_bytes=st.integers(1, 3_000), start=st.integers(0, 29))
def test_a_copy_that_goes_on_anywhere_is_equal(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], limit_bytes: int, start: int
) -> None:
    writer = Writer(tmp_path_factory.mktemp("log"), LIFE)
    for step, size in enumerate(sizes):
        writer.append(records.ROW, (step, step, {"text": "x" * size}))
    writer.close()
    data = writer.path.read_bytes()
    ends = [end for end, _ in frame_ends(writer.path)]
    stop = ends[min(start, len(ends) - 1)]
    held = measure(writer.segment_id, reading(data[:stop]))

    copy, reached = ship(writer.segment_id, data, limit_bytes, held)

    assert data[: held.length] + copy == data
    assert reached == measure(writer.segment_id, reading(data))
