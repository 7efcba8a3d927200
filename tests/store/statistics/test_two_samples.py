"""Tests, intervals, effects and power against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from treering.store.statistics.describe import mean_of
from treering.store.statistics.two_samples import (
    mean_interval,
    paired,
    runs_needed,
    small_sample_correction,
    superiority,
    welch,
)

number = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))
sample = st.lists(number, min_size=2, max_size=30)
confidence = st.floats(0.5, 0.999)


def has_spread(values: list[float]) -> bool:
    return max(values) - min(values) > 0.01


@settings(max_examples=60, deadline=None)
@given(sample, sample, confidence)
def test_welch_is_scipys(a: list[float], b: list[float], level: float):
    assume(has_spread(a) and has_spread(b))
    expected = stats.ttest_ind(a, b, equal_var=False)
    ends = expected.confidence_interval(level)
    scale = 1e-12 * (max(map(abs, a + b)) + 1)
    test = welch(a, b, level)

    assert test.difference == pytest.approx(np.mean(a) - np.mean(b), abs=scale)
    assert test.t == pytest.approx(expected.statistic, rel=1e-11, abs=1e-11)
    assert test.df == pytest.approx(expected.df, rel=1e-12)
    assert test.p == pytest.approx(expected.pvalue, rel=1e-10, abs=1e-12)
    assert test.interval == pytest.approx((ends.low, ends.high), rel=1e-12, abs=10 * scale)


@settings(max_examples=60, deadline=None)
@given(sample, confidence)
def test_the_paired_test_is_scipys(differences: list[float], level: float):
    assume(has_spread(differences))
    expected = stats.ttest_1samp(differences, 0)
    ends = expected.confidence_interval(level)
    test = paired(differences, level)

    assert test.t == pytest.approx(expected.statistic, rel=1e-11, abs=1e-11)
    assert test.p == pytest.approx(expected.pvalue, rel=1e-10, abs=1e-12)
    assert test.interval == pytest.approx((ends.low, ends.high), rel=1e-11, abs=1e-9)
    mean = mean_interval(differences, level)
    assert mean == pytest.approx(test.interval, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=20), st.lists(number, min_size=1, max_size=20))
def test_superiority_is_the_area_of_mann_and_whitney(a: list[float], b: list[float]):
    expected = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))

    assert superiority(a, b) == pytest.approx(expected, abs=1e-12)
    assert superiority(a, b) + superiority(b, a) == pytest.approx(1, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.floats(1.5, 1e4))
def test_the_correction_of_hedges_is_exact(df: float):
    expected = math.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)

    assert small_sample_correction(df) == pytest.approx(expected, rel=1e-10)


def test_hedges_g_and_its_interval_are_those_of_the_literature():
    """Cohen's d of 0.5 with 20 each; the interval by inverting scipy's own noncentral t."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.5, 1, 20).tolist(), rng.normal(0, 1, 20).tolist()
    pooled = math.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / 2)
    d = (np.mean(a) - np.mean(b)) / pooled
    correction = small_sample_correction(38)
    test = welch(a, b, 0.95)

    assert test.g == pytest.approx(d * correction, rel=1e-12)
    assert test.g_interval is not None
    for end, chance in zip(test.g_interval, (0.975, 0.025), strict=True):
        delta = end / correction / math.sqrt(2 / 20)
        assert stats.nct.cdf(d / math.sqrt(2 / 20), 38, delta) == pytest.approx(chance, abs=1e-9)
    assert test.g_interval[0] < test.g < test.g_interval[1]


def power_of(n: int, effect: float, alpha: float = 0.05) -> float:
    """Power of a two-sample t test by scipy."""
    df, delta = 2 * n - 2, effect * math.sqrt(n / 2)
    critical = stats.t.ppf(1 - alpha / 2, df)
    return float(stats.nct.sf(critical, df, delta) + stats.nct.cdf(-critical, df, delta))


@pytest.mark.parametrize("effect", [0.2, 0.5, 0.8, 1.2, 3.0])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_runs_needed_are_the_fewest_with_the_power(effect: float, power: float):
    needed = runs_needed(lambda n: (effect * math.sqrt(n / 2), 2 * n - 2.0), 0.95, power)

    assert needed is not None
    assert power_of(needed, effect) >= power
    assert needed == 2 or power_of(needed - 1, effect) < power


def test_the_known_example_of_64_per_group():
    """Cohen's table: a medium effect, 5 % two-sided, power 0.8."""
    assert runs_needed(lambda n: (0.5 * math.sqrt(n / 2), 2 * n - 2.0), 0.95, 0.8) == 64


def test_what_cannot_be_said_is_not_said():
    one, flat = welch([1.0], [2.0, 3.0], 0.95), welch([1.0, 1.0], [2.0, 2.0], 0.95)

    for test in (one, flat, paired([1.0], 0.95), paired([1.0, 1.0], 0.95)):
        assert (test.t, test.p, test.g, test.interval) == (None, None, None, None)
        assert test.needed(0.95, 0.8) is None
    assert (one.difference, flat.difference) == (-1.5, -1.0)
    assert mean_interval([1.0], 0.95) is None
    tiny = welch([0.0, 1e-9], [1e-12, 1e-9 + 1e-12], 0.95)
    assert tiny.needed(0.95, 0.8) is None


def test_values_without_spread_on_one_side_are_compared():
    """Of a constant side the standard error is 0: t = (1 − 3) / √(1/3), with the other side's degrees of freedom."""
    test = welch([1.0, 1.0, 1.0], [2.0, 3.0, 4.0], 0.95)

    assert (test.t, test.df) == pytest.approx((-2 / math.sqrt(1 / 3), 2.0))


def test_numbers_whose_sum_is_beyond_every_float_have_a_mean_and_no_test():
    huge = [1.7e308, 1.7e308, 1.6e308]

    assert mean_of(huge) == pytest.approx(1.6666666666666667e308)
    assert mean_of([1.7e308, 1.7e308, -1.7e308]) == pytest.approx(1.7e308 / 3)
    assert welch(huge, [1.0, 2.0], 0.95).difference == pytest.approx(1.6666666666666667e308)
    assert welch(huge, [1.0, 2.0], 0.95).t is None
    assert paired(huge, 0.95).t is None
    assert math.isnan(paired([math.inf, -math.inf], 0.95).difference)
    assert mean_interval(huge, 0.95) is not None


@pytest.mark.parametrize("confidence", [1e-300, 0.5, 1 - 1e-9, 1 - 1e-16])
@pytest.mark.parametrize("power", [1e-300, 0.5, 1 - 1e-9, 1 - 1e-16])
def test_at_the_ends_of_confidence_and_power_there_is_an_answer(confidence: float, power: float):
    a, b = [1.0, 2.0, 3.5, 4.0], [2.0, 2.5, 7.0, 9.0]

    for test in (welch(a, b, confidence), paired([x - y for x, y in zip(a, b, strict=True)], confidence)):
        low, high = test.interval
        assert low <= test.difference <= high
        assert (high == math.inf) == ((1 + confidence) / 2 == 1.0)
        assert test.needed(confidence, power) is None or confidence < 1 - 1e-10
    assert mean_interval(a, confidence)[0] <= 2.625
