"""Comments on reports, runs and panels, in threads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query
from starlette.responses import Response

from treering.errors import InvalidValue, NotFound, ProjectNotFound, RunNotFound
from treering.ids import RUN_KEY, check_name
from treering.server.access import Access
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.errors import ApiError
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.report_schema import CommentChange, CommentRow, CommentRows, CommentTarget, NewComment
from treering.server.view_schema import Deleted
from treering.store import Store
from treering.store.comments import Comment, Target

router = new_router("comments")


@router.get("/projects/{entity}/{project}/comments", response_model=CommentRows)
@permission(Action.READ)
def list_comments(
    entity: str,
    project: str,
    store: TheStore,
    access: TheAccess,
    kind: Annotated[Literal["report", "run", "panel"] | None, Query()] = None,
    target: Annotated[str, Query(max_length=2_048)] = "",
) -> Response:
    """List the comments on one thing of a project, or on all, and how many threads are open."""
    access.require_account()  # what a team says among itself is not for the holders of a link
    entity, project = _existing(store, entity, project)
    if kind is None:
        found = [one for one in store.comments.of_project(entity, project) if _is_visible(store, access, one)]
    else:
        about = _target(store, access, entity, project, CommentTarget(kind=kind, id=target, part=""))
        found = store.comments.about(about, (entity, project) if kind == "panel" else None)
    counts = [
        {"kind": key[0], "id": key[1], "part": key[2], "open": count}
        for key, count in store.comments.count(entity, project).items()
    ]
    return ValueReply(
        {
            "comments": [_row(one, access, (entity, project)) for one in found],
            "open": counts,
            "may_comment": _may_comment(access, entity, project),
        }
    )


@router.post("/projects/{entity}/{project}/comments", response_model=CommentRow)
@permission(Action.WRITE)
def create_comment(entity: str, project: str, body: NewComment, store: TheStore, access: TheAccess) -> Response:
    """Write a comment on a report, run or panel of the project, or answer one."""
    access.require_account()
    entity, project = _existing(store, entity, project)
    store.check_room()
    about = _target(store, access, entity, project, body.target)
    if body.reply_to is not None:
        _find(store, access, body.reply_to)
    made = store.comments.create(entity, project, about, body.text, access.author, body.reply_to)
    return ValueReply(_row(made, access, (entity, project)))


@router.put("/comments/{comment_id}", response_model=CommentRow)
@permission(Action.READ)
def change_comment(comment_id: str, body: CommentChange, store: TheStore, access: TheAccess) -> Response:
    """Change the text of one's own comment, or close or open a thread."""
    comment, place = _changeable(store, access, comment_id)
    if (body.text is None) == (body.resolved is None):
        raise InvalidValue("give another text, or whether the thread is resolved.")
    if body.text is not None:
        if comment.author != access.author:
            raise ApiError("forbidden", f"Only {comment.author} can change this comment.")
        changed = store.comments.edit(comment_id, access.author, body.version, body.text)
    else:
        changed = store.comments.resolve(comment_id, access.author, body.version, bool(body.resolved))
    return ValueReply(_row(changed, access, place))


@router.delete("/comments/{comment_id}", response_model=Deleted)
@permission(Action.READ)
def delete_comment(comment_id: str, store: TheStore, access: TheAccess) -> Response:
    """Delete a comment: one's own, or as an admin of the project anybody's."""
    comment, place = _changeable(store, access, comment_id)
    if comment.author != access.author:
        access.require_project(*place, Action.ADMIN)
    store.comments.delete(comment_id, access.author)
    return ValueReply({"id": comment_id})


def _existing(store: Store, entity: str, project: str) -> tuple[str, str]:
    entity, project = check_name(entity, "entity"), check_name(project, "project")
    if not store.has_project(entity, project):
        raise ProjectNotFound(f"there is no project {entity}/{project}.")
    return entity, project


def _target(store: Store, access: Access, entity: str, project: str, body: CommentTarget) -> Target:
    """Return what a comment is about, once it is known to be there. Raises NotFound, RunNotFound."""
    if body.kind == "run":
        access.require_run(body.id, Action.READ)
        if store.locate(body.id) != (entity, project):
            raise RunNotFound(f"there is no run {body.id[:64]!r} in {entity}/{project}.")
    elif body.kind == "report":
        report = store.reports.find(body.id)
        hidden = not report.published and not access.may(Action.WRITE, entity, project)
        if (report.entity, report.project) != (entity, project) or hidden:
            raise NotFound(f"there is no report {body.id[:64]!r}.")
    return Target(body.kind, body.id, body.part)


def _find(store: Store, access: Access, comment_id: str) -> tuple[Comment, tuple[str, str]]:
    """Return a comment and where the thing is that it is about. What may not be read never existed."""
    comment = store.comments.find(comment_id)
    place = _place(store, comment)
    if not access.may(Action.READ, *place) or not _is_visible(store, access, comment):
        raise NotFound(f"there is no comment {comment_id[:64]!r}.")
    return comment, place


def _place(store: Store, comment: Comment) -> tuple[str, str]:
    if comment.target.kind == "run" and RUN_KEY.fullmatch(comment.target.id):
        try:
            return store.locate(comment.target.id)
        except RunNotFound:
            pass  # it was removed; what was said of it is where it was said
    return comment.entity, comment.project


def _changeable(store: Store, access: Access, comment_id: str) -> tuple[Comment, tuple[str, str]]:
    comment, place = _find(store, access, comment_id)
    access.require_account()
    access.require_project(*place, Action.WRITE)
    store.check_room()
    return comment, place


def _is_visible(store: Store, access: Access, comment: Comment) -> bool:
    """Return whether the thing that a comment is about may be seen: not a draft of others, not a run that moved."""
    place = _place(store, comment)
    if not access.may(Action.READ, *place):
        return False
    if comment.target.kind != "report" or access.may(Action.WRITE, *place):
        return True
    try:
        return store.reports.find(comment.target.id).published
    except NotFound:
        return False


def _may_comment(access: Access, entity: str, project: str) -> bool:
    return access.principal.kind not in ("share", "anyone") and access.may(Action.WRITE, entity, project)


def _row(comment: Comment, access: Access, place: tuple[str, str]) -> dict[str, Any]:
    row = msgspec.structs.asdict(comment)
    row["target"] = msgspec.structs.asdict(comment.target)
    may_comment = _may_comment(access, *place)
    row["mine"] = may_comment and comment.author == access.author
    row["may_delete"] = row["mine"] or (may_comment and access.may(Action.ADMIN, *place))
    return row
