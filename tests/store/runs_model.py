"""Filters evaluated in plain Python over plain dicts: what SQL's answers are compared with."""

from __future__ import annotations

import math
from typing import Any

from treering.store.query import And, Compare, Has, In, Is, Match, Node, Not, Or
from treering.store.regex import matches

MISSING = object()


def holds(node: Node, run: dict[str, Any]) -> bool:
    """Whether *run* (``{"column": {…}, "config": {…}, "summary": {…}, "metric": {key: {agg: value}}}``) passes."""
    if isinstance(node, And):
        return all(holds(item, run) for item in node.items)
    if isinstance(node, Or):
        return any(holds(item, run) for item in node.items)
    if isinstance(node, Not):
        return not holds(node.item, run)
    value = _value(node.field, run)
    if isinstance(node, Is):
        return _is(node, value)
    if value is MISSING:
        return False
    if isinstance(node, Has):
        return isinstance(value, list) and node.text in value
    if isinstance(node, Match):
        if not isinstance(value, str):
            return False
        return matches(node.text, value) if node.op == "~" else node.text in value
    if isinstance(node, In):
        return any(_compare("=", value, wanted) for wanted in node.values)
    assert isinstance(node, Compare)
    return _compare(node.op, value, node.value)


def _value(field: Any, run: dict[str, Any]) -> Any:
    if field.space == "metric":
        return run["metric"].get(field.name, {}).get(field.agg, MISSING)
    found = run[field.space].get(field.name, MISSING)
    return MISSING if found is None and field.space == "column" else found


def _is(node: Is, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if node.field.space == "column" and node.field.name == "tags":
        return node.what in ("missing", "null") and not value
    if node.what == "missing":
        return value is MISSING
    if node.what == "null":
        return value is None or (value is MISSING and node.field.space == "column")
    if node.what == "nan":
        return number and math.isnan(value)
    if node.what == "inf":
        return number and math.isinf(value)
    return number and math.isfinite(value)


def _compare(op: str, value: Any, wanted: Any) -> bool:
    """Numbers with numbers, texts with texts, booleans with booleans; another type is only ever different."""
    if isinstance(wanted, bool) or isinstance(value, bool):
        alike = isinstance(wanted, bool) and isinstance(value, bool)
    elif isinstance(wanted, (int, float)):
        alike = isinstance(value, (int, float))
    else:
        alike = type(value) is type(wanted)
    if not alike:
        return op == "!="
    if wanted is None:
        return op == "="
    results = {
        "=": value == wanted,
        "!=": value != wanted,
        "<": value < wanted,
        "<=": value <= wanted,
        ">": value > wanted,
        ">=": value >= wanted,
    }
    return bool(results[op])
