"""
What a correction does to the metrics of a project.

=======  ===============================================================================================================
rename   ``from`` is shown as ``to``. Lists of equal length are renamed together, so that two can change places.
merge    all of ``from`` are one line, ``into``; where several have a point at a step, the first in the list has it.
hide     ``keys`` are not shown.
rescale  ``key`` is shown as logged × ``factor`` + ``offset``, in ``unit``.
cut      points of ``key`` are not shown that meet all conditions given: ``runs``, ``steps``, ``times``, and values
         below or above a bound.
=======  ===============================================================================================================

A name may hold one ``*``, which stands for any text; in a rename ``to`` then holds it too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from typing import Any, Final

import msgspec

from treering.errors import InvalidValue
from treering.ids import RUN_KEY
from treering.limits import (
    CORRECTION_FACTOR_MAX,
    CORRECTION_KEYS_MAX,
    CORRECTION_RUNS_MAX,
    CORRECTION_UNIT_MAX_CHARS,
    KEY_MAX_BYTES,
)

__all__ = ["Cut", "Hide", "Merge", "Pattern", "Rename", "Rescale", "Rule", "describe", "parse_rule", "rule_data"]

_STEP_MAX: Final = 1 << 62


class Rename(msgspec.Struct, frozen=True, tag_field="kind", tag="rename", forbid_unknown_fields=True):
    """Other names; ``from_`` and ``to`` belong together in pairs."""

    from_: str | list[str] = msgspec.field(name="from")
    to: str | list[str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The old and the new name of each."""
        return list(zip(_listed(self.from_), _listed(self.to), strict=True))


class Merge(msgspec.Struct, frozen=True, tag_field="kind", tag="merge", forbid_unknown_fields=True):
    """One line of several metrics."""

    from_: list[str] = msgspec.field(name="from")
    into: str


class Hide(msgspec.Struct, frozen=True, tag_field="kind", tag="hide", forbid_unknown_fields=True):
    """Metrics that are not shown."""

    keys: str | list[str]


class Rescale(msgspec.Struct, frozen=True, tag_field="kind", tag="rescale", forbid_unknown_fields=True):
    """Another unit: shown = logged × factor + offset."""

    key: str
    factor: float = 1.0
    offset: float = 0.0
    unit: str | None = None


class Cut(msgspec.Struct, frozen=True, tag_field="kind", tag="cut", forbid_unknown_fields=True):
    """
    Points that are not shown: those that meet all that is given.

    Attributes:
        runs: "all", or run keys.
        steps, times: inclusive bounds, None for no bound on a side; times in unix seconds.
        below, above: values under or over these, in the unit that the corrections before this one give.
    """

    key: str
    runs: str | list[str] = "all"
    steps: tuple[int | None, int | None] | None = None
    times: tuple[float | None, float | None] | None = None
    below: float | None = None
    above: float | None = None


Rule = Rename | Merge | Hide | Rescale | Cut


class Pattern:
    """A name with at most one ``*``."""

    def __init__(self, text: str) -> None:
        self.text = text
        head, self._is_glob, tail = text.partition("*")
        self._match = re.compile(f"{re.escape(head)}(.*){re.escape(tail)}", re.DOTALL)

    def matches(self, name: str) -> bool:
        """Return whether *name* is meant."""
        return self._match.fullmatch(name) is not None if self._is_glob else name == self.text

    def among(self, names: Iterable[str]) -> list[str]:
        """Return those of *names* that are meant, sorted."""
        return sorted(name for name in names if self.matches(name))

    def renamed(self, name: str, to: str) -> str:
        """Return what *name*, which matches, is called when the pattern is renamed to *to*."""
        if not self._is_glob:
            return to
        found = self._match.fullmatch(name)
        assert found is not None
        return to.replace("*", found.group(1), 1)


def parse_rule(data: dict[str, Any]) -> Rule:
    """
    Return the rule that *data*, as JSON has it, says.

    Raises:
        InvalidValue: it is none; the text says which field is wrong and what it may be.
    """
    try:
        rule: Rule = msgspec.convert(data, Rule)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"this is no correction: {error}.") from None
    match rule:
        case Rename():
            _check_rename(rule)
        case Merge():
            _check_merge(rule)
        case Hide():
            _check_names("keys", _listed(rule.keys))
        case Rescale():
            _check_rescale(rule)
        case Cut():
            _check_cut(rule)
    return rule


def rule_data(rule: Rule) -> dict[str, Any]:
    """Return a rule as JSON has it, without what it does not say."""
    data: dict[str, Any] = msgspec.to_builtins(rule)
    return {name: value for name, value in data.items() if value is not None}


def describe(rule: Rule) -> str:
    """Return a rule in a few words, as marks on charts say it."""
    match rule:
        case Rename():
            return ", ".join(f"{old} → {new}" for old, new in rule.pairs[:3]) + (" …" if len(rule.pairs) > 3 else "")
        case Merge():
            return f"{' + '.join(rule.from_[:4])}{' + …' if len(rule.from_) > 4 else ''} → {rule.into}"
        case Hide():
            return "hidden: " + ", ".join(_listed(rule.keys)[:4])
        case Rescale():
            parts = [f"×{_number(rule.factor)}"] if rule.factor != 1 or not rule.offset else []
            if rule.offset:
                parts.append(f"{'+' if rule.offset > 0 else '−'} {_number(abs(rule.offset))}")
            return " ".join(parts) + (f" {rule.unit}" if rule.unit else "")
        case Cut():
            return "cut " + _describe_cut(rule)


