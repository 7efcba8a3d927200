"""From the run sets of a report to runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from treering.errors import InvalidValue, LimitExceeded, ProjectNotFound, TreeringError
from treering.ids import RUN_KEY
from treering.limits import REPORT_SET_MAX_RUNS
from treering.reports.run_sets import Order, RunSet

from .comparing import Comparing
from .matrix import Matrix
from .metadata import MetadataStore
from .model import Column, RunGroup, RunPage, RunQuery, Selection, Sort
from .query import COLUMNS

__all__ = ["Member", "MemberGroup", "ReportRuns", "ShownRuns", "column_of", "group_label"]

_ID: Final = Column("id")


class Member(msgspec.Struct, frozen=True):
    """A run of a run set. ``number`` is its ordinal in the project: its colour."""

    run_key: str
    id: str
    name: str
    number: int
    state: str
    created_at: float


class MemberGroup(msgspec.Struct, frozen=True):
    """Runs that share the values of all grouping columns; ``label`` is how formulas name it."""

    path: list[dict[str, Any]]
    label: str
    runs: list[str]


class ShownRuns(msgspec.Struct, frozen=True):
    """
    What a run set means now.

    Attributes:
        filter, search, regex, runs: the same as a selection of the API; ``runs`` are keys, None for all that match.
        members: in the order of the set, the first ``limit`` if it has one.
        groups: None where runs are not grouped.
        pinned, baseline: run keys.
        match: how many runs match, of which ``members`` are the first.
        problem: why there are no runs; empty if all is well. ``unknown``: runs that were named and are not there.
    """

    entity: str
    project: str
    filter: str = ""
    search: str = ""
    regex: bool = False
    runs: list[str] | None = None
    members: list[Member] = []
    groups: list[MemberGroup] | None = None
    pinned: list[str] = []
    baseline: str | None = None
    match: int = 0
    problem: str = ""
    unknown: list[str] = []

    @property
    def keys(self) -> list[str]:
        return [member.run_key for member in self.members]


class ReportRuns:
    """
    Reads run sets for somebody who looks at a report.

    Args:
        may_read: whether they may read a project.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        comparing: Comparing,
        query_runs: Callable[[RunQuery], RunPage],
        may_read: Callable[[str, str], bool],
    ) -> None:
        self._metadata = metadata
        self._comparing = comparing
        self._query_runs = query_runs
        self._may_read = may_read

    def read(self, asked: RunSet, entity: str, project: str) -> ShownRuns:
        """Return the runs of a set. What is wrong with it is its ``problem``: it never raises for what was typed."""
        entity, project = asked.project or (entity, project)
        shown = ShownRuns(entity, project, asked.filter, asked.search, asked.regex)
        try:
            if not self._may_read(entity, project):
                raise ProjectNotFound(f"there is no project {entity}/{project}.")
            return self._read(asked, shown)
        except (TreeringError, OverflowError) as error:
            return msgspec.structs.replace(shown, problem=str(error))

    def find(self, entity: str, project: str, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return the keys of runs that are named by key, id or name, and the names that fit none, or several runs."""
        found: dict[str, None] = {}
        unknown = []
        for name in names:
            key = self._find_one(entity, project, name)
            if key is None:
                unknown.append(name)
            else:
                found[key] = None
        return list(found), unknown

    def _find_one(self, entity: str, project: str, name: str) -> str | None:
        if RUN_KEY.fullmatch(name):
            state = self._metadata.run(name)
            if state is not None and not state.deleted and (state.entity, state.project) == (entity, project):
                return name
        key = self._metadata.find_run(entity, project, name)
        state = None if key is None else self._metadata.run(key)
        if state is not None and not state.deleted:
            return key
        text = name.replace("\\", "\\\\").replace('"', '\\"')
        page = self._query_runs(RunQuery(entity, project, filter=f'name = "{text}"', limit=2))
        return page.runs[0].run_key if len(page.runs) == 1 else None

    def _read(self, asked: RunSet, shown: ShownRuns) -> ShownRuns:
        named, unknown = (None, []) if asked.runs is None else self.find(shown.entity, shown.project, asked.runs)
        selection = Selection(
            shown.entity, shown.project, asked.filter or None, asked.search or None, asked.regex, named
        )
        order = asked.order
        by = Column(order.by, order.agg)
        columns = [_ID] if order.by in ("created_at", "id") else [_ID, by]
        matrix = self._comparing.matrix(selection, columns, REPORT_SET_MAX_RUNS + 1)
        if len(matrix.runs) > REPORT_SET_MAX_RUNS and asked.limit is None:
            raise LimitExceeded(
                f"{matrix.match:,} runs match, and a run set means at most {REPORT_SET_MAX_RUNS:,}. Filter them, or "
                'give it a "limit".'
            )
        members = _members(matrix)
        places = _in_order(matrix, order)[: asked.limit]
        chosen = [members[place] for place in places]
        keys = None if named is None and asked.limit is None else [member.run_key for member in chosen]
        pinned, lost = self.find(shown.entity, shown.project, asked.pinned)
        base = [] if asked.baseline is None else [asked.baseline]
        baseline, lost_too = self.find(shown.entity, shown.project, base)
        return msgspec.structs.replace(
            shown,
            runs=keys,
            members=chosen,
            groups=self._groups(asked, selection, chosen) if asked.group else None,
            pinned=pinned,
            baseline=baseline[0] if baseline else None,
            match=matrix.match,
            unknown=[*unknown, *lost, *lost_too],
        )

    def _groups(self, asked: RunSet, selection: Selection, members: Sequence[Member]) -> list[MemberGroup]:
        query = RunQuery(
            selection.entity,
            selection.project,
            filter=selection.filter,
            search=selection.search,
            regex=selection.regex,
            runs=[member.run_key for member in members],
            sort=[Sort("created_at")],
            group=list(asked.group),
            limit=0,
        )
        place = {member.run_key: n for n, member in enumerate(members)}
        groups = [_group(group, place) for group in self._query_runs(query).groups or ()]
        return sorted((group for group in groups if group.runs), key=lambda group: place[group.runs[0]])


def _members(matrix: Matrix) -> list[Member]:
    ids = matrix.columns[0].values
    return [
        Member(key, str(ids[n]), matrix.names[n], matrix.numbers[n], matrix.states[n], matrix.created_at[n])
        for n, key in enumerate(matrix.runs)
    ]


def _in_order(matrix: Matrix, order: Order) -> list[int]:
    """Return the places of a matrix's runs, which are the newest first, in another order; missing and NaN are last."""
    places = list(range(len(matrix.runs)))
    if order.by == "created_at":
        return places if order.desc else places[::-1]
    values = matrix.columns[0 if order.by == "id" else 1].values
    there = [n for n in places if not _is_missing(values[n])]
    numbers = all(isinstance(values[n], (int, float)) for n in there)
    there.sort(key=lambda n: values[n] if numbers else str(values[n]), reverse=order.desc)
    return there + [n for n in places if _is_missing(values[n])]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _group(group: RunGroup, place: dict[str, int]) -> MemberGroup:
    path = [{"by": part.by, "value": part.value} for part in group.path]
    runs = sorted((key for key in group.runs if key in place), key=place.__getitem__)
    return MemberGroup(path, group_label([part.value for part in group.path]), runs)


def group_label(values: Sequence[Any]) -> str:
    """Return a group's name by the values that its runs share: ``resnet · 18``."""
    return " · ".join(map(_value_label, values))


def _value_label(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dict) and value:  # of a grouping by all keys but some
        return " · ".join(_value_label(one) for one in value.values())
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()


def column_of(text: str) -> Column:
    """
    Return the column that a formula names: a metric, unless it says what else it is.

    Raises:
        InvalidValue: an empty name.
    """
    if not text:
        raise InvalidValue("a formula names a metric, such as val/acc.")
    if text in COLUMNS or text.startswith(("metric:", "config.", "summary.", "meta.")):
        return Column(text)
    return Column(f"metric:{text}")
