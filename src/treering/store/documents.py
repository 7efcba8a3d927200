"""
What people make that belongs to no run: saved views of a project, and corrections of its metrics.

A document has an id, an owner, and versions. Each version is a record of the ledger, so nothing that was saved is ever
overwritten, and an index that was deleted costs none. Memory holds where versions stand; bodies are read when asked
for. Who changes a document says which version they saw: two editors never overwrite one another unknowingly.
"""

from __future__ import annotations

import base64
import secrets
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from treering.errors import EditConflict, InvalidValue, LimitExceeded, NotFound
from treering.limits import (
    DOCUMENT_MAX_BYTES,
    DOCUMENT_VERSIONS_LISTED,
    DOCUMENTS_MAX_PER_PROJECT,
    NAME_MAX_CHARS,
)

__all__ = ["Document", "Documents", "Place", "Version"]

_ID_BYTES: Final = 10

_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode


class Place(NamedTuple):
    """Where the frame of a record stands in the ledger."""

    segment: str
    offset: int
    length: int


class Version(NamedTuple):
    """One saved state of a document, numbered from 1."""

    number: int
    time_ns: int
    author: str
    deleted: bool
    place: Place


class Document(msgspec.Struct, frozen=True):
    """
    A document as it now is, without its body.

    Attributes:
        kind: what it is: "view", "correction", ….
        name: what people call it.
        owner: who made it.
        about: small facts by which lists choose, such as ``shared``.
        versions: how many there were; the newest has this number.
    """

    id: str
    kind: str
    entity: str
    project: str
    name: str
    owner: str
    about: dict[str, Any]
    created_ns: int
    updated_ns: int
    author: str
    version: int


class _Kept:
    """A document and where its versions stand."""

    __slots__ = ("document", "versions")

    def __init__(self, document: Document) -> None:
        self.document = document
        self.versions: list[Version] = []


