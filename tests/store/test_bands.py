"""Bands of groups against numpy and scipy, run by run, and expressions over metrics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from store.world import World
from treering.errors import ExpressionError, InvalidValue, LimitExceeded
from treering.runlog import records
from treering.store import SeriesGroup, SeriesRequest, Store
from treering.store.bands import BANDS, CENTERS, over_runs
from treering.store.expression import parse_expression

CENTER = {"mean": np.mean, "median": np.median, "iqm": lambda values: stats.trim_mean(values, 0.25)}


def expected_band(values: list[float], center: str, band: str) -> tuple[float, float, float]:
    middle = float(CENTER[center](values))
    std = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    ends = {
        "std": (middle - std, middle + std),
        "stderr": (middle - std / math.sqrt(len(values)), middle + std / math.sqrt(len(values))),
        "minmax": (min(values), max(values)),
        "iqr": tuple(np.quantile(values, [0.25, 0.75])),
    }[band]
    return middle, float(ends[0]), float(ends[1])


numbers = st.floats(-1e6, 1e6)
buckets = st.lists(st.lists(numbers, min_size=1, max_size=12), max_size=6)


@settings(max_examples=300, deadline=None)
@given(buckets, st.sampled_from(CENTERS), st.sampled_from(["std", "stderr", "minmax", "iqr"]))
def test_bands_are_numpys_and_scipys(sets: list[list[float]], center: str, band: str):
    bucket = np.repeat(np.arange(len(sets)), [len(values) for values in sets])
    value = np.array([v for values in sets for v in values])
    found = over_runs(bucket, value, center, band, 0.95)
    scale = 1e-12 * (max((abs(v) for values in sets for v in values), default=0) + 1)

    assert found[3].tolist() == [len(values) for values in sets]
    for n, values in enumerate(sets):
        expected = expected_band(values, center, band)
        assert found[1] is not None
        assert found[2] is not None
        assert [found[0][n], found[1][n], found[2][n]] == pytest.approx(expected, rel=1e-12, abs=scale)


def grow(world: World, runs: int, steps: int, value: Any, key: str = "acc") -> list[str]:
    keys = []
    for number in range(runs):
        life = world.life(f"r{number}")
        for step in range(steps):
            its = value(number, step)
            if its is not None:
                life.log({key: its}, step)
        life.end()
        keys.append(life.run_key)
    return keys


def test_a_band_is_over_all_runs_that_have_a_finite_value_there(world: World, store: Store):
    rng = np.random.default_rng(1)
    table: dict[tuple[int, int], float] = {}

    def value(run: int, step: int) -> float | None:
        its = [None, math.nan, math.inf, *rng.normal(size=9)][rng.integers(12)]
        if its is not None:
            table[run, step] = float(its)
        return None if its is None else float(its)

    keys = grow(world, 7, 30, value)
    store.ingest_now()
    finite = {step: [v for (_, s), v in sorted(table.items()) if s == step and math.isfinite(v)] for step in range(30)}
    finite = {step: values for step, values in finite.items() if values}
    for center in CENTERS:
        for band in ("std", "stderr", "minmax", "iqr"):
            request = SeriesRequest(keys=["acc"], groups=[SeriesGroup("g", keys)], center=center, band=band)
            (line,) = store.series(request)
            expected = [expected_band(values, center, band) for values in finite.values()]

            assert (line.center, line.band, line.confidence, line.resamples) == (center, band, None, None)
            assert line.x.tolist() == list(finite)
            assert line.count.tolist() == [len(values) for values in finite.values()]
            for found, wanted in zip((line.y, line.lo, line.hi), zip(*expected, strict=True), strict=True):
                assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_a_bootstrap_band_is_deterministic_holds_the_center_and_says_how_it_was_made(world: World, store: Store):
    rng = np.random.default_rng(2)
    keys = grow(world, 20, 5, lambda run, step: float(rng.normal(step)))
    lone = grow(world, 1, 5, lambda run, step: 1.0, key="other")
    store.ingest_now()

    def ask(confidence: float, center: str = "mean", key: str = "acc") -> Any:
        groups = [SeriesGroup("g", [*keys, *lone])]
        request = SeriesRequest(keys=[key], groups=groups, band="ci", center=center, confidence=confidence)
        (line,) = store.series(request)
        return line

    for center in CENTERS:
        narrow, wide = ask(0.5, center), ask(0.99, center)
        assert (wide.confidence, wide.resamples) == (0.99, 1_000)
        assert (wide.lo <= narrow.lo).all()
        assert (narrow.lo < narrow.y).all()
        assert (narrow.y < narrow.hi).all()
        assert (narrow.hi <= wide.hi).all()
        assert (ask(0.99, center).lo == wide.lo).all()
    one = ask(0.95, key="other")
    assert one.y.tolist() == one.lo.tolist() == one.hi.tolist() == [1.0] * 5


def test_long_runs_have_bands_over_buckets(world: World, store: Store):
    """Each bucket holds many points of a run: the run counts once, with their mean."""
    keys = grow(world, 4, 3_000, lambda run, step: float(run + step % 2))
    store.ingest_now()
    for band in BANDS:
        (line,) = store.series(SeriesRequest(keys=["acc"], groups=[SeriesGroup("g", keys)], buckets=50, band=band))
        middle = slice(1, -2)  # the first and last bucket may hold an odd number of points

        assert line.y[middle] == pytest.approx(2.0, abs=0.05)
        if band == "none":
            assert (line.lo, line.hi) == (None, None)
        elif band == "minmax":
            assert line.lo[middle] == pytest.approx(0.5, abs=0.05)
            assert line.hi[middle] == pytest.approx(3.5, abs=0.05)


def test_what_no_band_is_is_refused(store: Store):
    for wrong in ({"center": "mode"}, {"band": "sd"}, {"confidence": 1.0}):
        with pytest.raises(InvalidValue, match="center is one of"):
            store.series(SeriesRequest(keys=["acc"], runs=[], **wrong))


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("=1 - val/acc", 1 - 0.25),
        ("=val/acc / x", 0.25 / 3),
        ("=-x^2", -9.0),
        ("=2^-1*x", 1.5),
        ("=2^3^2 + 0*x", 512.0),
        ("=x - 1 - 1", 1.0),
        ("=12 / 2 / x", 2.0),
        ("=(x + 1) * 2", 8.0),
        ("=log(exp(x))", 3.0),
        ("=sqrt(abs(-x * x))", 3.0),
        ("=min(x, 2, val/acc) + max(x, 7)", 7.25),
        ("=`odd key (%)` + 1", 11.0),
        ("=  + 1.5e1 * x", 45.0),
        ("=.5*x", 1.5),
        ("=größe * 2", 16.0),
        ("=log", 5.0),
        ("=system/gpu.0.mem", 6.0),
    ],
)
def test_expressions_mean_what_they_say(text: str, value: float):
    metrics = {
        "val/acc": 0.25, "x": 3.0, "odd key (%)": 10.0, "größe": 8.0, "log": 5.0, "system/gpu.0.mem": 6.0
    }  # fmt: skip
    expression = parse_expression(text)
    arrays = {name: np.full(3, metrics[name]) for name in expression.names}

    assert expression.evaluate(arrays) == pytest.approx(np.full(3, value))


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("=", 1, "expected a number, a metric"),
        ("=1 +", 4, "expected a number, a metric"),
        ("=(x", 3, "expected “\\)”, found the end"),
        ("=x)", 2, "expected \\+ - \\* / \\^ or the end, found '\\)'"),
        ("=x y", 3, "or the end, found 'y'"),
        ("=2x", 2, "or the end, found 'x'"),
        ("=sin(x)", 1, "no function 'sin'; there are log"),
        ("=log(x, 2)", 1, "log takes one value, not 2"),
        ("=max(x)", 1, "max takes two values"),
        ("=max(x; 2)", 6, "';' cannot stand here"),
        ("=`open", 1, "not closed"),
        ("=1 + 2", 1, "names no metric"),
        ("=" + "(" * 40 + "x" + ")" * 40, 34, "nested deeper"),
        ("=" + "-" * 60 + "x", 34, "nested deeper"),
        ("=" + "+".join(f"x{n}" for n in range(17)), 55, "more than 16 metrics"),
        ("=__import__('os')", 12, "cannot stand here"),
        ("=x.__class__()", 1, "no function"),
        ("=" + "x+" * 600 + "x", 0, "longer than"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, position: int, message: str):
    with pytest.raises(ExpressionError, match=message) as caught:
        parse_expression(text)

    assert caught.value.position == position


@settings(max_examples=300, deadline=None)
@given(st.text("x1+-*/^()`, .ea", max_size=40))
def test_any_text_is_an_expression_or_an_error_with_a_place(text: str):
    try:
        expression = parse_expression("=" + text)
    except ExpressionError as error:
        position = error.position
    else:
        position = 0
        assert expression.evaluate({name: np.ones(2) for name in expression.names}).shape == (2,)
    assert 0 <= position <= len(text) + 1


def test_numbers_behave_as_ieee_says():
    x = np.array([0.0, -1.0, math.nan, math.inf])

    assert parse_expression("=log(x)").evaluate({"x": x}) == pytest.approx(
        [-math.inf, math.nan, math.nan, math.inf], nan_ok=True
    )
    assert parse_expression("=1 / x").evaluate({"x": x}) == pytest.approx([math.inf, -1, math.nan, 0], nan_ok=True)
    assert parse_expression("=min(x, 0)").evaluate({"x": x}) == pytest.approx([0, -1, math.nan, 0], nan_ok=True)


@pytest.fixture
def two(world: World, store: Store) -> Any:
    """Two runs whose metrics share only some steps."""
    keys = []
    for number in range(2):
        life = world.life(f"r{number}")
        for step in range(20):
            row = {"a": float(step + number)}
            if step % 3 == 0:
                row["b"] = float(step) if step != 6 else 0.0
            life.log(row, step)
        life.end()
        keys.append(life.run_key)
    store.ingest_now()
    return store, keys


def test_metrics_are_joined_by_step_within_a_run(two: Any):
    store, keys = two
    lines = store.series(SeriesRequest(keys=["=a / b", "a", "=1 - c"], runs=keys))
    by_key = {(line.run, line.key): line for line in lines}
    first = by_key[keys[0], "=a / b"]

    assert set(by_key) == {(run, key) for run in keys for key in ("=a / b", "a")}
    assert first.x.tolist() == [0, 3, 6, 9, 12, 15, 18]
    assert math.isnan(first.y[0])
    assert first.y[1:].tolist() == [1, math.inf, 1, 1, 1, 1]
    assert first.nonfinite is not None
    assert (first.nonfinite.x.tolist(), first.nonfinite.kind.tolist()) == ([0, 6], [1, 2])
    assert (first.exact, first.total, first.total_all, first.lo) == (True, 7, 7, None)


def test_an_expression_has_a_range_an_axis_and_a_band_like_any_key(two: Any):
    store, keys = two
    (ranged,) = store.series(SeriesRequest(keys=["=a * 2"], runs=keys[:1], range=(3, 5)))
    (seconds,) = store.series(SeriesRequest(keys=["=a * 2"], runs=keys[:1], x="relative"))
    (over,) = store.series(SeriesRequest(keys=["=a * 2"], runs=keys[:1], x="metric:b"))
    (wall,) = store.series(SeriesRequest(keys=["=a * 2"], runs=keys[:1], x="wall"))
    (plain,) = store.series(SeriesRequest(keys=["a"], runs=keys[:1], x="wall"))
    (band,) = store.series(SeriesRequest(keys=["=a * 2"], groups=[SeriesGroup("g", keys)], band="minmax"))
    groups = store.series(SeriesRequest(keys=["=a * 2"], groups=[SeriesGroup("g", keys)], individual=True))

    assert (ranged.x.tolist(), ranged.y.tolist(), ranged.total_all) == ([3, 4, 5], [6, 8, 10], 20)
    assert seconds.x.tolist() == [float(n + 1) for n in range(20)]
    assert wall.x.tolist() == plain.x.tolist()
    assert over.x.tolist() == [0, 0, 3, 9, 12, 15, 18]
    assert sorted(over.y.tolist()) == [0, 6, 12, 18, 24, 30, 36]
    assert (band.y.tolist(), band.lo.tolist()) == ([2.0 * n + 1 for n in range(20)], [2.0 * n for n in range(20)])
    assert [(line.group, line.run) for line in groups] == [("g", None), (None, keys[0]), (None, keys[1])]


def test_an_expression_is_evaluated_on_every_point_before_thinning(world: World, store: Store):
    """Of each bucket the least and greatest value of 1/x come from single points, not from the bucket's mean."""
    (key,) = grow(world, 1, 4_000, lambda run, step: 0.001 if step == 1_234 else 1.0 + step % 2)
    store.ingest_now()
    (line,) = store.series(SeriesRequest(keys=["=1 / acc"], runs=[key], buckets=40))

    assert (line.exact, line.total, line.n) == (False, 4_000, 40)
    assert line.count.sum() == 4_000
    assert line.hi.max() == 1_000
    assert sorted(set(line.hi.tolist())) == [1, 1_000]
    assert set(line.lo.tolist()) == {0.5}


