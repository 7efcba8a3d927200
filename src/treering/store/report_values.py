"""The values of a report's formulas, over the runs as they now are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from treering.errors import ExpressionError, InvalidValue, TreeringError
from treering.reports.formula import TWO_SIDED, Call, Format, Formula, parse_formula
from treering.reports.quantity import Quantity, evaluate, write_number, write_quantity
from treering.reports.run_sets import ALL_RUNS, RunSet

from .comparing import Comparing
from .model import Column, KeyInfo, Selection
from .report_runs import MemberGroup, ReportRuns, ShownRuns, column_of
from .run_columns import check_column, column_label
from .statistics.describe import describe, finite_numbers, mean_of
from .statistics.two_samples import mean_interval
from .two_sets import Question

__all__ = ["FormulaValue", "FormulaValues"]

_RUNS_NAMED: Final = 200  # in an answer; all count
_P_LEAST: Final = 0.001
# What a run's value is where the formula does not say: the lowest of the lowest, and so on.
_AGG_OF: Final = {"min": "min", "max": "max", "first": "first"}


class FormulaValue(msgspec.Struct, frozen=True):
    """
    What stands in the text in place of a formula.

    Attributes:
        text: the formula; ``written``: its value as it is shown, empty if there is none.
        value: a number, NaN and infinities included, or a text; None where there is none.
        spread: what stands behind ±, as a number.
        n: runs whose values count; ``missing``: those that lack one; ``nonfinite``: those whose value is not finite.
        runs: their keys, the first 200.
        notes: what to know about it, in words.
        error: why there is no value; ``position``: where in the formula, if it does not parse.
    """

    text: str
    written: str = ""
    value: float | str | None = None
    spread: float | None = None
    n: int = 0
    missing: int = 0
    nonfinite: int = 0
    running: int = 0
    runs: list[str] = []
    notes: list[str] = []
    error: str = ""
    position: int | None = None


@dataclass
class _Sample:
    """The values of a column over some runs, one each; None where it is missing."""

    label: str
    shown: ShownRuns
    keys: list[str]
    names: list[str]
    values: list[Any]
    running: int

    @property
    def finite(self) -> list[float]:
        return finite_numbers(self.values)


@dataclass
class _Account:
    """What a formula looked at, for what is said of it."""

    runs: dict[str, None] = field(default_factory=dict)
    n: int = 0
    missing: int = 0
    nonfinite: int = 0
    running: int = 0
    notes: list[str] = field(default_factory=list)


class FormulaValues:
    """
    Works formulas out for one report and one reader; what was read for one formula serves the next.

    Args:
        sets: the run sets that the report names, as they are now.
        main: the set that is meant where a formula names none.
        keys: the metrics of the report's project, for their goals.
    """

    def __init__(
        self,
        runs: ReportRuns,
        comparing: Comparing,
        place: tuple[str, str],
        sets: Mapping[str, ShownRuns],
        main: ShownRuns,
        keys: Mapping[str, KeyInfo],
    ) -> None:
        self._runs = runs
        self._comparing = comparing
        self._place = place
        self._sets = sets
        self._main = main
        self._keys = keys
        self._everything: ShownRuns | None = None
        self._columns: dict[tuple[int, Column], dict[str, Any]] = {}
        self._kept: list[ShownRuns] = []  # an id tells an object apart only as long as that lives

    def value(self, text: str) -> FormulaValue:
        """Return the value of a formula. What is wrong with it is its ``error``: it never raises for what was typed."""
        try:
            formula = parse_formula(text)
        except ExpressionError as error:
            return FormulaValue(text, error=str(error), position=error.position)
        account = _Account()
        try:
            found = self._work_out(formula, account)
        except TreeringError as error:
            return FormulaValue(text, error=str(error), **_said(account))
        return msgspec.structs.replace(found, **_said(account))

    def _work_out(self, formula: Formula, account: _Account) -> FormulaValue:
        values = {call: self._call(call, formula, account) for call in formula.calls}
        quantity = evaluate(formula, values)
        spread = None if formula.spread is None else quantity.spread(formula.spread)
        if formula.spread is not None and spread is None:
            account.notes.append(_no_spread(formula, account.n))
        written = _written(formula, quantity, spread)
        return FormulaValue(formula.text, written, quantity.value, spread)

    def _call(self, call: Call, formula: Formula, account: _Account) -> Quantity:
        if call.function in TWO_SIDED:
            return self._two_sided(call, formula, account)
        sample = self._sample(self._meant(call), call)
        _note(sample, account)
        match call.function:
            case "value" | "last" | "first":
                return _single(sample, call)
            case "best_run":
                value, place = self._best(sample, call)
                return Quantity(sample.names[place])
            case "best":
                value, place = self._best(sample, call)
                return Quantity(value)
            case "n":
                return Quantity(float(len(sample.finite)))
        return _summary(call.function, sample, formula.confidence)

    # ── which runs ──────────────────────────────────────────────────────────────────────────────────────────────

    def _meant(self, call: Call) -> ShownRuns:
        name, group, run = (call.option(option) for option in ("runs", "group", "run"))
        base = self._main if name is None else self._named(str(name))
        if run is not None:
            return self._one_run(str(run), base if name is not None else None)
        return base if group is None else self._group(base, str(group))

    def _named(self, name: str) -> ShownRuns:
        if name not in self._sets:
            known = ", ".join(map(repr, self._sets)) or "none"
            raise InvalidValue(f"the report names no run set {name!r:.80}; it names {known}.")
        return _checked(self._sets[name])

    def _group(self, base: ShownRuns, label: str) -> ShownRuns:
        """Return the runs of a group of a set, or, where there is no such group, of the set of this name."""
        groups = _checked(base).groups or []
        found = next((group for group in groups if _is_called(group, label)), None)
        if found is None and label in self._sets:
            return _checked(self._sets[label])
        if found is None:
            known = ", ".join(repr(group.label) for group in groups[:8]) or "not grouped"
            sets = ", ".join(map(repr, self._sets)) or "none"
            raise InvalidValue(f"there is no group {label!r:.80}: the groups are {known}; the run sets are {sets}.")
        mine = set(found.runs)
        members = [member for member in base.members if member.run_key in mine]
        return msgspec.structs.replace(base, runs=found.runs, members=members, groups=None)

    def _one_run(self, name: str, base: ShownRuns | None) -> ShownRuns:
        if base is None:
            if self._everything is None:
                self._everything = self._runs.read(ALL_RUNS, self._main.entity, self._main.project)
            base = self._everything
        keys, _ = self._runs.find(base.entity, base.project, [name])
        if not keys:
            raise InvalidValue(f"there is no run {name!r:.80}, or several runs have this name.")
        one = self._runs.read(RunSet(runs=(keys[0],), project=(base.entity, base.project)), *self._place)
        return _checked(one)

    def _sample(self, shown: ShownRuns, call: Call) -> _Sample:
        _checked(shown)
        column = _column(call, self._keys)
        values = self._read(shown, column)
        keys = shown.keys
        return _Sample(
            column_label(column),
            shown,
            keys,
            [member.name for member in shown.members],
            [values.get(key) for key in keys],
            sum(member.state == "running" for member in shown.members),
        )

    def _read(self, shown: ShownRuns, column: Column) -> dict[str, Any]:
        """Return run → value. Runs of one set are read together, also for its groups."""
        key = id(shown), column
        if key not in self._columns:
            check_column(column)
            wanted = None if shown.runs is None else shown.keys
            selection = Selection(
                shown.entity, shown.project, shown.filter or None, shown.search or None, shown.regex, wanted
            )
            matrix = self._comparing.matrix(selection, [column], max(1, len(shown.members)))
            found = dict(zip(matrix.runs, matrix.columns[0].values, strict=True))
            self._columns[key] = found
            self._kept.append(shown)
        return self._columns[key]

    # ── what of them ────────────────────────────────────────────────────────────────────────────────────────────

    def _best(self, sample: _Sample, call: Call) -> tuple[float, int]:
        goal = call.option("goal") or _goal(self._keys, call)
        places = [n for n, value in enumerate(sample.values) if finite_numbers([value])]
        if not places:
            raise InvalidValue(f"none of {len(sample.keys)} runs has a finite {sample.label}.")
        choose = min if goal == "min" else max
        place = choose(places, key=lambda n: float(sample.values[n]))
        return float(sample.values[place]), place

    def _two_sided(self, call: Call, formula: Formula, account: _Account) -> Quantity:
        sides = [self._side(call, name) for name in call.sides]
        for side in sides:
            _note(self._sample(side, call), account)
        confidence = float(call.option("confidence") or formula.confidence)
        question = Question(sides[0].keys, sides[1].keys, _column(call, self._keys), call.option("pair"), confidence)
        answer = self._comparing.statistics(question)
        account.notes += [
            text.replace(" of a ", f" of {call.sides[0]} ").replace(" of b ", f" of {call.sides[1]} ")
            for text in answer.warnings
            if "no finite value" not in text and "running" not in text
        ]
        if answer.difference is None:
            raise InvalidValue(answer.warnings[-1] if answer.warnings else "there is nothing to compare.")
        half = None if answer.ci is None else (answer.ci[1] - answer.ci[0]) / 2
        if call.function == "delta":
            error = None if not answer.t else abs(answer.difference / answer.t)
            return Quantity(answer.difference, None, error, half)
        if answer.p is None:
            raise InvalidValue(answer.warnings[-1] if answer.warnings else "these values admit no test.")
        if call.function == "p":
            return Quantity(answer.p)
        size = write_quantity(Quantity(answer.difference, ci=half), half, formula.format)
        n = f"n = {answer.n[0]}" if call.option("pair") else f"n = {answer.n[0]} and {answer.n[1]}"
        test = {"welch": "Welch’s test"}.get(str(answer.test), f"{answer.test} test")
        return Quantity(f"{size}, p {_p_text(answer.p)} ({test}, {n})")

    def _side(self, call: Call, name: str) -> ShownRuns:
        base = call.option("runs")
        shown = self._main if base is None else self._named(str(base))
        if any(_is_called(group, name) for group in shown.groups or ()):
            return self._group(shown, name)
        return self._named(name) if name in self._sets else self._group(shown, name)


def _checked(shown: ShownRuns) -> ShownRuns:
    if shown.problem:
        raise InvalidValue(shown.problem)
    return shown


def _is_called(group: MemberGroup, label: str) -> bool:
    return label == group.label or (len(group.path) == 1 and label == str(group.path[0]["value"]))


def _column(call: Call, keys: Mapping[str, KeyInfo]) -> Column:
    column = column_of(call.column)
    if not column.by.startswith("metric:"):
        return column
    step, agg = call.option("step"), call.option("agg")
    if step is not None:
        return Column(column.by, "at", int(step))
    if agg is None and call.function in ("best", "best_run"):
        agg = call.option("goal") or _goal(keys, call)
    return Column(column.by, str(agg or _AGG_OF.get(call.function, "last")))


def _goal(keys: Mapping[str, KeyInfo], call: Call) -> str:
    info = keys.get(column_of(call.column).by.removeprefix("metric:"))
    if info is None or info.goal is None:
        raise InvalidValue(
            f'whether a low or a high {call.column} is good is not known: say goal="min" or goal="max" here, or '
            "define_metric(…, goal=…) in the training."
        )
    return "max" if info.goal == "maximize" else "min"


def _single(sample: _Sample, call: Call) -> Quantity:
    there = [value for value in sample.values if value is not None]
    if not there:
        runs = "the run has" if len(sample.keys) == 1 else f"none of {len(sample.keys)} runs has"
        raise InvalidValue(f"{runs} {'no' if len(sample.keys) == 1 else 'a'} {sample.label}.")
    if len(there) > 1 and any(value != there[0] for value in there):
        raise InvalidValue(
            f'{len(there)} runs have a {sample.label}: say which with run="…", or take mean({call.column}).'
        )
    value = there[0]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Quantity(value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode())
    return Quantity(float(value))


def _summary(function: str, sample: _Sample, confidence: float) -> Quantity:
    numbers = sample.finite
    if not numbers:
        raise InvalidValue(f"none of {len(sample.keys)} runs has a finite {sample.label}.")
    about = describe(numbers)
    std = about.std if about.n > 1 else None
    stderr = None if std is None else std / math.sqrt(about.n)
    interval = mean_interval(numbers, confidence)
    half = None if interval is None else (interval[1] - interval[0]) / 2
    match function:
        case "mean":
            return Quantity(mean_of(numbers), std, stderr, half)
        case "median":
            return Quantity(float(np.median(numbers)), std)
        case "min":
            return Quantity(min(numbers))
        case "max":
            return Quantity(max(numbers))
        case "sum":
            return Quantity(mean_of(numbers) * len(numbers))
        case "std" | "stderr":
            found = std if function == "std" else stderr
            if found is None:
                raise InvalidValue(f"one run has no {function}: it needs two values or more.")
            return Quantity(found)
    raise InvalidValue(f"there is no function {function!r}.")


def _note(sample: _Sample, account: _Account) -> None:
    account.runs.update(dict.fromkeys(sample.keys))
    finite = len(sample.finite)
    missing = sum(value is None for value in sample.values)
    odd = sum(isinstance(value, float) and not math.isfinite(value) for value in sample.values)
    account.n += finite
    account.missing += missing
    account.nonfinite += odd
    account.running += sample.running
    total = len(sample.keys)
    if missing and total > 1:
        account.notes.append(f"{missing} of {total} runs {'has' if missing == 1 else 'have'} no {sample.label}.")
    if odd:
        who = f"{odd} of {total} runs {'has' if odd == 1 else 'have'}" if total > 1 else "The run has"
        account.notes.append(f"{who} no finite {sample.label}.")
    if sample.running:
        who = (
            f"{sample.running} of {total} runs {'is' if sample.running == 1 else 'are'}" if total > 1 else "The run is"
        )
        account.notes.append(f"{who} running.")
    if sample.shown.unknown:
        account.notes.append(f"Not there: {', '.join(sample.shown.unknown[:5])}.")


def _said(account: _Account) -> dict[str, Any]:
    return {
        "n": account.n,
        "missing": account.missing,
        "nonfinite": account.nonfinite,
        "running": account.running,
        "runs": list(account.runs)[:_RUNS_NAMED],
        "notes": list(dict.fromkeys(account.notes)),
    }


def _no_spread(formula: Formula, n: int) -> str:
    what = {"ci": "an interval", "std": "a standard deviation", "stderr": "a standard error"}[formula.spread or "ci"]
    if len(formula.calls) > 1 or formula.calls[0].function not in ("mean", "median", "delta"):
        return f"There is no {formula.spread} of this: {what} belongs to one mean or difference."
    return f"There is no {formula.spread}: {what} needs two values or more, and there {'is' if n == 1 else 'are'} {n}."


def _written(formula: Formula, quantity: Quantity, spread: float | None) -> str:
    only = formula.calls[0] is formula.node
    if only and formula.calls[0].function == "p" and isinstance(quantity.value, float):
        return _p_text(quantity.value).removeprefix("= ")
    return write_quantity(quantity, spread, formula.format)


def _p_text(p: float) -> str:
    return f"< {_P_LEAST}" if p < _P_LEAST else f"= {write_number(p, Format(digits=2))}"
