"""Which versions rules remove, what holds one against them, and what a check of a run says of its files."""

from __future__ import annotations

import hashlib
import math
import shutil
from pathlib import Path

import pytest

import treering as tr
from server.run_logs import declare, store_blob
from store.test_artifacts import DATA, DAY_NS, age_blobs, logged, opened, use, versions
from store.world import World
from treering.errors import InvalidValue, NotFound
from treering.store import Store


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_the_best_one_of_equal_endless_and_no_numbers_is_the_newest_best(world: World, goal: str) -> None:
    life = world.life()
    sign = 1 if goal == "maximize" else -1
    values = [math.nan, sign * math.inf, 1.0, sign * math.inf, -sign * math.inf, math.nan, 1.0, None, 0.0]
    rule = {"kind": "best", "count": 1, "metric": "acc", "goal": goal}
    for number, value in enumerate(values):
        about = {} if value is None else {"values": {"acc": value}}
        logged(life, "model", {"w": str(number).encode()}, type="model", keep=rule, **about)
    with opened(world) as store:
        assert sorted(versions(store, ("ada", "digits", "model"))) == [3, 7, 8]  # the best, the unjudged, the newest


def test_a_rule_leaves_what_is_used_now_and_what_something_held_was_made_from(world: World) -> None:
    maker, running, ended, train = (world.life(name) for name in ("maker", "running", "ended", "train"))
    for number in range(5):
        logged(maker, "data", {"a": str(number).encode()})
    for life, number in ((running, 0), (ended, 1), (train, 2)):
        use(life, "data", number)
    logged(train, "model", {"w": b"weights"}, type="model", aliases=["production"])
    ended.end()
    train.end()
    with opened(world) as store:
        artifacts = store.artifacts
        collection = artifacts.book.get(DATA)
        assert artifacts.protection.reasons(collection, [0, 1, 2, 3]) == {
            0: ["in use by a run that goes on"],
            1: [],
            2: ["what is held was made from it"],
            3: [],
        }
        artifacts.edit_collection(DATA, "ada", 1, {"keep": {"kind": "last", "count": 1}})
        assert sorted(versions(store)) == [0, 2, 4]

        running.end()
        store.ingest_now()
        artifacts.edit_version(("ada", "digits", "model"), "v0", "ada", {}, remove_aliases=["production"])
        dry = store.collect_garbage(dry_run=True)  # nothing holds them any more
        assert sorted(versions(store)) == [0, 2, 4]
        done = store.collect_garbage(dry_run=False)

        assert [(one.version.number, one.why, one.author) for one in dry.expired] == [
            (0, "keep the last 1", "retention"),
            (2, "keep the last 1", "retention"),
        ]
        assert [one[1:] for one in done.expired] == [one[1:] for one in dry.expired]
        assert list(versions(store)) == [4]


def test_what_a_dry_run_says_is_what_is_then_done(world: World) -> None:
    life = world.life()
    for number in range(6):
        content = {"own": f"own {number}".encode(), "shared": b"shared", "part": f"part {number // 2}".encode()}
        logged(life, "data", content, ttl_days=1.0 if number in (1, 4) else None, aliases=["a"] if number == 0 else [])
    life.end()
    with opened(world) as store:
        store.artifacts.edit_collection(DATA, "ada", 1, {"ttl_days": 3.0})
        world.now_ns += 2 * DAY_NS
        age_blobs(world)
        dry = store.collect_garbage(dry_run=True)
        done = store.collect_garbage(dry_run=False)

        assert (dry.files, dry.bytes, dry.kept_files) == (done.files, done.bytes, done.kept_files)
        assert [(one.sha256, one.bytes, one.names) for one in dry.garbage] == [
            (one.sha256, one.bytes, one.names) for one in done.garbage
        ]
        assert sorted(name for one in done.garbage for name in one.names) == ["data:v1/own", "data:v4/own"]


def test_what_a_locked_run_made_or_used_stays(world: World) -> None:
    maker, user = world.life("maker"), world.life("user")
    for number in range(3):
        logged(maker, "data", {"a": str(number).encode()})
    use(user, "data", 1)
    logged(user, "model", {"w": b"0"}, type="model")
    user.end()
    other = world.life("other")
    logged(other, "model", {"w": b"1"}, type="model")
    maker.end()
    with opened(world) as store:
        store.lock_run(user.run_key, "ada", "for the paper")
        for name in (DATA, ("ada", "digits", "model")):
            store.artifacts.edit_collection(name, "ada", 1, {"keep": {"kind": "last", "count": 1}})

        assert sorted(versions(store)) == [1, 2]
        assert sorted(versions(store, ("ada", "digits", "model"))) == [0, 1]
        left = store.artifacts.remove([store.artifacts.find(("ada", "digits", "model"), "v0")], "ada", "")
        assert [why for _, _, why in left] == ["the run that made it is locked: unlock that first"]


def test_no_rule_is_applied_before_all_runs_are_read(world: World) -> None:
    maker, user = world.life("maker"), world.life("user")
    for number in range(3):
        logged(maker, "data", {"a": str(number).encode()}, ttl_days=1.0)
    use(user, "data", 0)
    with opened(world):
        pass
    shutil.rmtree(world.folder / "index")
    world.now_ns += 2 * DAY_NS
    user.log({"loss": 1.0}, 0)  # it goes on
    with Store.open(world.folder, clock_ns=world.now) as store:
        assert sorted(versions(store)) == [0, 1, 2]  # nobody knows yet what is in use
        store.ingest_now()
        assert sorted(versions(store)) == [0]
        store.rebuild()
        assert sorted(versions(store)) == [0]


