"""Corrections of a project's metrics: a reversible overlay that everybody who looks at the project sees."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from treering.errors import NotFound, ProjectNotFound
from treering.ids import check_name
from treering.server.access import Access
from treering.server.accounts import By
from treering.server.context import TheAccess, TheBy, TheStore, new_router
from treering.server.correction_schema import (
    CorrectionChange,
    CorrectionPreview,
    CorrectionRow,
    CorrectionRows,
    CorrectionTry,
    CorrectionVersions,
    NewCorrection,
)
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.view_schema import Deleted
from treering.store import Store
from treering.store.correcting import ActingCorrection
from treering.store.correction_rules import parse_rule
from treering.store.corrections import Correction

router = new_router("corrections")


@router.get("/projects/{entity}/{project}/corrections", response_model=CorrectionRows)
@permission(Action.READ)
def list_corrections(entity: str, project: str, store: TheStore, access: TheAccess) -> Response:
    """List the corrections of a project in the order in which they apply, and what each does now."""
    entity, project = _existing(store, entity, project)
    rows = [_row(one, access) for one in store.correcting.of_project(entity, project)]
    return ValueReply({"corrections": rows, "may_edit": _may_edit(access, entity, project)})


@router.post("/projects/{entity}/{project}/corrections", response_model=CorrectionRow)
@permission(Action.WRITE)
def create_correction(
    entity: str, project: str, body: NewCorrection, store: TheStore, access: TheAccess, by: TheBy
) -> Response:
    """Save a correction, behind all others. One that brings two metrics under one name unasked is refused."""
    access.require_account()
    entity, project = _existing(store, entity, project)
    store.check_room()
    rule = parse_rule(body.rule.data())
    _require_runs(access, rule)
    made = store.correcting.create(entity, project, rule, access.author, enabled=body.enabled, note=body.note)
    _note(access, by, "correction.create", made.correction)
    return ValueReply(_row(made, access))


@router.post("/projects/{entity}/{project}/corrections/preview", response_model=CorrectionPreview)
@permission(Action.READ)
def preview_correction(entity: str, project: str, body: CorrectionTry, store: TheStore, access: TheAccess) -> Response:
    """Return what a correction would do: which metrics and how many runs and points change, with lines of some runs."""
    access.require_account()
    entity, project = _existing(store, entity, project)
    rule = parse_rule(body.rule.data())
    _require_runs(access, rule)
    runs = None if body.runs is None else access.readable(body.runs)
    return ValueReply(store.correcting.preview(entity, project, rule, body.replaces, runs))


@router.put("/corrections/{correction_id}", response_model=CorrectionRow)
@permission(Action.READ)
def change_correction(
    correction_id: str, body: CorrectionChange, store: TheStore, access: TheAccess, by: TheBy
) -> Response:
    """Save the next version of a correction. Refused if somebody else saved one since that which the caller saw."""
    _changeable(store, access, correction_id)
    store.check_room()
    rule = None if body.rule is None else parse_rule(body.rule.data())
    if rule is not None:
        _require_runs(access, rule)
    changed = store.correcting.change(
        correction_id,
        access.author,
        body.version,
        rule=rule,
        enabled=body.enabled,
        note=body.note,
        position=body.position,
    )
    what = "correction.change" if body.enabled is None else "correction.on" if body.enabled else "correction.off"
    _note(access, by, what, changed.correction)
    return ValueReply(_row(changed, access))


@router.delete("/corrections/{correction_id}", response_model=Deleted)
@permission(Action.READ)
def delete_correction(correction_id: str, store: TheStore, access: TheAccess, by: TheBy) -> Response:
    """Delete a correction: the metrics are shown as if it had never been."""
    old = _changeable(store, access, correction_id)
    store.check_room()
    store.correcting.delete(correction_id, access.author)
    _note(access, by, "correction.delete", old)
    return ValueReply({"id": correction_id})


@router.get("/corrections/{correction_id}/versions", response_model=CorrectionVersions)
@permission(Action.READ)
def list_correction_versions(correction_id: str, store: TheStore, access: TheAccess) -> Response:
    """List who saved a correction when, and what it was then."""
    _find(store, access, correction_id)
    return ValueReply({"versions": store.correcting.versions(correction_id)})


def _existing(store: Store, entity: str, project: str) -> tuple[str, str]:
    entity, project = check_name(entity, "entity"), check_name(project, "project")
    if not store.has_project(entity, project):
        raise ProjectNotFound(f"there is no project {entity}/{project}.")
    return entity, project


def _find(store: Store, access: Access, correction_id: str) -> Correction:
    """Return a correction. One of a project that the caller may not read never existed."""
    found = store.correcting.find(correction_id)
    if not access.may(Action.READ, found.entity, found.project):
        raise NotFound(f"there is no correction {correction_id[:64]!r}.")
    return found


def _changeable(store: Store, access: Access, correction_id: str) -> Correction:
    found = _find(store, access, correction_id)
    access.require_account()
    access.require_project(found.entity, found.project, Action.WRITE)
    return found


def _require_runs(access: Access, rule: Any) -> None:
    """Check that the runs that a cut names may be read: others do not exist."""
    runs = getattr(rule, "runs", None)
    if isinstance(runs, list):
        access.require_runs(runs, Action.READ)


def _may_edit(access: Access, entity: str, project: str) -> bool:
    return access.principal.kind not in ("share", "anyone") and access.may(Action.WRITE, entity, project)


def _row(one: ActingCorrection, access: Access) -> dict[str, Any]:
    found = one.correction
    return {
        **msgspec.structs.asdict(found),
        "keys": one.keys,
        "conflicts": one.conflicts,
        "may_edit": _may_edit(access, found.entity, found.project),
    }


def _note(access: Access, by: By, action: str, correction: Correction) -> None:
    access.note(by, action, f"{correction.entity}/{correction.project}: {correction.id} {correction.text}"[:1_000])
