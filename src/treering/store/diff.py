"""What differs between runs."""

from __future__ import annotations

from typing import Any

from .attrs import flatten
from .model import Diff, DiffRow, Run

_META = ("command", "program", "python", "os", "cwd", "host", "git", "packages", "hardware")


def diff_runs(runs: list[Run]) -> Diff:
    """Return every config, summary and meta key of *runs* side by side."""
    rows: list[DiffRow] = []
    sections = {
        "config": [flatten(run.config) for run in runs],
        "summary": [flatten(run.summary) for run in runs],
        "meta": [flatten({k: v for k, v in {**run.meta, "host": run.host}.items() if k in _META}) for run in runs],
    }
    for section, columns in sections.items():
        for key in sorted({key for column in columns for key in column}):
            values = [column.get(key) for column in columns]
            here = [key in column for column in columns]
            differs = not all(here) or any(not _same(values[0], value) for value in values[1:])
            rows.append(DiffRow(key, section, values, differs))
    return Diff(rows)


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and (a == b or (a != a and b != b))
