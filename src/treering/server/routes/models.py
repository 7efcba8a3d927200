"""The model registry: registered models, their versions, and promotions."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from treering.errors import InvalidValue, NotFound
from treering.ids import check_alias, check_name
from treering.limits import NAME_MAX_CHARS, PAGE_DEFAULT_ROWS
from treering.server.access import Access
from treering.server.artifact_rows import event_rows, model_reply, model_row
from treering.server.artifact_schema import Events
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.errors import ApiError, error_reply
from treering.server.model_schema import (
    ModelEdit,
    ModelReply,
    Models,
    NewLink,
    NewModel,
    Promotion,
    PromotionReply,
)
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.view_schema import Deleted
from treering.store import Store
from treering.store.model_checks import CheckResult, run_checks
from treering.store.models import Model

from .artifacts import Limit, Offset, check_project, name_of

HIDDEN: Final = "what you may not see"

router = new_router("models")


@router.get("/models", response_model=Models)
@permission(Action.READ)
def list_models(
    store: TheStore,
    access: TheAccess,
    entity: Annotated[str | None, Query(max_length=NAME_MAX_CHARS)] = None,
    project: Annotated[str | None, Query(max_length=NAME_MAX_CHARS)] = None,
) -> Response:
    """List registered models that the caller may see, by name; those of an entity or a project, if one is given."""
    found = [
        model
        for model in store.artifacts.models.all(entity, project)
        if access.may(Action.READ, model.entity, model.project)
    ]
    return ValueReply({"models": [model_row(model, access) for model in found]})


@router.post("/models", response_model=ModelReply)
@permission(Action.WRITE)
def create_model(body: NewModel, store: TheStore, access: TheAccess) -> Response:
    """Register a model; members of the project that it names decide about it. Checks and protection need an admin."""
    entity, project = check_name(body.entity, "entity"), check_name(body.project, "project")
    access.require_project(entity, project, Action.WRITE)
    if body.checks or body.protected_aliases:
        access.require_project(entity, project, Action.ADMIN)
    check_project(store, entity, project)
    store.check_room()
    model = store.artifacts.models.create(
        entity, project, body.name, body.description, body.checks, body.protected_aliases, access.author
    )
    return ValueReply(model_reply(store, model, access))


@router.get("/models/{model_id}", response_model=ModelReply)
@permission(Action.READ)
def read_model(model_id: str, store: TheStore, access: TheAccess) -> Response:
    """Return a registered model and its versions, newest first."""
    return ValueReply(model_reply(store, _find(store, access, model_id), access))


@router.put("/models/{model_id}", response_model=ModelReply)
@permission(Action.WRITE)
def change_model(model_id: str, body: ModelEdit, store: TheStore, access: TheAccess) -> Response:
    """Change what is said of a model. Its checks and protected aliases are for an admin of its project."""
    model = _find(store, access, model_id)
    access.require_project(model.entity, model.project, Action.WRITE)
    if body.checks not in (None, model.checks) or body.protected_aliases not in (None, model.protected_aliases):
        access.require_project(model.entity, model.project, Action.ADMIN)
    store.check_room()
    changed = store.artifacts.models.change(
        model_id, body.version, access.author, body.name, body.description, body.checks, body.protected_aliases
    )
    return ValueReply(model_reply(store, changed, access))


@router.delete("/models/{model_id}", response_model=Deleted)
@permission(Action.WRITE)
def delete_model(model_id: str, store: TheStore, access: TheAccess) -> Response:
    """Delete a registered model; the artifacts stay, and so does, in the ledger, what was done."""
    model = _find(store, access, model_id)
    access.require_project(model.entity, model.project, Action.ADMIN)
    store.check_room()
    store.artifacts.models.delete(model_id, access.author)
    return ValueReply({"id": model_id})


@router.get("/models/{model_id}/events", response_model=Events)
@permission(Action.READ)
def list_model_events(
    model_id: str, store: TheStore, access: TheAccess, offset: Offset = 0, limit: Limit = PAGE_DEFAULT_ROWS
) -> Response:
    """Return what was done to a model, by whom and when, the latest first; refused promotions among it."""
    model = _find(store, access, model_id)
    acts = store.artifacts.models.acts(model_id)
    hidden = {
        version.number
        for version in model.versions
        if not access.may(Action.READ, version.source[0], version.source[1])
    }
    rows = event_rows(acts[offset : offset + limit])
    for row in rows:
        if row["version"] not in hidden:
            continue
        if row["what"] == "link":
            row["text"], row["details"] = f"a version linked as v{row['version']}", {}
        elif "checks" in row["details"]:  # what they saw are values of a run that the caller may not see
            row["details"]["checks"] = [{**check, "seen": HIDDEN} for check in row["details"]["checks"]]
    return ValueReply({"events": rows, "total": len(acts)})


@router.post("/models/{model_id}/versions", response_model=ModelReply)
@permission(Action.WRITE)
def link_version(model_id: str, body: NewLink, store: TheStore, access: TheAccess) -> Response:
    """Make a version of an artifact the next version of a model, and promote it to aliases if the checks allow it."""
    model = _find(store, access, model_id)
    access.require_project(model.entity, model.project, Action.WRITE)
    access.require_project(body.entity, body.project, Action.READ)
    collection, version = store.artifacts.find(name_of(store, body.entity, body.project, body.name), body.version)
    run_key = version.loggers[0][0] if version.loggers else ""
    _require_aliases(model, body.aliases, access)
    checks = _checks(store, model, run_key, access) if body.aliases else []
    store.check_room()
    linked = store.artifacts.models.link(model_id, collection, version, body.note, access.author)
    for alias in body.aliases:
        refusal = _refusal(store, model, alias, linked.number, body.note, checks, access)
        if refusal is not None:
            return refusal
        store.artifacts.models.promote(model_id, alias, linked.number, body.note, access.author, _as_dicts(checks))
    return ValueReply(model_reply(store, store.artifacts.models.get(model_id), access))


@router.delete("/models/{model_id}/versions/{number}", response_model=ModelReply)
@permission(Action.WRITE)
def unlink_version(model_id: str, number: int, store: TheStore, access: TheAccess) -> Response:
    """Take a version out of a model, with its aliases. The artifact's version stays."""
    model = _find(store, access, model_id)
    access.require_project(model.entity, model.project, Action.WRITE)
    _require_aliases(model, model.aliases_of(number), access)
    store.check_room()
    return ValueReply(model_reply(store, store.artifacts.models.unlink(model_id, number, access.author), access))


