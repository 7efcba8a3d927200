"""Reports of a project: text with figures and formulas over runs, live or frozen."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Query
from starlette.responses import Response, StreamingResponse

from treering.errors import NotFound, ProjectNotFound
from treering.ids import check_name
from treering.server.access import Access
from treering.server.accounts import By
from treering.server.context import TheAccess, TheBy, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.report_schema import (
    NewReport,
    NumbersByHand,
    ReportChange,
    ReportDeltas,
    ReportDifference,
    ReportEvaluation,
    ReportQuestion,
    ReportReply,
    ReportRestore,
    ReportRows,
    ReportStep,
    ReportVersions,
)
from treering.server.routes.blobs import media_type
from treering.server.view_schema import Deleted
from treering.store import Store
from treering.store.reports import MayRead, Report

router = new_router("reports")

_FROZEN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The data of all that the report shows, as JSON; see the format of reports."}
}


@router.get("/projects/{entity}/{project}/reports", response_model=ReportRows)
@permission(Action.READ)
def list_reports(entity: str, project: str, store: TheStore, access: TheAccess) -> Response:
    """List the reports of a project, the latest changed first; drafts only to who may change them."""
    entity, project = _existing(store, entity, project)
    found = store.reports.of_project(entity, project)
    rows = [_row(one, access) for one in found if _is_visible(one, access)]
    return ValueReply({"reports": rows, "may_edit": _may_edit(access, entity, project)})


@router.post("/projects/{entity}/{project}/reports", response_model=ReportReply)
@permission(Action.WRITE)
def create_report(
    entity: str, project: str, body: NewReport, store: TheStore, access: TheAccess, by: TheBy
) -> Response:
    """Save a new report, as a draft unless it is published at once."""
    access.require_account()
    entity, project = _existing(store, entity, project)
    store.check_room()
    made = store.reports.create(
        entity,
        project,
        body.title,
        body.markdown,
        access.author,
        published=body.published,
        template=body.template,
    )
    _note(access, by, "report.create", made)
    return ValueReply(_row(made, access))


@router.post("/projects/{entity}/{project}/reports/evaluate", response_model=ReportEvaluation)
@permission(Action.READ)
def evaluate_report(entity: str, project: str, body: ReportQuestion, store: TheStore, access: TheAccess) -> Response:
    """Return what a text shows now: the runs of its run sets, the values of its formulas, and what is wrong."""
    entity, project = _existing(store, entity, project)
    seq = store.seq  # before the reading: what arrives during it is read again, never missed
    if body.formulas is not None:
        found = store.reports.formulas(entity, project, body.markdown, body.formulas, _reader(access))
    else:
        found = store.reports.evaluate(entity, project, body.markdown, _reader(access))
    return ValueReply({**msgspec.structs.asdict(found), "seq": seq})


@router.post("/projects/{entity}/{project}/reports/numbers", response_model=NumbersByHand)
@permission(Action.READ)
def check_numbers(entity: str, project: str, body: ReportQuestion, store: TheStore, access: TheAccess) -> Response:
    """List the numbers of a text that were typed by hand, with formulas that have the same value now."""
    access.require_account()
    entity, project = _existing(store, entity, project)
    found = store.reports.check_numbers(entity, project, body.markdown, _reader(access))
    return ValueReply({"numbers": found})


@router.get("/reports/{report_id}", response_model=ReportReply)
@permission(Action.READ)
def read_report(
    report_id: str, store: TheStore, access: TheAccess, version: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    """Return a report, as it is or as it was in one of its versions."""
    _find(store, access, report_id)
    return ValueReply(_row(store.reports.read(report_id, version), access))


@router.put("/reports/{report_id}", response_model=ReportReply)
@permission(Action.READ)
def change_report(report_id: str, body: ReportChange, store: TheStore, access: TheAccess, by: TheBy) -> Response:
    """Save the next version of a report. Refused if somebody else saved one since that which the caller saw."""
    _changeable(store, access, report_id)
    changed = store.reports.change(
        report_id,
        access.author,
        body.version,
        title=body.title,
        markdown=body.markdown,
        published=body.published,
        template=body.template,
    )
    if body.published is not None:
        _note(access, by, "report.publish" if body.published else "report.withdraw", changed)
    return ValueReply(_row(changed, access))


@router.delete("/reports/{report_id}", response_model=Deleted)
@permission(Action.READ)
def delete_report(report_id: str, store: TheStore, access: TheAccess, by: TheBy) -> Response:
    """Delete a report: one's own, or as an admin of the project anybody's."""
    report = _changeable(store, access, report_id)
    if report.owner != access.author:
        access.require_project(report.entity, report.project, Action.ADMIN)
    store.reports.delete(report_id, access.author)
    _note(access, by, "report.delete", report)
    return ValueReply({"id": report_id})


@router.get("/reports/{report_id}/versions", response_model=ReportVersions)
@permission(Action.READ)
def list_report_versions(report_id: str, store: TheStore, access: TheAccess) -> Response:
    """List who saved a report when; each version can still be read, compared and restored."""
    _find(store, access, report_id)
    return ValueReply({"versions": store.reports.versions(report_id)})


@router.get("/reports/{report_id}/diff", response_model=ReportDifference)
@permission(Action.READ)
def compare_report_versions(
    report_id: str,
    store: TheStore,
    access: TheAccess,
    earlier: Annotated[int, Query(ge=1)],
    later: Annotated[int, Query(ge=1)],
) -> Response:
    """Return what differs between the texts of two versions, line by line."""
    _find(store, access, report_id)
    return ValueReply({"diff": store.reports.difference(report_id, earlier, later)})


@router.post("/reports/{report_id}/restore", response_model=ReportReply)
@permission(Action.READ)
def restore_report(report_id: str, body: ReportRestore, store: TheStore, access: TheAccess, by: TheBy) -> Response:
    """Make an earlier version the newest, with the data that was frozen for it."""
    _changeable(store, access, report_id)
    changed = store.reports.restore(report_id, access.author, body.version, body.earlier)
    _note(access, by, "report.restore", changed)
    return ValueReply(_row(changed, access))


@router.post("/reports/{report_id}/freeze", response_model=ReportReply)
@permission(Action.READ)
def freeze_report(report_id: str, body: ReportStep, store: TheStore, access: TheAccess, by: TheBy) -> Response:
    """Keep the data of all that the report shows now, so that it shows the same whatever becomes of the runs."""
    _changeable(store, access, report_id)
    changed = store.reports.freeze(report_id, access.author, body.version, _reader(access))
    _note(access, by, "report.freeze", changed)
    return ValueReply(_row(changed, access))


@router.post("/reports/{report_id}/thaw", response_model=ReportReply)
@permission(Action.READ)
def thaw_report(report_id: str, body: ReportStep, store: TheStore, access: TheAccess, by: TheBy) -> Response:
    """Have a frozen report show the runs as they are; its earlier versions keep their data."""
    _changeable(store, access, report_id)
    changed = store.reports.thaw(report_id, access.author, body.version)
    _note(access, by, "report.thaw", changed)
    return ValueReply(_row(changed, access))


@router.get("/reports/{report_id}/frozen", response_model=None, responses=_FROZEN)
@permission(Action.READ)
def read_frozen_report(
    report_id: str, store: TheStore, access: TheAccess, version: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    """Return the data that a frozen report keeps."""
    _find(store, access, report_id)
    return Response(store.reports.frozen_json(report_id, version), media_type="application/json")


@router.get("/reports/{report_id}/changes", response_model=ReportDeltas)
@permission(Action.READ)
def list_report_changes(report_id: str, store: TheStore, access: TheAccess) -> Response:
    """Say what has changed since a report was frozen: runs that are gone, points added, values that are others."""
    report = _find(store, access, report_id)
    changes = store.reports.changes(report_id, _reader(access))
    return ValueReply({"since": report.frozen.at if report.frozen else 0.0, "changes": changes})


@router.get("/reports/{report_id}/blobs/{sha256}", response_model=None)
@permission(Action.READ)
def read_report_blob(report_id: str, sha256: str, store: TheStore, access: TheAccess) -> Response:
    """Return bytes of media that a frozen report shows, also if their run is gone."""
    _find(store, access, report_id)
    size = store.reports.blob_of(report_id, sha256)
    head = store.blobs.range(sha256, 0, 16)
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    return StreamingResponse(store.blobs.get(sha256), 200, headers, media_type(head))


def _existing(store: Store, entity: str, project: str) -> tuple[str, str]:
    entity, project = check_name(entity, "entity"), check_name(project, "project")
    if not store.has_project(entity, project):
        raise ProjectNotFound(f"there is no project {entity}/{project}.")
    return entity, project


def _reader(access: Access) -> MayRead:
    return lambda entity, project: access.may(Action.READ, entity, project)


def _find(store: Store, access: Access, report_id: str) -> Report:
    """Return a report. A draft that the caller may not see, and one of a project that is closed, never existed."""
    found = store.reports.find(report_id)
    if not access.may(Action.READ, found.entity, found.project) or not _is_visible(found, access):
        raise NotFound(f"there is no report {report_id[:64]!r}.")
    return found


def _changeable(store: Store, access: Access, report_id: str) -> Report:
    found = _find(store, access, report_id)
    access.require_account()
    access.require_project(found.entity, found.project, Action.WRITE)
    store.check_room()
    return found


def _is_visible(report: Report, access: Access) -> bool:
    return report.published or _may_edit(access, report.entity, report.project)


def _may_edit(access: Access, entity: str, project: str) -> bool:
    return access.principal.kind not in ("share", "anyone") and access.may(Action.WRITE, entity, project)


def _row(report: Report, access: Access) -> dict[str, Any]:
    row = msgspec.structs.asdict(report)
    if report.markdown is None:
        del row["markdown"]
    may_edit = _may_edit(access, report.entity, report.project)
    row["may_edit"] = may_edit
    row["may_delete"] = may_edit and (
        report.owner == access.author or access.may(Action.ADMIN, report.entity, report.project)
    )
    return row


def _note(access: Access, by: By, action: str, report: Report) -> None:
    access.note(by, action, f"{report.entity}/{report.project}: {report.id} {report.title}"[:1_000])
