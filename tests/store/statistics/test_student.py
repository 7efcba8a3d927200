"""Student's t and the noncentral t distribution against scipy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from treering.store.statistics.student import (
    log_beta,
    noncentral_t_cdf,
    regularised_beta,
    t_quantile,
    t_sf,
    t_two_sided,
)

degrees = st.floats(0, 6).map(lambda power: 10.0**power)
values = st.floats(-40, 40)


@settings(max_examples=500, deadline=None)
@given(values, degrees)
def test_p_values_are_scipys_to_12_digits(t: float, df: float):
    assume(t == 0 or abs(t) > 1e-3)  # nearer to 0 scipy's own tail loses digits; that has a test below
    expected = 2 * float(stats.t.sf(abs(t), df))

    assert t_two_sided(t, df) == pytest.approx(expected, rel=1e-12, abs=1e-280)
    assert t_sf(t, df) == pytest.approx(float(stats.t.sf(t, df)), rel=1e-12, abs=1e-280)


@settings(max_examples=500, deadline=None)
@given(st.floats(1e-6, 1 - 1e-6), degrees)
def test_quantiles_are_scipys_to_12_digits(p: float, df: float):
    assert t_quantile(p, df) == pytest.approx(float(stats.t.ppf(p, df)), rel=1e-12, abs=1e-13)


def by_definition(t: float, df: float, delta: float) -> float:
    """P(Z + δ ≤ t · sqrt(V / df)), integrated over the quantiles of V, which is chi-squared."""

    def given_quantile(u: float) -> float:
        return float(stats.norm.cdf(t * math.sqrt(stats.chi2.ppf(u, df) / df) - delta))

    return float(integrate.quad(given_quantile, 0, 1, epsabs=1e-13, epsrel=1e-13, limit=200)[0])


@pytest.mark.parametrize("t", [-1e-3, -2.256659433435804e-06, -1e-12, 0.0, 5e-8, 2.256659433435804e-06, 9e-4])
@pytest.mark.parametrize("df", [1.0, 2.5, 300.0])
@pytest.mark.parametrize("delta", [0.0, -3.0, 1.5])
def test_the_noncentral_distribution_close_to_0_is_what_its_definition_says(t: float, df: float, delta: float):
    assert noncentral_t_cdf(t, df, delta) == pytest.approx(by_definition(t, df, delta), abs=1e-12)
    if df == 1.0 and delta == 0.0:
        assert noncentral_t_cdf(t, df, delta) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-15)


@settings(max_examples=300, deadline=None)
@given(st.floats(-20, 20), st.floats(0, 4).map(lambda power: 10.0**power), st.floats(-15, 15))
def test_the_noncentral_distribution_is_scipys_to_12_places(t: float, df: float, delta: float):
    # Close to 0 scipy is wrong in the 12th place: at t = 2.257e-6, df = 1 its answer is 5.7e-12 from 1/2 + atan(t)/π.
    expected = float(stats.nct.cdf(t, df, delta)) if abs(t) > 1e-3 else by_definition(t, df, delta)
    if math.isnan(expected):  # it gives up where nearly all the mass lies elsewhere
        return
    assert noncentral_t_cdf(t, df, delta) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.floats(-10, 10), st.floats(1, 1_000))
def test_without_noncentrality_it_is_the_central_distribution(t: float, df: float):
    assert noncentral_t_cdf(t, df, 0.0) == pytest.approx(1 - t_sf(t, df), abs=1e-13)


@settings(max_examples=300, deadline=None)
@given(st.floats(0.01, 1e5), st.floats(0.01, 1e5))
def test_log_beta_is_scipys(a: float, b: float):
    """To 1e-9 only: of B(1, 5824) = 1/5824 scipy has 11 digits, of B(71799.43, 0.1875) it has 9."""
    assert log_beta(a, b) == pytest.approx(float(special.betaln(a, b)), rel=1e-9, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.01, 1e6))
def test_log_beta_is_exact_where_it_is_known(b: float):
    """B(1, b) = 1/b, B(2, b) = 1 / (b (b + 1))."""
    assert log_beta(1.0, b) == pytest.approx(-math.log(b), rel=1e-13, abs=1e-13)
    assert log_beta(2.0, b) == pytest.approx(-math.log(b) - math.log1p(b), rel=1e-13, abs=1e-13)


@settings(max_examples=300, deadline=None)
@given(st.floats(0, 1), st.floats(0.1, 200), st.floats(0.1, 200))
def test_the_regularised_beta_function_is_scipys(x: float, a: float, b: float):
    assert regularised_beta(x, a, b) == pytest.approx(float(special.betainc(a, b, x)), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("t", [1e-12, 5.88e-11, 1e-6, 1e-3])
def test_near_zero_a_cauchy_tail_is_the_arc_tangent(t: float):
    assert t_two_sided(t, 1.0) == pytest.approx(1 - 2 / math.pi * math.atan(t), rel=1e-15)


def test_the_ends_of_the_line():
    assert t_two_sided(math.inf, 3.0) == 0
    assert t_two_sided(1e200, 3.0) == 0
    assert t_two_sided(0.0, 3.0) == 1
    assert math.isnan(t_two_sided(math.nan, 3.0))
    assert t_quantile(0.5, 7.0) == 0
