"""Chart columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import Query
from starlette.responses import Response

from treering.errors import LimitExceeded, MissingExtra
from treering.limits import SERIES_MAX_POINTS
from treering.server.access import Access
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.frames import MEDIA_TYPE, encode_frames
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.series_schema import SeriesGroup as GroupOfRuns
from treering.server.series_schema import SeriesQuery, SeriesReply
from treering.store.model import SeriesColumns, SeriesGroup, SeriesRequest

router = new_router("series")

_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": SeriesReply,
        "description": "Typed arrays behind a JSON header; `format=json` gives the model described here.",
        "content": {MEDIA_TYPE: {}, "application/vnd.apache.arrow.stream": {}},
    }
}


@router.post("/series", responses=_FORMATS, response_model=None)
@permission(Action.READ)
def read_series(
    body: SeriesQuery,
    store: TheStore,
    access: TheAccess,
    reply_format: Annotated[Literal["frames", "json", "arrow"], Query(alias="format")] = "frames",
    raw: Annotated[bool, Query(description="As it was logged, without the project's corrections.")] = False,
) -> Response:
    """Return columns for runs × keys, thinned to buckets that keep their lowest and highest value."""
    lines = len(body.keys) * (len(body.runs or ()) + sum(1 + len(group.runs) for group in body.groups or ()))
    if lines * body.buckets > SERIES_MAX_POINTS:
        raise LimitExceeded(
            f"{lines:,} series of {body.buckets:,} buckets are more than {SERIES_MAX_POINTS:,} points. "
            "Ask for fewer runs, keys or buckets at once."
        )
    seq = store.seq  # before the reading: what arrives during it is read again, never missed
    series = store.series(
        SeriesRequest(
            keys=body.keys,
            runs=None if body.runs is None else access.readable(body.runs),
            groups=None if body.groups is None else [_group(group, access) for group in body.groups],
            x=body.x,
            range=body.range,
            buckets=body.buckets,
            individual=body.individual,
            center=body.center,
            band=body.band,
            confidence=body.confidence,
            ranks=body.ranks,
        ),
        raw=raw,
    )
    found = {(columns.run, columns.key) for columns in series}
    missing = [{"run": run, "key": key} for key in body.keys for run in body.runs or () if (run, key) not in found]
    if reply_format == "frames":
        content = encode_frames(series, x=body.x, x_range=body.range, seq=seq, missing=missing)
        return Response(content, media_type=MEDIA_TYPE)
    if reply_format == "arrow":
        return Response(_encode_arrow(series), media_type="application/vnd.apache.arrow.stream")
    return ValueReply({"x": body.x, "range": body.range, "seq": seq, "series": series, "missing": missing})


def _group(group: GroupOfRuns, access: Access) -> SeriesGroup:
    return SeriesGroup(group.id, access.readable(group.runs))


def _encode_arrow(series: Sequence[SeriesColumns]) -> bytes:
    """Return one long table (run, group, key, x, y, lo, hi, count) as an Arrow IPC stream."""
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra("Arrow needs pyarrow on the server: pip install 'treering[arrow]'") from None

    def repeated(name: str) -> Any:
        return pa.array([getattr(line, name) for line in series for _ in range(len(line.x))], pa.string())

    def joined(name: str, kind: Any) -> Any:
        parts = [
            pa.nulls(len(line.x), kind)
            if getattr(line, name) is None
            else pa.array(np.asarray(getattr(line, name)), kind)
            for line in series
        ]
        return pa.concat_arrays(parts) if parts else pa.array([], kind)

    table = pa.table(
        {
            **{name: repeated(name) for name in ("run", "group", "key")},
            **{name: joined(name, pa.float64()) for name in ("x", "y", "lo", "hi")},
            "count": joined("count", pa.uint32()),
        }
    )
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
