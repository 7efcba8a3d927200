"""
Corrections of a project's metrics: reversible, for everybody, never in a run's log.

Each is a document of the ledger, so its versions survive a rebuild and nothing that was saved is overwritten. They
apply in the order of their positions, each to what those before it show; what is turned off or deleted is as if it had
never been.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec

from treering.errors import InvalidValue, LimitExceeded, NotFound
from treering.limits import CORRECTION_NOTE_MAX_CHARS, CORRECTIONS_MAX, NAME_MAX_CHARS

from .correction_rules import Rule, describe, parse_rule, rule_data
from .documents import Document, Documents

__all__ = ["Correction", "CorrectionVersion", "Corrections"]

_KIND: Final = "correction"


class Correction(msgspec.Struct, frozen=True):
    """
    A correction as it is, or as it was in one of its versions. Times are unix seconds.

    Attributes:
        rule: what it does, as JSON has it; see ``correction_rules``.
        text: the same in a few words.
        position: where it stands in the order; equal ones apply in the order in which they were made.
    """

    id: str
    entity: str
    project: str
    kind: str
    rule: dict[str, Any]
    text: str
    enabled: bool
    note: str
    position: int
    created_by: str
    created_at: float
    changed_by: str
    changed_at: float
    version: int

    @property
    def parsed(self) -> Rule:
        return parse_rule(self.rule)


class CorrectionVersion(msgspec.Struct, frozen=True):
    """A version of a correction, numbered from 1."""

    version: int
    time: float
    author: str
    text: str
    enabled: bool
    rule: dict[str, Any]
    note: str


class Corrections:
    """The corrections in a store's documents. Thread-safe."""

    def __init__(self, documents: Documents, clock_ns: Callable[[], int]) -> None:
        self._documents = documents
        self._clock_ns = clock_ns
        self._lock = threading.RLock()
        self._known: dict[tuple[str, str], list[Correction]] | None = None
        self.changes = 0  # grows with each change of any of them

    def of_project(self, entity: str, project: str) -> list[Correction]:
        """Return the corrections of a project, in the order in which they apply."""
        known = self._known
        if known is None:
            known = self._read()
        return known.get((entity, project), [])

    def find(self, correction_id: str) -> Correction:
        """Return a correction. Raises NotFound."""
        return self._of_document(self._document(correction_id))

    def create(
        self,
        entity: str,
        project: str,
        rule: Rule,
        author: str,
        *,
        enabled: bool = True,
        note: str = "",
        position: int | None = None,
    ) -> Correction:
        """Save a new correction, behind all others by default. Raises InvalidValue, LimitExceeded, OSError."""
        with self._lock:
            here = self.of_project(entity, project)
            if len(here) >= CORRECTIONS_MAX:
                raise LimitExceeded(
                    f"{entity}/{project} has {len(here)} corrections, and at most {CORRECTIONS_MAX} are kept. "
                    "Delete some first."
                )
            if position is None:
                position = max((one.position for one in here), default=0) + 1
            document = self._documents.create(
                _KIND,
                entity,
                project,
                _title(rule),
                {"rule": rule_data(rule), "note": check_note(note)},
                author,
                self._clock_ns(),
                enabled=enabled,
                position=position,
            )
            self._changed()
            return self._of_document(document)

    def check_version(self, correction_id: str, version: int) -> Correction:
        """Return a correction of which *version* is the newest. Raises NotFound, EditConflict."""
        self._document(correction_id)
        return self._of_document(self._documents.check_version(correction_id, version))

    def change(
        self,
        correction_id: str,
        author: str,
        version: int,
        *,
        rule: Rule | None = None,
        enabled: bool | None = None,
        note: str | None = None,
        position: int | None = None,
    ) -> Correction:
        """
        Save the next version; what is None stays.

        Raises:
            NotFound, InvalidValue, OSError.
            EditConflict: its newest version is not *version*.
        """
        with self._lock:
            old = self.check_version(correction_id, version)
            about: dict[str, Any] = {}
            if enabled is not None:
                about["enabled"] = enabled
            if position is not None:
                about["position"] = position
            body: dict[str, Any] = {
                "rule": old.rule if rule is None else rule_data(rule),
                "note": old.note if note is None else check_note(note),
            }
            document = self._documents.change(
                correction_id,
                author,
                self._clock_ns(),
                version=version,
                name=None if rule is None else _title(rule),
                body=body,
                about=about,
            )
            self._changed()
            return self._of_document(document)

    def delete(self, correction_id: str, author: str) -> None:
        """Delete a correction; its versions stay in the ledger. Raises NotFound, OSError."""
        with self._lock:
            self._document(correction_id)
            self._documents.delete(correction_id, author, self._clock_ns())
            self._changed()

    def versions(self, correction_id: str) -> list[CorrectionVersion]:
        """Return its latest versions, the newest first. Raises NotFound."""
        self._document(correction_id)
        found = []
        for version in self._documents.versions(correction_id):
            about, body = self._documents.as_of(correction_id, version.number)
            rule = parse_rule(body["rule"])
            enabled, text = bool(about.get("enabled")), describe(rule)
            found.append(
                CorrectionVersion(
                    version.number, version.time_ns / 1e9, version.author, text, enabled, rule_data(rule), body["note"]
                )
            )
        return found

    def _changed(self) -> None:
        self._known = None
        self.changes += 1

    def _read(self) -> dict[tuple[str, str], list[Correction]]:
        with self._lock:
            found: dict[tuple[str, str], list[Correction]] = {}
            for document in self._documents.of_kind(_KIND):
                try:
                    one = self._of_document(document)
                except (InvalidValue, KeyError, TypeError):
                    continue  # written by a newer version: what it says is not known here
                found.setdefault((document.entity, document.project), []).append(one)
            for some in found.values():
                some.sort(key=lambda one: (one.position, one.created_at, one.id))
            self._known = found
            return found

    def _document(self, correction_id: str) -> Document:
        try:
            document = self._documents.get(correction_id)
        except NotFound:
            raise _no_correction(correction_id) from None
        if document.kind != _KIND:
            raise _no_correction(correction_id)
        return document

    def _of_document(self, document: Document) -> Correction:
        body = self._documents.body(document.id)
        rule = parse_rule(body["rule"])
        return Correction(
            id=document.id,
            entity=document.entity,
            project=document.project,
            kind=str(body["rule"]["kind"]),
            rule=rule_data(rule),
            text=describe(rule),
            enabled=bool(document.about.get("enabled")),
            note=str(body.get("note", "")),
            position=int(document.about.get("position", 0)),
            created_by=document.owner,
            created_at=document.created_ns / 1e9,
            changed_by=document.author,
            changed_at=document.updated_ns / 1e9,
            version=document.version,
        )


def check_note(note: str) -> str:
    """Return *note* as it is kept. Raises InvalidValue."""
    if len(note) > CORRECTION_NOTE_MAX_CHARS:
        raise InvalidValue(f"a note has at most {CORRECTION_NOTE_MAX_CHARS:,} characters, got {len(note):,}.")
    return note.strip()


def _title(rule: Rule) -> str:
    text = describe(rule)
    return text if len(text) <= NAME_MAX_CHARS else text[: NAME_MAX_CHARS - 1] + "…"


def _no_correction(correction_id: str) -> NotFound:
    return NotFound(f"there is no correction {correction_id[:64]!r}.")