class Documents:
    """
    All documents of a store. Thread-safe.

    Args:
        append: writes a record into the ledger, durably, and returns where it stands. May raise OSError.
        payload: returns the msgpack payload of the record at a place. May raise OSError, FormatError.
    """

    def __init__(self, append: Callable[[list[Any]], Place], payload: Callable[[Place], bytes]) -> None:
        self._append = append
        self._payload = payload
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def of_project(self, kind: str, entity: str, project: str) -> list[Document]:
        """Return the documents of a kind in a project, by name."""
        found = [one for one in self._alive() if one.kind == kind and one.entity == entity and one.project == project]
        return sorted(found, key=lambda one: (one.name.casefold(), one.id))

    def of_kind(self, kind: str) -> list[Document]:
        """Return the documents of a kind in all projects."""
        return [one for one in self._alive() if one.kind == kind]

    def get(self, document_id: str) -> Document:
        """Return a document as it now is. Raises NotFound."""
        kept = self._kept.get(document_id)
        if kept is None or kept.versions[-1].deleted:
            raise NotFound(f"there is no document {document_id[:64]!r}.")
        return kept.document

    def body(self, document_id: str, version: int | None = None) -> Any:
        """
        Return the body of a document, the newest version's by default.

        Raises:
            NotFound: there is no such document or version.
        """
        self.get(document_id)
        versions = self._kept[document_id].versions
        found = versions[-1] if version is None else next((v for v in versions if v.number == version), None)
        if found is None:
            raise NotFound(f"document {document_id} has no version {version}.")
        record = msgspec.msgpack.decode(self._payload(found.place))
        return _unpack(record[4])

    def as_of(self, document_id: str, version: int) -> tuple[dict[str, Any], Any]:
        """Return ``about`` and the body of a document in one of its versions. Raises NotFound."""
        self.get(document_id)
        found = next((v for v in self._kept[document_id].versions if v.number == version), None)
        if found is None:
            raise NotFound(f"document {document_id} has no version {version}.")
        record = msgspec.msgpack.decode(self._payload(found.place))
        return dict(record[3]["about"]), _unpack(record[4])

    def versions(self, document_id: str) -> list[Version]:
        """Return the latest versions of a document, newest first. Raises NotFound."""
        self.get(document_id)
        return self._kept[document_id].versions[: -DOCUMENT_VERSIONS_LISTED - 1 : -1]

    def _alive(self) -> Iterator[Document]:
        with self._lock:
            kept = list(self._kept.values())
        return (one.document for one in kept if not one.versions[-1].deleted)

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def create(
        self,
        kind: str,
        entity: str,
        project: str,
        name: str,
        body: Any,
        author: str,
        time_ns: int,
        *,
        most: int | None = None,
        **about: Any,
    ) -> Document:
        """
        Save a new document, unless its project has *most* of the kind (by default ``DOCUMENTS_MAX_PER_PROJECT``).

        Raises InvalidValue (its name), LimitExceeded (its size, or how many there are), OSError.
        """
        with self._lock:
            alive = sum(
                1
                for kept in self._kept.values()
                if (kept.document.kind, kept.document.entity, kept.document.project) == (kind, entity, project)
                and not kept.versions[-1].deleted
            )
            most = DOCUMENTS_MAX_PER_PROJECT if most is None else most
            if alive >= most:
                raise LimitExceeded(
                    f"{entity}/{project} has {alive:,} of these already, and at most {most:,} are kept. Delete some "
                    "first."
                )
            document = Document(
                new_document_id(),
                kind,
                entity,
                project,
                check_title(name),
                author,
                about,
                created_ns=time_ns,
                updated_ns=time_ns,
                author=author,
                version=1,
            )
            return self._save(document, _pack(body), deleted=False)

    def check_version(self, document_id: str, version: int) -> Document:
        """Return a document of which *version* is the newest. Raises NotFound, EditConflict."""
        document = self.get(document_id)
        if version != document.version:
            raise EditConflict(
                f"{document.name!r} was changed by {document.author or 'somebody'} meanwhile: it is at version "
                f"{document.version}, and this change was made to version {version}."
            )
        return document

    def change(
        self,
        document_id: str,
        author: str,
        time_ns: int,
        *,
        version: int,
        name: str | None = None,
        body: Any = msgspec.UNSET,
        about: dict[str, Any] | None = None,
    ) -> Document:
        """
        Save the next version of a document; what is not given stays.

        Raises:
            NotFound: there is no such document.
            EditConflict: its newest version is not *version*.
            InvalidValue, LimitExceeded, OSError: as ``create``.
        """
        with self._lock:
            old = self.check_version(document_id, version)
            packed = self._packed(document_id) if body is msgspec.UNSET else _pack(body)
            following = msgspec.structs.replace(
                old,
                name=old.name if name is None else check_title(name),
                about={**old.about, **(about or {})},
                updated_ns=max(time_ns, old.updated_ns),
                author=author,
                version=old.version + 1,
            )
            return self._save(following, packed, deleted=False)

    def delete(self, document_id: str, author: str, time_ns: int) -> Document:
        """Delete a document; its versions stay in the ledger. Raises NotFound, OSError."""
        with self._lock:
            old = self.get(document_id)
            last = msgspec.structs.replace(old, updated_ns=time_ns, author=author, version=old.version + 1)
            return self._save(last, self._packed(document_id), deleted=True)

    def _packed(self, document_id: str) -> bytes:
        packed: bytes = msgspec.msgpack.decode(self._payload(self._kept[document_id].versions[-1].place))[4]
        return packed

    def _save(self, document: Document, packed: bytes, *, deleted: bool) -> Document:
        about = {
            "kind": document.kind,
            "entity": document.entity,
            "project": document.project,
            "name": document.name,
            "version": document.version,
            "deleted": deleted,
            "about": document.about,
        }
        record = [document.updated_ns, document.author, document.id, about, packed]
        self._note(record, self._append(record))
        return document

    # ── the ledger's side ───────────────────────────────────────────────────────────────────────────────────────

    def note(self, record: Any, place: Place) -> None:
        """Take in a record that was read from the ledger; what is none is passed over."""
        with self._lock:
            try:
                self._note(record, place)
            except (TypeError, ValueError, KeyError, IndexError):
                return  # written by something else than ``_save``: it costs that version

    def _note(self, record: Any, place: Place) -> None:
        time_ns, author, document_id, about, _ = record
        # Ledgers are read in no order; where two processes gave one number, the later one counts.
        version = Version(int(about["version"]), int(time_ns), str(author), bool(about["deleted"]), place)
        document = Document(
            str(document_id),
            str(about["kind"]),
            str(about["entity"]),
            str(about["project"]),
            str(about["name"]),
            str(author),
            dict(about["about"]),
            created_ns=version.time_ns,
            updated_ns=version.time_ns,
            author=str(author),
            version=version.number,
        )
        kept = self._kept.get(document.id)
        if kept is None:
            kept = self._kept[document.id] = _Kept(document)
        kept.versions.append(version)
        kept.versions.sort(key=lambda one: (one.number, one.time_ns))
        first = kept.versions[0]
        newest = document if kept.versions[-1] is version else kept.document
        kept.document = msgspec.structs.replace(newest, owner=first.author, created_ns=first.time_ns)


def new_document_id() -> str:
    """Return an id of 16 characters, a-z and 2-7; it is not a secret."""
    return base64.b32encode(secrets.token_bytes(_ID_BYTES)).decode().lower()


def check_title(name: object) -> str:
    """Return *name* as the name of a document. Raises InvalidValue."""
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_MAX_CHARS:
        raise InvalidValue(f"a name has 1 to {NAME_MAX_CHARS} characters, got {name!r:.80}.")
    return name.strip()


def _pack(body: Any) -> bytes:
    raw = _to_json(body)
    if len(raw) > DOCUMENT_MAX_BYTES:
        raise LimitExceeded(f"it holds {len(raw):,} bytes; at most {DOCUMENT_MAX_BYTES:,} are kept.")
    return zlib.compress(raw, 6)


def _unpack(packed: bytes) -> Any:
    engine = zlib.decompressobj()
    return _from_json(engine.decompress(packed, DOCUMENT_MAX_BYTES))
