"""The shapes of the HTTP API that change many runs at once; see ``schema``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from treering.limits import TAG_MAX_CHARS, TAGS_MAX

from .compare_schema import Selection
from .run_schema import RunEdit
from .schema import Name, Reply, Request

Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=TAG_MAX_CHARS)]], Field(max_length=TAGS_MAX)]


class NewPlace(Request):
    """A project, which need not exist yet."""

    entity: Name
    project: Name


class BulkEdit(Selection):
    """What is done to the runs that are meant. Those in the bin are meant with ``deleted``."""

    changes: RunEdit | None = Field(None, description="`deleted` true puts runs into the bin, false takes them out.")
    add_tags: Tags = Field([])
    remove_tags: Tags = Field([])
    move_to: NewPlace | None = Field(None, description="File them under another project; their links stay.")
    copy_to: NewPlace | None = Field(None, description="Copy them into another project; both then go their own ways.")
    stop: bool = Field(False, description="Ask those that run to stop.")
    purge: bool = Field(False, description="Remove runs in the bin for good, with their files. Needs an admin.")


class Refusal(Reply):
    """A run that was not changed."""

    run_key: str
    reason: str


class BulkReply(Reply):
    """How many runs were changed, and which were not."""

    changed: int
    refused: list[Refusal]
