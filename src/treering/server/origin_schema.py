"""The shapes of the HTTP API that have to do with where a file comes from; see ``schema``."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from treering.limits import PARTS_MAX

from .schema import Number, Reply, Request, State


class OriginQuestion(Request):
    """The parts of a file whose hash is unknown: 16 hexadecimal digits of each."""

    parts: list[str] = Field(min_length=1, max_length=PARTS_MAX)


class OriginFileRow(Reply):
    """A file that a run saved."""

    sha256: str
    path: str
    purpose: str
    bytes: int
    saved_at: float
    share: float = Field(description="Of what was asked about: 1 for the whole, else of its parts.")
    is_held: bool = Field(description="This server has its bytes.")


class OriginRow(Reply):
    """A run that a file comes from. Times are unix seconds."""

    run_key: str
    run_id: str
    run_name: str
    entity: str
    project: str
    state: State
    created_at: float
    author: str
    command: str
    commit: str | None
    remote: str | None
    has_changes: bool = Field(description="Uncommitted changes were recorded, too.")
    config: dict[str, Any]
    inputs: list[dict[str, Any]]
    values: dict[str, tuple[int, Number]] = Field(
        description="Step and value of each metric as it was when the file was saved."
    )
    file: OriginFileRow


class OriginRows(Reply):
    """The runs that a file comes from."""

    origins: list[OriginRow]
