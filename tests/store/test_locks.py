"""Locked runs: what they logged stays as it is, and what comes later is beside it."""

from __future__ import annotations

import json

import pytest

from store.world import World
from treering.errors import EditConflict, InvalidValue, NotFound, UsageError
from treering.sdk.locked import check_lock
from treering.store import Store


@pytest.fixture
def run(world: World, store: Store) -> str:
    life = world.life("r")
    life.log({"loss": 1.0}, 0)
    life.end()
    store.ingest_now()
    return life.run_key


def test_a_lock_names_every_file_with_its_hash_and_edits_come_beside_them(world: World, store: Store, run: str):
    store.edit_run(run, {"notes": "before"}, "ada")
    lock = store.lock_run(run, "max", "for the paper")
    before = {path.name: path.read_bytes() for path in (world.folder / "runs" / run).glob("*.trl")}

    assert (lock.by, lock.note, {one.writer for one in lock.segments}) == ("max", "for the paper", {"", "server"})
    store.edit_run(run, {"notes": "after"}, "ada")
    assert store.run(run).notes == "after"
    for name, data in before.items():
        assert (world.folder / "runs" / run / name).read_bytes() == data
    changed, added = store.locks.differences(lock)
    assert (changed, len(added)) == ([], 1)
    store.rebuild()
    assert store.run(run).notes == "after"
    assert store.locks.get(run) == lock


def test_what_a_training_adds_to_a_locked_run_does_not_count_and_is_told(world: World, store: Store, run: str):
    lock = store.lock_run(run, "max")
    again = world.life("r", from_step=0)
    again.log({"loss": 99.0}, 0)
    again.end()
    store.ingest_now()
    store.ingest_now()

    assert store.run(run).summary["loss"] == 1.0
    assert not store.run(run).damage
    assert store.locks.differences(lock) == ([], [again.path.stem])
    with pytest.raises(UsageError, match="was locked by max"):
        check_lock(world.folder / "runs" / run)
    with Store.open(world.folder, index_dir=world.folder.parent / "other", clock_ns=world.now) as anew:
        anew.ingest_now()
        assert anew.run(run).summary["loss"] == 1.0


def test_a_byte_that_changes_is_found(world: World, store: Store, run: str):
    lock = store.lock_run(run, "max")
    path = next((world.folder / "runs" / run).glob("*.trl"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    assert store.locks.differences(lock)[0] == [path.stem]
    path.unlink()
    assert store.locks.differences(lock)[0] == [path.stem]


def test_what_runs_or_is_locked_cannot_be_locked_and_what_is_locked_cannot_be_deleted(
    world: World, store: Store, run: str
):
    life = world.life("live")
    life.log({"loss": 1.0}, 0)
    store.ingest_now()
    with pytest.raises(InvalidValue, match="is running"):
        store.lock_run(life.run_key, "max")
    with pytest.raises(InvalidValue, match="note has at most"):
        store.lock_run(run, "max", "x" * 9_999)
    store.lock_run(run, "max")
    with pytest.raises(EditConflict):
        store.lock_run(run, "ada")
    with pytest.raises(InvalidValue, match="locked"):
        store.edit_run(run, {"deleted": True}, "ada")
    assert store.edit_runs([run], {"deleted": True}, "ada") == {run: "it is locked"}
    mark = world.folder / "runs" / run / "locked.json"
    assert json.loads(mark.read_text())["by"] == "max"
    store.locks.unlock(run, "ada")
    assert not mark.exists()
    with pytest.raises(NotFound):
        store.locks.unlock(run, "ada")
    store.edit_run(run, {"deleted": True}, "ada")
