"""
What an alert rule watches for.

===========  ===========================================================================================================
threshold    a value of ``key`` is above or below a bound
change       a value of ``key`` has risen or fallen by ``by`` within ``steps`` steps
unusual      a value of ``key`` is far from what earlier runs of the group had at the same step (z-score)
not_finite   a value of ``key`` is NaN or infinite
silent       no new point of ``key`` for ``seconds`` while the run is running
plateau      the best value of ``key`` has not improved by more than ``by`` for ``steps`` steps
ended        the run ended in one of ``states``
===========  ===========================================================================================================

A key may hold one ``*``, which stands for any text. ``points`` is how many such values in a row it takes.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import msgspec

from treering.errors import InvalidValue
from treering.limits import ALERT_POINTS_MAX, KEY_MAX_BYTES

__all__ = [
    "Change",
    "Condition",
    "Ended",
    "NotFinite",
    "OfMetric",
    "Plateau",
    "Silent",
    "Threshold",
    "Unusual",
    "condition_data",
    "describe_condition",
    "format_number",
    "parse_condition",
]

_ENDS: Final = ("finished", "failed", "killed", "preempted", "crashed")
_STEPS_MAX: Final = 1 << 53


class Threshold(msgspec.Struct, frozen=True, tag_field="kind", tag="threshold", forbid_unknown_fields=True):
    """
    A bound. It is over once values are beyond ``clear`` again, by default the bound itself.

    Attributes:
        points: so many values in a row.
        clear: in the unit of the metric.
    """

    key: str
    op: Literal[">", ">=", "<", "<="]
    value: float
    points: int = 1
    clear: float | None = None


class Change(msgspec.Struct, frozen=True, tag_field="kind", tag="change", forbid_unknown_fields=True):
    """
    A jump or a drift: the value less that of ``steps`` steps before.

    Attributes:
        by: at least so much; with ``relative`` a share of the earlier value, 0.2 for a fifth.
    """

    key: str
    by: float
    steps: int
    direction: Literal["rise", "fall", "any"] = "any"
    relative: bool = True
    points: int = 1


class Unusual(msgspec.Struct, frozen=True, tag_field="kind", tag="unusual", forbid_unknown_fields=True):
    """
    Far from the past: |value − mean| ≥ ``score`` × standard deviation, both over earlier runs at the same step.

    Earlier runs are those of the run's group, or of its project if it has none, that pass the rule's filter.
    """

    key: str
    score: float = 3.0
    side: Literal["above", "below", "any"] = "any"
    points: int = 3


class NotFinite(msgspec.Struct, frozen=True, tag_field="kind", tag="not_finite", forbid_unknown_fields=True):
    """NaN, infinity, or any of both."""

    key: str
    what: Literal["nan", "inf", "any"] = "any"
    points: int = 1


class Silent(msgspec.Struct, frozen=True, tag_field="kind", tag="silent", forbid_unknown_fields=True):
    """No new point for a while."""

    key: str
    seconds: float


class Plateau(msgspec.Struct, frozen=True, tag_field="kind", tag="plateau", forbid_unknown_fields=True):
    """No progress: nothing better than the best by more than ``by`` for ``steps`` steps."""

    key: str
    steps: int
    by: float = 0.0
    goal: Literal["minimize", "maximize"] = "minimize"


class Ended(msgspec.Struct, frozen=True, tag_field="kind", tag="ended", forbid_unknown_fields=True):
    """The run's end. A run that *crashed* died without a word."""

    states: list[Literal["finished", "failed", "killed", "preempted", "crashed"]]


OfMetric = Threshold | Change | Unusual | NotFinite | Silent | Plateau
Condition = OfMetric | Ended


