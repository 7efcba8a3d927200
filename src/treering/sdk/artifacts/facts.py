"""What an artifact's version is: its names, sizes and entries, of a draft as of one that a server knows."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from treering.errors import FormatError, InvalidValue, UsageError
from treering.ids import check_name
from treering.limits import ARTIFACT_DESCRIPTION_MAX_CHARS, ARTIFACT_MANIFEST_MAX_BYTES, ARTIFACT_TTL_MAX_DAYS
from treering.runlog.artifact_manifest import Entry, Manifest
from treering.sdk.active_folder import active_folder
from treering.sdk.connection import Connection
from treering.values import clean_text

from .contents import Contents, Local
from .names import Reference

if TYPE_CHECKING:
    from .recorder import Job

__all__ = ["ArtifactFacts", "MakeRun"]

MakeRun = Callable[[Connection, Mapping[str, Any]], Any]
"""Makes an object of a run that a server describes."""


class ArtifactFacts:
    """The part of :class:`treering.Artifact` that says what it is."""

    def __init__(
        self,
        name: str,
        type: str,  # noqa: A002 - the field's word for it
        description: str | None = None,
        metadata: dict[str, Any] | None = None,
        incremental: bool = False,
        use_as: str | None = None,
    ) -> None:
        self._name = check_name(name, "artifact")
        self.type = check_name(type, "artifact type")
        self._description = _checked_description(description or "")
        self._metadata: dict[str, Any] = _checked_metadata(metadata or {})
        self.incremental = incremental
        self.aliases: list[str] = []
        self.tags: list[str] = []
        self._ttl_days: float | Literal["inherit", "never"] = "inherit"
        self._contents: Contents | None = Contents(active_folder())
        self._job: Job | None = None
        self._run_key = ""
        self._connect: Callable[[], Connection] | None = None  # to the server of the run that logged it
        self._make_run: MakeRun | None = None
        self._connection: Connection | None = None
        self._reference: Reference | None = None
        self._row: dict[str, Any] = {}
        self._manifest: Manifest | None = None
        self._changed: set[str] = set()

    @classmethod
    def _read(cls, connection: Connection, row: dict[str, Any], make_run: MakeRun) -> Self:
        """Return the version that a server describes."""
        found = cls.__new__(cls)
        found.incremental = False
        found._job, found._run_key, found._connect, found._make_run = None, "", None, make_run
        found._contents = found._manifest = None
        found._take(connection, row)
        return found

    def _take(self, connection: Connection, row: dict[str, Any]) -> None:
        try:
            names = [check_name(row[part], part) for part in ("entity", "project", "name")]
            number = int(row["version"])
            self._reference = Reference(names[0], names[1], names[2], f"v{number}")
            self._name, self.type = names[2], check_name(row["type"], "artifact type")
            self.aliases, self.tags = [str(one) for one in row["aliases"]], [str(one) for one in row["tags"]]
            self._description = str(row["description"])
            self._metadata = dict(row.get("metadata") or {})
            days = row.get("ttl_days")
            self._ttl_days = "inherit" if days is None else float(days)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{connection.name} describes an artifact in an unexpected form ({error}).") from None
        self._connection, self._row = connection, row
        self._contents = None
        self._changed = set()

    def __repr__(self) -> str:
        return f"<treering.Artifact {self.qualified_name if self._row else self._name} {self.type} {self.state}>"

    def download(
        self,
        root: str | os.PathLike[str] | None = None,
        allow_missing_references: bool = True,
        skip_cache: bool | None = None,
        path_prefix: str | os.PathLike[str] | None = None,
        *,
        references: bool = False,
    ) -> Path:
        """See :class:`treering.Artifact`."""
        raise NotImplementedError

    # ── what it is ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def name(self) -> str:
        """Its name; with the version, ``digits:v3``, once that is known."""
        return f"{self._name}:{self.version}" if self._row else self._name

    @property
    def entity(self) -> str:
        """Whose it is. Raises UsageError before it is logged and waited for, as all that the server knows."""
        return str(self._known("entity"))

    @property
    def project(self) -> str:
        """The project it belongs to."""
        return str(self._known("project"))

    @property
    def version(self) -> str:
        """``v3``; where the content was there already, the version that it equals."""
        return f"v{int(self._known('version'))}"

    @property
    def qualified_name(self) -> str:
        """``entity/project/name:v3``."""
        return f"{self.entity}/{self.project}/{self._name}:{self.version}"

    @property
    def state(self) -> str:
        """``PENDING`` (not complete on the server, as far as is known), ``COMMITTED`` or ``DELETED``."""
        if not self._row:
            return "PENDING"
        return "DELETED" if self._row.get("state") == "removed" else "COMMITTED"

    @property
    def is_draft(self) -> bool:
        """Whether files can be added still."""
        return self._contents is not None

    @property
    def description(self) -> str:
        """Text for people; ``save`` sends a new one."""
        return self._description

    @description.setter
    def description(self, value: str | None) -> None:
        self._description = _checked_description(value or "")
        self._changed.add("description")

    @property
    def metadata(self) -> dict[str, Any]:
        """Values that describe it; ``save`` sends new ones."""
        self._changed.add("metadata")  # it may be changed in place
        return self._metadata

    @metadata.setter
    def metadata(self, value: dict[str, Any]) -> None:
        self._metadata = _checked_metadata(value)
        self._changed.add("metadata")

    @property
    def ttl(self) -> datetime.timedelta | None:
        """How long it is kept; None for ever, or as the artifact's own settings say. ``save`` sends a new one."""
        return datetime.timedelta(days=self._ttl_days) if isinstance(self._ttl_days, float) else None

    @ttl.setter
    def ttl(self, value: datetime.timedelta | None) -> None:
        days = "never" if value is None else value / datetime.timedelta(days=1)
        if isinstance(days, float) and not 0 < days <= ARTIFACT_TTL_MAX_DAYS:
            raise InvalidValue(f"ttl is more than 0 and at most {ARTIFACT_TTL_MAX_DAYS:g} days, got {value!r}.")
        self._ttl_days = days  # type: ignore[assignment]
        self._changed.add("ttl_days")

    @property
    def digest(self) -> str:
        """SHA-256 of its entries: equal content has an equal digest, whatever it is called."""
        return str(self._row["digest"]) if self._row else _digest(self._entries_manifest())

    @property
    def size(self) -> int:
        """Bytes of all its files, as far as they are known."""
        return int(self._row["bytes"]) if self._row else self._entries_manifest().total_bytes

    @property
    def file_count(self) -> int:
        """How many entries it has."""
        return int(self._row["files"]) if self._row else len(self._draft_entries())

    @property
    def created_at(self) -> float:
        """When the server had all of it, in unix seconds."""
        return float(self._known("created_at"))

    def _known(self, field: str) -> Any:
        if not self._row:
            what = "is not known yet: call wait()" if self._job is not None else "is known once it is logged"
            raise UsageError(f"the {field} of artifact {self._name!r} {what}.")
        return self._row[field]

    def _draft_entries(self) -> dict[str, Entry | Local]:
        if self._contents is not None:
            return self._contents.entries
        if self._job is not None:
            return self._job.contents.entries
        return dict(self._entries_manifest().entries)

    def _entries_manifest(self) -> Manifest:
        """Return the list of entries: of a draft as it would be logged, of a version as its digest says."""
        if not self._row:
            if self._contents is not None:
                return self._contents.manifest()
            assert self._job is not None
            return self._job.contents.manifest()
        if self._manifest is None:
            connection, digest, size = self._server(), str(self._row["digest"]), int(self._row["manifest_bytes"])
            if size > ARTIFACT_MANIFEST_MAX_BYTES:
                raise FormatError(f"{connection.name} announces a list of entries of {size:,} bytes.")
            data = b"".join(connection.pieces(f"{self._path}/blobs/{digest}", size))
            manifest = Manifest.decode(data)
            if _digest(manifest) != digest:
                raise FormatError(f"{connection.name} sent other entries of {self.name} than its digest says.")
            self._manifest = manifest
        return self._manifest

    @property
    def _path(self) -> str:
        assert self._reference is not None
        return self._reference.version_path

    def _server(self) -> Connection:
        if self._connection is None:
            raise UsageError(f"artifact {self._name!r} was not logged, or not waited for: call wait().")
        return self._connection


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(manifest.encode()).hexdigest()


def _checked_description(text: object) -> str:
    if not isinstance(text, str) or len(text) > ARTIFACT_DESCRIPTION_MAX_CHARS:
        raise InvalidValue(f"description is a text of at most {ARTIFACT_DESCRIPTION_MAX_CHARS:,} characters.")
    return clean_text(text)


def _checked_metadata(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidValue(f"metadata is a dict, got {value!r:.80} ({type(value).__name__}).")
    return dict(value)
