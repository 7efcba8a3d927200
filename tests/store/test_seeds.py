"""Runs that are equal but for the seed, and two sets of runs asked whether they differ."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from store.world import World
from treering.errors import LimitExceeded
from treering.store import Store
from treering.store.model import BestOf, Column, Selection
from treering.store.seeds import config_hash, is_seed
from treering.store.two_sets import Question, Statistics

EVERYTHING = Selection("ada", "digits")


def write(world: World, name: str, config: dict[str, Any], *values: float, ends: bool = True) -> str:
    life = world.life(name)
    life.config(config)
    for step, value in enumerate(values):
        life.log({"acc": value, "loss": -value}, step)
    if ends:
        life.end()
    return life.run_key


@pytest.mark.parametrize("key", ["seed", "random_seed", "train.seed", "Seed", "model.init.rng_seed", "random_state",
                                 "seed_everything", "PYTHONHASHSEED", "data-seed", "seed1", "seeds", "replicate"])  # fmt: skip
def test_these_are_seeds(key: str):
    assert is_seed(key)


@pytest.mark.parametrize("key", ["seedling", "lr", "seed.lr", "state", "random", "proceeds", "reseeding", "repeat", ""])
def test_these_are_none(key: str):
    assert not is_seed(key)


def test_the_hash_of_a_configuration_tells_values_apart_and_not_their_order():
    def of(**config: Any) -> str:
        return config_hash(config, is_seed)

    assert of(a=1, b=2) == of(b=2, a=1) == of(a=1, b=2, seed=3)
    assert len({of(a=1), of(a=1.0), of(a=True), of(a="1"), of(a=None), of(), of(a=[1]), of(a=math.nan)}) == 8
    assert of(a=math.nan) == of(a=math.nan)


def test_configurations_are_ranked_by_their_mean_over_seeds(world: World, store: Store):
    best = [write(world, f"a{n}", {"lr": 0.1, "seed": n, "net": {"depth": 3}}, 0.5, 0.90 + n / 100) for n in range(3)]
    write(world, "b0", {"lr": 0.2, "seed": 0, "net": {"depth": 3}}, 0.9, 0.8)
    write(world, "b1", {"lr": 0.2, "seed": 1, "net": {"depth": 3}}, 0.9, math.nan)
    write(world, "c", {"lr": 0.3, "seed": 0, "net": {"depth": 3}})
    store.ingest_now()
    found = store.comparing.seeds(EVERYTHING, Column("metric:acc"), "max")
    first, second, third = found.groups
    values = [0.90, 0.91, 0.92]
    half = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) / math.sqrt(3)

    assert (found.ignored, found.varying, found.match) == (["seed"], ["lr"], 6)
    assert (first.label, first.runs, first.rank) == ({"lr": 0.1}, best, 1)
    assert first.values == pytest.approx(values)
    assert (first.n, first.mean, first.std) == (3, pytest.approx(0.91), pytest.approx(0.01))
    assert first.stderr == pytest.approx(0.01 / math.sqrt(3))
    assert first.ci == pytest.approx((0.91 - half, 0.91 + half))
    assert (first.min, first.max) == (0.90, 0.92)
    assert (second.values, second.n, second.mean, second.rank) == ([0.8, None], 1, 0.8, 2)
    assert (second.std, second.stderr, second.ci) == (None, None, None)
    assert (third.values, third.n, third.mean, third.rank) == ([None], 0, None, None)
    assert len({group.hash for group in found.groups}) == 3


def test_the_keys_that_do_not_count_and_the_aggregate_can_be_named(world: World, store: Store):
    for n in range(4):
        write(world, f"r{n}", {"lr": 0.1, "seed": n % 2, "node": n}, 1.0 + n, 0.5)
    store.ingest_now()
    by_name = store.comparing.seeds(EVERYTHING, Column("metric:acc", "max"), "min", ["node"])
    by_all = store.comparing.seeds(EVERYTHING, Column("metric:acc", "at", step=0), None, ["node", "seed", "absent"])
    when = store.comparing.seeds(EVERYTHING, Column("metric:acc", "when", of=BestOf("loss", "max")), None, ["node"])

    assert [(g.label, g.mean, g.rank) for g in by_name.groups] == [({"seed": 0}, 2.0, 1), ({"seed": 1}, 3.0, 2)]
    assert [(g.label, g.n, g.mean) for g in by_all.groups] == [({}, 4, 2.5)]
    assert by_all.ignored == ["node", "seed"]
    assert [(g.mean, g.rank) for g in when.groups] == [(0.5, 1), (0.5, 1)]


def test_too_many_runs_are_refused(world: World, store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.seeds.STATISTICS_MAX_RUNS", 1)
    write(world, "a", {}, 1.0)
    write(world, "b", {}, 1.0)
    store.ingest_now()

    with pytest.raises(LimitExceeded, match="2 runs match; at most 1"):
        store.comparing.seeds(EVERYTHING, Column("metric:acc"))


# ── two sets ─────────────────────────────────────────────────────────────────────────────────────────────────────
A = [0.90, 0.91, 0.93, 0.92, 0.905]
B = [0.88, 0.90, 0.87, 0.885, 0.91]


@pytest.fixture
def sets(world: World, store: Store) -> Any:
    a = [write(world, f"a{n}", {"lr": 0.1, "seed": n}, value) for n, value in enumerate(A)]
    b = [write(world, f"b{n}", {"lr": 0.2, "seed": n}, value) for n, value in enumerate(B)]
    store.ingest_now()
    return store, a, b


def ask(store: Store, a: list[str], b: list[str], **more: Any) -> Statistics:
    return store.comparing.statistics(Question(a, b, Column("metric:acc"), **more))


def test_two_sets_are_compared_as_scipy_does(sets: Any):
    store, a, b = sets
    found = ask(store, a, b)
    expected = stats.ttest_ind(A, B, equal_var=False)
    pooled = math.sqrt((np.var(A, ddof=1) + np.var(B, ddof=1)) / 2)

    assert (found.n, found.test, found.warnings) == ((5, 5), "welch", [])
    assert found.mean == pytest.approx((np.mean(A), np.mean(B)))
    assert found.std == pytest.approx((np.std(A, ddof=1), np.std(B, ddof=1)))
    assert found.difference == pytest.approx(np.mean(A) - np.mean(B))
    assert (found.t, found.df, found.p) == pytest.approx((expected.statistic, expected.df, expected.pvalue), rel=1e-11)
    assert found.ci == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-10)
    assert found.effect.value == pytest.approx((np.mean(A) - np.mean(B)) / pooled * (1 - 3 / (4 * 8 - 1)), rel=0.01)
    assert found.superiority == stats.mannwhitneyu(A, B).statistic / 25
    assert (found.more_runs.per_group, found.more_runs.needed) == (2, 7)
    assert "With 7 runs of each" in found.more_runs.note
    assert [power(np.var(A, ddof=1), np.var(B, ddof=1), found.difference or 0, n) >= 0.8 for n in (6, 7)] == [
        False,
        True,
    ]


def power(square_a: float, square_b: float, difference: float, n: int) -> float:
    """Power of Welch's test with n values per side, by scipy."""
    df = (n - 1) * (square_a + square_b) ** 2 / (square_a**2 + square_b**2)
    delta, critical = difference / math.sqrt((square_a + square_b) / n), stats.t.ppf(0.975, df)
    return float(stats.nct.sf(critical, df, delta) + stats.nct.cdf(-critical, df, delta))


