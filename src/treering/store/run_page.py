"""Everything about one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from . import schema as t
from .files import count_missing
from .index_rows import decode_number
from .liveness import deciding_life, end_of, state_of_life
from .metadata import MetadataStore
from .model import DamageRow, End, ForkedRun, ForkOf, Guarantee, MetricStats, Run, RunKey, SegmentRow, Writer
from .projects import key_info, shown_info
from .receiver import Receipt
from .runs import stats_of, to_row
from .state import Life, RunState, SegmentState
from .wholeness import BehindOf, lacks_of


def read_run(
    metadata: MetadataStore,
    state: RunState,
    now_ns: int,
    received: Mapping[str, Receipt],
    held: BehindOf,
    stopping: bool = False,
) -> Run:
    """
    Return the whole page of a run.

    Args:
        received: which segments came over the network.
        held: bytes that are held, durably, of one of those; 0 if it has not been asked since the start.
        stopping: somebody asked it to stop.
    """
    segments = metadata.segments(state.id)
    keys, metrics, summary = _keys(metadata, state)
    meta = {
        k: v
        for k, v in state.meta.items()
        if k not in ("name", "notes", "tags", "group", "job_type", "folder", "parent")
    }
    meta.update(state.facts)
    if state.config_changes:
        meta["config_changes"] = [
            {"time": at / 1e9, "key": key, "before": before, "after": after}
            for at, key, before, after in state.config_changes
        ]
    if state.unknown:
        meta["records_of_newer_versions"] = state.unknown
    damage = [DamageRow(s.segment, offset, length, reason) for s in segments for offset, length, reason in s.doc.damage]
    missing = count_missing(metadata, [state.id]).get(state.id, (0, 0))
    row = to_row(state, metrics, state.config, now_ns)
    return Run(
        **{name: getattr(row, name) for name in row.__struct_fields__},
        summary={**summary, **state.summary},
        keys=keys,
        meta=meta,
        end=_end(state),
        writers=_writers(state, segments, now_ns, received),
        guarantee=_guarantee(state, segments, received, held, whole=not missing[0]),
        damage=damage,
        defines=list(state.defines.values()),
        url=f"/r/{state.run_key}",
        lacks=lacks_of(state, segments, received, held, missing),
        stopping=stopping,
        fork_of=_fork_of(metadata, state),
        forks=_forks(metadata, state),
    )


def _fork_of(metadata: MetadataStore, state: RunState) -> ForkOf | None:
    fork = state.fork
    if fork is None:
        return None
    source = metadata.inheritance.source(state.id)
    parent = None if source is None else metadata.runs_by_id([source]).get(source)
    name = None if parent is None else parent.name
    return ForkOf(fork.parent_key, fork.parent_id, name, fork.step, parent is not None)


def _forks(metadata: MetadataStore, state: RunState) -> list[ForkedRun]:
    steps = {
        fork.run: fork.step
        for fork in metadata.inheritance.children(state.run_key)
        if fork.project_id == state.project_id
    }
    children = [child for child in metadata.runs_by_id(list(steps)).values() if not child.deleted]
    return [
        ForkedRun(child.run_key, child.name, child.number, child.state, steps[child.id])
        for child in sorted(children, key=lambda child: child.number)
    ]


def _keys(metadata: MetadataStore, state: RunState) -> tuple[list[RunKey], dict[str, MetricStats], dict[str, Any]]:
    metadata.prepare(state.project_id)
    overlay = metadata.overlay(state.project_id)
    corrected = {} if overlay is None else overlay.metrics
    table, mine = metadata.heads(state.project_id)
    query = (
        sa.select(table, t.keys.c.name, t.keys.c.kind, t.keys.c.runs)
        .join(t.keys, t.keys.c.id == table.c.key_id)
        .where(mine, table.c.run_id == state.id)
        .order_by(t.keys.c.name)
    )
    keys: list[RunKey] = []
    metrics: dict[str, MetricStats] = {}
    summary: dict[str, Any] = {}
    with metadata.connect() as connection:
        rows = connection.execute(query).all()
    for row in rows:
        stats = stats_of(row)
        last = _shown(row.last, row.last_text, row.is_int)
        metric = corrected.get(row.key_id)
        if metric is None or overlay is None:
            info = key_info(row.name, row.kind, row.runs, state.defines)
        else:
            info = shown_info(overlay, metric, row.runs, state.defines)
        keys.append(
            RunKey(
                **msgspec.structs.asdict(info),
                n=stats.n,
                last=last,
                min=stats.min,
                max=stats.max,
                mean=stats.mean,
                first=_shown(row.first, row.first_text, row.is_int),
                last_step=stats.last_step,
            )
        )
        metrics[info.key] = stats
        if row.kind != "system":
            summary.update(_summarise(info.key, last, stats, info.summary, info.goal))
    if corrected:
        keys.sort(key=lambda key: key.key)
    return keys, metrics, summary


def _shown(number: float | None, text: str | None, is_int: bool) -> Any:
    value, logged = decode_number(number, text)
    if value is None:
        return logged
    return int(value) if is_int and value == value and abs(value) < 1 << 53 else value


def _summarise(name: str, last: Any, stats: MetricStats, wanted: list[str], goal: str | None) -> dict[str, Any]:
    """Return the summary entries of one key: its last value, and ``<key>.<rule>`` for each rule of define_metric."""
    if "none" in wanted:
        return {}
    best = stats.max if goal == "maximize" else stats.min
    named = {"min": stats.min, "max": stats.max, "mean": stats.mean, "first": stats.first, "best": best}
    return {name: last} | {f"{name}.{what}": named[what] for what in wanted if what in named}


def _end(state: RunState) -> End | None:
    life = deciding_life(state)
    end = None if life is None else end_of(state, life)
    if end is None or state.state == "running":
        return None
    body = end[0]
    code = body.get("exit_code")
    return End(
        state=state.state,
        exit_code=code if isinstance(code, int) else None,
        reason=str(body["reason"]) if body.get("reason") else None,
        traceback=str(body["traceback"]) if body.get("traceback") else None,
    )


def _writers(
    state: RunState, segments: list[SegmentState], now_ns: int, received: Mapping[str, Receipt]
) -> list[Writer]:
    labels = dict.fromkeys(s.writer for s in segments)
    writers = []
    for label in labels:
        mine = [s for s in segments if s.writer == label]
        lives = [state.lives[s.life] for s in mine if s.life in state.lives]
        newest: Life | None = max(lives, key=lambda life: life.created_ns, default=None)
        writers.append(
            Writer(
                label=label,
                host=newest.host if newest else None,
                pid=newest.pid if newest else None,
                rank=newest.rank if newest else None,
                state=state_of_life(state, newest, now_ns, sealed=all(s.doc.sealed for s in mine)),
                last_beat_at=newest.beat_ns / 1e9 if newest and newest.beat_ns else None,
                segments=len(mine),
                bytes=sum(s.doc.bytes for s in mine),
                synced_bytes=sum(_synced(state, s, received) for s in mine),
                files=[
                    SegmentRow(
                        s.segment,
                        s.doc.bytes,
                        _synced(state, s, received),
                        s.doc.records,
                        s.doc.sealed,
                        s.segment in received,
                    )
                    for s in mine
                ],
            )
        )
    return writers


def _synced(state: RunState, segment: SegmentState, received: Mapping[str, Receipt]) -> int:
    """Return the bytes that survive a power cut: of what was received, all that was acknowledged, hence applied."""
    if segment.segment in received:
        return segment.doc.bytes
    return min(state.synced.get(segment.segment, 0), segment.doc.bytes)


def _guarantee(
    state: RunState, segments: list[SegmentState], received: Mapping[str, Receipt], held: BehindOf, *, whole: bool
) -> Guarantee:
    """*whole*: the bytes of all files are here."""
    trained = [s for s in segments if s.writer != "server" and not s.writer.startswith("system")]
    fsynced = bool(trained) and all(_synced(state, s, received) >= s.doc.bytes for s in trained)
    known = {s.segment for s in segments}
    uploaded = (
        whole
        and bool(trained)
        and all(
            s.segment in received
            and s.offset >= held(s.segment)
            and (s.doc.sealed or s.offset >= state.synced.get(s.segment, 0))
            for s in trained
        )
        and all(name in known for name in state.synced)
    )
    return Guarantee(saved=True, fsynced=fsynced, uploaded=uploaded)
