"""What is known of runs, as rows of the index's tables and back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Row

from . import schema as t
from .inheritance import ForkPoint
from .state import RunBatch, RunState, SegmentDoc, SegmentState, SeriesStat

_encode = msgspec.msgpack.Encoder().encode
decode_run = msgspec.msgpack.Decoder(RunState).decode
decode_doc = msgspec.msgpack.Decoder(SegmentDoc).decode

NAN_TEXT: Final = "NaN"
_ORIGIN: Final = ("sha256", "path", "bytes", "time_us", "purpose", "received")


def part_rows(batches: Sequence[RunBatch]) -> Iterator[tuple[sa.Table, list[dict[str, Any]]]]:
    """Yield the rows of the tables with several of a run: attributes, output, rewinds, files, artifacts, alerts."""
    scope = [
        (b, {"run_id": b.state.id, "entity_id": b.state.entity_id, "project_id": b.state.project_id}) for b in batches
    ]
    yield (
        t.attrs,
        [
            {"key_id": key, **ids, "kind": a.kind, "num": a.num, "text": a.text}
            for b, ids in scope
            for key, a in b.attrs.items()
            if a is not None
        ],
    )
    yield t.unsettled, [{**ids, "run_key": b.state.run_key} for b, ids in scope if b.state.unsettled]
    for table, part in _PARTS.items():
        yield table, [{**msgspec.structs.asdict(row), **ids} for b, ids in scope for row in getattr(b, part)]
    yield (
        t.origins,
        [
            {**{name: getattr(o, name) for name in _ORIGIN}, **ids, "parts": len(o.digests)}
            for b, ids in scope
            for o in b.origins
        ],
    )
    yield (
        t.origin_parts,
        [
            {"digest": digest, "sha256": o.sha256, **ids, "count": count}
            for b, ids in scope
            for o in b.origins
            for digest, count in Counter(o.digests).items()
        ],
    )


# Those whose rows are the structs of a batch.
_PARTS: Final = {
    t.console: "console",
    t.rewinds: "rewinds",
    t.files: "files",
    t.held: "held",
    t.alerts: "alerts",
    t.artifacts: "artifacts",
    t.artifact_uses: "uses",
}


def document_columns(state: RunState) -> dict[str, Any]:
    """Return the row of the documents table."""
    scope = {"entity_id": state.entity_id, "project_id": state.project_id}
    return {"run_id": state.id, **scope, "doc": _encode(state)}


def text_columns(state: RunState) -> dict[str, Any]:
    """Return the row of the texts table."""
    scope = {"entity_id": state.entity_id, "project_id": state.project_id}
    search = clean_text("\n".join([state.name, state.run_id, *state.tags, state.text("notes") or ""]))
    return {"run_id": state.id, **scope, "search": search, "folded": search.casefold()}


def run_columns(state: RunState) -> dict[str, Any]:
    """Return the row of the runs table, without its sequence number."""
    notes = state.text("notes")
    hosts = [life.host for life in state.lives.values() if life.writer == "" and life.host]
    columns = {
        "id": state.id,
        "entity_id": state.entity_id,
        "project_id": state.project_id,
        "run_key": state.run_key,
        "run_id": state.run_id,
        "name": state.name,
        "number": state.number,
        "state": state.state,
        "created_us": state.created_ns // 1000,
        "ended_us": None if state.ended_ns is None else state.ended_ns // 1000,
        "activity_us": state.activity_ns // 1000,
        "group_name": state.text("group"),
        "job_type": state.text("job_type"),
        "folder": state.text("folder"),
        "parent": state.text("parent"),
        "notes": notes,
        "host": hosts[-1] if hosts else None,
        "archived": state.archived,
        "deleted": state.deleted,
        "damaged": state.damaged,
        "error": state.error,
    }
    return {name: clean_text(value) if isinstance(value, str) else value for name, value in columns.items()}


def clean_text(text: str) -> str:
    """PostgreSQL text holds no NUL."""
    return text.replace("\0", "\ufffd")


def segment_columns(s: SegmentState) -> dict[str, Any]:
    return {
        "id": s.id,
        "entity_id": s.entity_id,
        "project_id": s.project_id,
        "run_id": s.run,
        "segment": s.segment,
        "writer_id": s.writer_id,
        "life": s.life,
        "life_created_ns": s.life_created_ns,
        "life_index": s.life_index,
        "from_step": s.from_step,
        "base_step": s.base_step,
        "last_step": s.last_step,
        "applied_offset": s.offset,
        "applied_chain": s.chain,
        "status": s.status,
        "doc": _encode(s.doc),
    }


def segment_query() -> sa.Select[Any]:
    return sa.select(t.segments, t.keys.c.name.label("writer")).join(t.keys, t.keys.c.id == t.segments.c.writer_id)


def segment_state(row: Row[Any]) -> SegmentState:
    return SegmentState(
        id=row.id,
        segment=row.segment,
        run=row.run_id,
        entity_id=row.entity_id,
        project_id=row.project_id,
        writer=row.writer,
        writer_id=row.writer_id,
        life=row.life,
        life_created_ns=row.life_created_ns,
        life_index=row.life_index,
        from_step=row.from_step,
        base_step=row.base_step,
        last_step=row.last_step,
        offset=row.applied_offset,
        chain=row.applied_chain,
        status=row.status,
        doc=decode_doc(row.doc),
    )


def fork_columns(state: RunState) -> dict[str, Any]:
    fork = state.fork
    assert fork is not None
    return {
        "run_id": state.id,
        "entity_id": state.entity_id,
        "project_id": state.project_id,
        "parent_key": fork.parent_key,
        "parent_id": fork.parent_id,
        "step": fork.step,
        "until_ns": fork.until_ns,
        "since_ns": fork.since_ns,
        "lives": msgspec.json.encode(fork.lives).decode(),
    }


def fork_point(row: Row[Any]) -> ForkPoint:
    lives = frozenset(msgspec.json.decode(row.lives, type=list[str]))
    return ForkPoint(
        row.run_id, row.project_id, row.parent_key, row.parent_id, row.step, row.until_ns, row.since_ns, lives
    )


def fork_point_of(state: RunState) -> ForkPoint:
    fork = state.fork
    assert fork is not None
    return ForkPoint(
        state.id,
        state.project_id,
        fork.parent_key,
        fork.parent_id,
        fork.step,
        fork.until_ns,
        fork.since_ns,
        frozenset(fork.lives),
    )


def encode_number(value: float | None, text: str | None) -> tuple[float | None, str | None]:
    """Return (number, text) as stored: NaN is NULL with a marker, and a logged text begins with ``=``."""
    if value is not None and math.isnan(value):
        return None, NAN_TEXT
    return value, None if text is None else "=" + clean_text(text)


def decode_number(value: float | None, text: str | None) -> tuple[float | None, str | None]:
    """Return what ``encode_number`` was given."""
    if value is None and text == NAN_TEXT:
        return math.nan, None
    return value, None if text is None else text[1:]


def stat_columns(s: SeriesStat) -> dict[str, Any]:
    last, last_text = encode_number(s.last, s.last_text)
    first, first_text = encode_number(s.first, s.first_text)
    return {
        "key_id": s.key,
        "run_id": s.run,
        "entity_id": s.entity_id,
        "project_id": s.project_id,
        "n": s.n,
        "finite": s.finite,
        "last": last,
        "last_text": last_text,
        "last_step": s.last_step,
        "last_life_us": s.last_life_us,
        "last_place": s.last_place,
        "first": first,
        "first_text": first_text,
        "first_step": s.first_step,
        "first_life_us": s.first_life_us,
        "first_place": s.first_place,
        "min": s.min,
        "max": s.max,
        "sum": None if math.isnan(s.sum) else s.sum,
        "is_int": s.is_int,
    }


def stat(row: Row[Any]) -> SeriesStat:
    last, last_text = decode_number(row.last, row.last_text)
    first, first_text = decode_number(row.first, row.first_text)
    return SeriesStat(
        key=row.key_id,
        run=row.run_id,
        entity_id=row.entity_id,
        project_id=row.project_id,
        n=row.n,
        finite=row.finite,
        last=last,
        last_text=last_text,
        last_step=row.last_step,
        last_life_us=row.last_life_us,
        last_place=row.last_place,
        first=first,
        first_text=first_text,
        first_step=row.first_step,
        first_life_us=row.first_life_us,
        first_place=row.first_place,
        min=row.min,
        max=row.max,
        sum=math.nan if row.sum is None else row.sum,
        is_int=bool(row.is_int),
    )
