"""What the writer promises: order, rotation, seals, threads, signals, forks, and a disk that refuses."""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from runlog.logs import LIFE, all_frames, rows_of, steps_of, write_log
from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.runlog.writer import Writer, map_is_safe


def all_rows(writer: Writer) -> list[Any]:
    return [row for segment in writer.segments for row in rows_of(writer.folder / f"{segment}.trl")]


@pytest.mark.parametrize("mapped", [True, False])
def test_rows_come_back_as_they_were_appended(tmp_path: Path, mapped: bool) -> None:
    path = write_log(tmp_path, rows=1_000, mapped=mapped)

    rows = rows_of(path)
    assert [row.step for row in rows] == list(range(1_000))
    assert rows[7] == (7, 1_007, {"loss": 7.0})


def test_a_row_is_readable_the_moment_append_returns(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)
    with SegmentReader(writer.path) as reader:
        all_frames(reader)
        for step in range(100):
            writer.append(records.ROW, (step, 1, {"a": 0.5}))
            (frame,) = reader.read()
            assert records.decode(frame) == [(step, 1, {"a": 0.5})]
    writer.close()


def test_a_finished_segment_ends_with_the_hash_of_all_before_it(tmp_path: Path) -> None:
    path = write_log(tmp_path, rows=5_000)

    with SegmentReader(path) as reader:
        last = all_frames(reader)[-1]
        (seal,) = records.decode(last)
        assert reader.status == "sealed"
    data = path.read_bytes()
    assert seal["sha256"] == hashlib.sha256(data[: last.offset]).hexdigest()
    assert seal["bytes"] == last.offset
    assert last.end == len(data), "preallocated room is given back"
    assert seal["records"] == 5_001, "the life and the rows"


def test_a_full_segment_is_sealed_and_the_next_one_goes_on(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE, segment_max_bytes=100_000, checkpoint=lambda: {"last_step": 1})
    for step in range(5_000):
        writer.append(records.ROW, (step, 1, {"loss": float(step)}))
    writer.close()

    assert len(writer.segments) >= 3
    assert [row.step for row in all_rows(writer)] == list(range(5_000))
    for index, segment in enumerate(writer.segments):
        path = tmp_path / f"{segment}.trl"
        assert path.stat().st_size <= 101_000
        with SegmentReader(path) as reader:
            frames = all_frames(reader)
            assert reader.status == "sealed"
        (life,) = records.decode(frames[0])
        assert life["index"] == index
        assert ("meta" in life) == (index == 0)
        if index:
            assert records.STATE in (frames[1].kind, frames[2].kind), "a later segment begins with a checkpoint"


def test_a_checkpoint_stands_in_every_mebibyte(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE, checkpoint=lambda: {"last_step": 3})
    for step in range(60_000):
        writer.append(records.ROW, (step, 1, {"loss": float(step)}))
    size = writer.position
    writer.close()

    with SegmentReader(writer.path) as reader:
        places = [frame.offset for frame in all_frames(reader) if frame.kind == records.STATE]
    gaps = [b - a for a, b in zip([0, *places], [*places, size], strict=True)]
    assert max(gaps) <= 1.05 * (1 << 20)


def test_a_checkpoint_that_is_large_itself_stands_more_rarely(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE, checkpoint=lambda: {"config": "x" * 1_500_000})
    for step in range(1_000):
        writer.append(records.ROW, (step, 1, {"text": "y" * 10_000}))
    writer.close()

    with SegmentReader(writer.path) as reader:
        kinds = [frame.kind for frame in all_frames(reader)]
    assert kinds.count(records.ROW) == 1_000
    assert kinds.count(records.STATE) == 1


def test_a_checkpoint_that_cannot_be_encoded_costs_only_itself(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE, checkpoint=lambda: {"config": object()})
    for step in range(300):
        writer.append(records.ROW, (step, 1, {"text": "y" * 10_000}))
    writer.close()

    assert steps_of(writer.path) == list(range(300))


@pytest.mark.parametrize("mapped", [True, False])
def test_a_large_record_may_be_the_one_that_begins_a_segment(tmp_path: Path, mapped: bool) -> None:
    writer = Writer(tmp_path, LIFE, segment_max_bytes=4_000_000, mapped=mapped)
    for step in range(10):
        writer.append(records.ROW, (step, 1, {"text": "y" * 1_500_000}))
    writer.close()

    assert len(writer.segments) > 3
    assert [row.step for row in all_rows(writer)] == list(range(10))


