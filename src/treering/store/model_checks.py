"""What has to hold of the run behind a model's version before the version is promoted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from treering.errors import FilterError, RunNotFound

from .attrs import flatten
from .model import MetricStats, Run, RunPage, RunQuery
from .query import And, Compare, Field, Has, In, Is, Match, Node, Not, Or, parse

__all__ = ["CheckResult", "run_checks"]

_MISSING = "missing"


class CheckResult(NamedTuple):
    """What a check found. ``seen``: what the run has for what the check names, in words."""

    text: str
    passed: bool
    seen: str


def run_checks(
    checks: Sequence[str], run_key: str, run: Callable[[str], Run], query: Callable[[RunQuery], RunPage]
) -> list[CheckResult]:
    """Return what each check, a filter, finds of a run as people see it: corrections included."""
    try:
        found = run(run_key)
    except RunNotFound:
        return [CheckResult(text, False, "the run that made it is gone") for text in checks]
    return [_run_check(text, found, query) for text in checks]


def _run_check(text: str, run: Run, query: Callable[[RunQuery], RunPage]) -> CheckResult:
    try:
        fields = list(dict.fromkeys(_fields(parse(text))))
        metrics = [field.name for field in fields if field.space == "metric"]
        where = RunQuery(run.entity, run.project, runs=[run.run_key], limit=1, metrics=metrics)
        rows = query(where).runs
        passed = query(RunQuery(run.entity, run.project, filter=text, runs=[run.run_key], limit=0)).match > 0
    except FilterError as error:
        return CheckResult(text, False, f"the check is no filter any more: {error}")
    stats = rows[0].metrics if rows else {}
    return CheckResult(text, passed, ", ".join(f"{field.name} = {_seen(field, run, stats)}" for field in fields))


def _seen(field: Field, run: Run, stats: dict[str, MetricStats]) -> str:
    if field.space == "metric":
        found = stats.get(field.name)
        return _text(None if found is None else getattr(found, field.agg or "last"))
    if field.space == "column":
        names = {"id": "run_id"}
        return _text(getattr(run, names.get(field.name, field.name), None))
    return _text(flatten(run.config if field.space == "config" else run.summary).get(field.name))


def _text(value: Any) -> str:
    if value is None:
        return _MISSING
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.6g}"
    return str(value)[:200]


def _fields(node: Node) -> Iterator[Field]:
    if isinstance(node, (And, Or)):
        for item in node.items:
            yield from _fields(item)
    elif isinstance(node, Not):
        yield from _fields(node.item)
    elif isinstance(node, (Compare, Has, In, Is, Match)):
        yield node.field
