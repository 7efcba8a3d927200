"""Two sets of runs, asked whether they differ in a metric: what is compared, and what to be careful about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from .metadata import MetadataStore
from .model import Column
from .run_columns import ColumnSource, PointSource, column_label
from .run_groups import hashable, read_configs, varying_parts
from .seeds import is_seed
from .statistics.describe import Description, describe, finite_numbers, mean_of
from .statistics.two_samples import Difference, Interval, paired, superiority, welch

__all__ = ["Effect", "MoreRuns", "Question", "Statistics", "compare_sets"]

_FEW: Final = 5


class Question(msgspec.Struct, frozen=True):
    """Do the runs *a* differ from the runs *b* in *column*, paired by the values of the column *pair_by*, if given?"""

    a: list[str]
    b: list[str]
    column: Column
    pair_by: str | None = None
    confidence: float = 0.95
    power: float = 0.8


class Effect(msgspec.Struct, frozen=True):
    """Hedges' g and its interval; see ``statistics.two_samples``."""

    name: str
    value: float | None
    ci: Interval | None


class MoreRuns(msgspec.Struct, frozen=True):
    """``needed`` runs per set have the wanted power, ``per_group`` of them beyond those there are; None if unknown."""

    per_group: int | None
    needed: int | None
    note: str


class Statistics(msgspec.Struct, frozen=True):
    """The answer. ``difference`` is mean of a − mean of b; of pairs everything is of what was paired."""

    n: tuple[int, int]
    mean: tuple[float | None, float | None]
    std: tuple[float | None, float | None]
    difference: float | None
    ci: Interval | None
    test: str | None
    t: float | None
    df: float | None
    p: float | None
    effect: Effect
    superiority: float | None
    more_runs: MoreRuns
    warnings: list[str]


class _Runs(msgspec.Struct):
    """What is known of one set, run by run."""

    keys: list[str]
    values: list[Any]
    pairs: list[Any]
    configs: list[dict[str, Any]]
    states: list[Any]


def compare_sets(metadata: MetadataStore, question: Question, points: PointSource) -> Statistics:
    """
    Return the test of a against b.

    Raises:
        InvalidValue, LimitExceeded: see ``ColumnSource.read``.
    """
    a, b = (_read(metadata, question, list(dict.fromkeys(keys)), points) for keys in (question.a, question.b))
    warnings = [*_about_sets(a, b), *_about_values(a, "a", question), *_about_values(b, "b", question)]
    if question.pair_by is None:
        return _unpaired(finite_numbers(a.values), finite_numbers(b.values), question, warnings)
    return _paired(a, b, question, warnings)


def _read(metadata: MetadataStore, question: Question, keys: list[str], points: PointSource) -> _Runs:
    columns = [question.column, Column("state"), *([Column(question.pair_by)] if question.pair_by else [])]
    projects = {project.id: project for project in metadata.projects()}
    by_project: dict[int, list[str]] = {}
    known = metadata.run_ids(keys)
    for key in keys:
        if key in known:
            by_project.setdefault(known[key][1], []).append(key)
    found: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {}
    for number in by_project:
        metadata.prepare(number)
    with metadata.connect() as connection:
        for number, its in by_project.items():
            ids = [known[key][0] for key in its]
            read = ColumnSource(metadata, points, projects[number], len(ids)).read(connection, ids, columns)
            configs = read_configs(metadata, connection, ids)
            pairs = read[2].values if question.pair_by else [None] * len(ids)
            for key, run, value, state, pair in zip(its, ids, read[0].values, read[1].values, pairs, strict=True):
                found[key] = value, state, pair, configs.get(run, {})
    here = [key for key in keys if key in found]
    return _Runs(
        here,
        [found[key][0] for key in here],
        [found[key][2] for key in here],
        [found[key][3] for key in here],
        [found[key][1] for key in here],
    )


# ── the tests ────────────────────────────────────────────────────────────────────────────────────────────────────
def _unpaired(a: list[float], b: list[float], question: Question, warnings: list[str]) -> Statistics:
    about = describe(a), describe(b)
    if not a or not b:
        return _empty(about, [*warnings, "There is nothing to compare: one side has no finite value."])
    test = welch(a, b, question.confidence)
    if test.t is None:
        warnings.append(_why_no_test(len(a), len(b)))
    elif min(len(a), len(b)) < _FEW:
        warnings.append(
            f"With {len(a)} and {len(b)} values the test rests on the assumption that they are normally distributed."
        )
    n = min(len(a), len(b))
    return _answer(about, test, "welch", "Hedges' g", superiority(a, b), n, question, warnings)


