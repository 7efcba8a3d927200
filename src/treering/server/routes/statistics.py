"""Statistics over runs: seeds, tests, what decides about a metric."""

from __future__ import annotations

from starlette.responses import Response

from treering.server.compare_schema import (
    Importance,
    ImportanceQuery,
    Seeds,
    SeedsQuery,
    Statistics,
    StatisticsQuery,
)
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.selections import metric_of, selection_of
from treering.store.two_sets import Question

router = new_router("compare")


@router.post("/statistics/seeds", response_model=Seeds)
@permission(Action.READ)
def group_seeds(body: SeedsQuery, store: TheStore, access: TheAccess) -> Response:
    """Find runs that are equal but for their seed, and rank their configurations by the mean of a metric."""
    selection = selection_of(body, access)
    return ValueReply(store.comparing.seeds(selection, metric_of(body), body.goal, body.ignore, body.confidence))


@router.post("/statistics/compare", response_model=Statistics)
@permission(Action.READ)
def compare_statistics(body: StatisticsQuery, store: TheStore, access: TheAccess) -> Response:
    """Say whether two sets of runs differ in a metric, by how much, how surely, and how many more would tell."""
    access.require_runs([*body.a, *body.b], Action.READ)
    question = Question(body.a, body.b, metric_of(body), body.pair_by, body.confidence, body.power)
    return ValueReply(store.comparing.statistics(question))


@router.post("/statistics/importance", response_model=Importance)
@permission(Action.READ)
def rank_params(body: ImportanceQuery, store: TheStore, access: TheAccess) -> Response:
    """Rank the parameters of the configuration by how much they decide about a metric."""
    selection = selection_of(body, access)
    return ValueReply(store.comparing.importance(selection, metric_of(body), body.params, body.method, body.goal))
