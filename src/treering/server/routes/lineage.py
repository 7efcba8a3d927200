"""Where runs and versions of artifacts come from, and what became of them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import Response

from treering.limits import LINEAGE_DEPTH_MAX, LINEAGE_NODES_MAX
from treering.server.access import Access
from treering.server.artifact_schema import LineageGraph
from treering.server.context import TheAccess, TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.store.lineage import Reads

from .artifacts import name_of

router = new_router("artifacts")

Direction = Annotated[Literal["both", "up", "down"], Query()]
Depth = Annotated[int, Query(ge=1, le=LINEAGE_DEPTH_MAX)]
Nodes = Annotated[int, Query(ge=1, le=LINEAGE_NODES_MAX)]
_DEPTH = 5
_NODES = 300


@router.get("/projects/{entity}/{project}/artifacts/{name}/versions/{version}/lineage", response_model=LineageGraph)
@permission(Action.READ)
def read_version_lineage(
    entity: str,
    project: str,
    name: str,
    version: str,
    store: TheStore,
    access: TheAccess,
    direction: Direction = "both",
    depth: Depth = _DEPTH,
    nodes: Nodes = _NODES,
) -> Response:
    """Return from which runs and versions a version comes, and which came of it."""
    key = name_of(store, entity, project, name)
    number = store.artifacts.find(key, version)[1].number
    return ValueReply(store.lineage.of_version(key, number, direction, depth, nodes, _reads(access)))


@router.get("/runs/{run_key}/lineage", response_model=LineageGraph)
@permission(Action.READ)
def read_run_lineage(
    run_key: TheRunKey,
    store: TheStore,
    access: TheAccess,
    direction: Direction = "both",
    depth: Depth = _DEPTH,
    nodes: Nodes = _NODES,
) -> Response:
    """Return from which versions and runs a run comes, and which came of it."""
    store.run_number(run_key)  # raises for one that is not there
    return ValueReply(store.lineage.of_run(run_key, direction, depth, nodes, _reads(access)))


def _reads(access: Access) -> Reads:
    """Return what the caller may read; for the holder of a link to one run nothing but that run."""
    return lambda entity, project: access.may(Action.READ, entity, project)
