"""Charts: every bucket is compared with all raw points, computed in plain Python."""

from __future__ import annotations

import math
import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.model import Logged, check_buckets, line
from store.world import World
from treering.errors import InvalidValue
from treering.store import SeriesGroup, SeriesRequest, Store
from treering.store.charts import _columns
from treering.store.columns import Items, Points
from treering.store.line import NEVER, Lineage
from treering.store.parquet import ParquetMetrics
from treering.store.series import Frame, read_lines
from treering.store.tail import Mark

strands = st.lists(
    st.tuples(
        st.integers(-50, 4_000),  # first step
        st.sampled_from([1, 1, 1, 2, 7, 100]),  # stride
        st.integers(1, 3_000),  # points
        st.booleans(),  # declares its first step as a fence
    ),
    min_size=1,
    max_size=4,
)


def made(plan: list[tuple[int, int, int, bool]], seed: int) -> tuple[list[Logged], dict[int, int]]:
    """Turn a plan into logged points; some values are not finite, some steps are repeated."""
    rng = random.Random(seed)
    points: list[Logged] = []
    fences: dict[int, int] = {}
    ts = 0
    for life, (start, stride, length, fenced) in enumerate(plan):
        if fenced:
            fences[life] = start
        step = start
        for at in range(length):
            ts += rng.randint(1, 2_000_000)
            val = rng.choice([math.nan, math.inf, -math.inf]) if rng.random() < 0.01 else rng.gauss(0, 1)
            points.append(Logged(life, at, step, ts, val))
            step += 0 if rng.random() < 0.01 else stride
    return points, fences


def stored(folder: Path, points: list[Logged], chunk: int, flush_points: int) -> ParquetMetrics:
    """Put points of run 1, key 1 into a metric store as ingest would, in portions of *chunk*."""
    metrics = ParquetMetrics(folder, "i", flush_points=flush_points, background=False)
    heads: dict[int, tuple[int, int]] = {}
    for begin in range(0, len(points), chunk):
        some = points[begin : begin + chunk]
        attempts = []
        for p in some:
            last, attempt = heads.get(p.life, (-(1 << 60), 0))
            attempt += p.step < last
            heads[p.life] = (p.step, attempt)
            attempts.append(attempt)
        n = len(some)
        table = Points(
            run=np.ones(n, np.int32),
            key=np.ones(n, np.int32),
            step=np.array([p.step for p in some], np.int64),
            attempt=np.array(attempts, np.int32),
            writer=np.ones(n, np.int32),
            ts=np.array([p.ts for p in some], np.int64),
            val=np.array([p.val for p in some]),
            kind=np.zeros(n, np.uint8),
            seg=np.array([p.life + 10 for p in some], np.int32),
            off=np.array([p.at for p in some], np.int64),
            lo=np.full(n, np.nan),
            hi=np.full(n, np.nan),
        )
        metrics.append(1, table, Items.empty(), {10: Mark(begin + n, 0)})
    return metrics


def lineage_of(lives: int, fences: dict[int, int]) -> Lineage:
    order = np.arange(lives, dtype=np.int64)
    fence = [min([step for life, step in fences.items() if life > mine], default=NEVER) for mine in range(lives)]
    return Lineage((order + 10).astype(np.int32), order, order, np.array(fence, np.int64))


