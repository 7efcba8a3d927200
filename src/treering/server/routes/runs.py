"""Runs: finding, reading and editing them."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from treering.errors import InvalidValue
from treering.server.access import Access
from treering.server.context import TheAccess, TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.run_schema import RunDetail, RunEdit, RunPage, RunsQuery
from treering.server.selections import run_query
from treering.store.model import Run

router = new_router("runs")


@router.post("/runs/query", response_model=RunPage)
@permission(Action.READ)
def query_runs(body: RunsQuery, store: TheStore, access: TheAccess) -> Response:
    """Find runs: filtered, sorted, grouped and paged by the server over all of them."""
    return ValueReply(store.query_runs(run_query(body, access)))


@router.get("/runs/{run_key}", response_model=RunDetail)
@permission(Action.READ)
def read_run(run_key: TheRunKey, store: TheStore, access: TheAccess) -> Response:
    """Return everything about one run but its points."""
    return run_reply(store.run(run_key), access)


@router.patch("/runs/{run_key}", response_model=RunDetail)
@permission(Action.WRITE)
def edit_run(run_key: TheRunKey, body: RunEdit, store: TheStore, access: TheAccess) -> Response:
    """Change what people say about a run. What its training recorded cannot be changed."""
    changes = body.model_dump(exclude_unset=True)
    for name, value in changes.items():
        if value is None and name != "group":
            raise InvalidValue(f"{name} must not be null. Leave it out to keep it as it is.")
    if not changes:
        return run_reply(store.run(run_key), access)
    before = store.run(run_key)
    # None: it was deleted, and what is answered is what it last was.
    return run_reply(store.edit_run(run_key, changes, access.author) or before, access)


def run_reply(run: Run, access: Access) -> Response:
    """Return a run with what its caller may do with it."""
    may_edit = access.may(Action.WRITE, run.entity, run.project)
    # The holder of a link to one run learns nothing of others but what its own lines show.
    own: dict[str, object] = {"forks": [], "fork_of": None} if access.principal.run_key is not None else {}
    return ValueReply({**msgspec.structs.asdict(run), "may_edit": may_edit, **own})
