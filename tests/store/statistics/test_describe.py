"""Descriptions, ranks and the bootstrap against numpy and scipy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from treering.store.statistics.bootstrap import _Ranks, bootstrap_intervals, count_resamples, rank_weights
from treering.store.statistics.describe import describe, finite_numbers
from treering.store.statistics.ranks import correlation_ratio, ranks, spearman

floats = st.floats(-1e6, 1e6)
anything = st.one_of(floats, st.just(math.nan), st.just(math.inf), st.none(), st.booleans(), st.text(max_size=3))


@settings(max_examples=300, deadline=None)
@given(st.lists(anything, max_size=30))
def test_a_description_is_numpys_of_the_finite_numbers(values: list[Any]):
    finite = [v for v in values if type(v) is float and math.isfinite(v)]
    about = describe(finite_numbers(values))

    assert about.n == len(finite)
    if not finite:
        assert about == (0, None, None, None, None)
        return
    scale = max(map(abs, finite)) + 1e-300
    assert about.mean == pytest.approx(np.mean(finite), rel=1e-12, abs=1e-12 * scale)
    assert about.std == pytest.approx(np.std(finite, ddof=1) if len(finite) > 1 else 0, rel=1e-12, abs=1e-12 * scale)
    assert (about.min, about.max) == (min(finite), max(finite))


def test_numbers_of_every_size_are_described():
    assert describe([1e308, 1e308, -1e308]).mean == pytest.approx(1e308 / 3)
    assert describe([0.1] * 3) == (3, 0.1, 0.0, 0.1, 0.1)
    assert finite_numbers([10**400, True, 3]) == [3.0]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.integers(0, 4).map(float), st.just(math.nan)), floats), min_size=2, max_size=40))
def test_spearman_is_scipys_with_nan_left_out(pairs: list[tuple[float, float]]):
    x, y = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    kept = ~np.isnan(x)
    rho = spearman(x, y)
    if kept.sum() < 2 or len(set(x[kept])) < 2 or len(set(y[kept])) < 2:
        assert rho is None
        return
    assert rho == pytest.approx(stats.spearmanr(x[kept], y[kept]).statistic, abs=1e-12)
    assert ranks(y).tolist() == stats.rankdata(y).tolist()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6).map(float)), min_size=3, max_size=40))
def test_the_correlation_ratio_is_that_of_kruskal_and_wallis(pairs: list[tuple[int, float]]):
    groups, y = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    eta = correlation_ratio(groups, y)
    if len(set(y.tolist())) < 2:
        assert eta is None
        return
    parts = [y[groups == group] for group in set(groups.tolist())]
    expected = stats.kruskal(*parts).statistic / (len(y) - 1) if len(parts) > 1 else 0
    assert eta is not None
    assert eta**2 == pytest.approx(expected, abs=1e-12)


# ── the bootstrap ────────────────────────────────────────────────────────────────────────────────────────────────
CENTERS = {
    "mean": np.mean,
    "median": np.median,
    "iqm": lambda values, axis: stats.trim_mean(values, 0.25, axis=axis),
}


@pytest.mark.parametrize("center", CENTERS)
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 30])
def test_an_interval_is_that_of_the_resamples_drawn_one_by_one(center: str, n: int):
    values = np.sort(np.random.default_rng(n).normal(size=n))
    low, high, resamples = bootstrap_intervals(values, np.array([n]), center, 0.9)
    drawn = values[_Ranks(n, resamples).of(n)]
    centers = CENTERS[center](drawn, axis=0)

    assert [low[0], high[0]] == pytest.approx(np.quantile(centers, [0.05, 0.95]), abs=1e-12)


def test_ranks_are_drawn_with_equal_chance():
    """Each of n ranks is expected n times per n draws; chi square over 1,000 resamples."""
    drawn = _Ranks(20, 1_000).of(20)
    counts = np.bincount(drawn.ravel(), minlength=20)

    assert stats.chisquare(counts).pvalue > 0.001
    assert (np.diff(drawn, axis=0) >= 0).all()
    assert rank_weights(drawn, "iqm").sum(axis=0) == pytest.approx(np.ones(1_000))


def test_an_interval_is_like_scipys_and_the_same_each_time():
    values = np.sort(np.random.default_rng(5).normal(3, 2, 40))
    expected = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=9_999, rng=1).confidence_interval
    low, high, _ = bootstrap_intervals(values, np.array([40]), "mean", 0.95)
    again = bootstrap_intervals(values, np.array([40]), "mean", 0.95)

    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=0.08)
    assert (again[0][0], again[1][0]) == (low[0], high[0])


def test_an_interval_covers_the_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    table = np.sort(rng.normal(size=(400, 30)), axis=1)
    low, high, _ = bootstrap_intervals(table.ravel(), np.full(400, 30), "mean", 0.9)
    covered = ((low <= 0) & (high >= 0)).mean()

    assert 0.84 < covered < 0.94


def test_sets_of_other_sizes_beside_it_change_nothing_and_one_value_is_its_own_interval():
    small, large = np.array([1.0, 2.0, 4.0]), np.sort(np.random.default_rng(2).normal(size=50))
    alone = bootstrap_intervals(small, np.array([3]), "median", 0.95)
    beside = bootstrap_intervals(np.concatenate([[7.0], small, large]), np.array([1, 3, 50]), "median", 0.95)

    assert (beside[0][1], beside[1][1]) == (alone[0][0], alone[1][0])
    assert beside[0][0] == beside[1][0] == 7.0
    assert count_resamples(np.full(1_000, 1_000)) == 400
    assert count_resamples(np.array([10])) == 1_000
