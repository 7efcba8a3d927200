"""Forks and rewinds: what a run shows of another one, and what it hides of itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from store.world import Life, World
from treering.runlog import records
from treering.store import RunQuery, SeriesRequest, Store
from treering.store.ingest import Ingester
from treering.store.model import Column


def log_steps(life: Life, steps: range, factor: float = 1.0, **more: float) -> None:
    for step in steps:
        life.log({"loss": factor * step, **more}, step)


def fork(world: World, run_id: str, parent: Life, step: int, **extra) -> Life:
    """Begin a run as a fork of *parent* as it is now."""
    life = world.life(run_id, **extra)
    life.record(
        records.FORK,
        {"parent_key": parent.run_key, "parent_id": "parent", "step": step, "until_ns": world.now_ns - 1},
    )
    return life


def line_of(store: Store, run_key: str, key: str = "loss", **options):
    (line,) = store.series(SeriesRequest(keys=[key], runs=[run_key], **options))
    return line


def stats_of(store: Store, run_key: str, key: str = "loss"):
    return store.run(run_key).metrics[key]


def rows_of(store: Store, run_key: str, attempts: str = "all") -> Iterator[tuple[int, float]]:
    for batch in store.history(run_key, ["loss"], attempts):
        for column in batch.columns:
            yield from zip(batch.step.tolist(), column.values.tolist(), strict=True)


@pytest.fixture
def parent(world: World) -> Life:
    life = world.life("parent")
    life.config({"lr": 0.1})
    log_steps(life, range(10))
    return life


def test_the_line_of_a_fork_begins_with_that_of_its_parent(world, store, parent):
    child = fork(world, "child", parent, 5)
    log_steps(child, range(6, 9), 100.0)
    store.ingest_now()

    line = line_of(store, child.run_key)

    assert line.x.tolist() == list(range(9))
    assert line.y.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 600.0, 700.0, 800.0]
    assert line_of(store, parent.run_key).y.tolist() == [float(step) for step in range(10)]


def test_history_and_aggregates_of_a_fork_are_those_of_its_line(world, store, parent):
    parent.log({"only/parent": 7.0}, 3)
    child = fork(world, "child", parent, 5)
    log_steps(child, range(6, 9), 100.0)
    store.ingest_now()

    shown = [(step, float(step)) for step in range(6)] + [(6, 600.0), (7, 700.0), (8, 800.0)]
    stats = stats_of(store, child.run_key)

    assert list(rows_of(store, child.run_key)) == shown
    assert list(rows_of(store, child.run_key, "latest")) == shown
    assert (stats.n, stats.first, stats.last, stats.min, stats.max, stats.last_step) == (9, 0.0, 800.0, 0.0, 800.0, 8)
    assert stats.mean == pytest.approx(np.mean([value for _, value in shown]))
    assert stats_of(store, child.run_key, "only/parent").last == 7.0


def test_a_fork_without_a_row_of_its_own_shows_its_parents_line(world, store, parent):
    child = fork(world, "child", parent, 4)
    store.ingest_now()

    assert line_of(store, child.run_key).y.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert stats_of(store, child.run_key).last == 4.0


def test_columns_at_a_step_of_a_fork_see_what_it_inherits(world, store, parent):
    child = fork(world, "child", parent, 5)
    log_steps(child, range(6, 9), 100.0)
    store.ingest_now()
    columns = [Column("metric:loss", "at", 4), Column("metric:loss", "max"), Column("metric:loss", "first")]

    page = store.query_runs(RunQuery("ada", "digits", filter='name = "name of child"', columns=columns))

    assert page.runs[0].values == [4.0, 800.0, 0.0]


def test_a_fork_of_a_fork_reads_through_both(world, store, parent):
    child = fork(world, "child", parent, 6)
    log_steps(child, range(7, 12), 10.0)
    low = fork(world, "low", child, 3)
    log_steps(low, range(4, 6), -1.0)
    high = fork(world, "high", child, 8)
    log_steps(high, range(9, 11), -1.0)
    store.ingest_now()

    assert line_of(store, low.run_key).y.tolist() == [0.0, 1.0, 2.0, 3.0, -4.0, -5.0]
    assert line_of(store, high.run_key).y.tolist() == [*map(float, range(7)), 70.0, 80.0, -9.0, -10.0]
    assert stats_of(store, high.run_key).n == 11


def test_a_run_below_its_fork_point_hides_what_it_inherited(world, store, parent):
    child = fork(world, "child", parent, 8)
    log_steps(child, range(9, 12), 10.0)
    again = world.life("child", from_step=5)
    log_steps(again, range(5, 7), -1.0)
    store.ingest_now()

    line = line_of(store, child.run_key)

    assert line.y.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, -5.0, -6.0]
    assert line.ghost.x.tolist() == [5, 6, 7, 8, 9, 10, 11]
    stats = stats_of(store, child.run_key)
    assert (stats.n, stats.min, stats.max, stats.last_step) == (7, -6.0, 4.0, 6)


def test_a_child_keeps_what_it_saw_when_its_parent_is_rewound_later(world, store, parent):
    child = fork(world, "child", parent, 8)
    log_steps(child, range(9, 11), 10.0)
    again = world.life("parent", from_step=3)
    log_steps(again, range(3, 6), -1.0)
    later = fork(world, "later", again, 4)
    store.ingest_now()

    assert line_of(store, child.run_key).y.tolist() == [*map(float, range(9)), 90.0, 100.0]
    assert line_of(store, later.run_key).y.tolist() == [0.0, 1.0, 2.0, -3.0, -4.0]
    assert line_of(store, parent.run_key).y.tolist() == [0.0, 1.0, 2.0, -3.0, -4.0, -5.0]


def test_a_fork_begun_anew_under_its_id_inherits_again(world, store, parent):
    child = fork(world, "child", parent, 4)
    log_steps(child, range(5, 8), 10.0)
    anew = fork(world, "child", parent, 4, from_step=0)
    log_steps(anew, range(5, 7), -1.0)
    store.ingest_now()

    assert line_of(store, child.run_key).y.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, -5.0, -6.0]
    assert stats_of(store, child.run_key).n == 7


def test_a_fork_of_a_run_with_ranks_inherits_each_ranks_points(world, store, parent):
    rank = world.life("parent", writer="rank1")
    log_steps(rank, range(10), 2.0)
    rank.log({"only/rank": 5.0}, 2)
    child = fork(world, "child", parent, 3)
    child_rank = fork(world, "child", parent, 3, writer="rank1")
    log_steps(child, range(4, 6), 10.0)
    log_steps(child_rank, range(4, 6), 20.0)
    store.ingest_now()

    assert line_of(store, child.run_key).y.tolist() == [0.0, 1.0, 2.0, 3.0, 40.0, 50.0]
    assert line_of(store, child.run_key, "only/rank").y.tolist() == [5.0]
    assert stats_of(store, child.run_key).max == 50.0


def test_a_parent_that_comes_later_is_inherited_once_it_is_there(world, store, parent, tmp_path):
    child = fork(world, "child", parent, 5)
    child.record(
        records.FORK,
        {
            "parent_key": parent.run_key,
            "parent_id": "parent",
            "step": 5,
            "until_ns": world.now_ns,
            "config": False,
        },
    )
    child.config({"seed": 1})
    log_steps(child, range(6, 8), 100.0)
    aside = tmp_path / "aside"
    parent.folder.rename(aside)
    store.ingest_now()
    page = store.run(child.run_key)
    before = line_of(store, child.run_key).y.tolist()

    aside.rename(parent.folder)
    store.ingest_now()

    assert (page.fork_of.here, page.fork_of.name, page.fork_of.run_key) == (False, None, parent.run_key)
    assert before == [600.0, 700.0]
    assert line_of(store, child.run_key).y.tolist() == [*map(float, range(6)), 600.0, 700.0]
    assert stats_of(store, child.run_key).n == 8
    page = store.run(child.run_key)
    assert (page.fork_of.here, page.fork_of.name, page.fork_of.step) == (True, "name of parent", 5)
    assert [(each.name, each.step) for each in store.run(parent.run_key).forks] == [("name of child", 5)]


def test_a_purged_parent_leaves_the_child_its_own_points(world, store, parent):
    parent.end()
    child = fork(world, "child", parent, 5)
    log_steps(child, range(6, 8), 100.0)
    child.end()
    store.ingest_now()
    store.edit_run(parent.run_key, {"deleted": True}, "ada")
    in_bin = line_of(store, child.run_key).y.tolist()
    assert store.purge_runs([parent.run_key], "ada") == {}

    assert in_bin == [*map(float, range(6)), 600.0, 700.0]
    assert line_of(store, child.run_key).y.tolist() == [600.0, 700.0]
    stats = stats_of(store, child.run_key)
    assert (stats.n, stats.min) == (2, 600.0)
    assert store.run(child.run_key).fork_of.here is False


def test_a_parent_that_is_moved_away_and_back_is_inherited_again(world, store, parent):
    parent.end()
    child = fork(world, "child", parent, 5)
    log_steps(child, range(6, 8), 100.0)
    child.end()
    store.ingest_now()
    store.move_runs([parent.run_key], "ada", "letters", "ada")
    away = line_of(store, child.run_key).y.tolist(), stats_of(store, child.run_key).n
    store.move_runs([parent.run_key], "ada", "digits", "ada")

    assert away == ([600.0, 700.0], 2)
    assert line_of(store, child.run_key).y.tolist() == [*map(float, range(6)), 600.0, 700.0]
    assert stats_of(store, child.run_key).n == 8


@pytest.mark.parametrize("x", ["step", "relative", "wall"])
@pytest.mark.parametrize("buckets", [10, 64, 1_000])
def test_thinned_lines_of_a_fork_keep_every_extreme(world, store, x, buckets):
    parent = world.life("parent")
    log_steps(parent, range(3_000))
    parent.log({"loss": -1e6}, 3_000)
    child = fork(world, "child", parent, 2_500)
    log_steps(child, range(2_501, 6_000))
    store.ingest_now()
    store.metrics.flush()

    line = line_of(store, child.run_key, x=x, buckets=buckets)

    assert line.total == 6_000
    assert line.count.sum() == 6_000
    assert (line.lo.min(), line.hi.max()) == (0.0, 5_999.0)


@pytest.mark.parametrize("x", ["step", "wall"])
def test_rollups_of_a_parent_serve_its_forks(world, store, x):
    parent = world.life("parent")
    log_steps(parent, range(30_000))
    child = fork(world, "child", parent, 20_011)
    log_steps(child, range(20_012, 40_000))
    again = world.life("parent", from_step=5_000)
    log_steps(again, range(5_000, 5_100), -1.0)
    low = fork(world, "low", again, 5_050)
    log_steps(low, range(5_051, 20_000), 3.0)
    store.ingest_now()
    store.metrics.flush()

    lines = {run.run_key: line_of(store, run.run_key, x=x, buckets=100) for run in (child, low)}

    line = lines[child.run_key]
    assert line.total == 40_000
    assert (line.lo.min(), line.hi.max()) == (0.0, 39_999.0)
    assert np.diff(line.x).min() > 0
    line = lines[low.run_key]
    assert line.total == 20_000
    assert (line.lo.min(), line.hi.max()) == (-5_050.0, 3.0 * 19_999)


def test_after_a_rewind_aggregates_are_those_of_what_is_shown(world, store):
    first = world.life("r")
    for step in range(10):
        first.log({"loss": 100.0 - step, "gone": 1.0} if step >= 6 else {"loss": 100.0 - step}, step)
    second = world.life("r", from_step=6)
    second.log({"loss": 95.5}, 6)
    store.ingest_now()

    stats = stats_of(store, first.run_key)

    assert (stats.n, stats.first, stats.last, stats.min, stats.last_step) == (7, 100.0, 95.5, 95.0, 6)
    assert stats.mean == pytest.approx(np.mean([100, 99, 98, 97, 96, 95, 95.5]))
    assert stats_of(store, first.run_key, "gone").n == 0
    second.log({"loss": 1.0}, 7)
    store.ingest_now()
    assert stats_of(store, first.run_key).min == 1.0


def test_texts_that_a_rewind_hides_altogether_are_gone_and_nothing_else_is(world, store):
    first = world.life("r")
    log_steps(first, range(4))
    first.log({"note": "never mind"}, 8)
    world.life("r", from_step=6).log({"loss": 2.5}, 6)
    store.ingest_now()

    assert stats_of(store, first.run_key).last == 2.5
    assert store.run(first.run_key).summary == {"loss": 2.5, "note": None}


@pytest.mark.parametrize("early", [True, False])
def test_a_rewind_gives_the_same_in_whatever_order_its_files_come(world, store, tmp_path, early):
    first = world.life("r")
    log_steps(first, range(10))
    second = world.life("r", from_step=4)
    log_steps(second, range(4, 7), -1.0)
    if early:
        aside = tmp_path / first.path.name
        first.path.rename(aside)
        store.ingest_now()
        aside.rename(first.path)
    store.ingest_now()

    stats = stats_of(store, first.run_key)

    assert line_of(store, first.run_key).y.tolist() == [0.0, 1.0, 2.0, 3.0, -4.0, -5.0, -6.0]
    assert (stats.n, stats.min, stats.max, stats.last, stats.first) == (7, -6.0, 3.0, -6.0, 0.0)


def test_a_rebuild_gives_the_same_forks(world, store, parent):
    child = fork(world, "child", parent, 5)
    log_steps(child, range(6, 9), 100.0)
    grandchild = fork(world, "grandchild", child, 7)
    again = world.life("parent", from_step=2)
    log_steps(again, range(2, 4), -1.0)
    store.ingest_now()
    keys = [life.run_key for life in (parent, child, grandchild)]
    before = [(store.run(key).metrics, store.run(key).fork_of, line_of(store, key).y.tolist()) for key in keys]

    store.rebuild()

    assert [(store.run(key).metrics, store.run(key).fork_of, line_of(store, key).y.tolist()) for key in keys] == before


def test_what_a_kill_leaves_unsettled_is_settled_by_the_next_start(world, parent, monkeypatch):
    child = fork(world, "child", parent, 5)
    log_steps(child, range(6, 8), 100.0)
    again = world.life("parent", from_step=8)
    again.log({"loss": -1.0}, 8)
    with monkeypatch.context() as killed, Store.open(world.folder, clock_ns=world.now) as store:
        killed.setattr(Ingester, "settle", lambda self: None)
        store.ingest_now()
        assert stats_of(store, parent.run_key).max == 9.0
        assert stats_of(store, child.run_key).n == 2

    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_now()
        assert stats_of(store, parent.run_key).max == 7.0
        assert stats_of(store, child.run_key).n == 8


def test_two_runs_that_say_that_each_is_a_fork_of_the_other_do_no_harm(world, store):
    a = world.life("a")
    b = fork(world, "b", a, 5)
    a.record(records.FORK, {"parent_key": b.run_key, "parent_id": "b", "step": 3, "until_ns": world.now_ns})
    log_steps(a, range(3))
    log_steps(b, range(6, 8))
    store.ingest_now()

    assert line_of(store, b.run_key).x.tolist() == [0, 1, 2, 6, 7]
    assert store.run(a.run_key).fork_of.run_key == b.run_key


@pytest.mark.parametrize(
    "body", [{"parent_key": "nothing", "step": 1}, {"parent_key": "a" * 26}, {"parent_key": "a" * 26, "step": -2}]
)
def test_a_fork_record_that_cannot_be_is_damage_and_nothing_else(world, store, body):
    life = world.life("r")
    life.record(records.FORK, body)
    life.log({"loss": 1.0}, 0)
    store.ingest_now()

    run = store.run(life.run_key)

    assert run.damaged
    assert run.fork_of is None
    assert run.metrics["loss"].last == 1.0
