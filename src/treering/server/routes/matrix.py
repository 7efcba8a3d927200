"""Columns over many runs: a matrix of them, and what there is to choose from."""

from __future__ import annotations

from starlette.responses import Response

from treering.server.compare_schema import ColumnsReply, Matrix, MatrixQuery
from treering.server.compare_schema import Selection as SelectionBody
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.selections import column_of, selection_of

router = new_router("compare")


@router.post("/runs/matrix", response_model=Matrix)
@permission(Action.READ)
def read_matrix(body: MatrixQuery, store: TheStore, access: TheAccess) -> Response:
    """Return columns over all runs that match, each a list: what scatter plots and parallel coordinates draw."""
    selection = selection_of(body, access)
    return ValueReply(store.comparing.matrix(selection, [column_of(column) for column in body.columns], body.limit))


@router.post("/runs/columns", response_model=ColumnsReply)
@permission(Action.READ)
def list_columns(body: SelectionBody, store: TheStore, access: TheAccess) -> Response:
    """List the columns that the runs have, those that vary most first."""
    return ValueReply(store.comparing.columns(selection_of(body, access)))
