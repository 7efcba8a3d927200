"""Pivot tables."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import Response

from treering.server.compare_schema import Pivot, PivotQuery
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.routes.export import TYPES, attachment
from treering.server.selections import column_of, selection_of
from treering.store.pivot import pivot_text

router = new_router("compare")


@router.post("/runs/pivot", response_model=Pivot)
@permission(Action.READ)
def read_pivot(
    body: PivotQuery,
    store: TheStore,
    access: TheAccess,
    reply_format: Annotated[Literal["json", "csv", "latex", "markdown"], Query(alias="format")] = "json",
) -> Response:
    """Return mean ± std of one value for each combination of rows and columns; as text the best are in bold."""
    selection = selection_of(body, access)
    pivot = store.comparing.pivot(selection, body.rows, body.columns, column_of(body.value), body.goal)
    if reply_format == "json":
        return ValueReply(pivot)
    text = pivot_text(pivot, body.rows, body.columns, reply_format)
    return Response(text, media_type=TYPES[reply_format], headers=attachment("pivot", reply_format))
