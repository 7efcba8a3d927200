"""kill -9 at any moment of ingest, flush, merge and rebuild: the reopened store answers as one that was never killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from store.answers import answers
from store.world import World
from treering.runlog import records
from treering.store import Store

OPTIONS = {"flush_points": 3_000}  # so that flushes and merges happen all the time


def forest(world: World) -> None:
    """Eight runs with everything in them: attempts, lives, texts, console, system metrics, edits."""
    rng = random.Random(3)
    for i in range(8):
        life = world.life(f"r{i}", segment_max_bytes=40_000)
        life.config({"lr": 0.1 * i, "model": {"depth": i}})
        for step in range(900):
            life.log({"loss": rng.gauss(0, 1), "acc": step, "flag": step % 3 == 0}, step)
            if step % 50 == 0:
                life.record(records.CONSOLE, "stdout", f"step {step}")
                life.record(records.SYSTEM, {"system/cpu": [1.0, rng.random(), 3.0, 10]})
                life.log({"note": f"at {step}"}, step)
        if i % 2:
            life.end("preempted")
            again = world.life(f"r{i}", from_step=700 if i % 4 == 1 else None)
            for step in range(700, 1_200):
                again.log({"loss": rng.gauss(5, 1)}, step)
            again.record(records.EDIT, "ada", {"tags": ["again"]})
            again.end()


def work_until_killed(work: Callable[[Store], None], folder: Path, index: Path, now_ns: int) -> None:
    store = Store.open(folder, index_dir=index, clock_ns=lambda: now_ns, **OPTIONS)
    while True:
        work(store)


def ingest(store: Store) -> None:
    store.ingest_now()
    store.metrics.flush()
    time.sleep(0.001)


def rebuild(store: Store) -> None:
    store.rebuild()


@pytest.mark.parametrize("work", [ingest, pytest.param(rebuild, marks=pytest.mark.exam)])
@pytest.mark.parametrize("kills", [15, pytest.param(300, marks=pytest.mark.exam)])
def test_a_killed_store_answers_like_one_that_was_never_killed(world: World, tmp_path: Path, work, kills: int):
    forest(world)
    with Store.open(world.folder, index_dir=tmp_path / "calm", clock_ns=world.now) as calm:
        calm.ingest_now()
        expected = answers(calm)
    index = tmp_path / "killed"
    rng = random.Random(kills)
    context = multiprocessing.get_context("fork")
    for _ in range(kills):
        child = context.Process(target=work_until_killed, args=(work, world.folder, index, world.now_ns))
        child.start()
        time.sleep(rng.uniform(0.01, 0.5))
        os.kill(child.pid, signal.SIGKILL)
        child.join()

    with Store.open(world.folder, index_dir=index, clock_ns=world.now, **OPTIONS) as store:
        store.ingest_now()
        found = answers(store)
        store.metrics.flush()
        flushed = answers(store)

    for name, answer in expected.items():
        assert found[name] == answer, name
        assert flushed[name] == answer, name


def test_a_run_that_is_begun_anew_is_so_after_a_kill_at_its_first_sight(world: World):
    first = world.life()
    first.config({"old": 1})
    first.log({"loss": 1.0}, 0)
    first.end()
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_now()
    second = world.life(from_step=0)
    second.config({"new": 2})
    second.log({"loss": 5.0}, 0)

    def die_before_the_first_commit() -> None:
        store = Store.open(world.folder, clock_ns=world.now)
        store._ingester.commit = lambda: os.kill(os.getpid(), signal.SIGKILL)
        store.ingest_now()

    child = multiprocessing.get_context("fork").Process(target=die_before_the_first_commit)
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL

    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_now()
        run = store.run(first.run_key)

    assert run.config == {"new": 2}
    assert run.metrics["loss"].n == 1


def test_files_that_no_manifest_names_are_removed_at_the_start(world: World):
    life = world.life()
    life.log({"loss": 1.0}, 0)
    with Store.open(world.folder) as store:
        store.ingest_now()
    stranger = world.folder / "index" / "points" / "99999999.parquet"
    stranger.write_bytes(b"half a file")
    torn = world.folder / "index" / "roll" / "00000002.parquet.tmp"
    torn.write_bytes(b"")

    with Store.open(world.folder):
        assert not stranger.exists()
        assert not torn.exists()


def test_an_index_of_other_numbers_is_not_believed(world: World, tmp_path: Path):
    """The metadata was replaced (another database): the points' numbers mean nothing then and are made again."""
    life = world.life()
    for step in range(10):
        life.log({"loss": float(step)}, step)
    with Store.open(world.folder) as store:
        store.ingest_now()
    (world.folder / "index" / "meta.db").unlink()

    with Store.open(world.folder) as store:
        store.ingest_now()
        (batch,) = store.history(life.run_key)

    assert np.array_equal(batch.step, np.arange(10))
