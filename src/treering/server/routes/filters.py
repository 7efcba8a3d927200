"""The two forms of a filter: the text that people type, and the tree that a filter builder edits."""

from __future__ import annotations

from starlette.responses import Response

from treering.errors import InvalidValue
from treering.server.context import new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.view_schema import FilterForms, FilterQuestion
from treering.store.query import from_json, parse, to_json, to_text

router = new_router("runs")


@router.post("/filter", response_model=FilterForms)
@permission(Action.ENTER)
def translate_filter(body: FilterQuestion) -> Response:
    """Return a filter as text and as a tree; given either. What does not parse is refused with its place."""
    if (body.text is None) == (body.tree is None):
        raise InvalidValue("Give the filter as text or as tree, one of them.")
    node = parse(body.text) if body.text is not None else from_json(body.tree or {})
    return ValueReply({"text": to_text(node), "tree": to_json(node)})
