"""
Student's t distribution, central and noncentral, without scipy.

* ``t_sf`` and ``t_two_sided`` by the regularised incomplete beta function: Lentz's continued fraction (Press et al.,
  Numerical Recipes, §6.4) with log B(a, b) by Stirling's corrections (Didonato and Morris 1992), so that it keeps its
  precision for a million degrees of freedom.
* ``t_quantile`` by bisection and Newton steps on the upper tail.
* ``noncentral_t_cdf`` by the integral over the distribution of s/σ, P(T ≤ t) = ∫ Φ(t·s − δ) f(s) ds, with composite
  Gauss–Legendre nodes: no series that loses its digits for a large δ.

Against scipy: t to 1e-12 relative, noncentral t to 1e-12 absolute (tests/store/statistics).
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_beta", "noncentral_t_cdf", "regularised_beta", "t_quantile", "t_sf", "t_two_sided"]

_NORMAL: Final = NormalDist()
_TINY: Final = 1e-300
_MANY: Final = 500.0  # degrees of freedom


# ── beta ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def log_gamma_correction(x: float) -> float:
    """Return log Γ(x) − ((x − ½) log x − x + ½ log 2π) for x ≥ 10: the tail of Stirling's series."""
    square = x * x
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
    total = 0.0
    for term in reversed(terms):
        total = total / square + term
    return total / x


def log_beta(a: float, b: float) -> float:
    """Return log B(a, b) for a, b > 0, to 1e-14 of what it is made of."""
    small, large = min(a, b), max(a, b)
    if small >= 10:
        correction = log_gamma_correction(small) + log_gamma_correction(large) - log_gamma_correction(small + large)
        share = small / (small + large)
        return (
            -0.5 * math.log(large)
            + 0.5 * math.log(2 * math.pi)
            + correction
            + (small - 0.5) * math.log(share)
            + large * math.log1p(-share)
        )
    if large >= 10:
        correction = log_gamma_correction(large) - log_gamma_correction(small + large)
        return (
            math.lgamma(small)
            + correction
            + small
            - small * math.log(small + large)
            + (large - 0.5) * math.log1p(-small / (small + large))
        )
    return math.lgamma(small) + math.lgamma(large) - math.lgamma(small + large)


def regularised_beta(x: float, a: float, b: float, complement: float | None = None) -> float:
    """
    Return I_x(a, b), 0 ≤ x ≤ 1.

    *complement*: 1 − x, where it is known better than by subtraction.
    """
    y = 1.0 - x if complement is None else complement
    if x <= 0 or y <= 0:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(a * _log_of(x, y) + b * _log_of(y, x) - log_beta(a, b))
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(x, a, b) / a
    return 1.0 - front * _continued_fraction(y, b, a) / b


def _log_of(x: float, y: float) -> float:
    """Return log x where y = 1 − x."""
    return math.log(x) if x < 0.5 else math.log1p(-y)


