"""Locking a run: its log is sealed, its hashes are written down, and nothing is added to it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Query
from starlette.responses import Response

from treering.errors import RunNotFound
from treering.server.context import TheAccess, TheBy, TheRunKey, TheStore, new_router
from treering.server.lock_schema import LockReply, LockRequest
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.store import Store

router = new_router("runs")


@router.get("/runs/{run_key}/lock", response_model=LockReply)
@permission(Action.READ)
def read_lock(
    run_key: TheRunKey,
    store: TheStore,
    check: Annotated[bool, Query(description="Read every byte again and compare the hashes.")] = False,
) -> Response:
    """Return the lock of a run, and with *check* whether its files are still what they were."""
    _existing(store, run_key)
    return ValueReply(_reply(store, run_key, check))


@router.post("/runs/{run_key}/lock", response_model=LockReply)
@permission(Action.WRITE)
def lock_run(run_key: TheRunKey, body: LockRequest, store: TheStore, access: TheAccess, by: TheBy) -> Response:
    """Lock a run that has ended: its log is sealed with the hash of each file, and nothing is added to it any more."""
    access.require_account()
    lock = store.lock_run(run_key, access.author, body.note)
    access.note(by, "run.lock", f"{run_key}: {lock.sha256}")
    return ValueReply(_reply(store, run_key, False))


@router.delete("/runs/{run_key}/lock", response_model=LockReply)
@permission(Action.ADMIN)
def unlock_run(run_key: TheRunKey, store: TheStore, access: TheAccess, by: TheBy) -> Response:
    """Take a lock away; that it was there, and what it said, stays in the record."""
    _existing(store, run_key)
    store.check_room()
    store.locks.unlock(run_key, access.author)
    access.note(by, "run.unlock", run_key)
    return ValueReply(_reply(store, run_key, False))


def _existing(store: Store, run_key: str) -> None:
    run = store.metadata.run(run_key)
    if run is None or run.deleted:
        raise RunNotFound(f"there is no run {run_key!r}.")


def _reply(store: Store, run_key: str, check: bool) -> dict[str, Any]:
    lock = store.locks.get(run_key)
    if lock is None:
        return {"lock": None, "changed": None, "added": None}
    changed, added = store.locks.differences(lock) if check else (None, None)
    said = msgspec.structs.asdict(lock)
    del said["run_key"], said["version"]
    return {"lock": said, "changed": changed, "added": added}
