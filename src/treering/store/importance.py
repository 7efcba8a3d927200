"""
Which parameters decide about a metric.

``fanova`` (Hutter et al. 2014), ``mdi`` (mean decrease of impurity in a random forest) and ``ped_anova`` (Watanabe et
al. 2023) are Optuna's evaluators, given the runs as trials; they need the extra ``treering[sweeps]``. ``correlation``
needs nothing: |ρ| of Spearman for numbers, the correlation ratio of ranks for categories. ``auto`` takes fanova, of
many runs ped_anova, or what there is. A model's time is bounded by how much it is given: see ``limits``.
"""

from __future__ import annotations

import math
import warnings as python_warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final

import msgspec
import numpy as np
import sqlalchemy as sa

from treering.errors import InvalidValue, MissingExtra
from treering.limits import (
    FANOVA_MAX_RUNS,
    IMPORTANCE_MAX_CHOICES,
    IMPORTANCE_MAX_PARAMS,
    IMPORTANCE_MAX_RUNS,
)

from . import schema as t
from .metadata import MetadataStore, ProjectRef
from .model import Column, Selection
from .run_columns import ColumnSource, PointSource, is_number
from .run_groups import hashable, read_configs
from .seeds import is_seed
from .selection import Chosen, choose_runs, count_runs, newest_first
from .statistics.describe import finite_numbers
from .statistics.ranks import correlation_ratio, spearman

__all__ = ["METHODS", "Importance", "ParamImportance", "read_importance"]

r = t.runs.c

METHODS: Final = ("fanova", "ped_anova", "mdi", "correlation")
_NEED_FOREST: Final = ("fanova", "mdi")
_SEED: Final = 0
_FEWEST: Final = 10  # runs that a model learns anything from
_PRESENT: Final = 0.8  # of runs that have to have a parameter
_CATEGORIES_MAX: Final = 50
_FANOVA_TREES: Final = 32
_LOG_RANGE: Final = 100.0  # a parameter that spans so much is on a log scale


class ParamImportance(msgspec.Struct, frozen=True):
    """One parameter; ``correlation`` is Spearman's ρ of numbers, None for categories. ``n`` runs have it."""

    by: str
    importance: float | None
    correlation: float | None
    n: int
    kind: str


class Importance(msgspec.Struct, frozen=True):
    """Parameters, the most important first. ``n``: runs that have a finite value of the metric."""

    method: str
    n: int
    params: list[ParamImportance]
    warnings: list[str]


class _Param(msgspec.Struct):
    """A parameter over the runs: values in their order, None where missing."""

    key: str
    values: list[Any]
    kind: str

    @property
    def n(self) -> int:
        return sum(value is not None for value in self.values)

    @property
    def usable(self) -> list[bool]:
        """Which runs a model can be given: NaN and infinities are on no scale."""
        if self.kind == "number":
            return [bool(finite_numbers([value])) for value in self.values]
        return [value is not None for value in self.values]

    @property
    def choices(self) -> int:
        """How many categories there are, 0 for a number."""
        return 0 if self.kind == "number" else len({hashable(value) for value in self.values})


