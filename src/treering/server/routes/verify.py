"""Checking a run's record."""

from __future__ import annotations

from starlette.responses import Response

from treering.server.context import TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.series_schema import Verification

router = new_router("runs")


@router.get("/runs/{run_key}/verify", response_model=Verification)
@permission(Action.READ)
def verify_run(run_key: TheRunKey, store: TheStore) -> Response:
    """
    Read every byte of a run's record again.

    Of its segments each frame is checked, the chain from frame to frame, and the seal; of its files the SHA-256; of a
    locked run the hashes that were written down when it was locked.
    """
    return ValueReply(store.verify(run_key))
