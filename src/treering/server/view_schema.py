"""The shapes of the HTTP API that have to do with filters and saved views; see ``schema``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from treering.limits import FILTER_MAX_BYTES

from .schema import Name, Reply, Request


class FilterQuestion(Request):
    """A filter in one of its forms."""

    text: str | None = Field(None, max_length=FILTER_MAX_BYTES)
    tree: dict[str, Any] | None = None


class FilterForms(Reply):
    """A filter in both forms. A tree's nodes have `op`, and `items`, `item`, or `field` and a value."""

    text: str
    tree: dict[str, Any]


class ViewRow(Reply):
    """A saved view without what is in it."""

    id: str
    entity: str
    project: str
    name: str
    shared: bool = Field(description="Everybody who may see the project sees it; else only its owner does.")
    owner: str
    mine: bool
    default: Literal["project", "entity"] | None = Field(
        description="It opens first in its project, or in all projects of its entity that have no default."
    )
    version: int = Field(description="Grows with each change; a change says which version it was made to.")
    created_at: float
    updated_at: float
    updated_by: str
    may_edit: bool


class ViewReply(ViewRow):
    """A saved view."""

    spec: dict[str, Any] = Field(description="The page's own JSON.")


class Views(Reply):
    """The views of a project that the caller may see, by name."""

    views: list[ViewRow]
    default: ViewReply | None = Field(
        description="What opens first: the project's default, else its entity's template."
    )


class NewView(Request):
    """A view to save."""

    name: Name
    shared: bool = False
    spec: dict[str, Any]


class ViewChange(Request):
    """The next version of a view; what is left out stays."""

    version: int = Field(ge=1, description="The version that this change was made to.")
    name: Name | None = None
    shared: bool | None = None
    spec: dict[str, Any] | None = None
    default: Literal["project", "entity", "none"] | None = Field(
        None, description="Have it open first in its project or its entity's projects; `none` ends that."
    )


class ViewVersionRow(Reply):
    """A version of a view."""

    version: int
    time: float
    author: str


class ViewVersions(Reply):
    """The latest versions of a view, newest first."""

    versions: list[ViewVersionRow]


class Deleted(Reply):
    """What was deleted."""

    id: str
