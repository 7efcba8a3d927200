"""What has changed since a report was frozen, in words that somebody reads who wants to know whether it still holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any, Final

import msgspec

from .frozen_report import FrozenReport, FrozenRun
from .metadata import MetadataStore
from .report_evaluation import Evaluation
from .report_values import FormulaValue

__all__ = ["ReportChange", "changes_since"]

_NAMED: Final = 5  # runs, or metrics, that one sentence names
_RUNS_LISTED: Final = 200


class ReportChange(msgspec.Struct, frozen=True):
    """
    One thing that is another than when the report was frozen.

    Attributes:
        kind: ``gone`` (runs), ``moved``, ``state``, ``points``, ``values``, ``config``, ``name``, ``set``,
            ``correction``, ``formula``, ``text``, or ``hidden`` (of which nothing is said).
        text: it, in a sentence.
        runs: the keys of the runs that it is about, the first 200.
        name: the run set, formula or correction that it is about, else empty.
    """

    kind: str
    text: str
    runs: list[str] = []
    name: str = ""


def changes_since(
    frozen: FrozenReport,
    now: Evaluation,
    runs: Mapping[str, FrozenRun],
    corrections: Mapping[str, Mapping[str, tuple[int, str]]],
    metadata: MetadataStore,
    may_read: Callable[[str, str], bool],
) -> list[ReportChange]:
    """
    Return what has changed, the gravest first. Of a project that the reader may not read nothing is told, not its name.

    Args:
        now: the same text, evaluated now.
        runs: the frozen runs as they now are, by key; those that are gone are not among them.
        corrections: those that apply now, by project.
    """
    both = [*frozen.runs.items(), *runs.items()]
    hidden = {key for key, run in both if not may_read(run.entity, run.project)}
    told = {key: run for key, run in runs.items() if key not in hidden}
    found = [*_gone(frozen, runs, hidden, metadata)]
    found += _moved(frozen, runs, hidden, may_read)
    found += _of_runs(frozen, told)
    found += _sets(frozen.evaluation, now, told, may_read)
    found += _corrections(frozen, corrections)
    found += _formulas(frozen.evaluation.formulas, now.formulas, hidden)
    if hidden & frozen.runs.keys():
        count = len(hidden & frozen.runs.keys())
        where = f"{count:,} runs are in projects" if count > 1 else "One run is in a project"
        found.append(ReportChange("hidden", f"{where} that you may not read: what changed there is not said."))
    return found


def _gone(
    frozen: FrozenReport, runs: Mapping[str, FrozenRun], hidden: Set[str], metadata: MetadataStore
) -> Iterator[ReportChange]:
    gone = [key for key in frozen.runs if key not in runs and key not in hidden]
    states = metadata.runs_by_key(gone)
    binned = [key for key in gone if key in states]
    purged = [key for key in gone if key not in states]
    if purged:
        yield _change("gone", frozen, purged, "{} removed for good", "was", "were")
    if binned:
        yield _change("gone", frozen, binned, "{} deleted", "was", "were")


def _moved(
    frozen: FrozenReport, runs: Mapping[str, FrozenRun], hidden: Set[str], may_read: Callable[[str, str], bool]
) -> Iterator[ReportChange]:
    places: dict[str, list[str]] = {}
    for key, run in _both(frozen, runs):
        now = runs[key]
        if (now.entity, now.project) != (run.entity, run.project) and may_read(run.entity, run.project):
            place = "another project" if key in hidden else f"{now.entity}/{now.project}"
            places.setdefault(place, []).append(key)
    for place, keys in places.items():
        yield _change("moved", frozen, keys, "{} moved to " + place, "was", "were")


def _of_runs(frozen: FrozenReport, runs: Mapping[str, FrozenRun]) -> Iterator[ReportChange]:
    states: dict[tuple[str, str], list[str]] = {}
    points: dict[str, tuple[int, list[str]]] = {}
    values: dict[str, list[str]] = {}
    configs, names = [], []
    for key, then in _both(frozen, runs):
        now = runs[key]
        if now.state != then.state:
            states.setdefault((then.state, now.state), []).append(key)
        if now.config != then.config:
            configs.append(key)
        if now.name != then.name:
            names.append(key)
        for metric, (count, step, last) in then.metrics.items():
            n, now_step, now_last = now.metrics.get(metric, (0, None, None))
            if n != count:
                more, its = points.get(metric, (0, []))
                points[metric] = more + n - count, [*its, key]
            elif (now_step, _comparable(now_last)) != (step, _comparable(last)):
                values.setdefault(metric, []).append(key)
        for metric in now.metrics.keys() - then.metrics.keys():
            more, its = points.get(metric, (0, []))
            points[metric] = more + now.metrics[metric][0], [*its, key]
    for (before, after), keys in states.items():
        yield _change("state", frozen, keys, f"{{}} {before} and {{verb}} {after}", "was", "were", "is", "are")
    for metric, (more, keys) in points.items():
        what = f"{more:,} more" if more > 0 else f"{-more:,} fewer" if more < 0 else "other"
        text = f"{metric} has {what} point{'s' if abs(more) != 1 else ''} in {_some(frozen, keys)}."
        yield ReportChange("points", text, keys[:_RUNS_LISTED], metric)
    for metric, keys in values.items():
        text = f"{metric} ends with another value in {_some(frozen, keys)}."
        yield ReportChange("values", text, keys[:_RUNS_LISTED], metric)
    if configs:
        text = f"The configuration of {_some(frozen, configs)} was changed."
        yield ReportChange("config", text, configs[:_RUNS_LISTED])
    for key in names[:_NAMED]:
        text = f"The run {frozen.runs[key].name!r} is now called {runs[key].name!r}."
        yield ReportChange("name", text, [key])
    if len(names) > _NAMED:
        yield ReportChange("name", f"{len(names) - _NAMED} more runs have other names.", names[_NAMED:_RUNS_LISTED])


def _sets(
    then: Evaluation, now: Evaluation, runs: Mapping[str, FrozenRun], may_read: Callable[[str, str], bool]
) -> Iterator[ReportChange]:
    for name, before in then.sets.items():
        if not may_read(before.entity, before.project):
            continue
        after = now.sets.get(name)
        called = f"The run set {name!r}" if name and not name.startswith("#") else "What a figure shows"
        if after is None:
            yield ReportChange("set", f"{called} is no longer in the text.", [], name)
            continue
        if after.problem and not before.problem:
            yield ReportChange("set", f"{called} means nothing any more: {after.problem}", [], name)
            continue
        old, new = set(before.keys), set(after.keys)
        more = [key for key in after.keys if key not in old]
        fewer = [key for key in before.keys if key not in new and key in runs]
        if more:
            names = _named([member.name for member in after.members if member.run_key not in old])
            text = f"{called} has {len(more):,} more run{'s' if len(more) > 1 else ''} now: {names}."
            yield ReportChange("set", text, more[:_RUNS_LISTED], name)
        if fewer:
            names = _named([member.name for member in before.members if member.run_key in fewer])
            text = f"{called} no longer has {names}."
            yield ReportChange("set", text, fewer[:_RUNS_LISTED], name)


def _corrections(frozen: FrozenReport, now: Mapping[str, Mapping[str, tuple[int, str]]]) -> Iterator[ReportChange]:
    for place, before in frozen.corrections.items():
        after = now.get(place, {})
        for key, (version, text) in after.items():
            if key not in before:
                yield ReportChange("correction", f"A correction applies that did not: {text}", [], text)
            elif before[key][0] != version:
                yield ReportChange("correction", f"A correction was changed: {text}", [], text)
        for key, (_, text) in before.items():
            if key not in after:
                yield ReportChange("correction", f"A correction no longer applies: {text}", [], text)


def _formulas(
    then: Mapping[str, FormulaValue], now: Mapping[str, FormulaValue], hidden: Set[str]
) -> Iterator[ReportChange]:
    for text, before in then.items():
        after = now.get(text)
        if after is None or not hidden.isdisjoint(before.runs):
            continue
        if before.error and after.error:
            continue
        if after.error or before.error:
            was, becomes = before.written or "without a value", after.written or f"an error: {after.error}"
            yield ReportChange("formula", f"{{{{ {text} }}}} was {was} and is {becomes}.", [], text)
        elif (_comparable(before.value), before.written) != (_comparable(after.value), after.written):
            note = "" if before.written != after.written else ", beyond the digits that are shown"
            said = f"was {before.written} and is {after.written}{note}"
            yield ReportChange("formula", f"{{{{ {text} }}}} {said}.", after.runs, text)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _both(frozen: FrozenReport, runs: Mapping[str, FrozenRun]) -> Iterator[tuple[str, FrozenRun]]:
    return ((key, run) for key, run in frozen.runs.items() if key in runs)


def _comparable(value: Any) -> Any:
    """Return a value that equals itself: of JSON come names of NaN and the infinities, and 1 for 1.0."""
    if isinstance(value, float):
        return "NaN" if value != value else value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _change(
    kind: str, frozen: FrozenReport, keys: list[str], text: str, one: str, many: str, is_: str = "", are: str = ""
) -> ReportChange:
    several = len(keys) > 1
    said = text.replace("{verb}", are if several else is_).replace(
        "{}", f"{_some(frozen, keys)} {many if several else one}"
    )
    return ReportChange(kind, f"{said[:1].upper()}{said[1:]}.", keys[:_RUNS_LISTED])


def _some(frozen: FrozenReport, keys: Iterable[str]) -> str:
    names = [frozen.runs[key].name for key in keys]
    return f"the run {names[0]!r}" if len(names) == 1 else f"{len(names):,} runs ({_named(names)})"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more
