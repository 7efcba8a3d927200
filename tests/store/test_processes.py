"""Processes of a job: who they are, their lines, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from store.world import SECOND, Life, World
from treering.errors import InvalidValue, LimitExceeded, RunNotFound
from treering.runlog import records
from treering.store import SeriesRequest, Store
from treering.store.heatmap import HeatmapRequest
from treering.store.process_console import ProcessConsoleQuery
from treering.store.process_series import ProcessSeriesRequest
from treering.store.processes import Where


def begin_rank(world: World, rank: int, *, world_size: int = 4, run_id: str = "r", **extra) -> Life:
    process = {
        "host": "node-1",
        "boot_id": "b",
        "pid": 100 + rank,
        "start_time": 1.0,
        "rank": rank,
        "local_rank": rank,
        "world_size": world_size,
        "job_id": "slurm-7",
    }
    label = f"rank{rank}" if rank and not extra.pop("own_run", False) else ""
    return world.life(run_id, writer=label, process=process, **extra)


def train(world: World, lives: list[Life], steps: range, seconds: dict[int, float] | None = None, **values) -> None:
    """Let each process log on its own clock: *seconds* says how long a step of some of them takes, instead of 1 s."""
    begin_ns = world.now_ns
    rng = np.random.default_rng(1)
    for rank, life in enumerate(lives):
        now_ns = begin_ns
        for step in steps:
            now_ns += int((seconds or {}).get(rank, 1.0) * (1 + 0.02 * rng.standard_normal()) * SECOND)
            row = {"loss": rank + step / 10, **{key: value(rank, step) for key, value in values.items()}}
            life.writer.append(records.ROW, [step, now_ns, row])
    world.now_ns = begin_ns + len(steps) * SECOND


@pytest.fixture
def four(world: World, store: Store) -> str:
    lives = [begin_rank(world, rank) for rank in range(4)]
    train(world, lives, range(100))
    for life in lives:
        life.end()
    store.ingest_now()
    return lives[0].run_key


def test_each_rank_of_a_run_is_a_process(store, four):
    found = store.distributed.processes(Where(run=four))

    assert [p.id for p in found.processes] == [four, f"{four}/rank1", f"{four}/rank2", f"{four}/rank3"]
    third = found.processes[2]
    assert (third.rank, third.local_rank, third.world_size, third.pid, third.job_id) == (2, 2, 4, 102, "slurm-7")
    assert (third.state, third.last_step, third.points, third.attempts) == ("finished", 99, 100, 1)
    assert [(key.key, key.kind, key.processes) for key in found.keys] == [("loss", "number", 4)]
    assert found.findings == []


def test_each_run_of_a_group_is_a_process(world, store):
    for rank in (1, 0):
        life = begin_rank(world, rank, run_id=f"r{rank}", own_run=True, meta={"name": f"n{rank}", "group": "job-7"})
        life.log({"loss": 1.0}, 3)
    begin_rank(world, 0, run_id="other", meta={"name": "other", "group": "job-8"}).log({"loss": 1.0}, 0)
    store.ingest_now()

    found = store.distributed.processes(Where(entity="ada", project="digits", group="job-7"))

    assert [(p.run_name, p.rank, p.writer, p.last_step) for p in found.processes] == [
        ("n0", 0, "", 3),
        ("n1", 1, "", 3),
    ]
    assert found.keys[0].processes == 2


def test_a_life_that_goes_on_after_a_requeue_is_another_attempt(world, store):
    first = begin_rank(world, 0)
    train(world, [first], range(100))
    first.end("preempted", exit_code=143, reason="SIGTERM")
    second = begin_rank(world, 0, from_step=80)
    train(world, [second], range(80, 120))
    store.ingest_now()

    found = store.distributed.processes(Where(run=first.run_key))

    assert [(a.number, a.state, a.reason, a.exit_code) for a in found.attempts] == [
        (1, "preempted", "SIGTERM", 143),
        (2, "running", None, None),
    ]
    assert [(a.first_step, a.last_step, a.from_step, a.steps_lost) for a in found.attempts] == [
        (0, 99, None, 0),
        (80, 119, 80, 20),
    ]
    assert found.processes[0].attempts == 2
    assert found.processes[0].state == "running"


def test_a_band_is_mean_and_extremes_over_ranks(store, four):
    (band,) = store.distributed.series(Where(run=four), ProcessSeriesRequest(["loss"]))

    assert band.x.tolist() == list(range(100))
    assert band.y == pytest.approx(1.5 + np.arange(100) / 10)
    assert band.lo == pytest.approx(np.arange(100) / 10)
    assert band.hi == pytest.approx(3 + np.arange(100) / 10)
    assert band.count.tolist() == [4] * 100
    assert band.run == four


def test_a_band_over_time_has_all_ranks_in_nearly_every_bucket(store, four):
    (band,) = store.distributed.series(Where(run=four), ProcessSeriesRequest(["loss"], x="relative"))

    assert np.median(band.count) == 4


def test_each_rank_has_its_own_line_though_the_main_writer_logs_the_key(store, four):
    lines = store.distributed.series(Where(run=four), ProcessSeriesRequest(["loss"], form="each"))

    assert [(line.process, line.rank, line.n) for line in lines] == [
        (four, 0, 100),
        *((f"{four}/rank{rank}", rank, 100) for rank in (1, 2, 3)),
    ]
    for line in lines:
        assert line.y == pytest.approx(line.rank + np.arange(100) / 10)


def test_lines_of_some_processes_and_of_expressions(store, four):
    some = [f"{four}/rank2", f"{four}/rank9"]

    (line,) = store.distributed.series(Where(run=four), ProcessSeriesRequest(["=2 * loss"], form="each"), some)

    assert (line.rank, line.key) == (2, "=2 * loss")
    assert line.y == pytest.approx(4 + np.arange(100) / 5)


def test_thinned_lines_of_ranks_keep_every_extreme(world, store):
    lives = [begin_rank(world, rank) for rank in range(3)]
    train(world, lives, range(5_000), spike=lambda rank, step: 1e6 if (rank, step) == (2, 3_333) else 0.0)
    store.ingest_now()
    store.metrics.flush()

    lines = store.distributed.series(
        Where(run=lives[0].run_key), ProcessSeriesRequest(["spike"], buckets=50, form="each")
    )

    assert [float(line.hi.max()) for line in lines] == [0.0, 0.0, 1e6]
    assert [line.total for line in lines] == [5_000] * 3
    assert all(line.count.sum() == 5_000 for line in lines)


def test_a_rank_that_went_back_is_drawn_as_a_run_would_be(world, store):
    main, rank = begin_rank(world, 0), begin_rank(world, 1)
    train(world, [main, rank], range(20))
    again = begin_rank(world, 1, from_step=10)
    again.log({"loss": -1.0}, 10)
    store.ingest_now()

    lines = store.distributed.series(Where(run=main.run_key), ProcessSeriesRequest(["loss"], form="each"))

    assert lines[0].n == 20
    assert lines[1].x.tolist() == list(range(11))
    assert lines[1].y[-1] == -1.0
    assert lines[1].ghost.x.tolist() == list(range(10, 20))


def test_a_chart_of_runs_draws_ranks_when_it_is_asked_to(world, store, four):
    alone = world.life("alone")
    alone.log({"loss": 7.0}, 0)
    store.ingest_now()

    def lines(ranks: str) -> list[tuple[str | None, int | None, int]]:
        request = SeriesRequest(keys=["loss"], runs=[alone.run_key, four], ranks=ranks)
        return sorted((line.run, line.rank, line.n) for line in store.series(request))

    assert lines("main") == sorted([(alone.run_key, None, 1), (four, None, 100)])
    assert lines("band") == sorted([(alone.run_key, None, 1), (four, None, 100)])
    (band,) = store.series(SeriesRequest(keys=["loss"], runs=[four], ranks="band"))
    assert (band.group, band.band, band.hi[0]) == (None, "minmax", 3.0)
    assert [(rank, n) for run, rank, n in lines("each") if run == four] == [(rank, 100) for rank in range(4)]
    with pytest.raises(InvalidValue, match="over step, relative, wall"):
        store.series(SeriesRequest(keys=["loss"], runs=[four], ranks="each", x="metric:loss"))


def test_a_heatmap_has_a_row_a_rank_and_the_mean_of_each_column(store, four):
    found = store.distributed.heatmap(Where(run=four), HeatmapRequest("loss", columns=10))

    assert found.x_edges.tolist() == list(range(0, 101, 10))
    assert found.ranks == [0, 1, 2, 3]
    assert found.values == pytest.approx(np.arange(4)[:, None] + (np.arange(10) * 10 + 4.5)[None, :] / 10)
    assert found.counts.tolist() == [[10] * 10] * 4
    assert (found.lo, found.hi) == (pytest.approx(0.45), pytest.approx(3 + 9.45))


def test_a_heatmap_tells_what_is_missing_from_what_is_not_finite(world, store):
    lives = [begin_rank(world, rank) for rank in range(2)]
    lives[0].log({"x": float("nan")}, 0)
    lives[0].log({"x": 5.0}, 1)
    lives[1].log({"x": 3.0}, 1)
    store.ingest_now()

    found = store.distributed.heatmap(Where(run=lives[0].run_key), HeatmapRequest("x", columns=2, value="max"))

    assert found.counts.tolist() == [[1, 1], [0, 1]]
    assert np.isnan(found.values[:, 0]).all()
    assert found.values[:, 1].tolist() == [5.0, 3.0]


def test_a_key_that_nobody_logged_gives_an_empty_heatmap_and_no_line(store, four):
    found = store.distributed.heatmap(Where(run=four), HeatmapRequest("nothing"))

    assert found.values.shape == (4, 0)
    assert (found.lo, found.hi, len(found.x_edges)) == (None, None, 0)
    assert store.distributed.series(Where(run=four), ProcessSeriesRequest(["nothing"])) == []


def test_system_figures_are_drawn_over_time(world, store):
    lives = [begin_rank(world, rank) for rank in range(2)]
    systems = [
        world.life(writer=label, of_life=life.id) for label, life in zip(("system", "system/rank1"), lives, strict=True)
    ]
    for _ in range(20):
        world.sleep(10)
        for rank, life in enumerate(systems):
            life.record(records.SYSTEM, {"system/cpu.util": [0.0, 40.0 + rank, 90.0, 5]})
    store.ingest_now()
    where = Where(run=lives[0].run_key)

    (band,) = store.distributed.series(where, ProcessSeriesRequest(["system/cpu.util"]))
    heatmap = store.distributed.heatmap(where, HeatmapRequest("system/cpu.util"))

    assert band.y == pytest.approx(np.full(10, 40.5))
    assert band.count.tolist() == [2] * 10
    assert heatmap.x == "relative"
    assert heatmap.values == pytest.approx(np.array([[40.0] * 10, [41.0] * 10]))


def test_lines_of_all_processes_are_one_stream_by_time(world, store):
    lives = [begin_rank(world, rank) for rank in range(3)]
    for number in range(4):
        for life in lives:
            world.sleep(1)
            life.record(records.CONSOLE, "stdout", f"{life.label or 'main'} {number}")
    store.ingest_now()
    key = lives[0].run_key

    page = store.distributed.console(Where(run=key), ProcessConsoleQuery(limit=5))
    last = store.distributed.console(Where(run=key), ProcessConsoleQuery(before=12, limit=2))
    some = store.distributed.console(Where(run=key), ProcessConsoleQuery(search="2"), [f"{key}/rank2"])

    assert [line.text for line in page.lines] == ["main 0", "rank1 0", "rank2 0", "main 1", "rank1 1"]
    assert [(line.rank, line.process) for line in page.lines[:2]] == [(0, key), (1, f"{key}/rank1")]
    assert (page.next, page.total) == (5, 12)
    assert [line.text for line in last.lines] == ["rank1 3", "rank2 3"]
    assert [(line.text, line.n) for line in some.lines] == [
        ("rank2 0", 0),
        ("rank2 1", 1),
        ("rank2 2", 2),
        ("rank2 3", 3),
    ]
    assert {line.rank for line in store.console(key).lines} == {0, 1, 2}


def test_a_group_prints_by_time_over_its_runs(world, store):
    lives = [world.life(f"r{n}", meta={"name": f"n{n}", "group": "g"}) for n in range(2)]
    for number in range(3):
        for life in lives:
            world.sleep(1)
            life.record(records.CONSOLE, "stdout", f"{life.run_key} {number}")
    store.ingest_now()

    page = store.distributed.console(Where(entity="ada", project="digits", group="g"), ProcessConsoleQuery())

    assert [line.text for line in page.lines] == [f"{life.run_key} {n}" for n in range(3) for life in lives]
    assert [line.run_key for line in page.lines[:2]] == [life.run_key for life in lives]


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        (Where(), InvalidValue, "say which processes"),
        (Where(entity="ada", project="digits"), InvalidValue, "group"),
        (Where(run="a" * 26, group="g"), InvalidValue, "got both"),
        (Where(run="a" * 26), RunNotFound, "no run"),
    ],
)
def test_what_names_no_processes_is_refused_with_a_reason(store, four, where, error, words):
    with pytest.raises(error, match=words):
        store.distributed.processes(where)


@pytest.mark.parametrize("far", [1e19, 1e308])
def test_a_heatmap_of_a_range_beyond_all_steps_is_that_of_all_steps(store, four, far):
    whole = store.distributed.heatmap(Where(run=four), HeatmapRequest("loss", columns=5))
    found = store.distributed.heatmap(Where(run=four), HeatmapRequest("loss", columns=5, range=(-far, far)))
    assert found.values.tolist() == whole.values.tolist()
    beyond = store.distributed.heatmap(Where(run=four), HeatmapRequest("loss", range=(far, far)))
    assert beyond.counts.size == 0


def test_a_heatmap_of_more_points_than_may_be_read_says_so(store, four, monkeypatch):
    monkeypatch.setattr("treering.store.heatmap.PROCESS_MAX_POINTS", 100)

    with pytest.raises(LimitExceeded, match="400 points of 4 processes"):
        store.distributed.heatmap(Where(run=four), HeatmapRequest("loss"))


# ── findings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rank_whose_steps_take_longer_is_named(world, store):
    lives = [begin_rank(world, rank) for rank in range(4)]
    train(world, lives, range(60), {2: 2.1})
    for life in lives:
        life.end()
    store.ingest_now()

    (finding,) = store.distributed.processes(Where(run=lives[0].run_key)).findings

    assert (finding.kind, finding.rank, finding.key) == ("straggler", 2, None)
    assert finding.ratio == pytest.approx(2.1, rel=0.05)
    assert finding.text == (
        "rank 2 is the straggler: its step takes 2.1× the others' (2.09 s against 1.00 s), since step 0"
    )


def test_a_rank_that_becomes_slow_is_named_with_the_step_from_which_it_is(world, store):
    lives = [begin_rank(world, rank) for rank in range(4)]
    train(world, lives, range(120))
    train(world, lives, range(120, 240), {1: 1.6})
    for life in lives:
        life.end()
    store.ingest_now()

    (finding,) = store.distributed.processes(Where(run=lives[0].run_key)).findings

    assert (finding.kind, finding.rank) == ("straggler", 1)
    assert 105 <= finding.since.step <= 135


def test_of_ranks_in_step_a_duration_tells_who_is_slow(world, store):
    lives = [begin_rank(world, rank) for rank in range(4)]
    train(world, lives, range(60), forward_s=lambda rank, step: 0.8 if rank == 3 else 0.4 + 0.01 * (step % 3))
    store.ingest_now()

    (finding,) = store.distributed.processes(Where(run=lives[0].run_key)).findings

    assert (finding.kind, finding.rank, finding.key) == ("straggler", 3, "forward_s")
    assert finding.text.startswith("rank 3 is the straggler: its forward_s is 2.0× the others' (0.8 against 0.41)")


def test_of_ranks_in_step_the_one_that_comes_late_is_named(world, store):
    lives = [begin_rank(world, rank) for rank in range(4)]
    begin_ns, rng = world.now_ns, np.random.default_rng(1)
    for step in range(60):
        for rank, life in enumerate(lives):
            late_s = (0.5 if rank == 1 else 0.0) + 0.02 * rng.random()
            now_ns = begin_ns + int((step + late_s) * SECOND)
            life.writer.append(records.ROW, [step, now_ns, {"loss": 1.0}])
    world.now_ns = begin_ns + 60 * SECOND
    store.ingest_now()

    (finding,) = store.distributed.processes(Where(run=lives[0].run_key)).findings

    assert (finding.kind, finding.rank) == ("straggler", 1)
    assert finding.text.startswith("rank 1 is the straggler: it comes to each step 0.50 s after the others, of 1.00 s")


def test_a_rank_that_waits_for_nobody_differs(world, store):
    lives = [begin_rank(world, rank) for rank in range(4)]
    values = {"allreduce/wait": lambda rank, step: 0.05 if rank == 1 else 0.5 + 0.01 * (step % 5)}
    train(world, lives, range(60), **values)
    store.ingest_now()

    (finding,) = store.distributed.processes(Where(run=lives[0].run_key)).findings

    assert (finding.kind, finding.rank, finding.key) == ("outlier", 1, "allreduce/wait")
    assert finding.ratio == pytest.approx(0.1, rel=0.1)


def test_a_killed_rank_is_dead_and_one_that_stopped_logging_is_silent(world, store):
    lives = [begin_rank(world, rank) for rank in range(4)]
    train(world, lives, range(30))
    train(world, [lives[0], lives[1]], range(30, 80))
    lives[2].end("killed", reason="SIGKILL")
    lives[0].writer.append(records.BEAT, [world.now_ns, {}])
    world_life = world.life(writer="system/rank3", of_life=lives[3].id)
    world_life.record(records.BEAT, {})
    store.ingest_now()

    findings = store.distributed.processes(Where(run=lives[0].run_key)).findings

    assert [(f.kind, f.rank) for f in findings] == [("dead", 2), ("silent", 3)]
    assert findings[0].text == "rank 2 was killed (SIGKILL) after step 29"
    assert "since step 29" in findings[1].text


def test_where_everybody_died_the_first_is_named(world, store):
    lives = [begin_rank(world, rank) for rank in range(4)]
    train(world, lives, range(5))
    for rank in (2, 0, 1, 3):
        world.sleep(1)
        lives[rank].end("failed", reason=f"boom {rank}")
    store.ingest_now()

    (finding,) = store.distributed.processes(Where(run=lives[0].run_key)).findings

    assert finding.text == "rank 2 failed (boom 2) after step 4, the first of all to end"


def test_the_processes_of_a_fork_show_what_each_rank_inherits(world, store):
    lives = [begin_rank(world, rank) for rank in range(2)]
    train(world, lives, range(10))
    body = {"parent_key": lives[0].run_key, "parent_id": "r", "step": 5, "until_ns": world.now_ns}
    forks = [begin_rank(world, rank, run_id="child") for rank in range(2)]
    for life in forks:
        life.record(records.FORK, body)
    train(world, forks, range(6, 8))
    store.ingest_now()
    where = Where(run=forks[0].run_key)

    lines = store.distributed.series(where, ProcessSeriesRequest(["loss"], form="each"))
    found = store.distributed.processes(where)

    assert [line.x.tolist() for line in lines] == [list(range(8))] * 2
    assert [line.y[0] for line in lines] == [0.0, 1.0]
    assert [(p.points, p.last_step) for p in found.processes] == [(2, 7), (2, 7)]
