"""Freezing a report: its figures ask as their panels would, and the answers are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from treering.errors import LimitExceeded, TreeringError
from treering.limits import REPORT_FROZEN_BUCKETS, REPORT_FROZEN_MAX_POINTS, REPORT_TABLES_MAX_BYTES

from .comparing import Comparing
from .corrections import Correction
from .frozen_report import VERSION, FrozenReport, FrozenRun, config_digest, line_data
from .matrix import ColumnInfo, ColumnList, Matrix
from .media import Match
from .metadata import MetadataStore
from .model import (
    Column,
    KeyInfo,
    MediaItem,
    MediaSteps,
    Project,
    Selection,
    SeriesColumns,
    SeriesGroup,
    SeriesRequest,
    TablePage,
)
from .panel_needs import (
    KEYS_MAX,
    blobs_in,
    chart_axis,
    chart_range,
    columns_in,
    guessed_columns,
    line_keys,
    main_column,
    number_in,
    step_in,
    tables_in,
    texts_in,
)
from .report_evaluation import Evaluation, Shown
from .report_runs import ShownRuns, column_of
from .state import RunState

__all__ = ["Freezer", "used_keys"]

_LISTED_MAX: Final = 2_000  # keys, and columns
_FAINT_MAX: Final = 150  # single runs behind their groups, and runs whose media are shown
_BUCKETS_LEAST: Final = 64
_STEPS_MAX: Final = 1_000
_OVER_RUNS: Final = (
    "scatter",
    "parallel",
    "bar",
    "distribution",
    "histogram",
    "scalar",
    "timeline",
    "importance",
)
_BANDED: Final = ("step", "relative", "wall")


class Freezer:
    """
    Collects the data of figures.

    Args:
        series, project, importance…: how the store is asked, with the project's corrections.
        media_steps, media_at: the same of media.
        table: reads the first rows of a table that a run logged, by the run's key and the hash.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        comparing: Comparing,
        series: Callable[[SeriesRequest], list[SeriesColumns]],
        project: Callable[[str, str], Project],
        corrections: Callable[[str, str], Sequence[Correction]],
        media_steps: Callable[[Sequence[str], Sequence[str], int], list[MediaSteps]],
        media_at: Callable[[Sequence[str], Sequence[str], int | None, Match], list[MediaItem]],
        table: Callable[[str, str], TablePage],
    ) -> None:
        self._metadata = metadata
        self._comparing = comparing
        self._series = series
        self._project = project
        self._corrections = corrections
        self._media_steps = media_steps
        self._media_at = media_at
        self._table = table

    def freeze(
        self, shown: Shown, *, report: str, version: int, place: tuple[str, str], title: str, at: float, by: str
    ) -> FrozenReport:
        """
        Return all that a report shows now.

        Raises:
            LimitExceeded: its lines have too many points.
        """
        evaluation = shown.evaluation
        places = {(one.entity, one.project) for one in evaluation.sets.values() if not one.problem} | {place}
        projects = {one: self._project(*one) for one in sorted(places)}
        points = _Budget(REPORT_FROZEN_MAX_POINTS)
        blobs: dict[str, tuple[str, int]] = {}
        figures = []
        for about, figure in zip(evaluation.figures, shown.figures, strict=True):
            data: dict[str, Any] = {"panels": []}
            if figure is not None and not about.problem:
                runs = evaluation.sets[about.set]
                project = projects[runs.entity, runs.project]
                data["panels"] = [self._panel(panel, runs, project, points, blobs) for panel in figure.panels]
            figures.append(data)
        used = used_keys(shown, {_name(place): project.keys for place, project in projects.items()})
        return FrozenReport(
            version=VERSION,
            report=report,
            report_version=version,
            entity=place[0],
            project=place[1],
            title=title,
            frozen_at=at,
            frozen_by=by,
            evaluation=evaluation,
            figures=figures,
            keys={_name(one): _kept_keys(project.keys, used) for one, project in projects.items()},
            config_keys={_name(one): [key.key for key in project.config_keys] for one, project in projects.items()},
            runs=self.runs(evaluation, used),
            corrections={_name(one): self.corrections(*one) for one in projects},
            blobs=blobs,
        )

    def corrections(self, entity: str, project: str) -> dict[str, tuple[int, str]]:
        """Return the corrections that apply: id → version and words."""
        return {one.id: (one.version, _words(one)) for one in self._corrections(entity, project) if one.enabled}

    def runs(self, evaluation: Evaluation, used: Sequence[str]) -> dict[str, FrozenRun]:
        """Return the runs of an evaluation as they are now, by key; those that are gone are not among them."""
        keys = dict.fromkeys(key for shown in evaluation.sets.values() for key in shown.keys)
        states = self._metadata.runs_by_key(list(keys))
        by_project: dict[tuple[str, str], list[str]] = {}
        for key in keys:
            state = states.get(key)
            if state is not None:  # where it is now: a run that was moved has its points there
                by_project.setdefault((state.entity, state.project), []).append(key)
        found: dict[str, FrozenRun] = {}
        for (entity, project), its in by_project.items():
            metrics = self._metrics(entity, project, its, used)
            found |= {key: _frozen_run(states[key], metrics.get(key, {})) for key in its}
        return found

    def _metrics(
        self, entity: str, project: str, keys: list[str], used: Sequence[str]
    ) -> dict[str, dict[str, tuple[int, int | None, Any]]]:
        if not keys or not used:
            return {}
        columns = [Column(f"metric:{key}", agg) for key in used for agg in ("n", "last_step", "last")]
        matrix = self._comparing.matrix(Selection(entity, project, runs=keys), columns, len(keys))
        found: dict[str, dict[str, tuple[int, int | None, Any]]] = {}
        for place, run in enumerate(matrix.runs):
            for number, key in enumerate(used):
                n, step, last = (matrix.columns[3 * number + part].values[place] for part in range(3))
                if n:
                    found.setdefault(run, {})[key] = int(n), None if step is None else int(step), last
        return found

    # ── figures ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _panel(
        self,
        panel: Mapping[str, Any],
        runs: ShownRuns,
        project: Project,
        points: _Budget,
        blobs: dict[str, tuple[str, int]],
    ) -> dict[str, Any]:
        """Return what a panel draws. Of one whose data cannot be had it says why, as the page would."""
        settings = panel.get("settings") or {}
        data: dict[str, Any] = {}
        try:
            if panel["type"] == "line":
                data["series"] = self._lines(settings, runs, project, points)
            if panel["type"] == "media":
                data["media"] = self._media(settings, runs, blobs)
            if panel["type"] in _OVER_RUNS or _colours(settings):
                data |= self._columns(panel["type"], settings, runs, project)
            if panel["type"] == "importance":
                data["importance"] = self._importance(settings, runs, project)
        except LimitExceeded:
            raise
        except TreeringError as error:
            data["error"] = str(error)
        return data

    def _lines(
        self, settings: Mapping[str, Any], runs: ShownRuns, project: Project, points: _Budget
    ) -> list[dict[str, Any]]:
        keys = line_keys(settings, project.keys)
        groups = [SeriesGroup(f"group:{n}", group.runs) for n, group in enumerate(runs.groups or ())]
        single = runs.keys if runs.groups is None else []
        if settings.get("faint") is True and groups:
            single = _spread(runs.keys, _FAINT_MAX)
        lines = len(keys) * (len(groups) + len(single))
        if not lines:
            return []
        x = chart_axis(settings, [info for info in project.keys if info.key in keys], keys)
        low, high = chart_range(settings.get("xRange"))
        found = self._series(
            SeriesRequest(
                keys=keys,
                runs=single or None,
                groups=groups or None,
                x=x,
                range=None if low is None else (low, high),
                buckets=points.buckets(lines),
                center=str(settings.get("center", "mean")),
                band=str(settings.get("spread", "std")),
                confidence=number_in(settings, "confidence", 0.95),
                ranks="band" if settings.get("ranks") == "band" and not groups and x in _BANDED else "main",
            )
        )
        points.take(sum(len(line.x) for line in found))
        return [{"axis": x, **line_data(line)} for line in found]

    def _columns(self, kind: str, settings: Mapping[str, Any], runs: ShownRuns, project: Project) -> dict[str, Any]:
        selection = _selection(runs)
        listed = self._comparing.columns(selection)
        wanted = dict.fromkeys(columns_in(settings))
        wanted.update(dict.fromkeys(guessed_columns(listed, project.keys)))
        if kind == "timeline":
            wanted[Column("meta.git.commit")] = None
        known = [column for column in wanted if _exists(column)]
        matrix = self._comparing.matrix(selection, known, max(1, len(runs.members)))
        asked = [_column_data(column) for column in known]
        return {"columns": _kept_columns(listed), "matrix": {"asked": asked, **_matrix(matrix)}}

    def _importance(self, settings: Mapping[str, Any], runs: ShownRuns, project: Project) -> Any:
        column = next(columns_in({"metric": settings.get("metric")}), None) or main_column(project.keys)
        if column is None:
            return None
        return self._comparing.importance(_selection(runs), column, None, str(settings.get("method", "auto")))

    def _media(self, settings: Mapping[str, Any], runs: ShownRuns, blobs: dict[str, tuple[str, int]]) -> dict[str, Any]:
        keys = texts_in(settings, "keys") or texts_in({"keys": [settings.get("key")]}, "keys")
        chosen = runs.keys[:_FAINT_MAX]
        steps = self._media_steps(chosen, keys, _STEPS_MAX)
        items = self._media_at(chosen, keys, step_in(settings), "at_or_before")
        tables = self._tables(items)
        for item in items:
            for sha256, size in blobs_in(item.value):
                blobs.setdefault(sha256, (item.run, size))
                for cell in () if sha256 not in tables else blobs_in(tables[sha256].rows):
                    blobs.setdefault(cell[0], (item.run, cell[1]))
        return {"steps": steps, "items": items, "tables": tables}

    def _tables(self, items: Sequence[MediaItem]) -> dict[str, TablePage]:
        """Return the first rows of the tables among some values, by hash, while there is room for them."""
        found: dict[str, TablePage] = {}
        room = REPORT_TABLES_MAX_BYTES
        for item in items:
            for sha256 in tables_in(item.value):
                if sha256 in found:
                    continue
                try:
                    page = self._table(item.run, sha256)
                except TreeringError:
                    continue  # its bytes are not here, or are no table: the page says so where it would stand
                room -= len(msgspec.json.encode(page, enc_hook=str))
                if room < 0:
                    return found
                found[sha256] = page
        return found


