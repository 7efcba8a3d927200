"""Versions of artifacts: when they are there, what keeps them, what goes, and that nothing of it is ever lost."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server.run_logs import declare, log_artifact, store_blob
from store.world import Life, World
from treering.errors import EditConflict, FilterError, InvalidName, InvalidValue, NotFound
from treering.runlog import records
from treering.runlog.artifact_manifest import Entry, Manifest
from treering.store import Store
from treering.store.artifact_records import KeepRule, read_use
from treering.store.lineage import Edge
from treering.store.model_checks import run_checks

DATA = ("ada", "digits", "data")
HOUR_NS = 3_600 * 1_000_000_000
DAY_NS = 24 * HOUR_NS


def opened(world: World) -> Store:
    store = Store.open(world.folder, clock_ns=world.now)
    store.ingest_now()
    return store


def logged(life: Life, name: str, files: dict[str, bytes], **about: Any) -> str:
    """Log a version, with an id of its own."""
    life.world.sleep(1)
    about.setdefault("id", os.urandom(8).hex())
    return log_artifact(life.writer, life.world.folder, name, files, time_ns=life.world.now_ns, **about)


def versions(store: Store, name: tuple[str, str, str] = DATA) -> dict[int, str]:
    """Number → first digits of the digest, of those that are not removed."""
    return {version.number: version.digest[:8] for version in store.artifacts.book.get(name).alive}


def age_blobs(world: World) -> None:
    """Let two hours pass, in which nobody touches what is stored."""
    for path in (world.folder / "blobs").glob("??/*"):
        os.utime(path, ns=(world.now_ns - 2 * HOUR_NS,) * 2)


def content(world: World) -> set[bytes]:
    return {path.read_bytes() for path in (world.folder / "blobs").glob("??/*")}


# ── becoming a version ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_version_is_there_when_its_last_byte_is_and_not_before(world: World) -> None:
    life = world.life()
    record = logged(life, "data", {"a": b"one", "b": b"two"})
    missing = world.folder / "blobs" / (name := hashlib.sha256(b"two").hexdigest())[:2] / name
    missing.rename(world.folder / "aside")
    with opened(world) as store:
        assert store.artifacts.book.find(DATA) is None
        waiting = store.artifacts.logged_record(life.run_key, store.run_number(life.run_key), record)
        assert (waiting.state, waiting.missing_files, waiting.missing_bytes) == ("pending", 1, 3)

        (world.folder / "aside").rename(missing)
        life.log({"loss": 1.0}, 0)
        store.ingest_now()

        assert list(versions(store)) == [0]
        assert store.artifacts.book.get(DATA).latest.bytes == 6


def test_what_was_not_complete_when_the_server_ended_becomes_a_version_at_the_next_start(world: World) -> None:
    logged(world.life(), "data", {"a": b"one"})
    blobs, aside = world.folder / "blobs", world.folder / "aside"
    blobs.rename(aside)
    with opened(world) as store:
        assert store.artifacts.book.find(DATA) is None
    shutil.rmtree(blobs, ignore_errors=True)
    aside.rename(blobs)

    with opened(world) as store:
        assert list(versions(store)) == [0]


def test_equal_content_is_the_version_that_is_there_and_its_aliases_move(world: World) -> None:
    life = world.life()
    logged(life, "data", {"a": b"one"}, aliases=["first"])
    again = logged(life, "data", {"a": b"one"}, aliases=["again", "latest"])
    logged(life, "data", {"a": b"two"}, aliases=["again"])
    back = logged(life, "data", {"a": b"one"})
    with opened(world) as store:
        collection = store.artifacts.book.get(DATA)
        number = store.run_number(life.run_key)

        assert sorted(versions(store)) == [0, 1, 2]  # the third is unlike the newest, so it is a new one
        assert collection.aliases == {"first": 0, "again": 1}
        assert store.artifacts.logged_record(life.run_key, number, again).equals
        assert not store.artifacts.logged_record(life.run_key, number, back).equals
        assert collection.aliases_of(2) == ["latest"]


def test_numbers_and_all_that_people_said_are_the_same_after_a_rebuild(world: World) -> None:
    life = world.life()
    for text in (b"one", b"two", b"three"):
        logged(life, "data", {"a": text}, aliases=["newest"], metadata={"rows": 1}, description="as logged")
    with opened(world) as store:
        artifacts = store.artifacts
        artifacts.edit_version(DATA, "v0", "max", {"description": "edited", "tags": ["x"]}, ["best"], revision=1)
        artifacts.edit_collection(DATA, "ada", 1, {"description": "our data", "ttl_days": 30.0})
        artifacts.remove([artifacts.find(DATA, "v1")], "max", "no use")
        before = describe(store)
    shutil.rmtree(world.folder / "index")
    with opened(world) as store:
        assert describe(store) == before
        store.rebuild()
        assert describe(store) == before
        assert store.artifacts.book.get(DATA).versions[1].removed.why == "no use"


def describe(store: Store) -> list[Any]:
    collection = store.artifacts.book.get(DATA)
    abouts = store.artifacts.abouts(collection.versions.values())
    return [
        collection.description,
        collection.aliases,
        collection.ttl_days,
        [
            (v.number, v.digest, v.created_ns, v.tags, v.said, v.removed, v.revision, abouts[v.number])
            for v in collection.versions.values()
        ],
        [(act.time_ns, act.author, act.what, act.version) for act in collection.acts],
    ]


def test_a_name_keeps_its_type_and_the_run_says_why(world: World) -> None:
    life = world.life()
    logged(life, "data", {"a": b"one"})
    other = logged(life, "data", {"a": b"two"}, type="model")
    with opened(world) as store:
        found = store.artifacts.logged_record(life.run_key, store.run_number(life.run_key), other)

        assert found.state == "refused"
        assert "is a dataset; it cannot become a model" in found.reason
        assert list(versions(store)) == [0]

        store.artifacts.remove([store.artifacts.find(DATA, "v0")], "max", "")
        logged(life, "data", {"a": b"three"}, type="model")
        store.ingest_now()

        assert (store.artifacts.book.get(DATA).type, list(versions(store))) == ("model", [1])


PATHS = ["../up", "/etc/passwd", "a/../../b", "a//b", "a/./b", "C:/x", "a\\b", "nul\0", "", "a/b:c/../d", "x/C:y"]


def test_a_manifest_that_could_lead_out_of_a_folder_makes_no_version(world: World) -> None:
    life = world.life()
    sha256 = store_blob(world.folder, b"data")
    declare(life.writer, f"artifact/{sha256}", sha256, 4)
    for number, path in enumerate(PATHS):
        listed = msgspec.json.encode({"entries": {path: {"bytes": 4, "sha256": sha256}}, "format": 1})
        digest = store_blob(world.folder, listed)
        declare(life.writer, f"artifact/{digest}", digest, len(listed))
        body = {"id": f"{number:016x}", "name": f"n{number}", "type": "dataset", "digest": digest}
        life.record(records.ARTIFACT, {**body, "manifest_bytes": len(listed), "bytes": 4, "files": 1})
    logged(life, "data", {"a": b"one"})
    with opened(world) as store:
        assert [collection.name for collection in store.artifacts.book.all()] == [DATA]
        assert len(store.artifacts.pending.refused) == len(PATHS)


def test_records_that_say_nonsense_cost_only_themselves(world: World) -> None:
    life = world.life()
    good = {"id": "1" * 16, "name": "x", "type": "t", "digest": "0" * 64, "manifest_bytes": 1, "bytes": 1, "files": 1}
    for wrong in (
        {},
        {**good, "name": "a/b"},
        {**good, "digest": "x"},
        {**good, "bytes": -1},
        {**good, "aliases": ["v3"]},
        {**good, "keep": {"kind": "best", "count": 0}},
        {**good, "ttl_days": -1},
        {**good, "metadata": [1]},
        "text",
    ):
        life.record(records.ARTIFACT, wrong)
        life.record(records.USE, wrong)
    logged(life, "data", {"a": b"one"})
    with opened(world) as store:
        assert list(versions(store)) == [0]


def test_a_use_with_a_forged_digest_or_number_becomes_a_row_that_every_database_takes_or_none() -> None:
    body = {"entity": "ada", "project": "p", "name": "n", "version": 1, "type": "t", "digest": "a\0b"}
    assert "\0" not in str(read_use(5, body))
    for version in (-1, 1.5, math.inf, math.nan, 1 << 62, "x", None, []):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            read_use(5, {**body, "version": version})


def test_a_manifest_is_canonical_and_its_digest_says_nothing_of_names() -> None:
    entries = {"b/é": Entry(1, "a" * 64), "a": Entry(None, None, "s3://b/k", "etag:1")}
    manifest = Manifest(entries)

    assert Manifest.decode(manifest.encode()).entries == entries
    assert Manifest(dict(reversed(list(entries.items())))).encode() == manifest.encode()
    assert Manifest({}).encode() == b'{"entries":{},"format":1}'
    with pytest.raises(Exception, match="canonical"):
        Manifest.decode(manifest.encode().replace(b":{", b": {", 1))


# ── retention ────────────────────────────────────────────────────────────────────────────────────────────────────


def best(count: int) -> dict[str, Any]:
    return msgspec.structs.asdict(KeepRule("best", count, "acc", "maximize"))


def test_the_best_by_a_metric_stay_and_with_them_the_newest_the_aliased_and_the_unjudged(world: World) -> None:
    life = world.life()
    values: list[float | None] = [0.5, 0.9, math.nan, 0.7, None, 0.95, 0.1]
    for number, value in enumerate(values):
        about: dict[str, Any] = {} if value is None else {"values": {"acc": value}}
        about["aliases"] = ["released"] if number == 0 else []
        logged(life, "model", {"w": str(number).encode()}, type="model", keep=best(2), **about)
    with opened(world) as store:
        collection = store.artifacts.book.get(("ada", "digits", "model"))

        assert sorted(v.number for v in collection.alive) == [0, 1, 4, 5, 6]
        gone = {n: v.removed for n, v in collection.versions.items() if v.removed}
        assert gone[3].author == "retention"
        assert gone[3].why == "keep the best 2 by acc, where it has 0.7"
        assert gone[2].why.endswith("where it has NaN")


def test_the_last_so_many_stay(world: World) -> None:
    life = world.life()
    for number in range(5):
        logged(life, "data", {"a": str(number).encode()}, keep={"kind": "last", "count": 2})
    with opened(world) as store:
        assert sorted(versions(store)) == [3, 4]


def test_what_has_its_time_over_goes_unless_something_holds_it(world: World) -> None:
    life = world.life()
    for number in range(4):
        logged(life, "data", {"a": str(number).encode()}, ttl_days=1.0, aliases=["kept"] if number == 1 else [])
    with opened(world) as store:
        store.artifacts.edit_version(DATA, "v2", "ada", {"locked": True})
        store.artifacts.edit_version(DATA, "v3", "ada", {"ttl_days": math.inf})
        world.now_ns += 2 * DAY_NS
        dry = store.collect_garbage(dry_run=True)
        assert [one.version.number for one in dry.expired] == [0]
        assert sorted(versions(store)) == [0, 1, 2, 3]

        store.collect_garbage(dry_run=False)

        assert sorted(versions(store)) == [1, 2, 3]
        assert store.artifacts.book.get(DATA).versions[0].removed.author == "expiry"


def test_two_who_edit_at_once_never_overwrite_one_another(world: World) -> None:
    logged(world.life(), "data", {"a": b"one"})
    with opened(world) as store:
        store.artifacts.edit_version(DATA, "v0", "max", {"description": "mine"}, revision=1)
        with pytest.raises(EditConflict, match="revision 2"):
            store.artifacts.edit_version(DATA, "v0", "ada", {"description": "no, mine"}, revision=1)
        with pytest.raises(InvalidValue, match="says the revision"):
            store.artifacts.edit_version(DATA, "v0", "ada", {"description": "no, mine"})
        with pytest.raises(InvalidName, match="moves by itself"):
            store.artifacts.edit_version(DATA, "v0", "ada", {}, ["latest"])


# ── garbage ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_garbage_is_what_only_removed_versions_hold(world: World) -> None:
    life = world.life()
    logged(life, "data", {"a": b"only in v0", "b": b"in both", "c": b"saved too"})
    logged(life, "data", {"a": b"only in v1", "b": b"in both"})
    declare(life.writer, "saved/c", store_blob(world.folder, b"saved too"), 9)
    with opened(world) as store:
        store.artifacts.remove([store.artifacts.find(DATA, "v0")], "max", "")
        young = store.collect_garbage(dry_run=False)
        age_blobs(world)
        dry = store.collect_garbage(dry_run=True)
        assert content(world) >= {b"only in v0", b"in both", b"saved too", b"only in v1"}
        done = store.collect_garbage(dry_run=False)

        assert (young.files, young.kept_files) == (0, 1)
        assert [(one.bytes, one.names) for one in dry.garbage] == [(10, ["data:v0/a"])]
        assert (done.files, done.bytes) == (1, 10)
        assert b"only in v0" not in content(world)
        assert content(world) >= {b"in both", b"saved too", b"only in v1"}
        assert store.collect_garbage(dry_run=False).files == 0


def test_what_arrives_while_garbage_is_collected_stays(world: World) -> None:
    life = world.life()
    logged(life, "data", {"a": b"old"})
    logged(life, "data", {"a": b"new"})
    with opened(world) as store:
        store.artifacts.remove([store.artifacts.find(DATA, "v0")], "max", "")
        age_blobs(world)
        logged(world.life("other"), "copy", {"x": b"old"})  # not read by the index yet
        age_blobs(world)

        store.collect_garbage(dry_run=False)

        assert b"old" in content(world)
        assert list(versions(store, ("ada", "digits", "copy"))) == [0]


def test_a_kill_in_the_middle_of_the_collection_costs_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    life = world.life()
    logged(life, "data", {"a": b"old"})
    logged(life, "data", {"a": b"new"})
    with opened(world) as store:
        store.artifacts.remove([store.artifacts.find(DATA, "v0")], "max", "")
        age_blobs(world)
        with monkeypatch.context() as patch:
            patch.setattr("treering.store.blobs.os.unlink", lambda path: os._exit(9))
            child = os.fork()
            if child == 0:
                store.collect_garbage(dry_run=False)
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        assert not store.blobs.has(hashlib.sha256(b"old").hexdigest())
    with opened(world) as store:
        assert store.blobs.has(hashlib.sha256(b"old").hexdigest())
        assert store.collect_garbage(dry_run=False).files == 1
        assert not list((world.folder / "blobs").glob(".*"))


def test_files_of_a_version_that_never_came_are_garbage_a_week_later(world: World) -> None:
    life = world.life()
    sha256 = store_blob(world.folder, b"half of a version")
    declare(life.writer, f"artifact/{sha256}", sha256, 17, world.now_ns)
    life.end()
    with opened(world) as store:
        age_blobs(world)
        assert store.collect_garbage(dry_run=False).files == 0

        world.now_ns += 8 * DAY_NS
        age_blobs(world)

        assert store.collect_garbage(dry_run=False).files == 1


def test_a_client_is_asked_for_what_was_garbage_when_it_is_needed_again_and_not_before(world: World) -> None:
    life = world.life()
    logged(life, "data", {"a": b"old"})
    logged(life, "data", {"a": b"new"})
    sha256 = hashlib.sha256(b"old").hexdigest()
    with opened(world) as store:
        assert store.missing_blobs(life.run_key, [sha256]) == []
        store.artifacts.remove([store.artifacts.find(DATA, "v0")], "max", "")
        age_blobs(world)
        store.collect_garbage(dry_run=False)
        assert store.missing_blobs(life.run_key, [sha256]) == []

        world.sleep(1)
        declare(life.writer, f"artifact/{sha256}", sha256, 3, world.now_ns)
        store.ingest_now()

        assert store.missing_blobs(life.run_key, [sha256]) == [(sha256, 0)]


def test_a_run_whose_version_is_in_use_is_not_removed_for_good(world: World) -> None:
    life = world.life()
    logged(life, "data", {"a": b"one"}, aliases=["best"])
    life.end()
    with opened(world) as store:
        store.edit_run(life.run_key, {"deleted": True}, "max")
        assert store.purge_runs([life.run_key], "max") == {life.run_key: "it made data:v0, and it has the alias best"}
        store.artifacts.edit_version(DATA, "v0", "max", {}, remove_aliases=["best"])

        assert store.purge_runs([life.run_key], "max") == {}
        assert store.artifacts.book.get(DATA).versions[0].removed.why == "its run was removed for good"
        assert b"one" not in content(world)


# ── lineage and models ───────────────────────────────────────────────────────────────────────────────────────────


def use(life: Life, name: str, version: int, project: str = "digits") -> None:
    where = {"entity": "ada", "project": project, "name": name, "type": "dataset", "version": version, "digest": ""}
    life.record(records.USE, where)


def chain(world: World) -> tuple[str, str, str]:
    """Data, a training that used it and made a model, an evaluation in another project that used the model."""
    data, train, test = world.life("data"), world.life("train"), world.life("test", project="private")
    logged(data, "data", {"a": b"one"})
    use(train, "data", 0)
    train.log({"acc": 0.8}, 0)
    logged(train, "model", {"w": b"weights"}, type="model")
    use(test, "model", 0)
    logged(test, "report", {"r": b"report"}, type="report")
    return data.run_key, train.run_key, test.run_key


def test_lineage_goes_both_ways_and_leaves_out_what_one_may_not_see(world: World) -> None:
    data, train, test = chain(world)
    with opened(world) as store:
        name = ("ada", "digits", "model")
        full = store.lineage.of_version(name, 0, "both", 5, 100, lambda entity, project: True)
        some = store.lineage.of_version(name, 0, "both", 5, 100, lambda entity, project: project == "digits")
        near = store.lineage.of_version(name, 0, "both", 5, 3, lambda entity, project: True)

        assert {node.id: node.depth for node in full.nodes} == {
            "version:ada/digits/model:v0": 0,
            f"run:{train}": -1,
            "version:ada/digits/data:v0": -2,
            f"run:{data}": -3,
            f"run:{test}": 1,
            "version:ada/private/report:v0": 2,
        }
        assert Edge(f"run:{train}", "version:ada/digits/model:v0", "made") in full.edges
        assert Edge("version:ada/digits/model:v0", f"run:{test}", "used") in full.edges
        hidden = [node for node in some.nodes if node.kind == "hidden"]
        assert [(node.label, node.depth) for node in hidden] == [("something you may not see", 1)]
        assert "private" not in str(some)
        assert test not in str(some)
        assert (some.hidden, near.truncated, len(near.nodes)) == (1, True, 3)


def test_a_model_keeps_its_history_whatever_is_deleted(world: World) -> None:
    _, train, _ = chain(world)
    with opened(world) as store:
        models = store.artifacts.models
        checks = ["acc >= 0.9", 'state != "failed"']
        model = models.create("ada", "digits", "churn", "", checks, ["production"], "max")
        version = models.link(model.id, *store.artifacts.find(("ada", "digits", "model"), "v0"), "first", "max")
        found = run_checks(model.checks, version.run_key, store.run, store.query_runs)
        models.promote(model.id, "staging", 1, "to try", "ada", [])

        assert model.checks[0] == "metric.acc >= 0.9"
        assert [(one.passed, one.seen) for one in found] == [(False, "acc = 0.8"), (True, "state = running")]
        assert version.run_key == train
        collection, _ = store.artifacts.find(("ada", "digits", "model"), "v0")
        assert store.artifacts.protection.reasons(collection, [0])[0][0] == "model churn v1"
        with pytest.raises(InvalidValue, match="already"):
            models.create("ada", "private", "Churn", "", [], [], "max")
        with pytest.raises(FilterError, match="no filter"):
            models.create("ada", "digits", "other", "", ["acc >="], [], "max")
    shutil.rmtree(world.folder / "index")
    with opened(world) as store:
        model = store.artifacts.models.all()[0]
        assert model.aliases == {"staging": 1}
        assert [act.what for act in store.artifacts.models.acts(model.id)] == ["promote", "link", "create"]
        store.artifacts.models.unlink(model.id, 1, "max")
        assert store.artifacts.models.get(model.id).aliases == {}
        with pytest.raises(NotFound):
            store.artifacts.models.promote(model.id, "staging", 1, "", "max", [])


def test_storage_counts_content_once_and_says_what_is_shared(world: World, tmp_path: Path) -> None:
    first, second = world.life("a"), world.life("b", project="other")
    logged(first, "data", {"a": b"x" * 100, "b": b"y" * 10})
    logged(second, "data", {"a": b"x" * 100})
    with opened(world) as store:
        rows, total = store.storage.projects()
        ours = {row.project: row for row in rows}
        detail = store.storage.project(store.metadata.find_project("ada", "digits"))

        assert ours["digits"].shared_bytes == ours["other"].shared_bytes == 100
        assert total == sum(row.bytes for row in rows) - 100
        assert [(part.name, part.type, part.versions) for part in detail.artifacts] == [("data", "dataset", 1)]
        assert detail.artifacts[0].bytes == detail.bytes - detail.log_bytes
        only = store.storage.projects({("ada", "other")})[0]
        assert [row.project for row in only] == ["other"]
