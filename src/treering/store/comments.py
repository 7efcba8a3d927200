"""
Comments on reports, runs and panels, in threads.

Each is a document of the project that it was written in. A comment answers another one of the same thing, or begins a
thread, which somebody may mark as resolved. Those on a run go where the run goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from treering.errors import InvalidValue, LimitExceeded, NotFound
from treering.limits import COMMENT_MAX_BYTES, COMMENTS_MAX_PER_PROJECT

from .documents import Document, Documents

__all__ = ["Comment", "Comments", "Target", "TargetKind"]

_KIND: Final = "comment"
_NAME: Final = "comment"  # documents have a name, comments have none
TargetKind = Literal["report", "run", "panel"]


class Target(msgspec.Struct, frozen=True):
    """
    What a comment is about.

    Attributes:
        id: the id of a report, the key of a run, or of a panel its id in the workspace of the project.
        part: the figure or block of a report, or the panel of a run's page; "" for the whole.
    """

    kind: TargetKind
    id: str
    part: str = ""


class Comment(msgspec.Struct, frozen=True):
    """
    A comment. Times are unix seconds.

    Attributes:
        entity, project: where it was written.
        reply_to: the first comment of its thread; None for that one itself.
        resolved_by: who closed the thread; None while it is open. Of answers always None.
    """

    id: str
    entity: str
    project: str
    target: Target
    text: str
    author: str
    created_at: float
    edited_at: float | None
    reply_to: str | None
    resolved_by: str | None
    version: int


class Comments:
    """
    The comments in a store's documents. Thread-safe.

    Raises, where a method takes them: NotFound, InvalidValue, EditConflict, LimitExceeded, OSError.
    """

    def __init__(self, documents: Documents, clock_ns: Callable[[], int]) -> None:
        self._documents = documents
        self._clock_ns = clock_ns

    def about(self, target: Target, place: tuple[str, str] | None = None) -> list[Comment]:
        """
        Return the comments on one thing, the oldest first.

        Args:
            place: entity and project, of which a panel's id says nothing.
        """
        wanted = {"kind": target.kind, "id": target.id}
        found = [
            self._comment(document)
            for document in self._documents.of_kind(_KIND)
            if {name: document.about.get("target", {}).get(name) for name in wanted} == wanted
            and (place is None or (document.entity, document.project) == place)
        ]
        return sorted(found, key=lambda one: (one.created_at, one.id))

    def of_project(self, entity: str, project: str) -> list[Comment]:
        """Return all comments that were written in a project, the newest first."""
        found = [self._comment(one) for one in self._documents.of_project(_KIND, entity, project)]
        return sorted(found, key=lambda one: (-one.created_at, one.id))

    def find(self, comment_id: str) -> Comment:
        """Return a comment."""
        return self._comment(self._document(comment_id))

    def create(
        self, entity: str, project: str, target: Target, text: str, author: str, reply_to: str | None = None
    ) -> Comment:
        """Save a new comment. An answer to an answer answers the thread."""
        if reply_to is not None:
            first = self.find(reply_to)
            if (first.target.kind, first.target.id) != (target.kind, target.id):
                raise InvalidValue("an answer is about the same thing as the comment that it answers.")
            reply_to = first.reply_to or first.id
            target = first.target
        document = self._documents.create(
            _KIND,
            entity,
            project,
            _NAME,
            {"text": _checked(text)},
            author,
            self._clock_ns(),
            most=COMMENTS_MAX_PER_PROJECT,
            target={"kind": target.kind, "id": target.id, "part": target.part},
            reply_to=reply_to,
            resolved_by=None,
            edited_ns=None,
        )
        return self._comment(document)

    def edit(self, comment_id: str, author: str, version: int, text: str) -> Comment:
        """Save another text of a comment; the earlier ones are kept."""
        self._document(comment_id)
        now_ns = self._clock_ns()
        document = self._documents.change(
            comment_id,
            author,
            now_ns,
            version=version,
            body={"text": _checked(text)},
            about={"edited_ns": now_ns},
        )
        return self._comment(document)

    def resolve(self, comment_id: str, author: str, version: int, resolved: bool) -> Comment:
        """Close or open the thread that a comment begins."""
        if self.find(comment_id).reply_to is not None:
            raise InvalidValue("an answer is not resolved; the comment that began the thread is.")
        document = self._documents.change(
            comment_id,
            author,
            self._clock_ns(),
            version=version,
            about={"resolved_by": author if resolved else None},
        )
        return self._comment(document)

    def delete(self, comment_id: str, author: str) -> None:
        """Delete a comment; answers to it stay."""
        self._document(comment_id)
        self._documents.delete(comment_id, author, self._clock_ns())

    def count(self, entity: str, project: str) -> dict[tuple[str, str, str], int]:
        """Return how many open threads each thing of a project has: (kind, id, part) → count."""
        found: dict[tuple[str, str, str], int] = {}
        for document in self._documents.of_project(_KIND, entity, project):
            about = document.about
            if about.get("reply_to") is None and about.get("resolved_by") is None:
                target = _target(about)
                key = target.kind, target.id, target.part
                found[key] = found.get(key, 0) + 1
        return found

    def _document(self, comment_id: str) -> Document:
        try:
            document = self._documents.get(comment_id)
        except NotFound:
            raise _no_comment(comment_id) from None
        if document.kind != _KIND:
            raise _no_comment(comment_id)
        return document

    def _comment(self, document: Document) -> Comment:
        about: dict[str, Any] = document.about
        edited_ns = about.get("edited_ns")
        return Comment(
            id=document.id,
            entity=document.entity,
            project=document.project,
            target=_target(about),
            text=str(self._documents.body(document.id)["text"]),
            author=document.owner,
            created_at=document.created_ns / 1e9,
            edited_at=None if edited_ns is None else edited_ns / 1e9,
            reply_to=about.get("reply_to"),
            resolved_by=about.get("resolved_by"),
            version=document.version,
        )


def _target(about: dict[str, Any]) -> Target:
    return msgspec.convert(about.get("target"), Target)


def _checked(text: str) -> str:
    if not text.strip():
        raise InvalidValue("a comment says something.")
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > COMMENT_MAX_BYTES:
        raise LimitExceeded(f"the comment has {size:,} bytes; at most {COMMENT_MAX_BYTES:,} are kept.")
    return text.strip()


def _no_comment(comment_id: str) -> NotFound:
    return NotFound(f"there is no comment {comment_id[:64]!r}.")
