"""
From a file on somebody's disk to the run that it comes from: by its hash, or by the parts that it shares with a file
that a run saved.

What is said of a run is said to those who may read its project, and to nobody else. A run says itself which bytes are
its own; whether this server holds them is said beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import sqlalchemy as sa

from treering.limits import ORIGINS_MAX

from . import schema as t
from .columns import starts_of
from .files import here
from .metadata import MetadataStore
from .metrics import MetricStore
from .state import RunState

__all__ = ["Origin", "OriginFile", "Origins"]

_CHUNK: Final = 500
_VALUES_MAX: Final = 1_000
_FAR: Final = 1 << 62


_Visible = Collection[tuple[str, str]] | None


class OriginFile(msgspec.Struct, frozen=True):
    """
    A file that a run saved.

    Attributes:
        path, purpose: its name in the run, and what for: saved, artifact, media, ….
        saved_at: unix seconds.
        share: of the bytes that were asked about, or of their parts if those alone are known; 1 for the whole.
        is_held: this server has its bytes.
    """

    sha256: str
    path: str
    purpose: str
    bytes: int
    saved_at: float
    share: float
    is_held: bool


class Origin(msgspec.Struct, frozen=True):
    """
    A run that a file comes from. Times are unix seconds.

    Attributes:
        values: each metric as it was when the file was saved: ``{key: [step, value]}``.
        inputs: what the run said that it was made from.
        has_changes: uncommitted changes were recorded, too.
    """

    run_key: str
    run_id: str
    run_name: str
    entity: str
    project: str
    state: str
    created_at: float
    author: str
    command: str
    commit: str | None
    remote: str | None
    has_changes: bool
    config: dict[str, Any]
    inputs: list[dict[str, Any]]
    values: dict[str, tuple[int, float]]
    file: OriginFile


class Origins:
    """
    Questions about files. Methods may be called from any thread.

    Args:
        metadata, metrics: as people see them.
        refill: makes sure that the points of some runs (by id) are all there after a crash.
    """

    def __init__(
        self, metadata: MetadataStore, metrics: MetricStore, refill: Callable[[Collection[int]], None]
    ) -> None:
        self._metadata = metadata
        self._metrics = metrics
        self._refill = refill

    def by_hash(self, sha256: str, visible: Collection[tuple[str, str]] | None = None) -> list[Origin]:
        """Return the runs that saved a file, in *visible* projects (all if None), the earliest first."""
        return self._origins(_files_by_hash(self._metadata, sha256), visible)

    def by_parts(self, digests: Sequence[str], visible: Collection[tuple[str, str]] | None = None) -> list[Origin]:
        """Return the runs that saved files with some of these parts, those that share most first."""
        return self._origins(_files_by_parts(self._metadata, digests), visible)

    def _origins(self, files: list[tuple[int, OriginFile]], visible: _Visible) -> list[Origin]:
        states = self._metadata.runs_by_id({run for run, _ in files})
        found = []
        for number, file in files:
            run = states.get(number)
            if run is None or run.deleted or (visible is not None and (run.entity, run.project) not in visible):
                continue
            self._refill([number])
            found.append(_origin(self._metadata, self._metrics, run, file))
            if len(found) >= ORIGINS_MAX:
                break
        return found


def _files_by_hash(metadata: MetadataStore, sha256: str) -> list[tuple[int, OriginFile]]:
    """Return what runs (by id) saved with a hash, the earliest first."""
    o, f = t.origins.c, t.files.c
    saved = sa.select(o.run_id, o.path, o.purpose, o.bytes, o.time_us, _is_held(t.origins)).where(o.sha256 == sha256)
    other = sa.select(f.run_id, f.path, f.purpose, f.bytes, f.time_us, here()).where(
        f.sha256 == sha256, f.purpose.not_in(("saved", "artifact"))
    )
    with metadata.connect() as connection:
        rows: list[Any] = [*connection.execute(saved.limit(_CHUNK)), *connection.execute(other.limit(_CHUNK))]
    files = [
        (run, OriginFile(sha256, path, purpose, size, time_us / 1e6, 1.0, bool(held)))
        for run, path, purpose, size, time_us, held in rows
    ]
    files.sort(key=lambda pair: (pair[1].saved_at, pair[1].path))
    return files


def _files_by_parts(metadata: MetadataStore, digests: Sequence[str]) -> list[tuple[int, OriginFile]]:
    """Return what runs (by id) saved with some of these parts, those that share most first."""
    asked = Counter(digests)
    names = sorted(asked)
    p = t.origin_parts.c
    shared: Counter[tuple[int, str]] = Counter()
    with metadata.connect() as connection:
        for begin in range(0, len(names), _CHUNK):
            some = names[begin : begin + _CHUNK]
            query = sa.select(p.digest, p.run_id, p.sha256, p["count"]).where(p.digest.in_(some))
            for digest, run, sha256, count in connection.execute(query):
                shared[run, sha256] += min(count, asked[digest])
    total = len(digests)
    best = shared.most_common(_CHUNK)
    found: list[tuple[int, OriginFile]] = []
    o = t.origins.c
    with metadata.connect() as connection:
        for (run, sha256), count in best:
            query = (
                sa.select(o.path, o.purpose, o.bytes, o.time_us, _is_held(t.origins))
                .where(o.run_id == run, o.sha256 == sha256)
                .order_by(o.time_us)
                .limit(1)
            )
            rows: list[Any] = list(connection.execute(query))
            for path, purpose, size, time_us, held in rows:
                file = OriginFile(sha256, path, purpose, size, time_us / 1e6, count / total, bool(held))
                found.append((run, file))
    found.sort(key=lambda pair: (-pair[1].share, pair[1].saved_at))
    return found


def _values_at(
    metadata: MetadataStore, metrics: MetricStore, run: RunState, time_us: int
) -> dict[str, tuple[int, float]]:
    """Return step and value of each metric of the main writer as it was at a time."""
    names = {
        number: name
        for number, (name, kind) in metadata.key_names(metadata.keys_of_run(run.id)).items()
        if kind == "number"
    }
    if not names:
        return {}
    keys, runs = np.array(sorted(names), np.int32), np.array([run.id], np.int32)
    lineage = metadata.lineage([run.id])
    with metrics.view(run.project_id) as view:
        points = view.points(keys, runs, times=(-_FAR, time_us))
    if not len(points):
        return {}
    points = points.take(~lineage.hidden(points))
    order = np.lexsort((points.off, lineage.order_of(points.seg), points.key))
    points = points.take(order)
    begin = starts_of(points.key)
    last = [*(begin[1:] - 1).tolist(), len(points) - 1] if len(begin) else []
    found = {names[int(points.key[at])]: (int(points.step[at]), float(points.val[at])) for at in last}
    return dict(sorted(found.items())[:_VALUES_MAX])


def _is_held(table: Any) -> sa.ColumnElement[bool]:
    h, o = t.held.c, table.c
    came = sa.exists().where(h.project_id == o.project_id, h.sha256 == o.sha256)
    return sa.or_(o.received.is_(False), came)


def _origin(metadata: MetadataStore, metrics: MetricStore, run: RunState, file: OriginFile) -> Origin:
    said = run.facts.get("git")
    git = said if isinstance(said, dict) else {}
    inputs = run.facts.get("inputs")
    f = t.files.c
    query = sa.select(f.path).where(f.run_id == run.id, f.purpose == "patch").limit(1)
    with metadata.connect() as connection:
        has_changes = connection.execute(query).first() is not None
    return Origin(
        run.run_key,
        run.run_id,
        run.name,
        run.entity,
        run.project,
        run.state,
        run.created_ns / 1e9,
        str(run.meta.get("user") or ""),
        str(run.meta.get("command") or ""),
        str(git["commit"]) if git.get("commit") else None,
        str(git["remote"]) if git.get("remote") else None,
        has_changes,
        run.config,
        [one for one in inputs if isinstance(one, dict)] if isinstance(inputs, list) else [],
        _values_at(metadata, metrics, run, int(file.saved_at * 1e6)),
        file,
    )
