"""What differs between runs."""

from __future__ import annotations

from starlette.responses import Response

from treering.server.context import TheAccess, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.schema import Diff, RunsDiff

router = new_router("runs")


@router.post("/runs/diff", response_model=Diff)
@permission(Action.READ)
def diff_runs(body: RunsDiff, store: TheStore, access: TheAccess) -> Response:
    """Compare config, summary and surroundings of runs, key by key."""
    access.require_runs(body.runs, Action.READ)
    return ValueReply(store.diff(body.runs))