def read_importance(
    metadata: MetadataStore,
    project: ProjectRef,
    selection: Selection,
    metric: Column,
    params: Sequence[str] | None,
    method: str,
    goal: str | None,
    points: PointSource,
) -> Importance:
    """
    Return the importance of parameters for *metric* over the newest runs that match.

    Args:
        params: config keys, with or without ``config.``; None for all that vary but seeds.
        method: one of ``METHODS``, or auto.
        goal: what ped_anova takes for the best runs: ``min`` or ``max``.

    Raises:
        FilterError, InvalidValue, LimitExceeded: what is asked cannot be.
        MissingExtra: the method needs Optuna, which is not installed.
    """
    if method not in (*METHODS, "auto"):
        raise InvalidValue(f"method must be auto or one of {', '.join(METHODS)}, got {method!r}.")
    if method != "auto":
        _check_installed(method)
    chosen = choose_runs(metadata, project, selection)
    with metadata.connect() as connection:
        newest = sa.select(r.id).where(chosen.where).order_by(*newest_first()).limit(IMPORTANCE_MAX_RUNS)
        ids = list(connection.scalars(newest))
        match = count_runs(connection, chosen)
        total = count_runs(connection, Chosen(project, [], [], chosen.deleted))
        (column,) = ColumnSource(metadata, points, project, total).read(connection, ids, [metric])
        measured = [place for place, value in enumerate(column.values) if finite_numbers([value])]
        configs = read_configs(metadata, connection, [ids[place] for place in measured])
    y = np.array([float(column.values[place]) for place in measured])
    rows = [configs.get(ids[place], {}) for place in measured]
    warnings: list[str] = []
    if match > len(ids):
        warnings.append(f"{match:,} runs match; the newest {len(ids):,} are looked at.")
    if len(rows) < len(ids):
        warnings.append(f"{len(ids) - len(rows)} runs have no finite value of the metric and are left out.")
    found = _params(rows, params, warnings)
    used, scores = _evaluate(found, y, method, goal, warnings)
    results = [_result(param, y, used, scores) for param in found]
    results.sort(key=lambda one: (one.importance is None, -(one.importance or 0.0), one.by))
    return Importance(used, len(rows), results, warnings)


def _result(param: _Param, y: Any, method: str, scores: dict[str, float]) -> ParamImportance:
    rho = spearman(_numbers(param.values), y) if param.kind == "number" else None
    if method == "correlation":
        importance = abs(rho) if rho is not None else _ratio(param, y) if param.kind == "category" else None
    else:
        importance = scores.get(param.key)
    return ParamImportance(f"config.{param.key}", importance, rho, param.n, param.kind)


def _ratio(param: _Param, y: Any) -> float | None:
    numbers: dict[Any, int] = {}
    groups = np.array([numbers.setdefault(hashable(value), len(numbers)) for value in param.values])
    return correlation_ratio(groups, y) if len(numbers) > 1 else None


def _numbers(values: Sequence[Any]) -> Any:
    return np.array([float(value) if is_number(value) else math.nan for value in values])


# ── which parameters ─────────────────────────────────────────────────────────────────────────────────────────────
def _params(rows: list[dict[str, Any]], wanted: Sequence[str] | None, warnings: list[str]) -> list[_Param]:
    """Return the parameters that vary. Those that are not named are also passed over if they are seeds or too many."""
    keys = {key for row in rows for key in row}
    if wanted is not None:
        names = [key.removeprefix("config.") for key in wanted]
        missing = [key for key in names if key not in keys]
        if missing:
            warnings.append(f"No run that counts has {', '.join(missing[:5])}.")
        keys &= set(names)
    found = []
    constant = []
    for key in sorted(keys):
        values = [row.get(key) for row in rows]
        different = {hashable(value) for value in values if value is not None}
        if len({hashable(value) for value in values}) < 2 or (wanted is None and is_seed(key)):
            constant.append(key)
            continue
        kind = "number" if all(value is None or is_number(value) for value in values) else "category"
        if kind == "category" and len(different) > _CATEGORIES_MAX and wanted is None:
            continue  # an id or a path, no choice
        found.append(_Param(key, values, kind))
    if wanted is not None and (still := [key for key in constant if key in keys]):
        warnings.append(f"{', '.join(still[:5])} have the same value in every run, so nothing can be said of them.")
    if len(found) > IMPORTANCE_MAX_PARAMS:
        found.sort(key=lambda param: (-param.n, param.key))
        warnings.append(f"{len(found)} parameters vary; the {IMPORTANCE_MAX_PARAMS} that most runs have are looked at.")
        found = found[:IMPORTANCE_MAX_PARAMS]
    return found


# ── Optuna ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _installed(method: str) -> bool:
    return find_spec("optuna") is not None and (method not in _NEED_FOREST or find_spec("sklearn") is not None)


def _check_installed(method: str) -> None:
    if method != "correlation" and not _installed(method):
        raise MissingExtra(
            f"importance by {method} needs {'Optuna and scikit-learn' if method in _NEED_FOREST else 'Optuna'} on the "
            "server: pip install 'treering[sweeps]'"
        )


