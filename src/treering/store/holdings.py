"""What a store holds, per project and user, and which runs are not whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import sqlalchemy as sa

from treering.limits import HOLDINGS_RUNS_MAX

from . import schema as t
from .files import count_missing
from .metadata import MetadataStore
from .model import Holding, Holdings, Lack, NotWhole
from .receiver import Receipt
from .state import SegmentState
from .storefile import StoreFile
from .wholeness import BehindOf, lacks_of

__all__ = ["HoldingsReader"]

_RUNS_AT_ONCE: Final = 5_000


class _Run(NamedTuple):
    """What one run adds up to, as of sequence number ``seq``."""

    seq: int
    project: int
    run_key: str
    name: str
    state: str
    user: str
    bytes: int
    received_bytes: int
    points: int
    activity_us: int
    lacks: list[Lack]


class HoldingsReader:
    """Adds up what is held. Remembers runs that have not changed, so that asking again reads only the others."""

    def __init__(self, metadata: MetadataStore, received: Mapping[str, Receipt], held: BehindOf) -> None:
        self._metadata = metadata
        self._received = received
        self._held = held
        self._runs: dict[int, _Run] = {}

    def read(self, about: StoreFile, visible: Collection[tuple[str, str]] | None) -> Holdings:
        """Return the sums over the projects of *visible* (all if None), and their runs that lack something."""
        projects = {
            project.id: project
            for project in self._metadata.projects()
            if visible is None or (project.entity, project.name) in visible
        }
        runs = [run for run in self._refresh() if run.project in projects]
        by_project: dict[tuple[str, str, str], list[_Run]] = {}
        by_user: dict[tuple[str, str, str], list[_Run]] = {}
        for run in runs:
            project = projects[run.project]
            by_project.setdefault((project.entity, project.name, ""), []).append(run)
            by_user.setdefault(("", "", run.user or project.entity), []).append(run)
        lacking = sorted((run for run in runs if run.lacks), key=lambda run: -run.activity_us)
        return Holdings(
            store_id=about.store_id,
            restores=about.restores,
            runs=len(runs),
            bytes=sum(run.bytes for run in runs),
            points=sum(run.points for run in runs),
            projects=_add_up(by_project),
            users=_add_up(by_user),
            not_whole=[
                NotWhole(
                    run_key=run.run_key,
                    entity=projects[run.project].entity,
                    project=projects[run.project].name,
                    name=run.name,
                    state=run.state,
                    last_activity_at=run.activity_us / 1e6,
                    lacks=run.lacks,
                )
                for run in lacking[:HOLDINGS_RUNS_MAX]
            ],
            not_whole_total=len(lacking),
        )

    def _refresh(self) -> list[_Run]:
        r = t.runs.c
        with self._metadata.connect() as connection:
            rows = connection.execute(sa.select(r.id, r.seq).where(r.deleted.is_(False))).all()
        known = self._runs
        stale = [row.id for row in rows if row.id not in known or known[row.id].seq != row.seq]
        for begin in range(0, len(stale), _RUNS_AT_ONCE):
            known.update(self._read(stale[begin : begin + _RUNS_AT_ONCE]))
        self._runs = {row.id: known[row.id] for row in rows if row.id in known}
        return list(self._runs.values())

    def _read(self, ids: list[int]) -> dict[int, _Run]:
        r, s = t.runs.c, t.series.c
        with self._metadata.connect() as connection:
            rows = connection.execute(sa.select(r.id, r.seq).where(r.id.in_(ids))).all()
            sums = sa.select(s.run_id, sa.func.sum(s.n)).where(s.run_id.in_(ids)).group_by(s.run_id)
            points = {row[0]: row[1] for row in connection.execute(sums)}
        states = self._metadata.runs_by_id(ids)
        segments: dict[int, list[SegmentState]] = {}
        for segment in self._metadata.segments_of(ids):
            segments.setdefault(segment.run, []).append(segment)
        missing = count_missing(self._metadata, ids)
        found = {}
        for row in rows:
            state = states.get(row.id)
            if state is None:
                continue
            mine = segments.get(row.id, [])
            receipts = [self._received[x.segment] for x in mine if x.segment in self._received]
            found[row.id] = _Run(
                seq=row.seq,
                project=state.project_id,
                run_key=state.run_key,
                name=state.name,
                state=state.state,
                user=receipts[0].user if receipts else "",
                bytes=sum(x.doc.bytes for x in mine),
                received_bytes=sum(x.doc.bytes for x in mine if x.segment in self._received),
                points=int(points.get(row.id) or 0),
                activity_us=state.activity_ns // 1000,
                lacks=lacks_of(state, mine, self._received, self._held, missing.get(row.id, (0, 0))),
            )
        return found


def _add_up(groups: dict[tuple[str, str, str], list[_Run]]) -> list[Holding]:
    rows = [
        Holding(
            entity=entity,
            project=project,
            user=user,
            runs=len(runs),
            running=sum(run.state == "running" for run in runs),
            not_whole=sum(bool(run.lacks) for run in runs),
            bytes=sum(run.bytes for run in runs),
            received_bytes=sum(run.received_bytes for run in runs),
            points=sum(run.points for run in runs),
            last_activity_at=max(run.activity_us for run in runs) / 1e6,
        )
        for (entity, project, user), runs in groups.items()
    ]
    return sorted(rows, key=lambda row: -row.bytes)
