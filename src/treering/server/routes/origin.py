"""Where a file comes from: the runs that saved it, or most of it."""

from __future__ import annotations

import re
from typing import Final

from starlette.responses import Response

from treering.errors import InvalidValue
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.origin_schema import OriginQuestion, OriginRows
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply

router = new_router("origin")

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PART: Final = re.compile(r"[0-9a-f]{16}")


@router.get("/origin/{sha256}", response_model=OriginRows)
@permission(Action.READ)
def find_origin(sha256: str, store: TheStore, access: TheAccess) -> Response:
    """Return the runs that saved a file, by its SHA-256: of projects that the caller may read."""
    access.require_account()
    if not _SHA256.fullmatch(sha256):
        raise InvalidValue("a file is asked for by its SHA-256, 64 hexadecimal digits in lower case.")
    return ValueReply({"origins": store.origins.by_hash(sha256, access.visible())})


@router.post("/origin/parts", response_model=OriginRows)
@permission(Action.READ)
def find_origin_of_parts(body: OriginQuestion, store: TheStore, access: TheAccess) -> Response:
    """Return the runs that saved files with some of these parts: of projects that the caller may read."""
    access.require_account()
    if not all(_PART.fullmatch(part) for part in body.parts):
        raise InvalidValue("a part is told by 16 hexadecimal digits in lower case.")
    return ValueReply({"origins": store.origins.by_parts(body.parts, access.visible())})
