"""Copies of runs into another project."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store.test_filing import BYTES, a_run, keys_in, loss_of, opened
from store.world import World
from treering.errors import NotFound, RunNotFound
from treering.ids import run_key
from treering.runlog import records
from treering.store import Store
from treering.store.copies import Copies
from treering.store.receiver import Receipt


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "data")


def rows_of(store: Store, key: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for batch in store.history(key):
        for i in range(len(batch.step)):
            values = {column.key: column.values[i] for column in batch.columns if column.present[i]}
            rows.append(
                (batch.step[i], batch.attempt[i], batch.writer[i], batch.timestamp[i], batch.runtime[i], values)
            )
    return rows


def test_a_copy_has_all_that_its_original_has_and_goes_its_own_way(world: World):
    key = a_run(world, "a", blob=BYTES)
    with opened(world) as store:
        store.edit_run(key, {"name": "mine", "tags": ["x"], "notes": "text"}, "ada")
        original = store.run(key)
        copied = run_key("lab", "archive", "a")

        assert store.copy_runs([key], "lab", "archive", "max") == {}

        for again in range(2):
            copy = store.run(copied)
            assert (copy.entity, copy.project, copy.run_id, copy.number) == ("lab", "archive", "a", 1)
            assert (copy.name, copy.tags, copy.notes) == ("mine", ["x"], "text")
            assert (copy.config, copy.summary, copy.state) == (original.config, original.summary, original.state)
            assert copy.created_at == original.created_at
            assert rows_of(store, copied) == rows_of(store, key)
            assert loss_of(store, copied) == loss_of(store, key)
            assert store.verify(copied).ok
            assert copy.meta["copied_from"]["run_key"] == key
            assert [(file.path, file.held) for file in store.files(copied).files] == [("media/x.png", True)]
            if not again:
                store.rebuild()

        store.edit_run(copied, {"name": "yours"}, "max")
        assert store.run(key).name == "mine"
        store.edit_run(key, {"deleted": True}, "ada")
        assert store.purge_runs([key], "ada") == {}
        assert loss_of(store, copied)
        assert store.blob_size(copied, store.files(copied).files[0].sha256) == len(
            BYTES
        )  # shared, and still referred to


def test_runs_that_cannot_be_copied_say_why(world: World):
    done, going = a_run(world, "a"), world.life("b")
    going.log({"loss": 1.0}, 0)
    with opened(world) as store:
        assert store.copy_runs([done], "lab", "archive", "max") == {}
        again = store.copy_runs([done, going.run_key, "a" * 26], "lab", "archive", "max")
        assert again == {
            done: "lab/archive has a run 'a' already",
            going.run_key: "it is running",
            "a" * 26: "there is no such run",
        }
        assert "already" in store.copy_runs([done], "ada", "digits", "max")[done]
        copied = run_key("lab", "archive", "a")
        store.edit_run(copied, {"deleted": True}, "ada")
        assert "bin" in store.copy_runs([copied], "lab", "third", "max")[copied]
        store.purge_runs([copied], "ada")
        assert "removed for good" in store.copy_runs([done], "lab", "archive", "max")[done]
        assert store.move_runs([done], "lab", "second", "max") == {}
        assert "moved away" in store.copy_runs([done], "ada", "digits", "max")[done]


def test_a_damaged_log_is_copied_but_for_the_hole(world: World):
    key = a_run(world, "a", rows=200)
    (path,) = (world.folder / "runs" / key).glob("*.trl")
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\0" * 64)
    with opened(world) as store:
        before = rows_of(store, key)
        assert 190 < len(before) < 200
        assert store.copy_runs([key], "lab", "archive", "max") == {}
        copied = run_key("lab", "archive", "a")
        assert rows_of(store, copied) == before
        assert store.verify(copied).ok  # what is not there any more is not damaged
        assert store.run(copied).config == store.run(key).config


def test_a_kill_in_the_middle_leaves_no_copy_and_no_rest(world: World, monkeypatch: pytest.MonkeyPatch):
    key = a_run(world, "a")
    with opened(world) as store:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Copies, "keep", killed)
        with pytest.raises(KeyboardInterrupt):
            store.copy_runs([key], "lab", "archive", "max")
        assert list((world.folder / "runs").glob(".copy-*"))
    monkeypatch.undo()
    with opened(world) as store:
        assert not list((world.folder / "runs").glob(".copy-*"))
        assert keys_in(store, "digits") == [key]
        assert store.copy_runs([key], "lab", "archive", "max") == {}


def test_a_full_disk_refuses_one_run_and_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch):
    key = a_run(world, "a")
    with opened(world) as store:

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        assert store.copy_runs([key], "lab", "archive", "max") == {key: "the disk refuses: No space left on device"}
        monkeypatch.undo()
        assert [entry.name for entry in (world.folder / "runs").iterdir()] == [key]
        with pytest.raises(RunNotFound):
            store.run(run_key("lab", "archive", "a"))


def while_it_is_written(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have *act* happen when the bytes of a copy stand on the disk, and nobody holds the lock."""
    write = Copies.write

    def slowly(self: Copies, *args: object) -> object:
        written = write(self, *args)  # type: ignore[arg-type]
        monkeypatch.undo()
        act()
        return written

    monkeypatch.setattr(Copies, "write", slowly)


