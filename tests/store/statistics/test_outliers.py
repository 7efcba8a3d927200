"""Outliers among equal processes: found when they are there, and hardly ever when they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.store.findings import is_duration
from treering.store.statistics.outliers import count_windows, find_outliers, held_from, judge, window_means

NOISES = {
    "normal": lambda rng, shape: 1 + 0.3 * rng.standard_normal(shape),
    "lognormal": lambda rng, shape: rng.lognormal(0.0, 0.5, shape),
    "exponential": lambda rng, shape: rng.exponential(1.0, shape),
}


def outliers_of(value, low=True, by_ratio=True):
    """Judge values of shape (processes, points), as they are judged when they are read."""
    processes, points = value.shape
    windows = count_windows(points)
    window = np.tile(np.arange(points) * windows // points, processes)
    process = np.repeat(np.arange(processes), points)
    mean, error = window_means(process, window, value.ravel(), (processes, windows))
    return find_outliers(mean, judge(mean, error), low=low and processes > 2, by_ratio=by_ratio)


@pytest.mark.parametrize("by_ratio", [True, False])
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("processes", [2, 3, 4, 16])
def test_of_equal_noisy_processes_hardly_any_is_named(noise, processes, by_ratio):
    rng = np.random.default_rng(7)
    trials = 150
    shift = 0.0 if by_ratio else -2.0

    values = (shift + NOISES[noise](rng, (processes, 128)) for _ in range(trials))
    alarms = sum(bool(outliers_of(value, by_ratio=by_ratio)) for value in values)

    assert alarms <= 0.02 * trials, f"{alarms} false alarms in {trials}"


@pytest.mark.parametrize("processes", [2, 3, 4, 16])
@pytest.mark.parametrize("points", [60, 128, 1000])
def test_a_process_that_is_slowed_by_a_half_is_found_alone(processes, points):
    rng = np.random.default_rng(11)
    found = 0
    for _ in range(50):
        value = 1 + 0.1 * rng.standard_normal((processes, points))
        value[1] *= 1.5
        outliers = outliers_of(value, low=False)
        assert {one.process for one in outliers} <= {1}
        found += bool(outliers)

    assert found >= 48


@pytest.mark.parametrize("processes", [3, 4, 16])
@pytest.mark.parametrize("around", [-5.0, 0.0, 3.0])
@pytest.mark.parametrize("by", [-3.0, 3.0])
def test_a_metric_whose_zero_means_nothing_is_told_apart_by_its_distance(processes, around, by):
    rng = np.random.default_rng(13)
    value = around + 0.1 * rng.standard_normal((processes, 128))
    value[1, 40:] += by

    (found,) = outliers_of(value, by_ratio=False)

    assert (found.process, np.sign(found.score)) == (1, np.sign(by))
    assert found.since in (5, 6)
    assert found.value == pytest.approx(around + by, abs=0.1)


@given(st.integers(2, 12), st.floats(1e-6, 1e6), st.integers(24, 200))
def test_equal_values_are_no_outliers_whatever_they_are(processes, value, points):
    assert outliers_of(np.full((processes, points), value)) == []


@given(
    st.lists(st.lists(st.floats(0, 1e3) | st.just(float("nan")), min_size=5, max_size=5), min_size=2, max_size=9),
)
def test_no_values_whatever_break_the_judgement(rows):
    value = np.array(rows)

    for one in find_outliers(value, judge(value, np.full(value.shape, np.nan))):
        assert np.isfinite(one.value)
        assert 0 <= one.since < 5


def test_of_three_the_fast_one_does_not_make_the_others_slow():
    value = np.ones((3, 60))
    value[0] = 0.4

    assert [(one.process, one.ratio) for one in outliers_of(value)] == [(0, pytest.approx(0.4))]


@pytest.mark.parametrize(
    ("holds", "there", "since"),
    [
        ("0011111", "1111111", 2),
        ("1111110", "1111111", -1),
        ("0000011", "1111111", -1),
        ("0111011", "1111111", 1),
        ("1010111", "1111111", 2),
        ("1110000", "1110000", 0),
        ("0000000", "1111111", -1),
        ("1100000", "1100000", -1),
    ],
)
def test_it_has_to_hold_to_the_end_of_what_is_there(holds, there, since):
    def marks(text: str) -> np.ndarray:
        return np.array([mark == "1" for mark in text])

    assert held_from(marks(holds), marks(there)) == since


@pytest.mark.parametrize(
    ("key", "unit", "is_one"),
    [
        ("step_time", None, True),
        ("train/stepTime", None, True),
        ("data-latency", None, True),
        ("forward_s", None, True),
        ("allreduce", "ms", True),
        ("timestep", None, False),
        ("loss", None, False),
        ("time", "%", False),
        ("grad_min", None, False),
    ],
)
def test_what_looks_like_a_duration(key, unit, is_one):
    assert is_duration(key, unit) is is_one
