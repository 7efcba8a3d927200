"""Finding artifacts on a server: by reference, by name, by type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from treering.errors import InvalidValue, NotFound, ProjectNotFound
from treering.sdk.connection import Connection

from .artifact import Artifact
from .facts import MakeRun
from .names import Reference

__all__ = ["ArtifactCollection", "ArtifactType", "list_collections", "list_types", "read_artifact"]

_PAGE: Final = 100


class ArtifactCollection:
    """
    All versions of one name.

    Attributes:
        entity, project, name, type, description: what it is.
        aliases: alias → number of the version.
        row: all that a list of artifacts says of it.
    """

    def __init__(self, connection: Connection, row: dict[str, Any], make_run: MakeRun) -> None:
        self._connection = connection
        self._make_run = make_run
        self.row = row
        self.entity, self.project, self.name = str(row["entity"]), str(row["project"]), str(row["name"])
        self.type, self.description = str(row["type"]), str(row["description"])
        self.aliases: dict[str, int] = dict(row["aliases"])

    def __repr__(self) -> str:
        return f"<ArtifactCollection {self.entity}/{self.project}/{self.name} {self.type}>"

    def versions(self) -> Iterator[Artifact]:
        """Yield the versions that are not removed, newest first."""
        path = Reference(self.entity, self.project, self.name, "latest").path
        offset = 0
        while True:
            page = self._connection.call("GET", f"{path}?offset={offset}&limit={_PAGE}")
            for row in page["version_rows"]:
                yield Artifact._read(self._connection, self._connection.call("GET", _of(row)), self._make_run)
            offset += len(page["version_rows"])
            if not page["version_rows"] or offset >= page["total"]:
                return

    def change(self, *, description: str | None = None, keep: Any = None, ttl_days: float | str | None = None) -> None:
        """
        Change its description, its rule of retention (``Keep`` or ``"all"``), or for how many days versions are kept.

        Raises:
            RemoteError: with code "conflict", somebody else changed it meanwhile.
        """
        rule = keep.as_dict() if hasattr(keep, "as_dict") else keep
        change = {"description": description, "keep": rule, "ttl_days": ttl_days}
        body = {
            "revision": self.row["revision"],
            **{name: value for name, value in change.items() if value is not None},
        }
        path = Reference(self.entity, self.project, self.name, "latest").path
        self.row = self._connection.call("PATCH", path, body)
        self.description = str(self.row["description"])


class ArtifactType:
    """A type of artifacts in a project: ``name``, and how many there are of it."""

    def __init__(
        self, connection: Connection, entity: str, project: str, row: dict[str, Any], make_run: MakeRun
    ) -> None:
        self._connection, self._entity, self._project, self._make_run = connection, entity, project, make_run
        self.name = str(row["type"])
        self.artifacts, self.versions, self.bytes = int(row["artifacts"]), int(row["versions"]), int(row["bytes"])

    def __repr__(self) -> str:
        return f"<ArtifactType {self.name}>"

    def collections(self) -> list[ArtifactCollection]:
        """Return the artifacts of this type, the latest changed first."""
        return list_collections(self._connection, self._entity, self._project, self.name, self._make_run)

    def collection(self, name: str) -> ArtifactCollection:
        """Return one of them. Raises NotFound."""
        for found in self.collections():
            if found.name == name:
                return found
        raise NotFound(f"{self._entity}/{self._project} has no {self.name} {name!r}.")


def read_artifact(connection: Connection, reference: Reference, type_name: str | None, make_run: MakeRun) -> Artifact:
    """
    Return a version.

    Raises:
        NotFound, ProjectNotFound: there is none, or one may not see it.
        InvalidValue: it is of another type than *type_name*.
    """
    found = Artifact._read(connection, connection.call("GET", reference.version_path), make_run)
    if type_name is not None and found.type != type_name:
        raise InvalidValue(f"{found.qualified_name} is a {found.type}, not a {type_name}.")
    return found


def list_collections(
    connection: Connection, entity: str, project: str, type_name: str | None, make_run: MakeRun
) -> list[ArtifactCollection]:
    """Return the artifacts of a project, or those of a type. Raises ProjectNotFound."""
    path = Reference(entity, project, "", "").path.rstrip("/")
    found: list[ArtifactCollection] = []
    while True:
        query = {"offset": len(found), "limit": _PAGE, **({"type": type_name} if type_name else {})}
        page = connection.call("GET", f"{path}?{urlencode(query)}")
        found += [ArtifactCollection(connection, row, make_run) for row in page["artifacts"]]
        if not page["artifacts"] or len(found) >= page["total"]:
            return found


def list_types(connection: Connection, entity: str, project: str, make_run: MakeRun) -> list[ArtifactType]:
    """Return the types of artifacts in a project. Raises ProjectNotFound."""
    path = Reference(entity, project, "", "").path.rstrip("/")
    page = connection.call("GET", f"{path}?limit=0")
    return [ArtifactType(connection, entity, project, row, make_run) for row in page["types"]]


def exists(connection: Connection, reference: Reference, type_name: str | None, make_run: MakeRun) -> bool:
    """Return whether there is such a version, of that type if one is given, that one may see."""
    try:
        return read_artifact(connection, reference, type_name, make_run).state != "DELETED"
    except (InvalidValue, NotFound, ProjectNotFound):
        return False


def _of(row: dict[str, Any]) -> str:
    return Reference(row["entity"], row["project"], row["name"], f"v{int(row['version'])}").version_path