class _Budget:
    """How many points of lines may still be kept."""

    def __init__(self, points: int) -> None:
        self._left = points

    def buckets(self, lines: int) -> int:
        """Return how many buckets each of *lines* may have. Raises LimitExceeded."""
        found = min(REPORT_FROZEN_BUCKETS, self._left // lines)
        if found < _BUCKETS_LEAST:
            raise LimitExceeded(
                f"the figures of this report have more than {REPORT_FROZEN_MAX_POINTS:,} points. Group runs, or show "
                "fewer of them."
            )
        return found

    def take(self, points: int) -> None:
        self._left -= points


def used_keys(shown: Shown, keys: Mapping[str, Sequence[KeyInfo]]) -> list[str]:
    """Return the metrics that a report shows, in figures or formulas."""
    found: dict[str, None] = {}
    known = [info for infos in keys.values() for info in infos]
    for figure in shown.figures:
        for panel in () if figure is None else figure.panels:
            settings = panel.get("settings") or {}
            names = [column.by for column in columns_in(settings)]
            if panel["type"] == "line":
                try:
                    names += [f"metric:{key}" for key in line_keys(settings, known) if not key.startswith("=")]
                except TreeringError:
                    continue  # a pattern that is none: the figure says so
            found.update({name.removeprefix("metric:"): None for name in names if name.startswith("metric:")})
    for value in shown.evaluation.formulas.values():
        for name in re.findall(r"\(\s*(?:`([^`]+)`|\"([^\"]+)\"|([^\W\d][\w.:@/]*))", value.text):
            by = column_of(next(filter(None, name))).by
            if by.startswith("metric:"):
                found[by.removeprefix("metric:")] = None
    return list(found)[:KEYS_MAX]


def _colours(settings: Mapping[str, Any]) -> bool:
    return settings.get("colorBy") is not None or settings.get("dashBy") is not None


def _exists(column: Column) -> bool:
    from_step = column.agg == "at" and column.step is None
    return not from_step and not (column.agg == "when" and column.of is None)


def _frozen_run(state: RunState, metrics: dict[str, tuple[int, int | None, Any]]) -> FrozenRun:
    return FrozenRun(
        id=state.run_id,
        name=state.name,
        number=state.number,
        state=state.state,
        entity=state.entity,
        project=state.project,
        created_at=state.created_ns / 1e9,
        last_activity_at=state.activity_ns / 1e9,
        config=config_digest(state.config),
        metrics=metrics,
    )


def _matrix(matrix: Matrix) -> dict[str, Any]:
    return {name: getattr(matrix, name) for name in matrix.__struct_fields__ if name != "seq"}


def _column_data(column: Column) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(column).items() if value is not None}


def _kept_columns(listed: ColumnList) -> dict[str, Any]:
    kept: list[ColumnInfo] = [info for info in listed.columns if info.spread > 0][:_LISTED_MAX]
    return {"columns": kept, "match": listed.match, "looked_at": listed.looked_at}


def _kept_keys(keys: Sequence[KeyInfo], used: Sequence[str]) -> list[KeyInfo]:
    wanted = set(used)
    shown = [info for info in keys if info.key in wanted]
    return shown + [info for info in keys if info.key not in wanted][: max(0, _LISTED_MAX - len(shown))]


def _selection(runs: ShownRuns) -> Selection:
    keys = None if runs.runs is None else runs.keys
    return Selection(runs.entity, runs.project, runs.filter or None, runs.search or None, runs.regex, keys)


def _spread(keys: list[str], most: int) -> list[str]:
    return keys if len(keys) <= most else [keys[n * len(keys) // most] for n in range(most)]


def _name(place: tuple[str, str]) -> str:
    return f"{place[0]}/{place[1]}"


def _words(correction: Correction) -> str:
    """Return what a correction does to which metric: the text of one that scales or cuts does not name it."""
    key = correction.rule.get("key")
    return f"{key} {correction.text}" if isinstance(key, str) else correction.text
