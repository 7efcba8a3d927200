"""Event files are read as they were written, whole or broken, while they grow."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from treering.errors import FormatError, LimitExceeded
from treering.limits import EVENT_RECORD_MAX_BYTES
from treering.sdk.tensorboard import event_file
from treering.sdk.tensorboard.checksum import crc32c as fast_crc32c
from treering.sdk.tensorboard.event_file import EventFile
from treering.sdk.tensorboard.events import Events
from treering.sdk.tensorboard.wire import fields

from .event_files import (
    FILE,
    crc32c,
    event,
    field,
    framed,
    histogram,
    histogram_tensor,
    hyperparameters,
    masked,
    picture,
    pictures,
    scalar,
    sound,
    tensor,
    text,
    version,
    write,
)

Read = Callable[[Path], Any]


@pytest.mark.parametrize("length", [0, 1, 31, 2047, 2048, 2049, 2063, 4096, 10_000])
def test_the_checksum_is_crc_32c_whatever_the_length(length: int) -> None:
    data = random.Random(length).randbytes(length)

    assert fast_crc32c(b"123456789") == 0xE3069283
    assert fast_crc32c(data) == crc32c(data)


def test_records_come_back_in_order(tmp_path: Path, reading: Read) -> None:
    wanted = [event(step, scalar("loss", step)) for step in range(300)]
    records, file = reading(write(tmp_path / FILE, *wanted))

    assert records == [version(), *wanted]
    assert file.damaged == []


def test_a_record_that_is_being_written_is_waited_for_at_every_byte(tmp_path: Path) -> None:
    whole = framed(version()) + framed(event(1, scalar("loss", 1)))
    path = tmp_path / FILE
    path.write_bytes(b"")
    with EventFile(path) as file:
        found = []
        for byte in whole:
            with open(path, "ab") as writer:
                writer.write(bytes([byte]))
            record = file.next()
            found += [record] if record is not None else []

    assert found == [version(), event(1, scalar("loss", 1))]
    assert file.damaged == []


def test_every_flipped_bit_costs_at_most_the_records_that_it_is_in(tmp_path: Path, reading: Read) -> None:
    wanted = [version(), *(event(step, scalar("loss", step)) for step in range(3))]
    whole = b"".join(map(framed, wanted))
    path = tmp_path / FILE
    for at in range(len(whole)):
        for bit in (0, 5):
            broken = bytearray(whole)
            broken[at] ^= 1 << bit
            path.write_bytes(broken)
            records, file = reading(path)
            assert [record for record in wanted if record not in records] == [
                wanted[max(0, number)] for number in {_record_at(wanted, at)}
            ]
            assert all(record in wanted for record in records)
            assert len(file.damaged) == 1 or file.offset < len(whole)


def _record_at(records: list[bytes], at: int) -> int:
    end = 0
    for number, record in enumerate(records):
        end += len(framed(record))
        if at < end:
            return number
    raise AssertionError


def test_a_tail_that_was_cut_off_anywhere_is_no_damage(tmp_path: Path, reading: Read) -> None:
    whole = framed(version()) + framed(event(1, scalar("loss", 1)))
    path = tmp_path / FILE
    for length in range(len(framed(version())), len(whole)):
        path.write_bytes(whole[:length])
        records, file = reading(path)
        assert records == [version()]
        assert file.damaged == []


def test_a_terabyte_of_zeros_is_given_up_and_costs_little(tmp_path: Path, reading: Read, monkeypatch: Any) -> None:
    monkeypatch.setattr(event_file, "EVENT_DAMAGE_MAX_BYTES", 8 << 20)
    path = write(tmp_path / FILE, event(1, scalar("loss", 1)))
    os.truncate(path, 1 << 40)
    records, file = reading(path)

    assert len(records) == 2
    assert file.given_up
    assert file.damaged[0].size > 1 << 39


def test_a_length_beyond_the_limit_is_passed_over_unread(tmp_path: Path, reading: Read) -> None:
    length = (EVENT_RECORD_MAX_BYTES + 1).to_bytes(8, "little")
    path = write(tmp_path / FILE, event(1, scalar("loss", 1)))
    with open(path, "ab") as file:
        file.write(length + masked(length))
        file.truncate(file.tell() + EVENT_RECORD_MAX_BYTES + 1 + 4)
        file.seek(0, 2)
        file.write(framed(event(2, scalar("loss", 2))))
    records, read = reading(path)

    assert records[-1] == event(2, scalar("loss", 2))
    assert "too large" in read.damaged[0].why


def test_links_pipes_and_folders_are_no_event_files(tmp_path: Path) -> None:
    write(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "folder"):
        with pytest.raises((FormatError, OSError)):
            EventFile(tmp_path / name)


def test_no_bytes_make_the_reader_of_events_raise_anything_else() -> None:
    chance = random.Random(0)
    several = [scalar("loss", 1.5), text("t", "x"), picture("p", b"GIF89a"), sound("s"), pictures("q", b"GIF89a")]
    several += [histogram("h", [1.0, 2.0], [1.0, 2.0], 0.5, 2.0), histogram_tensor("i", [(0.0, 1.0, 2.0)])]
    several += [hyperparameters({"a": 1.0, "b": ["x", True]}), tensor("n", "scalars", 1, [1], field(5, b"\0\0\0\0"))]
    records = [event(3, each) for each in several]
    events = Events(lambda subject, text: None)
    for _ in range(40_000):
        data = bytearray(chance.choice(records) if chance.random() < 0.9 else chance.randbytes(chance.randrange(40)))
        for _ in range(chance.randrange(1, 4)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            events.read(bytes(data))
        except (FormatError, LimitExceeded):
            pass


def test_a_message_of_too_many_fields_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="more than 200,000 fields"):
        list(fields(memoryview(b"\x08\x01" * 200_001)))
