"""Numbers that somebody typed into a report, and formulas that have the same value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from treering.errors import TreeringError
from treering.reports.typed_numbers import TypedNumber, find_typed_numbers

from .comparing import Comparing
from .model import Column, KeyInfo, Selection
from .report_evaluation import Evaluation
from .report_runs import ShownRuns
from .statistics.describe import finite_numbers, mean_of

__all__ = ["NumberByHand", "numbers_by_hand"]

_KEYS_MAX: Final = 30  # metrics among which values are looked for
_SINGLE_RUNS_MAX: Final = 60  # whose own values are
_SUGGESTIONS: Final = 3
_DIGITS_LEAST: Final = 3  # of a number that something is suggested for: 0.5 is the value of too much
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@")


class NumberByHand(msgspec.Struct, frozen=True):
    """A number in the text, which stays as it is whatever runs say; ``formulas`` that have its value now."""

    line: int
    column: int
    text: str
    formulas: list[str]


class _Candidate(NamedTuple):
    value: float
    formula: str


def numbers_by_hand(
    markdown: str, evaluation: Evaluation, comparing: Comparing, keys: Sequence[KeyInfo], used: Sequence[str]
) -> list[NumberByHand]:
    """
    Return the numbers of a text that are no formulas, in its order.

    Args:
        keys: the metrics of the project; ``used``: those that the report shows, which are looked at first.
    """
    typed = find_typed_numbers(markdown)
    if not any(number.digits >= _DIGITS_LEAST for number in typed):
        return [NumberByHand(one.line, one.column, one.text, []) for one in typed]
    candidates = list(_candidates(evaluation, comparing, _chosen(keys, used)))
    return [NumberByHand(one.line, one.column, one.text, _fitting(one, candidates)) for one in typed]


def _chosen(keys: Sequence[KeyInfo], used: Sequence[str]) -> list[KeyInfo]:
    numbers = {info.key: info for info in keys if info.kind == "number" and not info.hidden}
    first = [numbers[key] for key in used if key in numbers]
    rest = sorted((info for info in numbers.values() if info not in first), key=lambda info: info.goal is None)
    return [*first, *rest][:_KEYS_MAX]


def _fitting(number: TypedNumber, candidates: Sequence[_Candidate]) -> list[str]:
    if number.digits < _DIGITS_LEAST:
        return []
    found: dict[str, None] = {}
    scale = 100.0 if number.percent else 1.0
    for value, formula in candidates:
        if abs(value * scale - number.value) <= number.unit * (1 + 1e-9):
            found[f"{formula}, %" if number.percent else formula] = None
            if len(found) == _SUGGESTIONS:
                break
    return list(found)


def _candidates(evaluation: Evaluation, comparing: Comparing, keys: Sequence[KeyInfo]) -> Iterator[_Candidate]:
    for name, shown in evaluation.sets.items():
        if shown.problem or name.startswith("#") or not shown.members or not keys:
            continue
        option = "" if name in ("", evaluation.main) else f', runs="{name}"'
        try:
            values = _read(comparing, shown, keys)
        except TreeringError:
            continue  # too many of them: nothing is suggested
        for info in keys:
            yield from _of_set(shown, _typed(info.key), info, values[info.key], option)


def _read(comparing: Comparing, shown: ShownRuns, keys: Sequence[KeyInfo]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return key → aggregate → run → value."""
    columns = [Column(f"metric:{info.key}", agg) for info in keys for agg in ("last", "min", "max")]
    wanted = None if shown.runs is None else shown.keys
    selection = Selection(shown.entity, shown.project, shown.filter or None, shown.search or None, shown.regex, wanted)
    matrix = comparing.matrix(selection, columns, len(shown.members))
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for column in matrix.columns:
        its = found.setdefault(column.by.removeprefix("metric:"), {})
        its[column.agg] = dict(zip(matrix.runs, column.values, strict=True))
    return found


def _of_set(
    shown: ShownRuns, key: str, info: KeyInfo, values: Mapping[str, Mapping[str, Any]], option: str
) -> Iterator[_Candidate]:
    best = {"maximize": "max", "minimize": "min"}.get(info.goal or "")
    order = ["last", *([best] if best else []), *(agg for agg in ("min", "max") if agg != best)]
    for agg in order:
        numbers = finite_numbers(values[agg].values())
        said = "" if agg == "last" else f", agg={agg}"
        if numbers and len(shown.members) > 1:
            yield _Candidate(mean_of(numbers), f"mean({key}{said}{option})")
            yield _Candidate(float(np.median(numbers)), f"median({key}{said}{option})")
            if len(numbers) > 1:
                yield _Candidate(float(np.std(numbers, ddof=1)), f"std({key}{said}{option})")
        if numbers and agg != "last":
            function = "best" if agg == best else agg
            yield _Candidate(min(numbers) if agg == "min" else max(numbers), f"{function}({key}{option})")
        for group in shown.groups or ():
            its = finite_numbers(values[agg].get(run) for run in group.runs)
            if its:
                yield _Candidate(mean_of(its), f'mean({key}{said}{option}, group="{group.label}")')
    for member in shown.members[:_SINGLE_RUNS_MAX]:
        for agg in order:
            value = values[agg].get(member.run_key)
            if isinstance(value, (int, float)) and math.isfinite(value):
                said = "" if agg == "last" else f", agg={agg}"
                yield _Candidate(float(value), f'value({key}{said}, run="{member.id}")')


def _typed(key: str) -> str:
    """Return a metric's name as a formula takes it."""
    return key if key and not key[0].isdigit() and set(key) <= _PLAIN and not key.endswith("/") else f"`{key}`"