def same(a: np.ndarray, b: list[float]) -> bool:
    return np.array_equal(a, np.array(b), equal_nan=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    plan=strands,
    seed=st.integers(0, 1 << 30),
    buckets=st.integers(1, 400),
    window=st.none() | st.tuples(st.integers(-100, 5_000), st.integers(0, 6_000)),
    chunk=st.sampled_from([97, 1_500]),
    flush_points=st.sampled_from([700, 2_500, 1_000_000]),
    axis=st.sampled_from(["step", "time"]),
)
def test_every_bucket_is_what_all_its_points_say(plan, seed, buckets, window, chunk, flush_points, axis):
    points, fences = made(plan, seed)
    with tempfile.TemporaryDirectory() as folder:
        metrics = stored(Path(folder), points, chunk, flush_points)
        compare(metrics, points, fences, len(plan), buckets, window, axis)
        metrics.close()


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.exam) for seed in range(2, 6))])
def test_rollups_say_what_all_their_points_say(tmp_path: Path, seed: int):
    """Long series, few buckets: all levels of the rollups are read, with every kind of seam between two lives."""
    rng = random.Random(seed)
    length = rng.choice([8_000, 32_000])  # whole portions: some seams then lie between two parts
    stride = rng.choice([1, 1, 3, 50])
    last = (length - 1) * stride
    seams = [
        [],
        [(last + stride, stride, 5_000, True)],  # goes on behind
        [(last, stride, 5_000, False)],  # repeats the last step
        [(last - 700 * stride, stride, 3_000, True)],  # resumes before the end
        [(last // 2, stride, 300, False)],  # visits the middle
        [(last // 3, stride, 1_500, True), (last // 2, stride, 4_000, True)],  # rewinds twice
    ]
    plan = [(rng.randint(-40, 40) * stride, stride, length, False), *seams[seed]]
    points, fences = made(plan, seed)
    metrics = stored(tmp_path, points, 4_000, rng.choice([4_000, 11_000]))
    metrics.flush()
    unit = 1 << rng.randint(4, 9)
    windows = [
        None,
        (0, last // 2),
        (last // 3, last // 3),
        (17, last - 40),
        (unit, 40 * unit - 1),
        (unit - 1, 40 * unit),
    ]
    for window in [*windows, *((rng.randint(0, last), rng.randint(0, last)) for _ in range(4))]:
        for buckets in (3, 20, 130):
            for axis in ("step", "time"):
                compare(metrics, points, fences, len(plan), buckets, window, axis)
    metrics.close()


def compare(
    metrics: ParquetMetrics,
    points: list[Logged],
    fences: dict[int, int],
    lives: int,
    buckets: int,
    window: tuple[int, int] | None,
    axis: str,
) -> None:
    """Compare one query with the model. *window* is (low, length) on the axis."""
    low, high = (None, None) if window is None else (float(window[0]), float(window[0] + window[1]))

    def to_x(p: Logged) -> float:
        return p.step if axis == "step" else p.ts / 1e6

    expected = [p for p in line(points, fences) if low is None or low <= to_x(p) <= high]
    one = np.ones(1, np.int32)
    with metrics.view(1) as view:
        frame = Frame(axis, low, high, buckets)
        lines = read_lines(view, one, one, lineage_of(lives, fences), frame, np.zeros(1, np.int64))

    assert len(lines) == 1
    columns = _columns(
        lines[0], "r", "k", lambda steps, times, _: steps.astype(float) if axis == "step" else times / 1e6
    )
    assert columns.total == len(expected)
    assert columns.total_all == len(points)
    assert columns.exact == (len(expected) <= buckets)
    in_order = sorted(expected, key=to_x)  # a later life may overwrite earlier steps: time then goes back
    if columns.exact:
        assert same(columns.x, [to_x(p) for p in in_order])
        assert same(columns.y, [p.val for p in in_order])
    else:
        assert columns.n <= buckets
        assert bool((columns.x[1:] >= columns.x[:-1]).all())
        if in_order == expected:
            check_buckets(expected, columns.x, columns, to_x)
        finite = [p.val for p in expected if math.isfinite(p.val)]
        assert int(columns.count.sum()) == len(expected)
        if finite:
            assert np.nanmin(columns.lo) == min(finite)
            assert np.nanmax(columns.hi) == max(finite)
    kinds = set() if columns.nonfinite is None else set(columns.nonfinite.kind.tolist())
    assert (1 in kinds) == any(math.isnan(p.val) for p in expected)
    assert (2 in kinds) == any(p.val == math.inf for p in expected)
    assert (3 in kinds) == any(p.val == -math.inf for p in expected)


def request(world_key: str, **options) -> SeriesRequest:
    return SeriesRequest(**{"keys": ["loss"], "runs": [world_key], "buckets": 100, **options})


def test_a_one_step_spike_is_seen_at_every_zoom(world: World, store: Store):
    life = world.life()
    for step in range(5_000):
        life.log({"loss": 99.0 if step == 1_234 else 1.0}, step)
    store.ingest_now()
    store.metrics.flush()

    for low, high in ((0, 4_999), (1_000, 2_000), (1_234, 1_234), (1_234, 4_999), (0, 1_234)):
        (drawn,) = store.series(request(life.run_key, range=(low, high)))
        assert max(drawn.hi if drawn.hi is not None else drawn.y) == 99.0
    (before,) = store.series(request(life.run_key, range=(0, 1_233)))
    (behind,) = store.series(request(life.run_key, range=(1_235, 4_999)))
    assert max(before.hi) == max(behind.hi) == 1.0


def test_a_range_takes_both_its_ends(world: World, store: Store):
    life = world.life()
    for step in range(5_000):
        life.log({"loss": float(step)}, step)
    store.ingest_now()
    store.metrics.flush()

    (drawn,) = store.series(request(life.run_key, range=(1_001, 3_998)))

    assert (drawn.total, drawn.total_all) == (2_998, 5_000)
    assert (drawn.lo.min(), drawn.hi.max(), drawn.last_x) == (1_001, 3_998, 3_998)


def test_few_points_are_drawn_as_they_are(world: World, store: Store):
    life = world.life()
    for step in (3, 5, 9):
        life.log({"loss": step / 2}, step)
    store.ingest_now()

    (drawn,) = store.series(request(life.run_key))

    assert drawn.exact
    assert drawn.lo is None
    assert (drawn.x.tolist(), drawn.y.tolist()) == ([3, 5, 9], [1.5, 2.5, 4.5])


def test_a_second_attempt_wins_per_step_and_the_abandoned_points_are_the_ghost(world: World, store: Store):
    life = world.life()
    for step in range(10):
        life.log({"loss": 1.0}, step)
    for step in range(5, 13):
        life.log({"loss": 2.0}, step)
    store.ingest_now()

    (drawn,) = store.series(request(life.run_key))

    assert drawn.x.tolist() == list(range(13))
    assert drawn.y.tolist() == [1.0] * 5 + [2.0] * 8
    assert drawn.ghost.x.tolist() == list(range(5, 10))
    assert (drawn.total, drawn.total_all) == (13, 18)


def test_a_resume_from_a_step_hides_what_the_earlier_life_had_beyond(world: World, store: Store):
    first = world.life()
    for step in range(10):
        first.log({"loss": 1.0}, step)
    second = world.life(from_step=6)
    for step in range(6, 8):
        second.log({"loss": 2.0}, step)
    store.ingest_now()

    (drawn,) = store.series(request(first.run_key))

    assert drawn.y.tolist() == [1.0] * 6 + [2.0] * 2
    assert drawn.ghost.x.tolist() == [6, 7, 8, 9]


def test_a_late_evaluator_hides_nothing_of_the_trainer(world: World, store: Store):
    trainer = world.life()
    for step in range(10):
        trainer.log({"loss": 1.0}, step)
    evaluator = world.life(writer="eval", from_step=2)
    evaluator.log({"accuracy": 0.5}, 2)
    store.ingest_now()

    (drawn,) = store.series(request(trainer.run_key))

    assert drawn.total == 10
    assert drawn.ghost is None


def test_relative_and_wall_time_count_from_the_start_of_the_run(world: World, store: Store):
    life = world.life()
    start = world.now_ns / 1e9
    for step in range(3):
        life.log({"loss": 1.0}, step)
    store.ingest_now()

    (relative,) = store.series(request(life.run_key, x="relative"))
    (wall,) = store.series(request(life.run_key, x="wall"))

    assert relative.x.tolist() == [1.0, 2.0, 3.0]
    assert wall.x.tolist() == [start + 1, start + 2, start + 3]


def test_another_metric_can_be_the_axis(world: World, store: Store):
    life = world.life()
    for step in range(2_000):
        life.log({"loss": float(-step), "epoch": step / 10} if step % 2 else {"loss": 5.0}, step)
    store.ingest_now()

    (drawn,) = store.series(request(life.run_key, x="metric:epoch", range=(0.0, 1.0)))
    (whole,) = store.series(request(life.run_key, x="metric:epoch"))

    assert drawn.x.tolist() == [0.1, 0.3, 0.5, 0.7, 0.9]
    assert drawn.y.tolist() == [-1, -3, -5, -7, -9]
    assert (whole.total, whole.n, whole.hi.max()) == (1_000, 100, -1.0)


def test_system_metrics_have_time_as_their_only_axis(world: World, store: Store):
    from treering.runlog import records

    life = world.life()
    for _ in range(3):
        world.sleep(10)
        life.record(records.SYSTEM, {"system/cpu": [1.0, 2.0, 9.0, 10]})
    store.ingest_now()

    (drawn,) = store.series(request(life.run_key, keys=["system/cpu"], x="step"))
    (one,) = store.series(request(life.run_key, keys=["system/cpu"], x="step", buckets=1))

    assert drawn.x.tolist() == [10.0, 20.0, 30.0]
    assert drawn.y.tolist() == [2.0] * 3
    assert (one.lo[0], one.hi[0]) == (1.0, 9.0)


def test_a_group_is_drawn_as_mean_and_standard_deviation_over_its_runs(world: World, store: Store):
    lives = [world.life(f"r{i}") for i in range(3)]
    for value, life in enumerate(lives):
        for step in range(4):
            life.log({"loss": float(value * 10 + step)}, step)
    store.ingest_now()

    keys = [life.run_key for life in lives]
    (band,) = store.series(request("", runs=None, groups=[SeriesGroup("g", keys)]))

    assert (band.run, band.group, band.band) == (None, "g", "std")
    assert band.y.tolist() == [10.0, 11.0, 12.0, 13.0]
    assert band.lo.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert band.hi.tolist() == [20.0, 21.0, 22.0, 23.0]
    assert band.count.tolist() == [3] * 4


def test_a_group_of_long_runs_keeps_to_the_buckets(world: World, store: Store):
    lives = [world.life(f"r{i}") for i in range(2)]
    for value, life in enumerate(lives):
        for step in range(3_000):
            life.log({"loss": float(value)}, step)
    store.ingest_now()
    store.metrics.flush()

    keys = [life.run_key for life in lives]
    band, *single = store.series(request("", runs=None, groups=[SeriesGroup("g", keys)], individual=True))

    assert band.n <= 100
    assert set(band.y.tolist()) == {0.5}
    assert [line.run for line in single] == keys


def test_requests_beyond_the_limits_are_refused(store: Store):
    for wrong in (
        {"x": "user.password"},
        {"buckets": 0},
        {"buckets": 100_000},
        {"range": (2.0, 1.0)},
        {"range": (math.nan, 1.0)},
        {"keys": ["k"] * 1_000, "runs": ["r"] * 10_000},
    ):
        with pytest.raises(InvalidValue):
            store.series(request("x", **wrong))
