"""Artifacts of a project: lists, versions, what is in them, what people say of them, and what differs."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from treering.errors import InvalidValue, NotFound, ProjectNotFound
from treering.ids import check_name
from treering.limits import FILE_PATH_MAX_BYTES, FILES_PAGE_MAX, NAME_MAX_CHARS, PAGE_DEFAULT_ROWS, PAGE_MAX_ROWS
from treering.runlog.artifact_manifest import Entry
from treering.server.access import Access
from treering.server.artifact_rows import (
    collection_row,
    event_rows,
    logged_rows,
    use_row,
    version_reply,
    version_rows,
)
from treering.server.artifact_schema import (
    Artifacts,
    CollectionEdit,
    CollectionReply,
    Entries,
    Events,
    LoggedRow,
    Removal,
    RemovalReply,
    RunArtifacts,
    VersionEdit,
    VersionReply,
    VersionsDiff,
)
from treering.server.context import TheAccess, TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.store import Store
from treering.store.artifact_book import Collection, Name, Version
from treering.store.artifact_diff import compare, compare_metadata

router = new_router("artifacts")

Offset = Annotated[int, Query(ge=0, le=1_000_000_000)]
Limit = Annotated[int, Query(ge=0, le=PAGE_MAX_ROWS)]
_RECORD: Final = re.compile(r"[0-9a-f]{16}\Z")
_NEVER: Final = float("inf")


@router.get("/projects/{entity}/{project}/artifacts", response_model=Artifacts)
@permission(Action.READ)
def list_artifacts(
    entity: str,
    project: str,
    store: TheStore,
    type: Annotated[str | None, Query(max_length=NAME_MAX_CHARS)] = None,  # noqa: A002 - the field's word for it
    search: Annotated[str, Query(max_length=NAME_MAX_CHARS)] = "",
    offset: Offset = 0,
    limit: Limit = PAGE_DEFAULT_ROWS,
) -> Response:
    """List the artifacts of a project, the latest changed first. *search*: a piece of the name, whatever its case."""
    check_project(store, entity, project)
    found = store.artifacts.book.of_project(entity, project)
    types: dict[str, dict[str, Any]] = {}
    for one in found:
        row = types.setdefault(one.type, {"type": one.type, "artifacts": 0, "versions": 0, "bytes": 0})
        row["artifacts"] += 1
        row["versions"] += len(one.alive)
        row["bytes"] += sum(version.bytes for version in one.alive)
    chosen = [one for one in found if type in (None, one.type) and search.casefold() in one.name[2].casefold()]
    return ValueReply(
        {
            "artifacts": [collection_row(one) for one in chosen[offset : offset + limit]],
            "total": len(chosen),
            "types": sorted(types.values(), key=lambda row: str(row["type"])),
        }
    )


@router.post("/projects/{entity}/{project}/artifacts/remove", response_model=RemovalReply)
@permission(Action.WRITE)
def remove_versions(entity: str, project: str, body: Removal, store: TheStore, access: TheAccess) -> Response:
    """
    Remove versions: they stay listed as removed, and garbage collection frees what nothing else refers to.

    Each is removed or refused by itself. With `dry_run` it is only said what would be.
    """
    check_project(store, entity, project)
    chosen: dict[tuple[str, int], tuple[Collection, Version]] = {}
    refused: list[dict[str, Any]] = []
    for one in body.versions:
        collection = store.artifacts.book.find((entity, project, one.name))
        version = None if collection is None else collection.versions.get(one.version)
        if collection is None or version is None:
            why = "there is no such version"
        else:
            why = store.artifacts.protection.refusal(collection, version, body.with_aliases)
            if not why:
                chosen[one.name, one.version] = collection, version
        if why:
            refused.append({"name": one.name, "version": one.version, "reason": why})
    free_bytes = store.bytes_of_removal(list(chosen.values()))
    if not body.dry_run and chosen:
        store.check_room()
        late = store.artifacts.remove(list(chosen.values()), access.author, body.why, with_aliases=body.with_aliases)
        for collection, version, why in late:
            del chosen[collection.name[2], version.number]
            refused.append({"name": collection.name[2], "version": version.number, "reason": why})
    removed = [
        {"name": name, "version": number, "bytes": version.bytes} for (name, number), (_, version) in chosen.items()
    ]
    return ValueReply({"removed": removed, "refused": refused, "free_bytes": free_bytes})


@router.get("/projects/{entity}/{project}/artifacts/{name}", response_model=CollectionReply)
@permission(Action.READ)
def read_artifact(
    entity: str,
    project: str,
    name: str,
    store: TheStore,
    access: TheAccess,
    offset: Offset = 0,
    limit: Limit = PAGE_DEFAULT_ROWS,
    removed: bool = False,
) -> Response:
    """Return an artifact and a page of its versions, newest first; removed ones too if they are asked for."""
    collection = store.artifacts.book.get(name_of(store, entity, project, name))
    return ValueReply(_collection_reply(store, access, collection, offset, limit, removed))


@router.patch("/projects/{entity}/{project}/artifacts/{name}", response_model=CollectionReply)
@permission(Action.WRITE)
def change_artifact(
    entity: str, project: str, name: str, body: CollectionEdit, store: TheStore, access: TheAccess
) -> Response:
    """Change the description of an artifact, which versions it keeps, and for how long. A rule works at once."""
    key = name_of(store, entity, project, name)
    changes: dict[str, Any] = {} if body.description is None else {"description": body.description}
    if body.keep is not None:
        changes["keep"] = None if body.keep == "all" else _keep(body.keep.model_dump())
    if body.ttl_days is not None:
        changes["ttl_days"] = None if body.ttl_days == "never" else body.ttl_days
    store.check_room()
    collection = store.artifacts.edit_collection(key, access.author, body.revision, changes)
    return ValueReply(_collection_reply(store, access, collection, 0, PAGE_DEFAULT_ROWS, False))


@router.get("/projects/{entity}/{project}/artifacts/{name}/events", response_model=Events)
@permission(Action.READ)
def list_artifact_events(
    entity: str, project: str, name: str, store: TheStore, offset: Offset = 0, limit: Limit = PAGE_DEFAULT_ROWS
) -> Response:
    """Return what was done to an artifact, by whom and when, the latest first."""
    acts = store.artifacts.book.get(name_of(store, entity, project, name)).acts[::-1]
    return ValueReply({"events": event_rows(acts[offset : offset + limit]), "total": len(acts)})


@router.get("/projects/{entity}/{project}/artifacts/{name}/compare", response_model=VersionsDiff)
@permission(Action.READ)
def compare_versions(
    entity: str,
    project: str,
    name: str,
    store: TheStore,
    access: TheAccess,
    a: Annotated[str, Query(min_length=1, max_length=200)],
    b: Annotated[str, Query(min_length=1, max_length=200)],
) -> Response:
    """Return what is different in version *b*: files, metadata, and the rows and columns of tables."""
    key = name_of(store, entity, project, name)
    artifacts = store.artifacts
    (collection, left), (_, right) = artifacts.find(key, a), artifacts.find(key, b)
    found = compare(artifacts.manifest(left), artifacts.manifest(right), store.blobs)
    rows = version_rows(store, access, collection, [left, right])
    metadata = [version_reply(store, access, collection, version)["metadata"] for version in (left, right)]
    entries = [
        {
            "path": one.path,
            "change": one.change,
            "a_bytes": one.a and one.a.bytes,
            "b_bytes": one.b and one.b.bytes,
            "a_sha256": one.a and one.a.sha256,
            "b_sha256": one.b and one.b.sha256,
        }
        for one in found.entries
    ]
    return ValueReply(
        {
            "a": rows[0],
            "b": rows[-1],
            "equal": left.digest == right.digest,
            "same_files": found.same_files,
            "added": found.added,
            "removed": found.removed,
            "changed": found.changed,
            "entries": entries,
            "more_entries": found.more_entries,
            "metadata": [one._asdict() for one in compare_metadata(metadata[0], metadata[1])],
            "tables": found.tables,
        }
    )


@router.get("/projects/{entity}/{project}/artifacts/{name}/versions/{version}", response_model=VersionReply)
@permission(Action.READ)
def read_version(entity: str, project: str, name: str, version: str, store: TheStore, access: TheAccess) -> Response:
    """Return a version by `v3`, an alias, or a digest. A removed one is found by its number only."""
    found = store.artifacts.find(name_of(store, entity, project, name), version)
    return ValueReply(version_reply(store, access, *found))


@router.patch("/projects/{entity}/{project}/artifacts/{name}/versions/{version}", response_model=VersionReply)
@permission(Action.WRITE)
def change_version(
    entity: str, project: str, name: str, version: str, body: VersionEdit, store: TheStore, access: TheAccess
) -> Response:
    """Change what is said of a version, and its aliases: one that another version has moves here."""
    key = name_of(store, entity, project, name)
    changes = body.model_dump(include={"description", "metadata", "tags", "locked"}, exclude_none=True)
    if body.ttl_days is not None:
        named = {"inherit": None, "never": _NEVER}
        changes["ttl_days"] = named[body.ttl_days] if isinstance(body.ttl_days, str) else body.ttl_days
    store.check_room()
    # By its number: the alias by which it was found may be what is taken away.
    number = f"v{store.artifacts.find(key, version)[1].number}"
    store.artifacts.edit_version(
        key, number, access.author, changes, body.add_aliases, body.remove_aliases, body.revision
    )
    return ValueReply(version_reply(store, access, *store.artifacts.find(key, number)))


@router.get("/projects/{entity}/{project}/artifacts/{name}/versions/{version}/entries", response_model=Entries)
@permission(Action.READ)
def list_entries(
    entity: str,
    project: str,
    name: str,
    version: str,
    store: TheStore,
    folder: Annotated[str, Query(max_length=FILE_PATH_MAX_BYTES)] = "",
    search: Annotated[str, Query(max_length=FILE_PATH_MAX_BYTES)] = "",
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=0, le=FILES_PAGE_MAX)] = FILES_PAGE_MAX,
) -> Response:
    """List what is in one folder of a version, or with *search* all entries whose paths hold it, whatever its case."""
    _, found = store.artifacts.find(name_of(store, entity, project, name), version)
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    wanted = search.casefold()
    entries: list[tuple[str, Entry]] = []
    folders: dict[str, dict[str, Any]] = {}
    for path, entry in store.artifacts.manifest(found):
        if not path.startswith(prefix) or wanted not in path.casefold():
            continue
        head, slash, _ = path[len(prefix) :].partition("/")
        if slash and not wanted:
            row = folders.setdefault(head, {"name": head, "files": 0, "bytes": 0})
            row["files"] += 1
            row["bytes"] += entry.bytes or 0
        else:
            entries.append((path, entry))
    entries.sort(key=lambda one: one[0])
    page = [_entry_row(store, path, entry) for path, entry in entries[offset : offset + limit]]
    return ValueReply(
        {
            "folders": sorted(folders.values(), key=lambda row: str(row["name"])) if offset == 0 else [],
            "entries": page,
            "total": len(entries),
            "bytes": sum(entry.bytes or 0 for _, entry in entries) + sum(row["bytes"] for row in folders.values()),
        }
    )


@router.get("/runs/{run_key}/artifacts", response_model=RunArtifacts)
@permission(Action.READ)
def list_run_artifacts(
    run_key: TheRunKey, store: TheStore, access: TheAccess, offset: Offset = 0, limit: Limit = PAGE_MAX_ROWS
) -> Response:
    """Return a page of what a run logged, the first first, however far it has come, and what it used."""
    number = store.run_number(run_key)
    logged, total = store.artifacts.logged(run_key, number, offset, limit)
    return ValueReply(
        {
            "logged": logged_rows(store, access, logged),
            "total": total,
            "used": [use_row(store, access, use) for use in store.artifacts.used_by_run([number])],
        }
    )


@router.get("/runs/{run_key}/artifacts/{record}", response_model=LoggedRow)
@permission(Action.READ)
def read_logged_artifact(run_key: TheRunKey, record: str, store: TheStore, access: TheAccess) -> Response:
    """Return how far one version has come that a run logged, by the id of its record."""
    if not _RECORD.match(record):
        raise NotFound(f"the run has logged no artifact {record[:32]!r}.")
    found = store.artifacts.logged_record(run_key, store.run_number(run_key), record)
    return ValueReply(logged_rows(store, access, [found])[0])


def check_project(store: Store, entity: str, project: str) -> None:
    """Raise ProjectNotFound if there is no such project: who may see everything is not asked about one."""
    if not store.has_project(check_name(entity, "entity"), check_name(project, "project")):
        raise ProjectNotFound(f"there is no project {entity}/{project}.")


def name_of(store: Store, entity: str, project: str, name: str) -> Name:
    """Return the name of an artifact of a project that is there. Raises ProjectNotFound, InvalidName."""
    check_project(store, entity, project)
    return entity, project, check_name(name, "artifact")


def _collection_reply(
    store: Store, access: Access, collection: Collection, offset: int, limit: int, removed: bool
) -> dict[str, Any]:
    versions = [
        version for _, version in sorted(collection.versions.items(), reverse=True) if removed or not version.removed
    ]
    page = version_rows(store, access, collection, versions[offset : offset + limit])
    may_edit = access.may(Action.WRITE, *collection.name[:2])
    return {**collection_row(collection), "version_rows": page, "total": len(versions), "may_edit": may_edit}


def _entry_row(store: Store, path: str, entry: Entry) -> dict[str, Any]:
    return {
        "path": path,
        "bytes": entry.bytes,
        "sha256": entry.sha256,
        "ref": entry.ref,
        "digest": entry.digest,
        "here": entry.sha256 is not None and store.blobs.has(entry.sha256),
    }


def _keep(rule: dict[str, Any]) -> dict[str, Any]:
    if rule["kind"] == "best" and not (rule["metric"] and rule["goal"]):
        raise InvalidValue("A rule that keeps the best needs a metric, and a goal: maximize or minimize.")
    return rule
