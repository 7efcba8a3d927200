"""What replies say of artifacts, of what the caller may see of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from treering.store import Store
from treering.store.artifact_book import Act, Collection, Name, Version
from treering.store.artifact_records import LATEST
from treering.store.artifacts import LoggedVersion, Use
from treering.store.models import Model, ModelVersion

from .access import Access
from .permissions import Action

__all__ = [
    "collection_row",
    "event_rows",
    "logged_rows",
    "model_reply",
    "model_row",
    "use_row",
    "version_reply",
    "version_rows",
]

_NEVER: Final = float("inf")


def collection_row(collection: Collection) -> dict[str, Any]:
    """Return an artifact without its versions."""
    alive = collection.alive
    latest = collection.latest
    entity, project, name = collection.name
    return {
        "entity": entity,
        "project": project,
        "name": name,
        "type": collection.type,
        "description": collection.description,
        "versions": len(alive),
        "removed": len(collection.versions) - len(alive),
        "bytes": sum(version.bytes for version in alive),
        "aliases": {**({LATEST: latest.number} if latest is not None else {}), **collection.aliases},
        "latest": None if latest is None else latest.number,
        "created_at": collection.created_ns / 1e9,
        "updated_at": collection.updated_ns / 1e9,
        "keep": None if collection.keep is None else msgspec.structs.asdict(collection.keep),
        "ttl_days": None if collection.ttl_days in (None, _NEVER) else collection.ttl_days,
        "revision": collection.revision,
    }


def version_rows(
    store: Store, access: Access, collection: Collection, versions: Sequence[Version]
) -> list[dict[str, Any]]:
    """Return versions of one artifact."""
    artifacts = store.artifacts
    abouts = artifacts.abouts(versions)
    counts = artifacts.use_counts(collection.name) if versions else {}
    runs = run_names(store, access, {key for version in versions for key, _ in version.loggers})
    held = artifacts.protection.reasons(collection, [version.number for version in versions])
    rows = []
    for version in versions:
        about = abouts.get(version.number)
        end_ns = collection.expires_ns(version)
        entity, project, name = collection.name
        row = {
            "entity": entity,
            "project": project,
            "name": name,
            "type": collection.type,
            "version": version.number,
            "digest": version.digest,
            "state": "committed" if version.removed is None else "removed",
            "aliases": collection.aliases_of(version.number),
            "tags": version.tags,
            "description": version.said.get("description", about.description if about else ""),
            "bytes": version.bytes,
            "files": version.files,
            "created_at": version.created_ns / 1e9,
            "run": next((runs[key] for key, _ in version.loggers if key in runs), None),
            "used_by": counts.get(version.number, 0),
            "models": _models_of(store, access, collection, version),
            "ttl_days": collection.ttl_of(version),
            "expires_at": None if end_ns is None else end_ns / 1e9,
            "locked": version.locked,
            "protected": held[version.number],
            "revision": version.revision,
            "removed": None,
        }
        if version.removed is not None:
            removed = version.removed
            row["removed"] = {"at": removed.time_ns / 1e9, "by": removed.author, "why": removed.why}
        rows.append(row)
    return rows


def version_reply(store: Store, access: Access, collection: Collection, version: Version) -> dict[str, Any]:
    """Return a version with everything that is said of it."""
    row = version_rows(store, access, collection, [version])[0]
    about = store.artifacts.abouts([version]).get(version.number)
    runs = run_names(store, access, {key for key, _ in version.loggers})
    others = list(dict.fromkeys(key for key, _ in version.loggers[1:] if key in runs))
    return {
        **row,
        "metadata": version.said.get("metadata", about.metadata if about else {}),
        "manifest_bytes": version.manifest_bytes,
        "step": version.step,
        "values": version.values,
        "also_logged_by": [runs[key] for key in others if row["run"] is None or key != row["run"]["run_key"]],
    }


def _models_of(store: Store, access: Access, collection: Collection, version: Version) -> list[dict[str, Any]]:
    models = store.artifacts.models
    found = []
    for link in models.links_of(collection.name, version.number):
        model = models.get(link.model_id)
        if access.may(Action.READ, model.entity, model.project):
            found.append({"model_id": model.id, "model": model.name, "number": link.number, "aliases": link.aliases})
    return found


def run_names(store: Store, access: Access, run_keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return run key → what lists say of it, of those that are there and that the caller may see."""
    states = store.metadata.runs_by_key(list(run_keys))
    return {
        key: {"run_key": key, "name": state.name, "state": state.state}
        for key, state in states.items()
        if not state.deleted and access.may(Action.READ, state.entity, state.project)
    }


def logged_rows(store: Store, access: Access, logged: Sequence[LoggedVersion]) -> list[dict[str, Any]]:
    """Return versions that a run logged, however far each has come."""
    of: dict[Name, tuple[Collection, dict[int, Version]]] = {}
    for one in logged:
        # The run may have been moved since; its versions stay in the project that it logged them to.
        if one.collection is not None and one.version is not None and access.may(Action.READ, *one.collection.name[:2]):
            of.setdefault(one.collection.name, (one.collection, {}))[1][one.version.number] = one.version
    shown = {
        (name, row["version"]): row
        for name, (collection, versions) in of.items()
        for row in version_rows(store, access, collection, list(versions.values()))
    }
    return [
        _logged_row(
            one, shown.get((one.collection.name, one.version.number)) if one.collection and one.version else None
        )
        for one in logged
    ]


