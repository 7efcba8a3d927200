"""Asking a run to stop."""

from __future__ import annotations

from starlette.responses import Response

from treering.server.context import TheAccess, TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.routes.runs import run_reply
from treering.server.run_schema import RunDetail, StopRequest

router = new_router("runs")


@router.post("/runs/{run_key}/stop", response_model=RunDetail)
@permission(Action.WRITE)
def stop_run(run_key: TheRunKey, body: StopRequest, store: TheStore, access: TheAccess) -> Response:
    """
    Ask a run to stop. Its training is told with the next records that it ships, or by the run's folder.

    It is a record in the run log, with its author. A life that begins after it is not stopped.
    """
    return run_reply(store.stop_run(run_key, access.author), access)