def _paired(a: _Runs, b: _Runs, question: Question, warnings: list[str]) -> Statistics:
    by = question.pair_by
    assert by is not None
    left, right = _by_pair(a, by, "a", warnings), _by_pair(b, by, "b", warnings)
    both = [key for key in left if key in right]
    alone = len(left) + len(right) - 2 * len(both)
    if alone:
        warnings.append(f"{alone} values of {by} are on one side only; those runs are left out.")
    x, y = [left[key] for key in both], [right[key] for key in both]
    about = describe(x), describe(y)
    if not both:
        return _empty(about, [*warnings, f"No value of {by} is on both sides, so that nothing can be paired."])
    differences = [p - q for p, q in zip(x, y, strict=True)]
    test = paired(differences, question.confidence)
    if test.t is None:
        warnings.append(_why_no_test(len(both), len(both)))
    elif len(both) < _FEW:
        warnings.append(
            f"With {len(both)} pairs the test rests on the assumption that differences are normally distributed."
        )
    exceeds = sum(d > 0 for d in differences) + sum(d == 0 for d in differences) / 2
    chance = exceeds / len(differences)
    return _answer(about, test, "paired t", "Hedges' g of differences", chance, len(both), question, warnings)


def _by_pair(runs: _Runs, by: str, side: str, warnings: list[str]) -> dict[Any, float]:
    values: dict[Any, list[float]] = {}
    without = 0
    for value, pair in zip(runs.values, runs.pairs, strict=True):
        finite = finite_numbers([value])
        if pair is None:
            without += 1
        elif finite:
            values.setdefault(hashable(pair), []).append(finite[0])
    if without:
        warnings.append(f"{without} runs of {side} have no {by} and are left out.")
    several = sum(len(its) > 1 for its in values.values())
    if several:
        warnings.append(f"{several} values of {by} belong to several runs of {side}; their mean is paired.")
    return {key: mean_of(its) for key, its in values.items()}


def _answer(
    about: tuple[Description, Description],
    test: Difference,
    name: str,
    effect: str,
    chance: float,
    n: int,
    question: Question,
    warnings: list[str],
) -> Statistics:
    g = test.g if test.g is not None and math.isfinite(test.g) else None
    return Statistics(
        n=(about[0].n, about[1].n),
        mean=(about[0].mean, about[1].mean),
        std=(about[0].std if about[0].n > 1 else None, about[1].std if about[1].n > 1 else None),
        difference=test.difference,
        ci=test.interval,
        test=None if test.t is None else name,
        t=test.t,
        df=test.df,
        p=test.p,
        effect=Effect(effect, g, test.g_interval),
        superiority=chance,
        more_runs=_more_runs(test, n, question),
        warnings=warnings,
    )


def _more_runs(test: Difference, n: int, question: Question) -> MoreRuns:
    if test.t is None:
        return MoreRuns(None, None, "How many runs would tell cannot be said without an estimate of their spread.")
    if test.difference == 0:
        return MoreRuns(None, None, "The means are equal: no number of runs tells equal configurations apart.")
    needed = test.needed(question.confidence, question.power)
    what = "pairs" if question.pair_by else "runs of each"
    chance = f"{question.power:.0%} of such experiments would show a difference at {question.confidence:.0%} confidence"
    if needed is None:
        return MoreRuns(None, None, "The difference is so small beside the spread that no practical number would tell.")
    if needed <= n:
        return MoreRuns(0, needed, f"{needed} {what} are enough, were the true difference the one seen here: {chance}.")
    return MoreRuns(needed - n, needed, f"With {needed} {what}, were the true difference the one seen here, {chance}.")


def _empty(about: tuple[Description, Description], warnings: list[str]) -> Statistics:
    effect = Effect("Hedges' g", None, None)
    more = MoreRuns(None, None, "There is nothing to compare.")
    n, mean = (about[0].n, about[1].n), (about[0].mean, about[1].mean)
    return Statistics(n, mean, (None, None), None, None, None, None, None, None, effect, None, more, warnings)


def _why_no_test(n_a: int, n_b: int) -> str:
    if min(n_a, n_b) < 2:
        return f"A test needs two values on each side; there are {n_a} and {n_b}."
    return "All values are equal, so that there is no spread to test against."


# ── what to be careful about ─────────────────────────────────────────────────────────────────────────────────────
def _about_sets(a: _Runs, b: _Runs) -> list[str]:
    both = len(set(a.keys) & set(b.keys))
    return [f"{both} runs are on both sides, so that they are not independent."] if both else []


def _about_values(runs: _Runs, side: str, question: Question) -> list[str]:
    found = []
    finite = len(finite_numbers(runs.values))
    if finite < len(runs.values):
        found.append(
            f"{len(runs.values) - finite} runs of {side} have no finite value of {column_label(question.column)} "
            "and are left out."
        )
    running = runs.states.count("running")
    if running:
        found.append(f"{running} runs of {side} are still running.")
    varying, _ = varying_parts(dict(enumerate(runs.configs)), is_seed)
    paired_by = question.pair_by.removeprefix("config.") if question.pair_by else ""
    varying = [key for key in varying if key != paired_by]
    if varying:
        found.append(f"The runs of {side} differ in more than a seed: {_some(varying)}.")
    return found


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