@router.post("/models/{model_id}/promotions", response_model=PromotionReply)
@permission(Action.WRITE)
def promote_version(model_id: str, body: Promotion, store: TheStore, access: TheAccess) -> Response:
    """
    Give an alias to a version, or with no number take it away.

    Before it is given, the model's checks are asked about the run that made the version. One that fails refuses the
    promotion: 409 `check_failed`, with what each check found beside the error. Either is noted for good.
    """
    model = _find(store, access, model_id)
    access.require_project(model.entity, model.project, Action.WRITE)
    alias, before = check_alias(body.alias), model.aliases.get(body.alias)
    if not body.dry_run:
        _require_aliases(model, [alias], access)
        store.check_room()
    reply: dict[str, Any] = {"alias": alias, "number": body.number, "before": before, "checks": []}
    if body.number is None:
        if not body.dry_run:
            store.artifacts.models.promote(model_id, alias, None, body.note, access.author, [])
        return ValueReply({**reply, "state": "removed"})
    checks = _checks(store, model, model.find(body.number).run_key, access)
    reply["checks"] = _as_dicts(checks)
    if body.dry_run:
        return ValueReply({**reply, "state": "would_pass" if all(one.passed for one in checks) else "would_fail"})
    refusal = _refusal(store, model, alias, body.number, body.note, checks, access)
    if refusal is not None:
        return refusal
    store.artifacts.models.promote(model_id, alias, body.number, body.note, access.author, reply["checks"])
    return ValueReply({**reply, "state": "promoted"})


def _find(store: Store, access: Access, model_id: str) -> Model:
    """Return a registered model. One of a project that the caller may not read never existed."""
    model = store.artifacts.models.get(model_id)
    if not access.may(Action.READ, model.entity, model.project):
        raise NotFound(f"there is no registered model {model_id[:64]!r}.")
    return model


def _require_aliases(model: Model, aliases: list[str], access: Access) -> None:
    protected = sorted(set(aliases) & set(model.protected_aliases))
    if protected and not access.may(Action.ADMIN, model.entity, model.project):
        raise ApiError(
            "forbidden",
            f"The alias {protected[0]!r} of {model.name!r} is protected.",
            f"Only an admin of {model.entity}/{model.project} gives it or takes it away.",
        )
    if "latest" in aliases:
        raise InvalidValue("'latest' is no alias of a model: its newest version is its last one.")


def _checks(store: Store, model: Model, run_key: str, access: Access) -> list[CheckResult]:
    """Return what the checks find; not what they saw, where the caller may not see the run."""
    found = run_checks(model.checks, run_key, store.run, store.query_runs)
    state = store.metadata.run(run_key)
    if state is None or access.may(Action.READ, state.entity, state.project):
        return found
    return [one._replace(seen=HIDDEN) for one in found]


def _as_dicts(checks: list[CheckResult]) -> list[dict[str, Any]]:
    return [one._asdict() for one in checks]


def _refusal(
    store: Store, model: Model, alias: str, number: int, note: str, checks: list[CheckResult], access: Access
) -> Response | None:
    """Note that checks refuse a promotion, and return the reply that says so; None if they do not."""
    failed = [one for one in checks if not one.passed]
    if not failed:
        return None
    store.artifacts.models.note_refusal(model.id, alias, number, note, access.author, _as_dicts(checks))
    named = "; ".join(f"{one.text}: the run has {one.seen}" for one in failed)
    return error_reply(
        "check_failed",
        f"{model.name} v{number} is not promoted to {alias}. {named}.",
        "Promote a version whose run meets the checks, or have an admin of the project change them.",
        beside={"checks": _as_dicts(checks)},
    )
