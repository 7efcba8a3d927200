"""Media and text values, and logged tables."""

from __future__ import annotations

from starlette.responses import Response

from treering.errors import InvalidValue, LimitExceeded
from treering.limits import MEDIA_SERIES_MAX
from treering.server.context import TheAccess, TheRunKey, TheStore, new_router
from treering.server.media_schema import (
    MediaQuery,
    MediaReply,
    MediaStepsQuery,
    MediaStepsReply,
    TableQuery,
    TableReply,
    VectorsQuery,
)
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.store.tables import TableFilter, TableSort
from treering.store.tables import TableQuery as RowsWanted

router = new_router("media")


@router.post("/media/steps", response_model=MediaStepsReply)
@permission(Action.READ)
def read_media_steps(body: MediaStepsQuery, store: TheStore, access: TheAccess) -> Response:
    """Say at which steps runs logged media or text."""
    _check_count(body.runs, body.keys)
    return ValueReply({"series": store.media_steps(access.readable(body.runs), body.keys, body.limit)})


@router.post("/media", response_model=MediaReply)
@permission(Action.READ)
def read_media(body: MediaQuery, store: TheStore, access: TheAccess) -> Response:
    """Return media and texts: of each run and key the one at a step, or those of a range of steps."""
    _check_count(body.runs, body.keys)
    runs = access.readable(body.runs)
    if body.range is None:
        return ValueReply({"items": store.media_at(runs, body.keys, body.step, body.match)})
    low, high = body.range
    if low > high:
        raise InvalidValue(f"range must be [low, high] with low <= high, got {list(body.range)}.")
    return ValueReply({"items": store.media_in(runs, body.keys, low, high, body.limit)})


@router.post("/runs/{run_key}/table", response_model=TableReply)
@permission(Action.READ)
def read_table(run_key: TheRunKey, body: TableQuery, store: TheStore) -> Response:
    """Return a page of a table that the run logged: sorted, searched, filtered, grouped."""
    wanted = RowsWanted(
        offset=body.offset,
        limit=body.limit,
        sort=[TableSort(sort.column, sort.desc) for sort in body.sort],
        search=body.search,
        filters=[TableFilter(one.column, one.op, one.value) for one in body.filters],
        group=body.group,
        columns=body.columns,
    )
    return ValueReply(store.table(run_key, body.sha256).read(wanted))


@router.post(
    "/runs/{run_key}/table/vectors", response_model=None, responses={200: {"content": {"application/octet-stream": {}}}}
)
@permission(Action.READ)
def read_vectors(run_key: TheRunKey, body: VectorsQuery, store: TheStore) -> Response:
    """Return a vector column as little-endian float32, row after row; X-Rows and X-Dim give its shape."""
    vectors = store.table(run_key, body.sha256).vectors(body.column, body.limit)
    rows, width = vectors.shape
    headers = {"X-Rows": str(rows), "X-Dim": str(width)}
    return Response(vectors.astype("<f4").tobytes(), headers=headers, media_type="application/octet-stream")


def _check_count(runs: list[str], keys: list[str]) -> None:
    if len(runs) * len(keys) > MEDIA_SERIES_MAX:
        raise LimitExceeded(f"{len(runs):,} runs × {len(keys):,} keys are more than {MEDIA_SERIES_MAX:,} at once.")
