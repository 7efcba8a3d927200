"""Is the server there: no data, no token."""

from __future__ import annotations

from starlette.responses import Response

from treering.server.context import new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.schema import Health

router = new_router("server")


@router.get("/healthz", response_model=Health)
@permission(Action.OPEN)
async def read_health() -> Response:
    """Answer, and say nothing else."""
    return ValueReply({"status": "ok"})
