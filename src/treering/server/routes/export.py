"""The whole table as a file."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response, StreamingResponse

from treering.server.compare_schema import TableJson
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.run_schema import RunsQuery
from treering.server.selections import run_query
from treering.store.export import Format

__all__ = ["TYPES", "attachment", "router"]

router = new_router("compare")

TYPES: Final[dict[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "latex": "application/x-tex; charset=utf-8",
    "markdown": "text/markdown; charset=utf-8",
    "json": "application/json",
}
_ENDINGS: Final = {"latex": "tex", "markdown": "md"}
_REPLIES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": TableJson,
        "description": "A file in the format asked for; `format=json` gives the model described here.",
        "content": {media_type.partition(";")[0]: {} for media_type in TYPES.values() if "json" not in media_type},
    }
}


@router.post("/runs/export", response_model=None, responses=_REPLIES)
@permission(Action.READ)
def export_runs(
    body: RunsQuery,
    store: TheStore,
    access: TheAccess,
    file_format: Annotated[Format, Query(alias="format")] = "csv",
) -> Response:
    """
    Return every run that matches, in order, as a file; `offset` and `limit` do not count.

    Numbers are exact, texts cannot be taken for formulas. A query with groups gives one row a group: mean, std and n.
    """
    pieces = store.comparing.export(run_query(body, access), file_format)
    return StreamingResponse(pieces, media_type=TYPES[file_format], headers=attachment("runs", file_format))


def attachment(name: str, file_format: str) -> dict[str, str]:
    """Return the headers of a file that a browser stores instead of showing it."""
    return {"Content-Disposition": f'attachment; filename="{name}.{_ENDINGS.get(file_format, file_format)}"'}
