"""Projects."""

from __future__ import annotations

from starlette.responses import Response

from treering.ids import check_name
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.schema import ProjectDetail, Projects

router = new_router("projects")


@router.get("/projects", response_model=Projects)
@permission(Action.READ)
def list_projects(store: TheStore, access: TheAccess) -> Response:
    """List the projects that the caller may see, the one with the latest activity first."""
    return ValueReply({"projects": store.projects(access.visible())})


@router.get("/projects/{entity}/{project}", response_model=ProjectDetail)
@permission(Action.READ)
def read_project(entity: str, project: str, store: TheStore) -> Response:
    """Return one project with the keys that its runs logged and configured."""
    return ValueReply(store.project(check_name(entity, "entity"), check_name(project, "project")))
