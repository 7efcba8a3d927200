"""
A store of two runs in memory that counts what is asked of it.

The guard's tests ask whether a handler ran at all; a real store would only make them slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np

from treering.errors import ProjectNotFound, RunNotFound
from treering.ids import run_key
from treering.store.console import ConsoleQuery
from treering.store.model import (
    Changes,
    ConsoleLine,
    ConsolePage,
    Guarantee,
    HistoryBatch,
    HistoryColumn,
    Project,
    ProjectRow,
    Run,
    RunPage,
    RunQuery,
    RunRow,
    SeriesColumns,
    SeriesRequest,
    Verification,
)

ENTITY, PROJECT = "ada", "digits"
FIRST, SECOND = (run_key(ENTITY, PROJECT, run_id) for run_id in ("first", "second"))


class NoAlerts:
    """Of a store whose runs raise none."""

    def __init__(self) -> None:
        self.watch = self

    def start(self) -> None: ...

    def look(self) -> list[Any]:
        return []

    def take_raised(self) -> list[str]:
        return []

    def recent(self, since_us: int) -> list[Any]:
        return []

    def raised(self, fired: list[Any]) -> list[Any]:
        return []


class MemoryStore:
    """Answers like ``treering.store.Store``; ``calls`` names every method that was called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.edits: list[tuple[str, dict[str, Any]]] = []
        self.fail_with: Exception | None = None
        self.full: str | None = None
        self.alerts = NoAlerts()
        self.index_lag_s = 0.0
        self.is_ready = True
        self.catching_up = 0
        self._seq = 1
        self._subscribers: set[Callable[[int], None]] = set()
        self._names = {FIRST: "amber-heron", SECOND: "calm-otter"}

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.fail_with is not None:
            raise self.fail_with

    @property
    def seq(self) -> int:
        return self._seq

    def change(self) -> None:
        """Pretend that a row arrived."""
        self._seq += 1
        for subscriber in list(self._subscribers):
            subscriber(self._seq)

    def subscribe(self, callback: Callable[[int], None]) -> Callable[[], None]:
        self._subscribers.add(callback)
        return lambda: self._subscribers.discard(callback)

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...

    def projects(self, visible: frozenset[tuple[str, str]] | None = None) -> list[ProjectRow]:
        self._called("projects")
        return [ProjectRow(ENTITY, PROJECT, 2, 1, 0, 1_000.0, 2_000.0)]

    def project(self, entity: str, project: str) -> Project:
        self._called("project")
        self._check(entity, project)
        return Project(entity, project, 2, 1, [], [], [])

    def query_runs(self, query: RunQuery) -> RunPage:
        self._called("query_runs")
        self._check(query.entity, query.project)
        rows = [self._row(key) for key in self._names]
        return RunPage(rows[query.offset : query.offset + query.limit], 2, 2, None, self._seq)

    def run(self, key: str) -> Run:
        self._called("run")
        row = self._row(key)
        fields = {name: getattr(row, name) for name in row.__struct_fields__}
        return Run(
            **fields,
            summary={"loss": float("nan")},
            keys=[],
            meta={"command": "python train.py"},
            end=None,
            writers=[],
            guarantee=Guarantee(True, True, False),
            damage=[],
            defines=[],
            url=f"/r/{key}",
        )

    def edit_run(self, key: str, changes: dict[str, Any], author: str) -> None:
        self._called("edit_run")
        self.edits.append((key, changes))
        self._names[key] = changes.get("name", self._names[key])

    def series(self, request: SeriesRequest, *, raw: bool = False) -> list[SeriesColumns]:
        self._called("series")
        x, y = np.arange(4.0), np.array([0.5, 0.25, np.nan, 0.1])
        return [
            SeriesColumns(key, None, name, True, 4, 4, 4, x, y, None, None, None, None, None, 0.0, 3.0)
            for key in request.runs or ()
            for name in request.keys
            if name == "loss"
        ]

    def history(self, key: str, keys: list[str] | None, attempts: str, *, raw: bool = False) -> Iterator[HistoryBatch]:
        self._called("history")
        present = np.array([True, True, False])
        yield HistoryBatch(
            np.arange(3),
            np.zeros(3, np.int64),
            [""] * 3,
            np.array([1000.0, 1001.0, 1002.0]),
            np.arange(3.0),
            [
                HistoryColumn("loss", "float", np.array([0.5, np.nan, np.inf]), np.ones(3, np.bool_)),
                HistoryColumn("epoch", "int", np.array([1, 2**60, 0]), present),
                HistoryColumn("note", "object", np.array(["a", "b", None], object), present),
            ],
        )

    def console(self, key: str, query: ConsoleQuery) -> ConsolePage:
        self._called("console")
        self._row(key)
        return ConsolePage([ConsoleLine(1000.0, "stdout", "epoch 1\n")][query.offset : query.offset + query.limit], 1)

    def verify(self, key: str) -> Verification:
        self._called("verify")
        self._row(key)
        return Verification([], True)

    def changes(self, entity: str, project: str, since: int) -> Changes:
        self._called("changes")
        self._check(entity, project)
        changed = self._seq > since
        runs = (
            [{"run_key": FIRST, "seq": self._seq, "state": "running", "keys_changed": False, "rows": 1}]
            if changed
            else []
        )
        return msgspec.convert({"seq": self._seq, "runs": runs, "reset": False}, Changes)

    def _check(self, entity: str, project: str) -> None:
        if (entity, project) != (ENTITY, PROJECT):
            raise ProjectNotFound(f"No project {entity}/{project}.")

    def _row(self, key: str) -> RunRow:
        if key not in self._names:
            raise RunNotFound(f"No run has the key {key!r}.")
        number = list(self._names).index(key)
        run_id = ("first", "second")[number]
        return RunRow(key, run_id, self._names[key], number, "running", 1_000.0, None, 2_000.0, 9.0, ENTITY, PROJECT)
