"""What the server holds, and which runs are not whole."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from treering.server.context import TheAccess, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.shipping_schema import HoldingsReply

router = new_router("server")


@router.get("/holdings", response_model=HoldingsReply)
@permission(Action.READ)
def read_holdings(request: Request, store: TheStore, access: TheAccess) -> Response:
    """
    Add up what is held, by project and by user, and name what is missing of runs.

    The disk is that of the whole server and shown only to who may see everything.
    """
    access.require_account()
    visible = access.visible()
    held = msgspec.structs.asdict(store.holdings(visible))
    return ValueReply({**held, "disk": request.app.state.disk.rooms() if visible is None else []})
