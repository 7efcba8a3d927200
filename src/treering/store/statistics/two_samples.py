"""
Do two samples differ, by how much, and how many more values would tell?

=====================  ==============================================================================================
Welch's test           t = (ā − b̄) / √(s²a/na + s²b/nb), df by Welch and Satterthwaite (Welch 1947); two-sided
paired t test          t of the differences a − b, df = n − 1
interval               difference ∓ t(df, (1 + c)/2) × standard error
Hedges' g              (ā − b̄) / pooled s × J, J(df) = Γ(df/2) / (√(df/2) Γ((df − 1)/2)), exact (Hedges 1981). Paired:
                       mean / s of the differences × J(n − 1)
interval of g          of the noncentrality whose t distribution has the observed t as a quantile (Steiger and Fouladi
                       1997), × √(1/na + 1/nb) (paired: √(1/n)) × J
superiority            share of pairs (x of a, y of b) with x > y, ties counting half: Vargha and Delaney's A (2000).
                       Paired: of the differences
runs needed            the least n per group whose test has the wanted power, exactly by the noncentral t distribution,
                       were means and standard deviations those observed
=====================  ==============================================================================================

All of it takes finite numbers. What cannot be said (too few values, no spread) is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from treering.limits import SEEDS_MAX

from .describe import mean_of
from .student import log_beta, noncentral_t_cdf, t_quantile, t_two_sided

__all__ = ["Difference", "Interval", "mean_interval", "paired", "runs_needed", "superiority", "welch"]

Interval = tuple[float, float]


class Difference(NamedTuple):
    """A test of a against b. ``g`` and ``g_interval`` are Hedges' g; ``needed(confidence, power)`` is n per group."""

    difference: float
    interval: Interval | None
    t: float | None
    df: float | None
    p: float | None
    g: float | None
    g_interval: Interval | None
    needed: Callable[[float, float], int | None]


def mean_interval(values: Sequence[float], confidence: float) -> Interval | None:
    """Return the t interval of the mean: None for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    deviation = math.sqrt(_variance(np.asarray(values, np.float64)))
    half = t_quantile((1 + confidence) / 2, float(n - 1)) * deviation / math.sqrt(n)
    mean = mean_of(values)
    return mean - half, mean + half


def welch(a: Sequence[float], b: Sequence[float], confidence: float) -> Difference:
    """Return Welch's test of two samples. Both have at least one value."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    difference = mean_of(a) - mean_of(b)
    if len(x) < 2 or len(y) < 2:
        return Difference(difference, None, None, None, None, None, None, _unknown)
    variance_a, variance_b = _variance(x), _variance(y)
    square_a, square_b = variance_a / len(x), variance_b / len(y)
    error = math.sqrt(square_a + square_b)
    if not 0 < error < math.inf or not math.isfinite(difference):
        return Difference(difference, None, None, None, None, None, None, _unknown)
    df = _welch_df(square_a, len(x) - 1, square_b, len(y) - 1)
    t = difference / error
    pooled_df = float(len(x) + len(y) - 2)
    pooled = math.sqrt(((len(x) - 1) * variance_a + (len(y) - 1) * variance_b) / pooled_df)
    scale = math.sqrt(1 / len(x) + 1 / len(y))
    correction = small_sample_correction(pooled_df)

    def needed(confidence: float, power: float) -> int | None:
        return runs_needed(
            lambda n: (
                difference / math.sqrt((variance_a + variance_b) / n),
                _welch_df(variance_a / n, n - 1, variance_b / n, n - 1),
            ),
            confidence,
            power,
        )

    return Difference(
        difference,
        _around(difference, error, df, confidence),
        t,
        df,
        t_two_sided(t, df),
        difference / pooled * correction,
        _effect_interval(difference / (pooled * scale), pooled_df, scale * correction, confidence),
        needed,
    )