def _evaluate(
    params: list[_Param], y: Any, method: str, goal: str | None, warnings: list[str]
) -> tuple[str, dict[str, float]]:
    """Return the method that was used, and its scores by key."""
    if method == "auto":
        few = ("fanova",) if len(y) <= FANOVA_MAX_RUNS else ()
        method = next((name for name in (*few, "ped_anova") if _installed(name)), "correlation")
        if method == "correlation":
            warnings.append("Optuna is not installed on the server; correlations are shown instead.")
    if method == "correlation" or not params:
        return "correlation", {}
    whole = [param for param in params if sum(param.usable) >= _PRESENT * len(y)]
    left_out = [param.key for param in params if sum(param.usable) < _PRESENT * len(y)]
    if left_out:
        warnings.append(f"Too few runs have {', '.join(left_out[:5])} for {method}.")
    many = [param.key for param in whole if param.choices > IMPORTANCE_MAX_CHOICES]
    if many:
        whole = [param for param in whole if param.choices <= IMPORTANCE_MAX_CHOICES]
        warnings.append(f"{', '.join(many[:5])} have more than {IMPORTANCE_MAX_CHOICES} values that are no numbers.")
    usable = [param.usable for param in whole]
    rows = [place for place in range(len(y)) if all(its[place] for its in usable)]
    if len(rows) < _FEWEST or not whole or float(y[rows].min()) == float(y[rows].max()):
        warnings.append(
            f"{method} needs {_FEWEST} runs that have all parameters and not all the same value, and there are "
            f"{len(rows)}; correlations are shown instead."
        )
        return "correlation", {}
    if len(rows) < len(y):
        warnings.append(f"{len(y) - len(rows)} runs lack a parameter and are left out by {method}.")
    if method == "fanova" and len(rows) > FANOVA_MAX_RUNS:
        rows = rows[:FANOVA_MAX_RUNS]  # the newest come first
        warnings.append(f"fanova looks at the newest {FANOVA_MAX_RUNS} runs.")
    return method, _optuna_scores(whole, y, rows, method, goal)


def _optuna_scores(params: list[_Param], y: Any, rows: list[int], method: str, goal: str | None) -> dict[str, float]:
    import optuna
    from optuna import importance as evaluators

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize" if goal == "max" else "minimize", sampler=optuna.samplers.RandomSampler(seed=_SEED)
    )
    columns = [_trial_values(optuna, param, rows) for param in params]
    distributions = {param.key: distribution for param, (distribution, _) in zip(params, columns, strict=True)}
    used = {key for key, distribution in distributions.items() if not distribution.single()}
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={p.key: values[n] for p, (_, values) in zip(params, columns, strict=True) if p.key in used},
                distributions={key: its for key, its in distributions.items() if key in used},
                value=float(y[row]),
            )
            for n, row in enumerate(rows)
        ]
    )
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")  # "experimental", of ped_anova
        if method == "fanova":
            evaluator: Any = evaluators.FanovaImportanceEvaluator(n_trees=_FANOVA_TREES, seed=_SEED)
        elif method == "mdi":
            evaluator = evaluators.MeanDecreaseImpurityImportanceEvaluator(seed=_SEED)
        else:
            evaluator = evaluators.PedAnovaImportanceEvaluator()
        scores = evaluators.get_param_importances(study, evaluator=evaluator, params=sorted(used))
    return {key: float(score) for key, score in scores.items()}


def _trial_values(optuna: Any, param: _Param, rows: list[int]) -> tuple[Any, list[Any]]:
    """Return a parameter's distribution, as wide as its values, and the values."""
    values = [param.values[row] for row in rows]
    finite = finite_numbers(values)
    if param.kind == "number":
        low, high = min(finite), max(finite)
        log = low > 0 and high / low >= _LOG_RANGE
        if all(isinstance(value, int) for value in values) and abs(high) < 1 << 53:
            return optuna.distributions.IntDistribution(int(low), int(high), log=log), values
        return optuna.distributions.FloatDistribution(low, high, log=log), finite
    choices = {hashable(value): None for value in values}
    names = [str(number) for number in range(len(choices))]
    numbered = dict(zip(choices, names, strict=True))
    return optuna.distributions.CategoricalDistribution(names), [numbered[hashable(value)] for value in values]
