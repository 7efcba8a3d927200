"""
Run sets: which runs the figures and formulas of a report are about, and in what order and groups.

::

    {"runs": {"baselines": {"filter": "config.model = 'resnet' and state = 'finished'",
                            "group": ["config.depth"], "pinned": ["k3x9"], "order": "-metric:val/acc@max"}}}

Filters are those of the workspace. A run set that names another ``project`` shows runs of that one, to who may read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from treering.errors import InvalidValue
from treering.limits import REPORT_RUN_SETS_MAX, SERIES_MAX_RUNS

from .blocks import Block

__all__ = ["ALL_RUNS", "Figure", "Order", "RunSet", "parse_figure", "parse_run_set", "read_run_sets"]

_FIELDS: Final = (
    "project",
    "filter",
    "search",
    "regex",
    "runs",
    "group",
    "pinned",
    "baseline",
    "order",
    "limit",
)
_FIGURE_FIELDS: Final = ("panel", "panels", "runs", "caption", "height", "columns")
_AGGREGATES: Final = ("last", "min", "max", "mean", "first", "n")
_PANELS_MAX: Final = 12
HEIGHTS: Final = ("s", "m", "l", "xl")


@dataclass(frozen=True, slots=True)
class Order:
    """By what runs are sorted, and which way; missing values come last."""

    by: str
    agg: str = "last"
    desc: bool = False


@dataclass(frozen=True, slots=True)
class RunSet:
    """
    Some runs of a project.

    Attributes:
        project: ``entity/name`` of another project; None for the report's own.
        runs: ids, names or keys that narrow it; None for all that match.
        group: columns by which runs are grouped, outermost first.
        pinned: ids, names or keys of runs that lie on top of all others; ``baseline``: of the one to compare with.
        limit: the first so many in that order are meant.
    """

    project: tuple[str, str] | None = None
    filter: str = ""
    search: str = ""
    regex: bool = False
    runs: tuple[str, ...] | None = None
    group: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()
    baseline: str | None = None
    order: Order = Order("created_at", desc=True)
    limit: int | None = None


ALL_RUNS: Final = RunSet()


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels side by side over one run set: by name, or one of its own; None for the report's first."""

    panels: tuple[dict[str, Any], ...]
    runs: str | RunSet | None
    caption: str


def read_run_sets(blocks: list[Block]) -> tuple[dict[str, RunSet], list[str]]:
    """Return the run sets that a report names, in its order, and what is wrong with others of them."""
    found: dict[str, RunSet] = {}
    wrong: list[str] = []
    for block in blocks:
        for name, value in block.value["runs"].items() if block.kind == "runs" else ():
            if len(found) >= REPORT_RUN_SETS_MAX:
                return found, [*wrong, f"A report names at most {REPORT_RUN_SETS_MAX} run sets."]
            if not name.strip() or name.startswith("#"):
                wrong.append(f"Line {block.line}: a run set has a name that does not begin with #, got {name!r:.80}.")
                continue
            if name in found:
                wrong.append(f"Line {block.line}: the run set {name!r:.80} is named twice; the first counts.")
                continue
            try:
                found[name] = parse_run_set(value)
            except InvalidValue as error:
                wrong.append(f"Line {block.line}: the run set {name!r:.80}: {error}")
    return found, wrong


def parse_run_set(value: Any) -> RunSet:
    """Return the run set that JSON describes. Raises InvalidValue with the field that is wrong."""
    if not isinstance(value, dict):
        raise InvalidValue(f'a run set is an object such as {{"filter": "…"}}, got {value!r:.80}.')
    unknown = [name for name in value if name not in _FIELDS]
    if unknown:
        raise InvalidValue(f"there is no field {unknown[0]!r:.80}; fields are {', '.join(_FIELDS)}.")
    return RunSet(
        project=_project(value.get("project")),
        filter=_text(value, "filter"),
        search=_text(value, "search"),
        regex=_switch(value.get("regex", False)),
        runs=None if value.get("runs") is None else _texts(value, "runs"),
        group=_texts(value, "group"),
        pinned=_texts(value, "pinned"),
        baseline=_text(value, "baseline") or None,
        order=_order(value.get("order")),
        limit=_limit(value.get("limit")),
    )


def parse_figure(value: dict[str, Any]) -> Figure:
    """Return the figure that a block describes. Raises InvalidValue."""
    unknown = [name for name in value if name not in _FIGURE_FIELDS]
    if unknown:
        raise InvalidValue(f"there is no field {unknown[0]!r:.80}; fields are {', '.join(_FIGURE_FIELDS)}.")
    if "panel" in value and "panels" in value:
        raise InvalidValue('a figure has "panel" or "panels", not both.')
    panels = value["panels"] if "panels" in value else [value.get("panel")]
    if not isinstance(panels, list) or not 1 <= len(panels) <= _PANELS_MAX:
        raise InvalidValue(f"panels is a list of 1 to {_PANELS_MAX} panels, got {panels!r:.80}.")
    for panel in panels:
        if not isinstance(panel, dict) or not isinstance(panel.get("type"), str):
            raise InvalidValue(f'a panel is an object with a "type", such as {{"type": "line"}}, got {panel!r:.80}.')
        if not isinstance(panel.get("settings", {}), dict):
            raise InvalidValue(f"settings of a panel are an object, got {panel['settings']!r:.80}.")
    runs = value.get("runs")
    if runs is not None and not isinstance(runs, str):
        runs = parse_run_set(runs)
    return Figure(tuple(panels), runs, _text(value, "caption"))


def _project(value: Any) -> tuple[str, str] | None:
    if value is None:
        return None
    parts = value.split("/") if isinstance(value, str) else ()
    if len(parts) != 2 or not all(parts):
        raise InvalidValue(f'project is "entity/name", got {value!r:.80}.')
    return parts[0], parts[1]


def _text(value: dict[str, Any], name: str) -> str:
    text = value.get(name)
    if text is not None and not isinstance(text, str):
        raise InvalidValue(f"{name} is a text, got {text!r:.80}.")
    return text or ""


def _texts(value: dict[str, Any], name: str) -> tuple[str, ...]:
    found = value.get(name)
    if isinstance(found, str):
        return (found,)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found) or len(found) > SERIES_MAX_RUNS:
        raise InvalidValue(f"{name} is a list of texts, got {found!r:.80}.")
    return tuple(found)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"regex is true or false, got {value!r:.80}.")
    return value


def _limit(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise InvalidValue(f"limit is a whole number from 1 on, got {value!r:.80}.")
    return value


def _order(value: Any) -> Order:
    """Return an order: ``-created_at``, ``metric:val/acc@max``, or an object with by, agg and desc."""
    if value is None:
        return Order("created_at", desc=True)
    if isinstance(value, str) and value.strip("-"):
        desc, by, agg = value.startswith("-"), value.removeprefix("-"), "last"
        head, mark, tail = by.rpartition("@")
        if by.startswith("metric:") and mark and tail in _AGGREGATES:
            by, agg = head, tail
        return Order(by, agg, desc)
    if isinstance(value, dict) and isinstance(value.get("by"), str) and not set(value) - {"by", "agg", "desc"}:
        agg, desc = value.get("agg", "last"), value.get("desc", False)
        if agg in _AGGREGATES and isinstance(desc, bool):
            return Order(value["by"], agg, desc)
    raise InvalidValue(f'order is a column such as "-created_at" or "metric:val/acc@max", got {value!r:.80}.')
