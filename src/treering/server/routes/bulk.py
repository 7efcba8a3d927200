"""Changing many runs at once: what people say about them, the projects they are in, and whether they exist."""

from __future__ import annotations

from starlette.responses import Response

from treering.errors import InvalidValue, LimitExceeded
from treering.limits import BULK_MAX_RUNS
from treering.server.access import Access
from treering.server.bulk_schema import BulkEdit, BulkReply
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.selections import selection_of
from treering.store import Store

router = new_router("runs")


@router.post("/runs/edit", response_model=BulkReply)
@permission(Action.WRITE)
def edit_runs(body: BulkEdit, store: TheStore, access: TheAccess) -> Response:
    """
    Change, tag, move, copy, stop, delete, restore or remove for good all runs that are meant.

    Each is changed or refused by itself; the answer says which were refused, and why.
    """
    access.require_project(body.entity, body.project, Action.WRITE)
    if body.runs is None and not body.filter.strip() and not body.search.strip():
        raise InvalidValue("Say which runs: give runs, a filter or a search.")
    changes = body.changes.model_dump(exclude_unset=True) if body.changes is not None else {}
    places = [place for place in (body.move_to, body.copy_to) if place is not None]
    acts = [bool(changes or body.add_tags or body.remove_tags), *places, body.stop, body.purge]
    if sum(map(bool, acts)) != 1:
        raise InvalidValue("Give one of: changes (with add_tags or remove_tags), move_to, copy_to, stop, purge.")
    found = store.matching(selection_of(body, access), BULK_MAX_RUNS + 1)
    if len(found) > BULK_MAX_RUNS:
        raise LimitExceeded(f"More than {BULK_MAX_RUNS:,} runs match; narrow the filter, or give them in portions.")
    refused = _act(body, changes, found, store, access)
    missing = [key for key in dict.fromkeys(body.runs or ()) if key not in set(found)]
    refused |= dict.fromkeys(missing, "there is no such run here")
    rows = [{"run_key": key, "reason": reason} for key, reason in refused.items()]
    return ValueReply({"changed": len(found) - len(refused) + len(missing), "refused": rows})


def _act(body: BulkEdit, changes: dict[str, object], found: list[str], store: Store, access: Access) -> dict[str, str]:
    if body.purge:
        access.require_project(body.entity, body.project, Action.ADMIN)
        return store.purge_runs(found, access.author)
    if body.move_to is not None:
        access.require_ingest(body.move_to.entity, body.move_to.project)
        return store.move_runs(found, body.move_to.entity, body.move_to.project, access.author)
    if body.stop:
        return store.stop_runs(found, access.author)
    if body.copy_to is not None:
        access.require_ingest(body.copy_to.entity, body.copy_to.project)
        return store.copy_runs(found, body.copy_to.entity, body.copy_to.project, access.author)
    return store.edit_runs(found, changes, access.author, body.add_tags, body.remove_tags)
