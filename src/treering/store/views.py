"""
Saved views: how somebody arranged a project's runs and panels, for themselves or for everybody who may see it.

What a view holds is the page's own JSON. One view of a project may be its default, which opens first; one view of an
entity may be the template, which projects without a default of their own inherit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from treering.errors import InvalidValue, NotFound

from .documents import Document, Documents, Version

__all__ = ["Default", "View", "ViewVersion", "Views"]

Default = Literal["project", "entity"]

_VIEW: Final = "view"
_CHOICE: Final = "view-default"  # a document of its own: choosing a default is no change of the view


class View(msgspec.Struct, frozen=True):
    """
    A saved view.

    Attributes:
        default: whether it opens first in its project ("project"), or in all projects of the entity that have no
            default ("entity").
        spec: None in lists.
    """

    id: str
    entity: str
    project: str
    name: str
    shared: bool
    owner: str
    default: Default | None
    version: int
    created_at: float
    updated_at: float
    updated_by: str
    spec: Any = None


class ViewVersion(msgspec.Struct, frozen=True):
    """A version of a view, numbered from 1."""

    version: int
    time: float
    author: str


class Views:
    """The views in a store's documents. *viewer* names who asks ("" for nobody): what is not shared is its owner's."""

    def __init__(self, documents: Documents, clock_ns: Callable[[], int]) -> None:
        self._documents = documents
        self._clock_ns = clock_ns

    def of_project(self, entity: str, project: str, viewer: str) -> list[View]:
        """Return the views that *viewer* may see, without what is in them, by name."""
        found = self._documents.of_project(_VIEW, entity, project)
        return [self._view(one) for one in found if _is_visible(one, viewer)]

    def default(self, entity: str, project: str) -> View | None:
        """Return the view that opens first in a project: its own default, else its entity's template."""
        for place in (project, ""):
            chosen = self._chosen(entity, place)
            if chosen is not None:
                return self._view(chosen, self._documents.body(chosen.id))
        return None

    def read(self, view_id: str, viewer: str, version: int | None = None) -> View:
        """Return a view as it is, or as it was in one of its versions. Raises NotFound."""
        document = self.find(view_id, viewer)
        return self._view(document, self._documents.body(view_id, version))

    def versions(self, view_id: str, viewer: str) -> list[ViewVersion]:
        """Return the latest versions, newest first. Raises NotFound."""
        self.find(view_id, viewer)
        return [_version(one) for one in self._documents.versions(view_id)]

    def find(self, view_id: str, viewer: str) -> Document:
        """
        Return the document of a view that *viewer* may see: also a template of another project.

        Raises:
            NotFound: there is none, it is no view, or it is somebody else's own.
        """
        try:
            document = self._documents.get(view_id)
        except NotFound:
            raise _no_view(view_id) from None
        if document.kind != _VIEW or not _is_visible(document, viewer):
            raise _no_view(view_id)
        return document

    def create(self, entity: str, project: str, name: str, shared: bool, spec: dict[str, Any], author: str) -> View:
        """Save a new view. Raises InvalidValue, LimitExceeded, OSError."""
        document = self._documents.create(
            _VIEW, entity, project, name, spec, author, self._clock_ns(), shared=bool(shared)
        )
        return self._view(document, spec)

    def check_version(self, view_id: str, viewer: str, version: int) -> None:
        """Raise EditConflict unless *version* is the newest one of a view. Raises NotFound."""
        self._documents.check_version(self.find(view_id, viewer).id, version)

    def change(
        self,
        view_id: str,
        viewer: str,
        version: int,
        name: str | None = None,
        shared: bool | None = None,
        spec: dict[str, Any] | None = None,
    ) -> View:
        """
        Save the next version of a view; None keeps what is.

        Raises:
            NotFound, LimitExceeded, OSError.
            InvalidValue: the name, or a default that would no longer be shared.
            EditConflict: somebody else saved it since *version*.
        """
        document = self.find(view_id, viewer)
        if shared is False and self._default_of(document) is not None:
            raise InvalidValue(
                f"{document.name!r} opens first for everybody; choose another default before it is private."
            )
        self._documents.change(
            view_id,
            viewer,
            self._clock_ns(),
            version=version,
            name=name,
            body=msgspec.UNSET if spec is None else spec,
            about=None if shared is None else {"shared": shared},
        )
        return self.read(view_id, viewer)

    def delete(self, view_id: str, viewer: str) -> None:
        """Delete a view. Raises NotFound, OSError."""
        self.find(view_id, viewer)
        self._documents.delete(view_id, viewer, self._clock_ns())

    def choose_default(self, view_id: str, viewer: str, default: Default | None) -> View:
        """
        Have a view open first in its project or its entity's projects; None ends both.

        Raises:
            NotFound, OSError.
            InvalidValue: it is not shared, so others could not open it.
        """
        document = self.find(view_id, viewer)
        if default is not None and not document.about.get("shared"):
            raise InvalidValue(f"{document.name!r} is private: share it first, so that others can open it.")
        before = self._default_of(document)
        if before is not None and before != default:
            self._choose(document.entity, document.project if before == "project" else "", None, viewer)
        if default is not None and before != default:
            self._choose(document.entity, document.project if default == "project" else "", view_id, viewer)
        return self.read(view_id, viewer)

    def _choose(self, entity: str, project: str, view_id: str | None, author: str) -> None:
        choices = self._documents.of_project(_CHOICE, entity, project)
        now_ns = self._clock_ns()
        if choices:
            self._documents.change(choices[0].id, author, now_ns, version=choices[0].version, about={"view": view_id})
        else:
            self._documents.create(_CHOICE, entity, project, "default", None, author, now_ns, view=view_id)

    def _chosen(self, entity: str, project: str) -> Document | None:
        for choice in self._documents.of_project(_CHOICE, entity, project):
            try:
                document = self._documents.get(str(choice.about.get("view")))
            except NotFound:
                continue
            if document.about.get("shared") and document.entity == entity:
                return document
        return None

    def _default_of(self, document: Document) -> Default | None:
        for place, default in ((document.project, "project"), ("", "entity")):
            chosen = self._chosen(document.entity, place)
            if chosen is not None and chosen.id == document.id:
                return default  # type: ignore[return-value]
        return None

    def _view(self, document: Document, spec: Any = None) -> View:
        return View(
            id=document.id,
            entity=document.entity,
            project=document.project,
            name=document.name,
            shared=bool(document.about.get("shared")),
            owner=document.owner,
            default=self._default_of(document),
            version=document.version,
            created_at=document.created_ns / 1e9,
            updated_at=document.updated_ns / 1e9,
            updated_by=document.author,
            spec=spec,
        )


def _is_visible(document: Document, viewer: str) -> bool:
    return bool(document.about.get("shared")) or (viewer != "" and document.owner == viewer)


def _version(version: Version) -> ViewVersion:
    return ViewVersion(version.number, version.time_ns / 1e9, version.author)


def _no_view(view_id: str) -> NotFound:
    return NotFound(f"there is no view {view_id[:64]!r}.")