def test_pairs_are_made_by_the_value_of_a_column(sets: Any):
    store, a, b = sets
    found = ask(store, a, list(reversed(b)), pair_by="config.seed")
    expected = stats.ttest_rel(A, B)
    differences = np.array(A) - np.array(B)

    assert (found.n, found.test, found.df) == ((5, 5), "paired t", 4)
    assert (found.t, found.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-11)
    assert found.superiority == ((differences > 0).sum() + (differences == 0).sum() / 2) / 5
    assert found.effect.name == "Hedges' g of differences"
    assert found.effect.value == pytest.approx(
        differences.mean() / differences.std(ddof=1) * math.gamma(2) / (math.sqrt(2) * math.gamma(1.5))
    )


def test_pairs_that_are_not_whole_and_pairs_of_several_are_told(world: World, store: Store):
    a = [write(world, f"a{n}", {"seed": n // 2}, float(n)) for n in range(6)] + [write(world, "an", {}, 1.0)]
    b = [write(world, f"b{n}", {"seed": n}, n + 0.5 * n) for n in range(5)]
    store.ingest_now()
    found = ask(store, a, b, pair_by="config.seed")

    assert found.n == (3, 3)
    assert found.mean == (2.5, 1.5)
    told = " ".join(found.warnings)
    assert "3 values of config.seed belong to several runs of a" in told
    assert "2 values of config.seed are on one side only" in told
    assert "1 runs of a have no config.seed" in told


def test_what_a_reader_should_be_careful_about_is_said(world: World, store: Store):
    a = [write(world, "a0", {"lr": 1, "seed": 0}, 1.0), write(world, "a1", {"lr": 2, "seed": 1}, 2.0)]
    a.append(write(world, "a2", {"lr": 2, "seed": 2}, math.nan))
    b = [write(world, "b0", {"lr": 3}, 3.0), a[0]]
    store.ingest_now()
    told = ask(store, a, b).warnings

    assert told == [
        "1 runs are on both sides, so that they are not independent.",
        "1 runs of a have no finite value of acc and are left out.",
        "The runs of a differ in more than a seed: lr.",
        "The runs of b differ in more than a seed: lr.",
        "With 2 and 2 values the test rests on the assumption that they are normally distributed.",
    ]


def test_too_little_to_compare_is_said_and_not_guessed(sets: Any, world: World):
    store, a, b = sets
    nothing = [write(world, "n", {}, math.nan)]
    flat = [write(world, f"f{n}", {"seed": n}, 0.5) for n in range(3)]
    store.ingest_now()
    one, none, equal = ask(store, a[:1], b), ask(store, nothing, b), ask(store, flat, flat)

    assert (one.n, one.test, one.p, one.effect.value, one.std[0]) == ((1, 5), None, None, None, None)
    assert one.difference == pytest.approx(0.90 - np.mean(B))
    assert one.superiority is not None
    assert "A test needs two values on each side; there are 1 and 5." in one.warnings
    assert (none.n, none.difference, none.test, none.superiority) == ((0, 5), None, None, None)
    assert (equal.test, equal.difference) == (None, 0.0)
    assert "no spread to test against" in equal.warnings[-1]
    assert ask(store, a, b, pair_by="config.absent").n == (0, 0)


def test_a_difference_that_is_clear_needs_no_more_runs(world: World, store: Store):
    a = [write(world, f"a{n}", {"seed": n}, 1.0 + n / 1e3) for n in range(6)]
    b = [write(world, f"b{n}", {"seed": n}, 2.0 + n / 1e3) for n in range(6)]
    c = [write(world, f"c{n}", {"seed": n}, 1.0 + (n + 0.001) / 1e3) for n in range(6)]
    store.ingest_now()

    assert (ask(store, a, b).more_runs.per_group, ask(store, a, b).more_runs.needed) == (0, 2)
    assert ask(store, a, c).more_runs.per_group is None
    assert "no practical number" in ask(store, a, c).more_runs.note


def test_running_runs_are_named(world: World, store: Store):
    a = [write(world, f"a{n}", {"seed": n}, float(n), ends=False) for n in range(2)]
    b = [write(world, f"b{n}", {"seed": n}, n + 9.5) for n in range(2)]
    store.ingest_now()

    assert "2 runs of a are still running." in ask(store, a, b).warnings