def _logged_row(one: LoggedVersion, version: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "record": one.logged.record,
        "name": one.logged.name,
        "type": one.logged.type,
        "state": one.state,
        "reason": one.reason,
        "digest": one.logged.digest,
        "bytes": one.logged.bytes,
        "files": one.logged.files,
        "logged_at": one.logged.time_us / 1e6,
        "equals": one.equals,
        "missing_files": one.missing_files,
        "missing_bytes": one.missing_bytes,
        "version": version,
    }


def use_row(store: Store, access: Access, use: Use) -> dict[str, Any]:
    """Return a version that a run used; of one in a project that the caller may not see only that there is one."""
    entity, project, name = use.artifact
    row = {"version": use.version, "used_at": use.time_us / 1e6, "use_as": use.use_as}
    if not access.may(Action.READ, entity, project):
        hidden = {"entity": "", "project": "", "name": "", "type": None, "visible": False, "exists": False}
        return {**hidden, "version": 0, "used_at": use.time_us / 1e6, "used_as": ""}
    collection = store.artifacts.book.find(use.artifact)
    version = None if collection is None else collection.versions.get(use.version)
    return {
        "entity": entity,
        "project": project,
        "name": name,
        "type": use.type,
        "version": row["version"],
        "used_at": row["used_at"],
        "used_as": row["use_as"],
        "visible": True,
        "exists": version is not None and version.removed is None,
    }


# ── what was done ────────────────────────────────────────────────────────────────────────────────────────────────


def event_rows(acts: Sequence[Act]) -> list[dict[str, Any]]:
    """Return what was done, in words, in the order given."""
    return [
        {
            "at": act.time_ns / 1e9,
            "by": act.author,
            "what": act.what,
            "version": act.version,
            "text": _text(act),
            "details": _details(act),
        }
        for act in acts
    ]


def _details(act: Act) -> dict[str, Any]:
    shown = ("alias", "before", "note", "why", "changes", "checks", "equals", "source", "run_key")
    return {name: act.body[name] for name in shown if name in act.body}


def _text(act: Act) -> str:
    body, version = act.body, f"v{act.version}"
    before = body.get("before")
    changed = ", ".join(sorted(body.get("changes") or ()))
    note = f": {body['note']}" if body.get("note") else ""
    texts = {
        "logged": f"{version} was logged" + (", equal to what was there" if body.get("equals") else ""),
        "alias": f"alias {body.get('alias')} given to {version}" + ("" if before is None else f", which v{before} had"),
        "unalias": f"alias {body.get('alias')} taken from {version}",
        "edit": f"{changed or 'its description'} changed" + ("" if act.version is None else f" of {version}"),
        "create": "made",
        "remove": f"{version} removed" + (f": {body['why']}" if body.get("why") else ""),
        "link": f"{_source(body)} linked as {version}{note}",
        "unlink": f"{version} taken out{note}",
        "promote": f"{version} promoted to {body.get('alias')}{note}",
        "demote": f"{body.get('alias')} taken from {version}{note}",
        "refuse": f"{version} not promoted to {body.get('alias')}: {_failed(body)}",
    }
    return texts.get(act.what, act.what)


def _source(body: dict[str, Any]) -> str:
    source = body.get("source") or {}
    return f"{source.get('name')}:v{source.get('version')}"


def _failed(body: dict[str, Any]) -> str:
    return "; ".join(str(check["text"]) for check in body.get("checks") or () if not check.get("passed"))


# ── registered models ────────────────────────────────────────────────────────────────────────────────────────────


def model_row(model: Model, access: Access) -> dict[str, Any]:
    """Return a registered model without its versions."""
    return {
        "id": model.id,
        "entity": model.entity,
        "project": model.project,
        "name": model.name,
        "description": model.description,
        "checks": model.checks,
        "protected_aliases": model.protected_aliases,
        "aliases": model.aliases,
        "versions": sum(not version.unlinked for version in model.versions),
        "version": model.version,
        "created_at": model.created_ns / 1e9,
        "created_by": model.created_by,
        "updated_at": model.updated_ns / 1e9,
        "may_edit": access.may(Action.WRITE, model.entity, model.project),
        "may_admin": access.may(Action.ADMIN, model.entity, model.project),
    }


def model_reply(store: Store, model: Model, access: Access) -> dict[str, Any]:
    """Return a registered model and its versions, newest first."""
    runs = run_names(store, access, {version.run_key for version in model.versions})
    rows = [_model_version(store, model, version, access, runs) for version in reversed(model.versions)]
    return {**model_row(model, access), "version_rows": rows}


def _model_version(
    store: Store, model: Model, version: ModelVersion, access: Access, runs: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    entity, project, name = version.source
    source = None
    if access.may(Action.READ, entity, project):
        collection = store.artifacts.book.find(version.source)
        found = None if collection is None else collection.versions.get(version.version)
        source = {
            "entity": entity,
            "project": project,
            "name": name,
            "type": "" if collection is None else collection.type,
            "version": version.version,
            "digest": version.digest,
            "bytes": 0 if found is None else found.bytes,
            "removed": found is None or found.removed is not None,
        }
    return {
        "number": version.number,
        "aliases": model.aliases_of(version.number),
        "linked_at": version.linked_ns / 1e9,
        "linked_by": version.linked_by,
        "note": version.note,
        "unlinked": version.unlinked,
        "source": source,
        "run": runs.get(version.run_key),
    }
