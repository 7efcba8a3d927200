"""Many runs at once: tags, other projects, and removal for good."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from store.world import World
from treering.errors import InvalidName, InvalidValue, ProjectNotFound, RunNotFound
from treering.runlog import records
from treering.store import Store
from treering.store.model import RunQuery, Selection, SeriesRequest

BYTES = b"\x89 what one run logged"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "data")


def opened(world: World) -> Store:
    store = Store.open(world.folder, clock_ns=world.now)
    store.ingest_now()
    return store


@pytest.fixture
def store(world: World):
    with opened(world) as made:
        yield made


def a_run(world: World, run_id: str, rows: int = 30, project: str = "digits", blob: bytes = b"") -> str:
    life = world.life(run_id, project=project)
    life.config({"lr": 0.5, "model": {"depth": 3}})
    if blob:
        name = hashlib.sha256(blob).hexdigest()
        path = world.folder / "blobs" / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob)
        life.record(records.FILE, "media/x.png", name, len(blob), {"purpose": "media"})
    for step in range(rows):
        life.log({"loss": 1.0 / (step + 1), f"only/{run_id}": float(step), "note": f"text of {run_id}"}, step)
    life.end()
    return life.run_key


def keys_in(store: Store, project: str, **more) -> list[str]:
    try:
        return [row.run_key for row in store.query_runs(RunQuery("ada", project, **more)).runs]
    except ProjectNotFound:
        return []


def loss_of(store: Store, key: str) -> list[float]:
    (line,) = store.series(SeriesRequest(keys=["loss"], runs=[key], buckets=100))
    return line.y.tolist()


def test_a_moved_run_is_the_same_run_elsewhere_also_after_a_rebuild(world: World):
    moved, stays = a_run(world, "a"), a_run(world, "b")
    with opened(world) as store:
        store.metrics.flush()
        store.edit_run(moved, {"name": "mine", "tags": ["x"]}, "ada")
        before = store.run(moved)

        assert store.move_runs([moved], "lab", "archive", "max") == {}

        for again in range(3):
            if again == 1:
                store.rebuild()
            assert store.locate(moved) == ("lab", "archive")
            run = store.run(moved)
            assert (run.entity, run.project, run.run_id, run.name, run.tags) == ("lab", "archive", "a", "mine", ["x"])
            assert run.config == before.config
            assert [(k.key, k.n, k.last) for k in run.keys] == [(k.key, k.n, k.last) for k in before.keys]
            assert loss_of(store, moved) == [1.0 / (step + 1) for step in range(30)]
            assert [row.run_key for row in store.query_runs(RunQuery("lab", "archive")).runs] == [moved]
            assert keys_in(store, "digits") == [stays]
            assert {info.key: info.runs for info in store.project("ada", "digits").keys if info.runs} == {
                "loss": 1,
                "only/b": 1,
                "note": 1,
            }
            assert store.find_run("lab", "archive", "a") == moved
            with pytest.raises(RunNotFound):
                store.find_run("ada", "digits", "a")
            assert loss_of(store, stays) == loss_of(store, moved)


def test_a_moved_run_can_be_edited_goes_on_and_is_moved_back(world: World):
    key = a_run(world, "a")
    with opened(world) as store:
        store.move_runs([key], "lab", "archive", "max")
        store.edit_run(key, {"notes": "still mine"}, "max")
        life = world.life("a", from_step=30)  # the training is resumed where it was
        life.log({"loss": 7.0}, 30)
        life.end()
        store.ingest_now()

        assert loss_of(store, key)[-1] == 7.0
        assert store.run(key).notes == "still mine"
        assert store.run(key).error is None
        assert store.move_runs([key], "ada", "digits", "max") == {}
        assert store.locate(key) == ("ada", "digits")
    shutil.rmtree(world.folder / "index")
    with opened(world) as store:
        assert store.run(key).project == "digits"
        assert loss_of(store, key)[-1] == 7.0
        assert all(entry.ok for entry in [store.verify(key)])


def test_a_move_that_cannot_be_is_refused_by_name_and_changes_nothing(world: World):
    a, b, same = a_run(world, "a"), a_run(world, "b"), a_run(world, "b", project="other")
    with opened(world) as store:
        assert store.move_runs([a, b], "ada", "other", "max") == {b: "ada/other has a run 'b' already"}
        assert store.move_runs([a], "ada", "other", "max") == {a: "it is there already"}
        with pytest.raises(InvalidName):
            store.move_runs([b], "ada", "no/such", "max")
        assert store.move_runs(["q" * 26], "ada", "other", "max") == {"q" * 26: "there is no such run"}
        assert sorted(keys_in(store, "other")) == sorted([a, same])
        assert keys_in(store, "digits") == [b]


def test_what_is_removed_for_good_is_nowhere_on_the_disk(world: World):
    gone, stays = a_run(world, "gone", blob=BYTES), a_run(world, "stays", blob=b"of the other")
    with opened(world) as store:
        store.metrics.flush()
        assert store.purge_runs([gone], "ada") == {gone: "it is not in the bin: delete it first"}
        store.edit_runs([gone], {"deleted": True}, "ada")
        assert keys_in(store, "digits", deleted=True) == [gone]

        assert store.purge_runs([gone], "ada") == {}

        with pytest.raises(RunNotFound):
            store.run(gone)
        assert keys_in(store, "digits", deleted=True) == []
        assert keys_in(store, "digits") == [stays]
        assert loss_of(store, stays) == [1.0 / (step + 1) for step in range(30)]
        texts = [item.value for item in store.media_in([stays], ["note"], 0, 100, 1000)]
        assert texts == ["text of stays"] * 30
    left = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file() and path.suffix != ".db")
    assert b"text of gone" not in left
    assert BYTES not in left
    assert b"of the other" in left
    with opened(world) as store:
        assert keys_in(store, "digits") == [stays]
        assert store.rebuild().points == 60


def test_bytes_that_another_run_has_stay(world: World):
    gone, stays = a_run(world, "gone", blob=BYTES), a_run(world, "stays", blob=BYTES)
    with opened(world) as store:
        store.edit_runs([gone], {"deleted": True}, "ada")
        store.purge_runs([gone], "ada")

        assert store.blob_size(stays, hashlib.sha256(BYTES).hexdigest()) == len(BYTES)


def test_a_removal_that_a_kill_cut_short_is_finished_by_the_next_start(world: World):
    gone, stays = a_run(world, "gone", blob=BYTES), a_run(world, "stays")
    with opened(world) as store:
        store.metrics.flush()
        store.edit_runs([gone], {"deleted": True}, "ada")
        segments = [ref.segment for ref in store.segments.segments(gone)]
        store._ledger.purge(gone, segments, "ada", world.now())  # and here the process dies

    with opened(world) as store:
        assert keys_in(store, "digits") == [stays]
        assert not (world.folder / "runs" / gone).exists()
        assert not any(path.read_bytes() == BYTES for path in (world.folder / "blobs").rglob("*") if path.is_file())
        assert store.ingest_now() == 0


def test_a_removed_run_that_comes_back_as_files_stays_away(world: World):
    gone = a_run(world, "gone")
    kept = world.folder.parent / "kept"
    shutil.copytree(world.folder / "runs" / gone, kept)
    with opened(world) as store:
        store.edit_runs([gone], {"deleted": True}, "ada")
        store.purge_runs([gone], "ada")
        shutil.copytree(kept, world.folder / "runs" / gone)
        store.ingest_now()

        assert keys_in(store, "digits") == []
    with opened(world) as store:
        assert not (world.folder / "runs" / gone).exists()


def test_numbers_of_runs_that_are_gone_are_never_given_again(world: World):
    gone = a_run(world, "gone")
    with opened(world) as store:
        store.metrics.flush()
        before = store.metadata.run(gone).id
        segments = {segment.id for segment in store.metadata.segments(before)}
        store.edit_runs([gone], {"deleted": True}, "ada")
        store.purge_runs([gone], "ada")
        fresh = a_run(world, "fresh", rows=3)
        store.ingest_now()

        state = store.metadata.run(fresh)
        assert state.id > before
        assert all(segment.id not in segments for segment in store.metadata.segments(state.id))
        assert loss_of(store, fresh) == [1.0, 0.5, 1 / 3]


def test_many_runs_are_changed_and_tagged_together(world: World):
    keys = [a_run(world, f"r{number}", rows=1) for number in range(70)]
    with opened(world) as store:
        store.edit_run(keys[0], {"tags": ["old", "both"]}, "ada")
        refused = store.edit_runs(
            [*keys, "q" * 26], {"group": "g", "archived": True}, "max", add_tags=["new", "both"], remove_tags=["old"]
        )

        assert refused == {"q" * 26: "there is no such run"}
        runs = [store.run(key) for key in keys]
        assert all(run.group == "g" and run.archived for run in runs)
        assert runs[0].tags == ["both", "new"]
        assert all(run.tags == ["new", "both"] for run in runs[1:])
        with pytest.raises(InvalidValue):
            store.edit_runs(keys, {"state": "finished"}, "max")
        with pytest.raises(InvalidValue, match="tags"):
            store.edit_runs(keys, {}, "max", add_tags=["x" * 1000])


def test_the_bin_holds_what_is_deleted_until_it_is_taken_out(world: World):
    keys = [a_run(world, f"r{number}", rows=1) for number in range(3)]
    with opened(world) as store:
        store.edit_runs(keys[:2], {"deleted": True}, "ada")

        assert keys_in(store, "digits") == keys[2:]
        page = store.query_runs(RunQuery("ada", "digits", deleted=True))
        assert (sorted(row.run_key for row in page.runs), page.match, page.total) == (sorted(keys[:2]), 2, 2)
        found = store.matching(Selection("ada", "digits", filter='name = "name of r1"', deleted=True), 10)
        assert found == [keys[1]]
        store.edit_runs(found, {"deleted": False}, "ada")
        assert sorted(keys_in(store, "digits")) == sorted(keys[1:])


def test_a_part_that_many_runs_share_loses_only_the_points_of_the_one(world: World):
    keys = [a_run(world, f"r{number}", rows=3_000) for number in range(3)]
    with opened(world) as store:
        store.metrics.flush()
        lines = {key: store.series(SeriesRequest(keys=["loss"], runs=[key], buckets=50))[0] for key in keys}
        store.edit_runs(keys[1:2], {"deleted": True}, "ada")
        store.purge_runs(keys[1:2], "ada")

        for key in (keys[0], keys[2]):
            (line,) = store.series(SeriesRequest(keys=["loss"], runs=[key], buckets=50))
            for name in ("x", "y", "lo", "hi", "count"):
                assert np.array_equal(getattr(line, name), getattr(lines[key], name))


def test_bytes_that_a_run_has_whose_log_is_not_read_yet_stay(world: World):
    gone = a_run(world, "gone", blob=BYTES)
    with opened(world) as store:
        store.edit_runs([gone], {"deleted": True}, "ada")
        fresh = a_run(world, "fresh", blob=BYTES)  # and nobody has looked at it
        store.purge_runs([gone], "ada")

        assert store.blob_size(fresh, hashlib.sha256(BYTES).hexdigest()) == len(BYTES)


def test_a_training_that_begins_anew_under_the_id_of_a_removed_run_is_a_run(world: World):
    old = a_run(world, "a", rows=40)
    with opened(world) as store:
        store.move_runs([old], "lab", "archive", "ada")
        store.edit_runs([old], {"deleted": True}, "ada")
        store.purge_runs([old], "ada")
        anew = a_run(world, "a", rows=3, blob=BYTES)
        store.ingest_now()

        assert anew == old
        assert store.locate(anew) == ("ada", "digits")  # where the removed one was moved says nothing of this one
        assert loss_of(store, anew) == [1.0, 0.5, 1 / 3]
    for again in range(2):
        if again:
            shutil.rmtree(world.folder / "index")
        with opened(world) as store:
            assert keys_in(store, "digits") == [anew]
            assert loss_of(store, anew) == [1.0, 0.5, 1 / 3]
            assert store.blob_size(anew, hashlib.sha256(BYTES).hexdigest()) == len(BYTES)
    with opened(world) as store:
        store.edit_runs([anew], {"deleted": True}, "ada")
        assert store.purge_runs([anew], "ada") == {}
        assert not (world.folder / "runs" / anew).exists()


def test_a_run_that_was_resumed_a_moment_ago_is_not_removed(world: World):
    key = a_run(world, "a")
    with opened(world) as store:
        store.edit_runs([key], {"deleted": True}, "ada")
        life = world.life("a", from_step=30)
        life.log({"loss": 7.0}, 30)  # it trains, and nobody has looked

        assert store.purge_runs([key], "ada") == {key: "it is running"}


@pytest.mark.parametrize("died", ["ledger", "points"])
def test_a_move_that_a_kill_cut_short_is_finished_by_the_next_start(world: World, died: str):
    key, stays = a_run(world, "a"), a_run(world, "b")
    with opened(world) as store:
        store.metrics.flush()
        state = store.metadata.run(key)
        store._ledger.move(key, ("lab", "archive"), ("ada", "digits"), "ada", world.now())
        if died == "points":
            store.metrics.forget_runs({state.project_id}, {state.id})  # and here the process dies

    with opened(world) as store:
        assert (keys_in(store, "digits"), keys_in(store, "digits", deleted=True)) == ([stays], [])
        assert [row.run_key for row in store.query_runs(RunQuery("lab", "archive")).runs] == [key]
        assert loss_of(store, key) == [1.0 / (step + 1) for step in range(30)]


@pytest.mark.parametrize("step", ["_remove_blobs", "_forget", "_remove_logs"])
def test_a_removal_that_dies_at_any_step_leaves_nothing_after_the_next_start(world: World, step: str, monkeypatch):
    gone, stays = a_run(world, "gone", blob=BYTES), a_run(world, "stays", blob=b"of the other")
    with opened(world) as store:
        store.edit_runs([gone], {"deleted": True}, "ada")

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(store._filing, step, die)
        with pytest.raises(KeyboardInterrupt):
            store.purge_runs([gone], "ada")

    with opened(world) as store:
        assert keys_in(store, "digits") == [stays]
    left = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file() and path.suffix != ".db")
    assert b"text of gone" not in left
    assert BYTES not in left
    assert b"of the other" in left


def test_moves_and_removals_are_the_same_on_each_engine(world: World, metadata_url: str):
    def again() -> Store:
        store = Store.open(world.folder, clock_ns=world.now, metadata_url=metadata_url)
        store.ingest_now()
        return store

    keys = [a_run(world, f"r{number}", rows=3, blob=[BYTES, b"alone"][number % 2]) for number in range(4)]
    with again() as store:
        assert store.move_runs(keys[:2], "lab", "archive", "ada") == {}
        store._ledger.move(keys[2], ("lab", "archive"), ("ada", "digits"), "ada", world.now())  # and it dies
    with again() as store:
        assert [store.locate(key) for key in keys] == [("lab", "archive")] * 3 + [("ada", "digits")]
        assert len(store.query_runs(RunQuery("lab", "archive")).runs) == 3
        store.edit_runs(keys[1:], {"deleted": True}, "ada")
        assert store.purge_runs(keys[1:], "ada") == {}

        assert [run.run_key for run in store.query_runs(RunQuery("lab", "archive")).runs] == keys[:1]
        assert store.blob_size(keys[0], hashlib.sha256(BYTES).hexdigest()) == len(BYTES)
        assert not store.blobs.has(hashlib.sha256(b"alone").hexdigest())
        assert loss_of(store, keys[0]) == [1.0, 0.5, 1 / 3]


def test_a_run_whose_folder_refuses_does_not_stop_the_others(world: World):
    keys = [a_run(world, f"r{number}", rows=1) for number in range(3)]
    with opened(world) as store:
        folder = world.folder / "runs" / keys[1]
        shutil.rmtree(folder)
        folder.write_text("no folder")
        refused = store.edit_runs(keys, {"notes": "seen"}, "ada")

        assert list(refused) == [keys[1]]
        assert "refuses" in refused[keys[1]]
        assert [store.run(key).notes for key in (keys[0], keys[2])] == ["seen", "seen"]


def test_a_full_disk_does_not_keep_a_store_shut_that_has_a_removal_to_finish(world: World, monkeypatch):
    gone, stays = a_run(world, "gone"), a_run(world, "stays")
    with opened(world) as store:
        store.metrics.flush()
        store.edit_runs([gone], {"deleted": True}, "ada")
        segments = [ref.segment for ref in store.segments.segments(gone)]
        store._ledger.purge(gone, segments, "ada", world.now())  # and here the process dies

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("treering.store.parquet.ParquetMetrics.forget_runs", full)
        with opened(world) as store:
            assert keys_in(store, "digits") == [stays]
            assert loss_of(store, stays) == [1.0 / (step + 1) for step in range(30)]
    with opened(world) as store:
        assert not (world.folder / "runs" / gone).exists()
        with pytest.raises(RunNotFound):
            store.run(gone)


def test_runs_stand_in_folders_and_belong_to_others(world: World):
    top = world.life("top", meta={"name": "search", "folder": "ablations"})
    top.log({"loss": 1.0}, 0)
    low = world.life("low", meta={"name": "trial", "folder": "ablations/width", "parent": "top"})
    low.log({"loss": 2.0}, 0)
    with opened(world) as store:

        def found(text: str) -> list[str]:
            return [row.run_id for row in store.query_runs(RunQuery("ada", "digits", filter=text)).runs]

        assert found("parent = 'top'") == ["low"]
        assert found("folder ~ '^ablations(/|$)'") == ["low", "top"]
        assert found("folder is missing") == []
        groups = store.query_runs(RunQuery("ada", "digits", group=["folder"])).groups or []
        assert [(group.path[0].value, group.count) for group in groups] == [("ablations/width", 1), ("ablations", 1)]

        assert store.edit_runs([low.run_key, top.run_key], {"folder": " done / width/ "}, "ada") == {}
        assert found("folder = 'done/width'") == ["low", "top"]
        store.rebuild()
        assert found("folder = 'done/width'") == ["low", "top"]
        assert store.edit_run(low.run_key, {"folder": "", "parent": None}, "ada").folder is None
        assert found("folder is missing") == found("parent is missing and folder is missing") == ["low"]
        for wrong in ("a//b", "../x", "a\x00b", "/".join("abcdefghijklmnopq")):
            with pytest.raises(InvalidName, match="folder"):
                store.edit_run(low.run_key, {"folder": wrong}, "ada")