def paired(differences: Sequence[float], confidence: float) -> Difference:
    """Return the paired t test of differences a − b. There is at least one."""
    n = len(differences)
    if not all(map(math.isfinite, differences)):  # of numbers so large that their difference is beyond every float
        return Difference(math.nan, None, None, None, None, None, None, _unknown)
    mean = mean_of(differences)
    deviation = math.sqrt(_variance(np.asarray(differences, np.float64))) if n > 1 else 0.0
    if n < 2 or not 0 < deviation < math.inf or not math.isfinite(mean):
        return Difference(mean, None, None, None, None, None, None, _unknown)
    error, df = deviation / math.sqrt(n), float(n - 1)
    t = mean / error
    correction = small_sample_correction(df)

    def needed(confidence: float, power: float) -> int | None:
        return runs_needed(lambda size: (mean / deviation * math.sqrt(size), size - 1.0), confidence, power)

    return Difference(
        mean,
        _around(mean, error, df, confidence),
        t,
        df,
        t_two_sided(t, df),
        mean / deviation * correction,
        _effect_interval(t, df, correction / math.sqrt(n), confidence),
        needed,
    )


def superiority(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the chance that a value of *a* exceeds one of *b*, ties counting half."""
    y = np.sort(np.asarray(b, np.float64))
    x = np.asarray(a, np.float64)
    below, upto = np.searchsorted(y, x, "left"), np.searchsorted(y, x, "right")
    return (int(below.sum()) + int(upto.sum())) / (2 * len(x) * len(y))


def small_sample_correction(df: float) -> float:
    """Return J(df), by which Hedges' g is smaller than Cohen's d."""
    if df <= 1:
        return math.nan
    # Γ(df/2) / Γ((df − 1)/2) by way of the beta function, which keeps its digits: B(½, (df − 1)/2) = √π Γ(…)/Γ(…)
    return math.sqrt(math.pi / (df / 2)) * math.exp(-log_beta(0.5, (df - 1) / 2))


def runs_needed(test_of: Callable[[int], tuple[float, float]], confidence: float, power: float) -> int | None:
    """
    Return the least n whose two-sided test has *power*, None beyond ``SEEDS_MAX``.

    *test_of* gives (noncentrality, degrees of freedom) of a test with n values per group. Power grows with n.
    """

    def has_power(n: int) -> bool:
        delta, df = test_of(n)
        critical = t_quantile((1 + confidence) / 2, df)
        if critical == math.inf:
            return False
        beyond = 1.0 - noncentral_t_cdf(critical, df, abs(delta)) + noncentral_t_cdf(-critical, df, abs(delta))
        return beyond >= power

    if test_of(2)[0] == 0:
        return None
    low, high = 1, 2
    while not has_power(high):
        low, high = high, high * 2
        if low >= SEEDS_MAX:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if has_power(middle) else (middle, high)
    return high if high <= SEEDS_MAX else None


def _unknown(_confidence: float, _power: float) -> int | None:
    return None


def _variance(values: NDArray[Any]) -> float:
    # Equal values have no spread; the rounded sum of squares might say 1e-34.
    if values.min() == values.max():
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        variance = float(values.var(ddof=1))
    return math.inf if math.isnan(variance) else variance  # ∞ − ∞, of finite values


def _welch_df(square_a: float, df_a: float, square_b: float, df_b: float) -> float:
    largest = max(square_a, square_b)
    x, y = square_a / largest, square_b / largest  # their squares may be too small for a float
    return (x + y) ** 2 / (x * x / df_a + y * y / df_b)


def _around(middle: float, error: float, df: float, confidence: float) -> Interval:
    half = t_quantile((1 + confidence) / 2, df) * error
    return middle - half, middle + half


def _effect_interval(t: float, df: float, scale: float, confidence: float) -> Interval | None:
    if not math.isfinite(scale) or abs(t) > 1e6:
        return None
    ends = ((1 + confidence) / 2, (1 - confidence) / 2)
    if ends[0] >= 1 or ends[1] <= 0:
        return -math.inf, math.inf
    low, high = (_noncentrality(t, df, chance) for chance in ends)
    return low * scale, high * scale


def _noncentrality(t: float, df: float, chance: float) -> float:
    """Return the δ with P(T ≤ t | df, δ) = *chance*, which falls as δ grows."""
    width = 2.0 + abs(t) / math.sqrt(2 * df)
    low, high = t - width, t + width
    while noncentral_t_cdf(t, df, low) < chance:
        low -= width
        width *= 2
    while noncentral_t_cdf(t, df, high) > chance:
        high += width
        width *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if noncentral_t_cdf(t, df, middle) > chance else (low, middle)
    return (low + high) / 2