def test_replaced_points_do_not_count_in_an_expression(world: World, store: Store):
    first = world.life("r")
    for step in range(5):
        first.log({"a": 1.0, "b": 1.0}, step)
    second = world.life("r", from_step=2)
    second.log({"a": 10.0, "b": 5.0}, 2)
    second.end()
    store.ingest_now()
    (line,) = store.series(SeriesRequest(keys=["=a + b"], runs=[first.run_key]))

    assert (line.x.tolist(), line.y.tolist()) == ([0, 1, 2], [2, 2, 15])


def test_system_metrics_of_an_expression_are_drawn_over_time(world: World, store: Store):
    life = world.life("r")
    for _ in range(3):
        world.sleep(10)
        life.record(records.SYSTEM, {"system/a": [1.0, 2.0, 3.0, 5], "system/b": [4.0, 4.0, 4.0, 5]})
    life.end()
    store.ingest_now()
    (line,) = store.series(SeriesRequest(keys=["=system/a * system/b"], runs=[life.run_key]))
    (plain,) = store.series(SeriesRequest(keys=["system/a"], runs=[life.run_key]))

    assert line.y.tolist() == [8, 8, 8]
    assert line.x.tolist() == plain.x.tolist()


def test_more_points_than_a_request_may_read_are_refused(two: Any, monkeypatch: pytest.MonkeyPatch):
    store, keys = two
    monkeypatch.setattr("treering.store.expression_lines.EXPRESSION_MAX_POINTS", 10)

    with pytest.raises(LimitExceeded, match="at most 10"):
        store.series(SeriesRequest(keys=["=a / b"], runs=keys))
