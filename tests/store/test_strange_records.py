"""What no client of ours would write: it is noted on its own run, and neither this run nor any other waits for it."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from store.world import Life, World
from treering.ids import new_segment_id
from treering.runlog import records
from treering.runlog.frames import HEADER_BYTES
from treering.runlog.rechained import Rechained
from treering.runlog.salvage import find_frame, read_life
from treering.store import Store
from treering.store.processes import Where

FAR = 2**64 - 1


def read_twice(store: Store) -> None:
    """A document that cannot be read back shows only when it is read."""
    store.ingest_now()
    store._ingester.forget()
    store.ingest_now()


def say_of_life(life: Life, changes: dict[str, Any]) -> None:
    """Have the life record of a segment say something else."""
    life.writer.close()
    content = life.path.read_bytes()

    def pread(length: int, offset: int) -> bytes:
        return content[offset : offset + length]

    said = read_life(life.path.stem, pread)
    first = find_frame(life.path.stem, pread, HEADER_BYTES)
    assert said is not None
    assert first is not None
    name = new_segment_id()
    made = Rechained(name, life.path.stem, pread, first, life.world.now_ns, {**said, **changes})
    life.path.unlink()
    (life.folder / f"{name}.trl").write_bytes(made.pread(1 << 20, 0))


@pytest.mark.parametrize(
    "life",
    [
        {"created_ns": FAR},
        {"created_ns": "yesterday"},
        {"index": FAR},
        {"index": -1},
        {"index": "x"},
        {"from_step": FAR},
        {"from_step": -(2**63)},
        {"life_id": "a\0b"},
    ],
)
def test_a_life_that_no_index_can_hold_is_refused_and_the_others_are_read(world: World, store: Store, life: dict):
    good = world.life("good")
    good.log({"loss": 1.0}, 0)
    world.life("r").log({"loss": 1.0}, 0)
    strange = world.life("r")
    strange.log({"loss": 2.0}, 1)
    say_of_life(strange, life)
    read_twice(store)

    assert store.run(good.run_key).metrics["loss"].n == 1
    run = store.run(strange.run_key)
    assert (run.metrics["loss"].n, run.damaged) == (1, True)
    assert "of its life" in run.error


@pytest.mark.parametrize(
    "record",
    [
        (records.REWIND, {"from_step": FAR}),
        (records.REWIND, {"from_step": 1e300}),
        (records.FORK, {"parent_key": "a" * 26, "step": 3, "until_ns": FAR}),
        (records.END, {"state": "finished", 1: 2}),
        (records.FACTS, {1: 2}),
        (records.CONFIG, {1: 2}, "merge"),
        (records.SUMMARY, {None: 1}),
        (records.DEFINE, {"name": "loss", 1: 2}),
        (records.GAP, {"points": FAR}),
        (records.GAP, {"points": 1e300}),
        (records.BEAT, {"synced": {"a": 1e300}}),
        (records.WAITING, {"put": FAR, "done": -(2**63)}),
    ],
)
def test_a_record_that_no_document_can_hold_is_damage_and_nothing_else(world: World, store: Store, record: tuple):
    good, strange = world.life("good"), world.life("r")
    strange.record(*record)
    for life in (good, strange):
        life.log({"loss": 1.0}, 0)
    read_twice(store)

    assert [store.run(life.run_key).metrics["loss"].n for life in (good, strange)] == [1, 1]
    assert store.run(strange.run_key).damaged
    assert not store.run(good.run_key).damaged


@pytest.mark.parametrize("time_ns", [FAR, 1e300])
def test_an_end_at_a_time_that_cannot_be_ends_nothing(world: World, store: Store, time_ns: Any):
    life = world.life("r")
    life.log({"loss": 1.0}, 0)
    life.writer.append(records.END, [time_ns, {"state": "finished"}])
    read_twice(store)

    run = store.run(life.run_key)
    assert (run.damaged, run.ended_at, run.metrics["loss"].n) == (True, None, 1)


def test_numbers_of_a_process_that_are_none_are_not_known(world: World, store: Store):
    life = world.life("r", process={"pid": True, "rank": False, "world_size": 2.5, "host": 7})
    life.log({"loss": 1.0}, 0)
    read_twice(store)

    (process,) = store.distributed.processes(Where(run=life.run_key)).processes
    assert (process.pid, process.rank, process.world_size, process.host) == (None, 0, None, None)


def test_a_process_that_names_an_unknown_end_has_finished(world: World, store: Store):
    main, rank = world.life("r"), world.life("r", writer="rank1")
    for life in (main, rank):
        life.log({"loss": 1.0}, 0)
        life.end("exploded")
    store.ingest_now()

    found = store.distributed.processes(Where(run=main.run_key))
    assert [each.state for each in (*found.processes, *found.attempts)] == ["finished"] * 4


def test_lines_of_a_stream_that_is_none_are_shown_as_printed(world: World, store: Store):
    life = world.life("r")
    life.record(records.CONSOLE, "elsewhere", "one")
    life.record(records.CONSOLE, "stderr", "two")
    life.log({"loss": 1.0}, 0)
    store.ingest_now()

    assert [(line.stream, line.text) for line in store.console(life.run_key).lines] == [
        ("stdout", "one"),
        ("stderr", "two"),
    ]


def test_texts_with_a_nul_in_them_are_kept_on_either_database(world: World, metadata_url: str):
    strange = {"name": "a\0b", "group": "g\0", "job_type": "j\0", "folder": "f\0", "parent": "p\0", "notes": "n\0"}
    life = world.life("r", meta=strange, process={"host": "h\0", "rank": 0})
    life.log({"loss\0": 1.0, "text": "x\0"}, 0)
    with Store.open(world.folder, metadata_url=metadata_url, clock_ns=world.now) as store:
        read_twice(store)

        assert store.run(life.run_key).name == "a\0b"
        where = Where(entity="ada", project="digits", group="g\0", job_type="j\0")
        assert [process.run_key for process in store.distributed.processes(where).processes] == [life.run_key]


def test_a_run_whose_aggregates_cannot_be_made_does_not_stop_the_others(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    settle_run = store._ingester._settle_run
    broken = world.life("broken")

    def settle(key: str) -> None:
        if key == broken.run_key:
            raise ValueError("a fault of ours")
        settle_run(key)

    monkeypatch.setattr(store._ingester, "_settle_run", settle)
    for run in ("broken", "other"):
        world.life(run).log({"loss": 9.0}, 5)
        world.life(run, from_step=2).log({"loss": 1.0}, 2)
    with caplog.at_level(logging.ERROR):
        store.ingest_now()

    (other,) = [key for key in store.segments.runs() if key != broken.run_key]
    assert store.run(other).metrics["loss"].max == 1.0
    assert broken.run_key in caplog.text