def test_an_alias_that_comes_between_the_look_and_the_removal_holds(world: World) -> None:
    life = world.life()
    for number in range(2):
        logged(life, "data", {"a": str(number).encode()})
    with opened(world) as store:
        chosen = store.artifacts.find(DATA, "v0")
        assert store.artifacts.protection.refusal(*chosen, with_aliases=False) == ""
        store.artifacts.edit_version(DATA, "v0", "max", {}, ["released"])
        left = store.artifacts.remove([chosen], "ada", "no use")
        assert [(version.number, why) for _, version, why in left] == [(0, "it has the alias released")]
        with pytest.raises(NotFound, match="no alias 'other'"):
            store.artifacts.edit_version(DATA, "v0", "max", {"description": "x"}, ["new"], ["other"], revision=2)
        collection, version = store.artifacts.find(DATA, "v0")
        assert (version.revision, version.said, collection.aliases) == (2, {}, {"released": 0})  # nothing of it


# ── rules in code ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rule_that_cannot_be_is_refused_where_it_is_made() -> None:
    for wrong in (0, -1, True, 1.5, "3", 10**9):
        with pytest.raises(InvalidValue, match="number of versions"):
            tr.Keep.last(wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue, match="number of versions"):
            tr.Keep("best", wrong, "acc", "maximize")  # type: ignore[arg-type]
    for arguments in (("newest", 1), ("best", 1), ("best", 1, "acc", "up"), ("last", 1, "acc")):
        with pytest.raises(InvalidValue, match="Keep"):
            tr.Keep(*arguments)  # type: ignore[arg-type]


def test_which_way_is_better_is_said_or_defined_or_not_guessed_wrong() -> None:
    rule = tr.Keep.best(2, "val/loss")
    with pytest.raises(InvalidValue, match="say goal='minimize'"):
        rule.towards(None)
    assert rule.towards("minimize").goal == "minimize"
    assert tr.Keep.best(2, "val/loss", "maximize").towards("minimize").goal == "maximize"
    assert tr.Keep.best(2, "val/acc").towards(None).goal == "maximize"
    assert tr.Keep.best(2, "lossless").towards(None).goal == "maximize"
    assert tr.Keep.last(2).towards("minimize") == tr.Keep.last(2)


def test_log_artifact_takes_a_rule_and_nothing_else_for_one(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"w")
    quiet = {"console": "off", "silent": True, "disable_git": True, "disable_code": True}
    with tr.init(project="p", entity="ada", dir=tmp_path / "data", settings=quiet) as run:
        run.define_metric("val/loss", goal="minimize")
        run.log({"val/loss": 1.0})
        run.log_artifact(tmp_path / "w", "w", keep=tr.Keep.best(1, "val/loss"))
        for wrong in (3, "last 3", {"kind": "last", "count": 3}):
            with pytest.raises(InvalidValue, match="keep is a rule"):
                run.log_artifact(tmp_path / "w", "w", keep=wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue, match="one of the two"):
            run.log_artifact(tmp_path / "w", "w", keep=tr.Keep.last(2), overwrite=True)
        for days in ("7", 0, float("nan"), True):
            with pytest.raises(InvalidValue, match="ttl_days"):
                run.log_artifact(tmp_path / "w", "w", ttl_days=days)  # type: ignore[arg-type]
    with Store.open(tmp_path / "data") as store:
        store.ingest_now()
        keep = store.artifacts.book.get(("ada", "p", "w")).keep
    assert keep is not None
    assert (keep.kind, keep.count, keep.metric, keep.goal) == ("best", 1, "val/loss", "minimize")


# ── files of a run ───────────────────────────────────────────────────────────────────────────────────────────────


def test_verify_reads_the_files_too_and_misses_none_that_went_by_right(world: World) -> None:
    life = world.life()
    logged(life, "data", {"a": b"gone by right", "b": b"in both"})
    logged(life, "data", {"a": b"still here", "b": b"in both"})
    declare(life.writer, "media/x", store_blob(world.folder, b"picture"), 7)
    never = store_blob(world.folder, b"of a version that never came")
    declare(life.writer, f"artifact/{never}", never, 28, world.now_ns)
    life.end()

    def place(content: bytes) -> Path:
        name = hashlib.sha256(content).hexdigest()
        return world.folder / "blobs" / name[:2] / name

    with opened(world) as store:
        whole = store.verify(life.run_key)
        store.artifacts.remove([store.artifacts.find(DATA, "v0")], "ada", "")
        world.now_ns += 9 * DAY_NS
        age_blobs(world)
        assert store.collect_garbage(dry_run=False).files == 2
        after = store.verify(life.run_key)
        place(b"picture").unlink()
        place(b"still here").write_bytes(b"other here")
        place(b"in both").write_bytes(b"in")
        bad = store.verify(life.run_key)

    assert (whole.ok, after.ok, after.files.waiting, after.lock) == (True, True, 0, None)
    assert after.files.bytes >= len(b"still here" + b"in both" + b"picture")
    assert not bad.ok
    assert sorted(one.problem for one in bad.files.damaged) == [
        "it has 2 bytes and not 7",
        "it holds other bytes than its hash says",
        "it is gone",
    ]


def test_verify_of_a_locked_run_holds_it_against_its_lock(world: World) -> None:
    life = world.life()
    life.log({"loss": 1.0}, 0)
    life.end()
    with opened(world) as store:
        store.lock_run(life.run_key, "ada")
        assert (store.verify(life.run_key).lock, store.verify(life.run_key).ok) == ([], True)
        path = life.path
        path.write_bytes(path.read_bytes()[:-10])
        assert (store.verify(life.run_key).lock, store.verify(life.run_key).ok) == ([path.stem], False)