def test_two_who_copy_the_same_run_at_once_make_one_copy_and_leave_no_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    key = a_run(world, "a")
    copied = run_key("lab", "archive", "a")
    both = threading.Barrier(2, timeout=10)
    note = Copies._note_origin

    def together(self: Copies, *args: object) -> None:
        both.wait()  # both have written all segments
        note(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Copies, "_note_origin", together)
    with opened(world) as store, ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda who: store.copy_runs([key], "lab", "archive", who), ("ada", "max")))

        assert sorted(said, key=len) == [{}, {key: "lab/archive has a run 'a' already"}]
        assert rows_of(store, copied) == rows_of(store, key)
        assert sorted(entry.name for entry in (world.folder / "runs").iterdir()) == sorted([key, copied])
        segments = (world.folder / "runs" / copied).glob("*.trl")
        assert len(list(segments)) == 1 + len(list((world.folder / "runs" / key).glob("*.trl")))


@pytest.mark.parametrize(("purged", "why"), [(False, "it is in the bin: restore it first"), (True, "no such run")])
def test_a_run_that_is_removed_while_it_is_copied_is_not_copied(
    world: World, monkeypatch: pytest.MonkeyPatch, purged: bool, why: str
):
    key = a_run(world, "a", blob=BYTES)
    with opened(world) as store:

        def remove() -> None:
            store.edit_run(key, {"deleted": True}, "ada")
            if purged:
                assert store.purge_runs([key], "ada") == {}

        while_it_is_written(monkeypatch, remove)

        assert why in store.copy_runs([key], "lab", "archive", "max")[key]
        with pytest.raises(RunNotFound):
            store.run(run_key("lab", "archive", "a"))
        assert {entry.name for entry in (world.folder / "runs").iterdir()} <= {key}


def test_a_run_that_goes_on_while_it_is_copied_is_not_copied(world: World, monkeypatch: pytest.MonkeyPatch):
    key = a_run(world, "a")
    with opened(world) as store:
        while_it_is_written(monkeypatch, lambda: world.life("a", from_step=30).log({"loss": 0.0}, 30))

        assert store.copy_runs([key], "lab", "archive", "max") == {key: "it is running"}


def test_bytes_that_never_came_are_not_to_be_had_through_a_copy(world: World):
    """Who may write to a project could else declare a hash, copy the run, and read what belongs to others."""
    secret = a_run(world, "theirs", project="secret", blob=BYTES)
    with opened(world) as store:
        name = store.files(secret).files[0].sha256
        life = world.life("a")
        life.record(records.FILE, "media/y.png", name, len(BYTES), {"purpose": "media"})
        life.log({"loss": 1.0}, 0)
        life.end()
        store._ledger.receive(
            [Receipt(life.path.stem, life.run_key, "ada", "digits", life.id, "eve", "k", world.now_ns)]
        )
        store.ingest_now()
        assert not store.files(life.run_key).files[0].held
        assert store.copy_runs([life.run_key], "ada", "other", "max") == {}
        copied = run_key("ada", "other", "a")
        assert loss_of(store, copied) == [1.0]
        assert not store.files(copied).files[0].held
        with pytest.raises(NotFound):
            store.blob_size(copied, name)


def test_a_copied_fork_has_its_line_from_the_copy_of_its_parent(world: World):
    parent = world.life("parent")
    for step in range(6):
        parent.log({"loss": float(step)}, step)
    parent.end()
    child = world.life("child")
    origin = {"parent_key": parent.run_key, "parent_id": "parent", "step": 3, "until_ns": world.now_ns}
    child.record(records.FORK, origin)
    child.log({"loss": 44.0}, 4)
    child.end()
    with opened(world) as store:
        whole = [0.0, 1.0, 2.0, 3.0, 44.0]
        assert loss_of(store, child.run_key) == whole
        copied = run_key("lab", "archive", "child")

        assert store.copy_runs([child.run_key], "lab", "archive", "max") == {}
        assert loss_of(store, copied) == [44.0]  # nothing is shown of a run that is not there
        assert store.copy_runs([parent.run_key], "lab", "archive", "max") == {}

        assert loss_of(store, copied) == whole
        fork_of = store.run(copied).fork_of
        assert fork_of is not None
        assert (fork_of.run_key, fork_of.here) == (run_key("lab", "archive", "parent"), True)
        store.rebuild()
        assert loss_of(store, copied) == whole
        assert loss_of(store, child.run_key) == whole


def test_times_of_the_next_decades_are_kept(world: World):
    life = world.life("later")
    world.now_ns = 2_700_000_000 * 10**9  # the year 2055
    life.log({"loss": 1.0}, 0)
    life.end()
    with opened(world) as store:
        assert loss_of(store, life.run_key) == [1.0]
        assert not store.run(life.run_key).damaged
