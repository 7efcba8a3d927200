"""The audit trail, for who runs the server."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from treering.limits import AUDIT_PAGE_MAX
from treering.server.account_schema import AuditPage
from treering.server.context import TheAccounts, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply

router = new_router("accounts")


@router.get("/audit", response_model=AuditPage)
@permission(Action.MANAGE)
def read_audit(
    accounts: TheAccounts,
    before: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="`id` of the last line of a page.")] = None,
    limit: Annotated[int, Query(ge=1, le=AUDIT_PAGE_MAX)] = 100,
) -> Response:
    """Return who did what, when, and from where: the newest first."""
    return ValueReply({"lines": accounts.trail.page(before, limit)})