def test_a_record_larger_than_a_window_is_stored_whole(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)
    text = "x" * (5 << 20)
    writer.append(records.ROW, (0, 1, {"note": text}))
    writer.append(records.ROW, (1, 1, {"a": 1.0}))
    writer.close()

    first, second = rows_of(writer.path)
    assert first.data["note"] == text
    assert second.step == 1


def test_a_record_beyond_the_limit_is_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)
    writer.append(records.ROW, (0, 1, {"note": "x" * (17 << 20)}))
    writer.append(records.ROW, (1, 1, {"a": 1.0}))
    writer.close()

    assert steps_of(writer.path) == [1]
    with SegmentReader(writer.path) as reader:
        (gap,) = [record for f in all_frames(reader) if f.kind == records.GAP for record in records.decode(f)]
    assert gap.data["count"] == 1 == writer.lost_records


def test_eight_threads_lose_and_mix_nothing(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)

    def work(thread: int) -> None:
        for i in range(2_000):
            writer.append(records.ROW, (i, thread, {"t": float(thread)}))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()

    rows = rows_of(writer.path)
    for thread in range(8):
        assert [row.step for row in rows if row.time_ns == thread] == list(range(2_000))


def test_a_signal_handler_that_logs_during_an_append_neither_hangs_nor_loses(tmp_path: Path) -> None:
    script = """
import itertools, signal, sys
from treering.runlog.writer import Writer
w = Writer(sys.argv[1], {"run": {}, "life_id": "a", "writer": ""})
count = itertools.count()
depth = 0
def handler(signum, frame):  # is itself interrupted by the next signal, four deep
    global depth
    depth += 1
    if depth < 4:
        signal.setitimer(signal.ITIMER_REAL, 0.0002)
    w.append(1, (next(count), 7, {"from": "signal"}))
    depth -= 1
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0002)
for i in range(60_000):
    w.append(1, (i, 1, {"loss": 1.0}))
signal.signal(signal.SIGALRM, signal.SIG_IGN)  # before the timer, which a handler would start again
signal.setitimer(signal.ITIMER_REAL, 0)
w.close()
print(next(count))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    (path,) = tmp_path.glob("*.trl")

    rows = rows_of(path)
    assert [row.step for row in rows if row.time_ns == 1] == list(range(60_000))
    assert sorted(row.step for row in rows if row.time_ns == 7) == list(range(int(done.stdout)))
    assert int(done.stdout) > 10


def test_an_object_that_logs_when_it_is_collected_during_an_append(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)

    class Loud:
        def __del__(self) -> None:
            writer.append(records.ROW, (0, 9, {"gone": 1.0}))

    old = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for step in range(300):
            loop: list[Any] = [Loud()]
            loop.append(loop)
            del loop
            writer.append(records.ROW, (step, 1, {"loss": 1.0}))
    finally:
        gc.set_threshold(*old)
    gc.collect()
    writer.close()

    rows = rows_of(writer.path)
    assert [row.step for row in rows if row.time_ns == 1] == list(range(300))
    assert sum(row.time_ns == 9 for row in rows) == 300


def test_a_forked_child_leaves_the_parents_segment_alone(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)
    writer.append(records.ROW, (0, 1, {"a": 1.0}))
    child = os.fork()
    if child == 0:
        writer.abandon()
        writer.append(records.ROW, (99, 1, {"a": 1.0}))
        os._exit(0)
    os.waitpid(child, 0)
    writer.append(records.ROW, (1, 1, {"a": 1.0}))
    writer.close()

    assert steps_of(writer.path) == [0, 1]


def test_appending_after_close_does_nothing_and_keeps_nothing(tmp_path: Path) -> None:
    writer = Writer(tmp_path, LIFE)
    writer.close()
    for _ in range(10):
        writer.append(records.ROW, (0, 1, {}))
    writer.close()

    assert steps_of(writer.path) == []
    assert len(writer._waiting) == 0


def test_a_folder_that_cannot_be_written_raises_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Writer(tmp_path / "missing", LIFE)


def test_memory_of_the_training_process_grows_by_at_most_a_window(tmp_path: Path) -> None:
    script = f"""
import resource, psutil, time
from treering.runlog.writer import Writer
row = {{f"layer/metric{{k}}": 0.5 for k in range(10)}}
w = Writer({str(tmp_path)!r}, {{"run": {{}}, "life_id": "a", "writer": ""}})
for step in range(1_000): w.append(1, (step, 1, row))
before = psutil.Process().memory_info().rss
for step in range(300_000): w.append(1, (step, 1, row))
print((psutil.Process().memory_info().rss - before) / 2**20)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)

    assert float(done.stdout) < 6


def test_network_file_systems_are_not_mapped() -> None:
    assert map_is_safe("/")
    assert map_is_safe("/no/such/folder")