def parse_condition(data: dict[str, Any]) -> Condition:
    """
    Return the condition that *data*, as JSON has it, says.

    Raises:
        InvalidValue: it is none; the text says which field is wrong and what it may be.
    """
    try:
        found: Condition = msgspec.convert(data, Condition)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"this is no condition of an alert: {error}.") from None
    if isinstance(found, Ended):
        if not found.states or len(set(found.states)) < len(found.states):
            raise InvalidValue(f"states names at least one of {', '.join(_ENDS)}, each once.")
        return found
    _check_key(found.key)
    match found:
        case Threshold():
            _check_finite("value", found.value)
            if found.clear is not None:
                _check_finite("clear", found.clear)
                if found.clear > found.value if found.op in (">", ">=") else found.clear < found.value:
                    raise InvalidValue("clear lies on the good side of value, or is left out.")
        case Change():
            _check_positive("by", found.by)
            _check_steps(found.steps)
        case Unusual():
            _check_positive("score", found.score)
        case Silent():
            if not 1 <= found.seconds <= 30 * 86_400:
                raise InvalidValue(f"seconds is 1 to 2,592,000 (30 days), got {found.seconds:g}.")
        case Plateau():
            _check_steps(found.steps)
            _check_finite("by", found.by)
            if found.by < 0:
                raise InvalidValue(f"by is 0 or more, got {found.by:g}.")
    points = getattr(found, "points", 1)
    if not 1 <= points <= ALERT_POINTS_MAX:
        raise InvalidValue(f"points is 1 to {ALERT_POINTS_MAX:,}, got {points}.")
    return found


def condition_data(condition: Condition) -> dict[str, Any]:
    """Return a condition as JSON has it, without what it does not say."""
    data: dict[str, Any] = msgspec.to_builtins(condition)
    return {name: value for name, value in data.items() if value is not None}


def describe_condition(condition: Condition) -> str:
    """Return a condition in a few words."""
    match condition:
        case Threshold():
            return f"{condition.key} {condition.op} {format_number(condition.value)}{_in_a_row(condition.points)}"
        case Change():
            by = f"{format_number(condition.by * 100)} %" if condition.relative else format_number(condition.by)
            verb = {"rise": "rises", "fall": "falls", "any": "changes"}[condition.direction]
            return f"{condition.key} {verb} by {by} within {condition.steps:,} steps{_in_a_row(condition.points)}"
        case Unusual():
            side = "" if condition.side == "any" else f" {condition.side}"
            score = format_number(condition.score)
            return f"{condition.key} is {score} σ{side} from earlier runs{_in_a_row(condition.points)}"
        case NotFinite():
            what = {"nan": "NaN", "inf": "infinite", "any": "NaN or infinite"}[condition.what]
            return f"{condition.key} is {what}{_in_a_row(condition.points)}"
        case Silent():
            return f"{condition.key} has no new point for {format_span(condition.seconds)}"
        case Plateau():
            better = "falls" if condition.goal == "minimize" else "rises"
            least = f" by more than {format_number(condition.by)}" if condition.by else ""
            return f"the best {condition.key} no longer {better}{least} for {condition.steps:,} steps"
        case Ended():
            return "the run " + " or ".join(_ENDED[state] for state in condition.states)


_ENDED: Final = {
    "finished": "finishes",
    "failed": "fails",
    "killed": "is killed",
    "preempted": "is preempted",
    "crashed": "dies without a word",
}


def format_number(value: float) -> str:
    """Return a number as people write it: six digits, NaN and ±∞ by name."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.6g}".replace("-", "−")


def format_span(seconds: float) -> str:
    """Return a time span in its two largest units."""
    whole = round(seconds)
    parts = [(whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    shown = [f"{count} {unit}" for count, unit in parts if count][:2]
    return " ".join(shown) or "0 s"


def _in_a_row(points: int) -> str:
    return "" if points == 1 else f", {points:,} times in a row"


# ── checks ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _check_key(key: str) -> None:
    if not key or "\0" in key or len(key.encode("utf-8", "surrogatepass")) > KEY_MAX_BYTES:
        raise InvalidValue(f"key is a metric's name of 1 to {KEY_MAX_BYTES:,} bytes, or a pattern with one *.")
    if key.count("*") > 1:
        raise InvalidValue(f"key: {key!r} may hold one * at most.")


def _check_finite(field: str, value: float) -> None:
    if not math.isfinite(value):
        raise InvalidValue(f"{field} is a finite number, got {value}.")


def _check_positive(field: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InvalidValue(f"{field} is a number above 0, got {value}.")


def _check_steps(steps: int) -> None:
    if not 1 <= steps <= _STEPS_MAX:
        raise InvalidValue(f"steps is 1 or more, got {steps}.")
