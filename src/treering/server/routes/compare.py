"""A few runs side by side: inputs, results, code, output, and what changed since an earlier one."""

from __future__ import annotations

from starlette.responses import Response

from treering.server.compare_schema import (
    Changed,
    ChangedQuery,
    CodeComparison,
    CompareQuery,
    Comparison,
    ConsoleComparison,
    TwoRuns,
)
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply

router = new_router("compare")


@router.post("/runs/compare", response_model=Comparison)
@permission(Action.READ)
def compare_runs(body: CompareQuery, store: TheStore, access: TheAccess) -> Response:
    """Compare config, results and surroundings of runs, section by section and key by key."""
    access.require_runs(body.runs, Action.READ)
    return ValueReply(store.comparing.compare(body.runs, body.sections))


@router.post("/runs/compare/code", response_model=CodeComparison)
@permission(Action.READ)
def compare_code(body: TwoRuns, store: TheStore, access: TheAccess) -> Response:
    """Compare the code of two runs: commits, uncommitted changes, untracked files and stored sources."""
    access.require_runs([body.a, body.b], Action.READ)
    return ValueReply(store.comparing.compare_code(body.a, body.b))


@router.post("/runs/compare/console", response_model=ConsoleComparison)
@permission(Action.READ)
def compare_console(body: TwoRuns, store: TheStore, access: TheAccess) -> Response:
    """Compare what two runs printed, line by line."""
    access.require_runs([body.a, body.b], Action.READ)
    return ValueReply(store.comparing.compare_console(body.a, body.b))


@router.post("/runs/changed", response_model=Changed)
@permission(Action.READ)
def read_changed(body: ChangedQuery, store: TheStore, access: TheAccess) -> Response:
    """Say which inputs of a run are others than in an earlier run, the most telling first."""
    access.require_runs([body.run] if body.earlier is None else [body.run, body.earlier], Action.READ)
    # The holder of a link to one run learns nothing of the runs before it.
    alone = access.principal.run_key is not None
    return ValueReply(store.comparing.changed(body.run, body.earlier, alone=alone))
