"""The index can be thrown away: every answer is the same afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from store.answers import answers
from store.test_crash import forest
from store.world import World
from treering.store import RebuildProgress, Store
from treering.store.rebuild import begin_rebuild


def test_after_a_rebuild_every_answer_is_equal(world: World):
    forest(world)
    with Store.open(world.folder, clock_ns=world.now, flush_points=3_000) as store:
        for _ in range(2):
            store.ingest_now()
        life = world.life("r3")  # goes on while the store is open
        for step in range(300):
            life.log({"loss": 7.0}, 1_000 + step)
            if step % 60 == 0:
                store.ingest_now()
        store.ingest_now()
        some_run = life.run_key
        store.edit_run(some_run, {"name": "renamed", "notes": "by hand"}, "ada")
        before = answers(store)
        seen: list[RebuildProgress] = []

        last = store.rebuild(seen.append)

        after = answers(store)
        assert before == after
        assert (last.segments, last.bytes) == (last.segments_total, last.bytes_total)
        assert seen[-1].points == last.points > 0


def test_deleting_the_folder_is_a_rebuild_too(world: World):
    forest(world)
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_now()
        before = answers(store)
    shutil.rmtree(world.folder / "index")

    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_now()
        assert answers(store) == before


def test_a_rebuild_that_died_while_deleting_is_finished_at_the_next_start(world: World):
    forest(world)
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_now()
        before = answers(store)
    begin_rebuild(world.folder / "index")

    with Store.open(world.folder, clock_ns=world.now) as store:
        assert store.projects() == []
        store.ingest_now()
        assert answers(store) == before


@pytest.mark.postgres
def test_postgresql_gives_the_same_answers_as_sqlite(world: World, tmp_path: Path, postgres):
    forest(world)
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_now()
        expected = answers(store)

    url = postgres.new_database()
    with Store.open(world.folder, index_dir=tmp_path / "pg", metadata_url=url, clock_ns=world.now) as store:
        store.ingest_now()
        found = answers(store)
        store.rebuild()
        again = answers(store)

    assert found == expected
    assert again == expected


def test_an_index_of_another_version_is_made_again_by_itself(tmp_path: Path) -> None:
    """The index is derived: an upgrade or a step back costs a scan, never a question to the user."""
    import sqlite3

    import treering as tr

    with tr.init(project="p", dir=tmp_path, settings={"silent": True, "sample_s": 0}) as run:
        run.log({"loss": 0.5})
    with Store.open(tmp_path) as store:
        store.ingest_now()
        before = store.run(run.key)
    with sqlite3.connect(tmp_path / "index" / "meta.db") as index:
        index.execute("update settings set value = '999' where name = 'version'")
        index.execute("drop table series")
    index.close()
    with Store.open(tmp_path) as store:
        store.ingest_now()

        assert store.run(run.key).summary == before.summary == {"loss": 0.5}