def _continued_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, _inverse(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = _inverse(1.0 + term * d)
            c = 1.0 + term / c
            if abs(c) < _TINY:
                c = _TINY
            value *= d * c
        if abs(d * c - 1.0) < 1e-16:
            break
    return value


def _inverse(value: float) -> float:
    return 1.0 / (value if abs(value) >= _TINY else _TINY)


# ── t ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def t_two_sided(t: float, df: float) -> float:
    """Return P(|T| ≥ |t|) for *df* > 0 degrees of freedom: the p value of a two-sided test."""
    if math.isnan(t) or math.isinf(t):
        return math.nan if math.isnan(t) else 0.0
    square = t * t
    if math.isinf(square):
        return 0.0
    if df > _MANY:
        return _two_sided_of_many(abs(t), df)
    return regularised_beta(df / (df + square), df / 2, 0.5, square / (df + square))


def _two_sided_of_many(t: float, df: float) -> float:
    """
    Return P(|T| ≥ t) by an integral: the continued fraction subtracts numbers that are nearly equal for a large *df*.

    With z² = df · log(1 + t²/df) the density is exp(−z²/2) times something smooth and near 1. Beyond what is
    integrated lies less than 1e-17 of it.
    """
    if t == 0:
        return 1.0
    begin = math.sqrt(df * math.log1p(t * t / df))
    nodes, widths = _panels(begin, begin + (9.0 if begin < 4 else 40.0 / begin))
    square = nodes * nodes / df
    smooth = np.exp(square / 2) * nodes / np.sqrt(df * np.expm1(square))
    total = math.fsum((np.exp(-(nodes * nodes - begin * begin) / 2) * smooth * widths).ravel())
    return 2.0 * total * math.exp(-begin * begin / 2 - log_beta(df / 2, 0.5)) / math.sqrt(df)


def t_sf(t: float, df: float) -> float:
    """Return P(T > t)."""
    half = t_two_sided(t, df) / 2
    return half if t >= 0 else 1.0 - half


@lru_cache(maxsize=1_024)
def t_quantile(p: float, df: float) -> float:
    """Return the t with P(T ≤ t) = p, 0 ≤ p ≤ 1: infinite at both ends, to which a p very close to them is rounded."""
    if p == 0.5:
        return 0.0
    tail = min(p, 1.0 - p)
    if tail <= 0:
        return math.inf if p > 0.5 else -math.inf
    low, high = 0.0, max(1.0, _NORMAL.inv_cdf(1.0 - max(tail, 1e-300)) if tail > 1e-16 else 8.0)
    while t_two_sided(high, df) / 2 > tail:
        low, high = high, high * 2
    t = (low + high) / 2
    for _ in range(200):
        error = t_two_sided(t, df) / 2 - tail
        low, high = (t, high) if error > 0 else (low, t)
        density = _t_density(t, df)
        step = t + error / density if density > 0 else math.inf  # so far out that it is too small for a float
        following = step if low < step < high else (low + high) / 2
        if abs(following - t) <= 4e-16 * abs(t):
            break
        t = following
    return t if p > 0.5 else -t


def _t_density(t: float, df: float) -> float:
    return math.exp(-(df + 1) / 2 * math.log1p(t * t / df) - log_beta(df / 2, 0.5)) / math.sqrt(df)


_PANELS: Final = 40
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)


def _panels(low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Gauss–Legendre nodes and their weights over panels of equal width, each of shape (panels, 20)."""
    edges = np.linspace(low, high, _PANELS + 1)
    width = (np.diff(edges) / 2)[:, None]
    return ((edges[:-1] + edges[1:]) / 2)[:, None] + width * _NODES, width * _WEIGHTS


# ── noncentral t ─────────────────────────────────────────────────────────────────────────────────────────────────
@lru_cache(maxsize=256)
def _spread_nodes(df: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Return values of s/σ and their weights: density × width, of a standard deviation with *df* degrees of freedom.

    Beyond 12 standard errors around 1 (where s is the root of a chi-square variable over df) lies less than 1e-30. The
    fourth power keeps the integrand smooth at 0, where the density goes like s^(df − 1).
    """
    half = 12.0 / math.sqrt(2.0 * df)
    low, high = max(0.0, 1.0 - half), 1.0 + half
    v, widths = _panels(low**0.25, high**0.25)
    s = v**4
    a = df / 2
    # 2 a^a / Γ(a) · s^(2a − 1) · e^(−a s²), with the e^a of Stirling's formula taken into the exponent
    log_norm = math.log(2.0) + (
        0.5 * math.log(a / (2 * math.pi)) - log_gamma_correction(a) if a >= 10 else a * math.log(a) - math.lgamma(a) - a
    )
    with np.errstate(divide="ignore"):
        log_density = log_norm + (df - 1) * np.log(s) - a * (s * s - 1.0)
    weights = np.exp(log_density) * 4 * v**3 * widths
    return s.ravel(), weights.ravel()


def noncentral_t_cdf(t: float, df: float, delta: float) -> float:
    """Return P(T ≤ t) of the noncentral t distribution with *df* ≥ 1 and noncentrality *delta*."""
    s, weights = _spread_nodes(df)
    normal = np.fromiter((_normal_cdf(z) for z in (t * s - delta).tolist()), np.float64, len(s))
    return float(min(1.0, max(0.0, math.fsum(normal * weights))))


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
