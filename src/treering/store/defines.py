"""What ``define_metric`` said: exact names first, then the longest pattern."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any


def define_of(defines: Mapping[str, dict[str, Any]], key: str) -> dict[str, Any]:
    """Return the definition that applies to *key*, or an empty one."""
    exact = defines.get(key)
    if exact is not None:
        return exact
    patterns = [name for name in defines if "*" in name and fnmatchcase(key, name.replace("[", "[[]"))]
    return defines[max(patterns, key=len)] if patterns else {}


def text_or_none(define: Mapping[str, Any], name: str) -> str | None:
    value = define.get(name)
    return str(value) if value else None


def summaries(define: Mapping[str, Any]) -> list[str]:
    value = define.get("summary")
    return [str(item) for item in value] if isinstance(value, list) else []