def _describe_cut(rule: Cut) -> str:
    parts = []
    if rule.steps is not None:
        parts.append("steps " + _span(*rule.steps))
    if rule.times is not None:
        parts.append("times " + _span(*rule.times))
    if rule.below is not None:
        parts.append(f"values < {_number(rule.below)}")
    if rule.above is not None:
        parts.append(f"{'or' if rule.below is not None else 'values'} > {_number(rule.above)}")
    if isinstance(rule.runs, list):
        parts.append(f"in {len(rule.runs)} run{'s' if len(rule.runs) != 1 else ''}")
    return " ".join(parts)


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"from {low} on" if low is not None else f"up to {high}"
    return f"{low} to {high}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


# ── checks ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _check_names(field: str, names: Collection[str], *, glob: bool = True) -> None:
    if not names or len(names) > CORRECTION_KEYS_MAX:
        raise InvalidValue(f"{field} names 1 to {CORRECTION_KEYS_MAX} metrics, got {len(names)}.")
    for name in names:
        if len(name.encode("utf-8", "surrogatepass")) > KEY_MAX_BYTES or "\0" in name:
            raise InvalidValue(f"{field}: a metric's name has at most {KEY_MAX_BYTES:,} bytes and no NUL.")
        if name.count("*") > (1 if glob else 0):
            raise InvalidValue(f"{field}: {name!r} may hold {'one * at most' if glob else 'no *'}.")


def _check_rename(rule: Rename) -> None:
    old, new = _listed(rule.from_), _listed(rule.to)
    _check_names("from", old)
    _check_names("to", new)
    if len(old) != len(new):
        raise InvalidValue(f"from names {len(old)} metrics and to {len(new)}; each needs its new name.")
    for before, after in zip(old, new, strict=True):
        if after.count("*") > before.count("*"):
            raise InvalidValue(f"to: {after!r} holds a *, but {before!r} has none that it could stand for.")
        if "*" in before and "*" not in after:
            raise InvalidValue(
                f"from: all metrics like {before!r} cannot be called {after!r}. To join them, merge them."
            )
        if before == after:
            raise InvalidValue(f"from and to are both {before!r}.")


def _check_merge(rule: Merge) -> None:
    _check_names("from", rule.from_)
    _check_names("into", [rule.into], glob=False)
    if len(rule.from_) == 1 and "*" not in rule.from_[0]:
        raise InvalidValue("from names a single metric. To give it another name, rename it.")


def _check_rescale(rule: Rescale) -> None:
    _check_names("key", [rule.key])
    smallest = 1 / CORRECTION_FACTOR_MAX
    if not smallest <= abs(rule.factor) <= CORRECTION_FACTOR_MAX:
        raise InvalidValue(
            f"factor is a number from {smallest:g} to {CORRECTION_FACTOR_MAX:g} or its negative, got {rule.factor}."
        )
    if not abs(rule.offset) <= CORRECTION_FACTOR_MAX:
        raise InvalidValue(f"offset is a number of at most {CORRECTION_FACTOR_MAX:g}, got {rule.offset}.")
    if rule.factor == 1 and rule.offset == 0 and not rule.unit:
        raise InvalidValue("factor 1 and offset 0 without a unit change nothing.")
    if rule.unit is not None and len(rule.unit) > CORRECTION_UNIT_MAX_CHARS:
        raise InvalidValue(f"unit has at most {CORRECTION_UNIT_MAX_CHARS} characters.")


def _check_cut(rule: Cut) -> None:
    _check_names("key", [rule.key])
    if isinstance(rule.runs, list):
        if not 1 <= len(rule.runs) <= CORRECTION_RUNS_MAX or not all(RUN_KEY.fullmatch(key) for key in rule.runs):
            raise InvalidValue(f'runs is "all" or 1 to {CORRECTION_RUNS_MAX:,} run keys of 26 characters.')
    elif rule.runs != "all":
        raise InvalidValue(f'runs is "all" or a list of run keys, got {rule.runs!r:.80}.')
    if rule.steps is None and rule.times is None and rule.below is None and rule.above is None:
        raise InvalidValue("a cut needs steps, times, below or above. To take a whole metric away, hide it.")
    for field, bounds in (("steps", rule.steps), ("times", rule.times)):
        if bounds is None:
            continue
        low, high = bounds
        given = [value for value in bounds if value is not None]
        if not given or not all(math.isfinite(value) and abs(value) < _STEP_MAX for value in given):
            raise InvalidValue(f"{field} is [low, high], with null for no bound on one side.")
        if low is not None and high is not None and low > high:
            raise InvalidValue(f"{field}: {low} is above {high}.")
    for field, value in (("below", rule.below), ("above", rule.above)):
        if value is not None and not math.isfinite(value):
            raise InvalidValue(f"{field} is a finite number, got {value}.")
    if rule.below is not None and rule.above is not None and rule.below > rule.above:
        raise InvalidValue(f"values below {rule.below} or above {rule.above} are all values.")
