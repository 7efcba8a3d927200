"""
The model registry from code: registered models, their versions, and promotions.

::

    api = tr.Api()
    model = api.model("churn")
    model.promote("production", 3, note="better on the winter data")
    api.model_artifact("churn:production").download("weights")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from treering.errors import FormatError, NotFound
from treering.ids import check_name
from treering.sdk.connection import Connection

from .names import Reference

__all__ = ["RegisteredModel", "create_model", "find_model", "link_version", "list_models"]


class RegisteredModel:
    """
    A registered model as it was when it was read.

    Attributes:
        id, entity, project, name: what it is; members of the project decide about it.
        description: text for people.
        checks: filters that a version's run has to meet before the version is promoted.
        protected_aliases: aliases that only an admin of the project gives and takes.
        aliases: alias → number of the version.
        versions: maps of ``number``, ``aliases``, ``linked_at``, ``linked_by``, ``note``, ``source`` (the artifact's
            version, None where one may not see it) and ``run``, newest first.
    """

    def __init__(self, connection: Connection, row: dict[str, Any]) -> None:
        self._connection = connection
        self._take(row)

    def _take(self, row: dict[str, Any]) -> None:
        try:
            self.id = str(row["id"])
            self.entity, self.project, self.name = str(row["entity"]), str(row["project"]), str(row["name"])
            self.description = str(row["description"])
            self.checks = [str(check) for check in row["checks"]]
            self.protected_aliases = [str(alias) for alias in row["protected_aliases"]]
            self.aliases = {str(alias): int(number) for alias, number in row["aliases"].items()}
            self.version = int(row["version"])
            self._count = int(row["versions"])
            rows = row.get("version_rows")  # a list of models has none
            self._versions: list[dict[str, Any]] | None = None if rows is None else list(rows)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError(f"{self._connection.name} describes a model in an unexpected form: {error}.") from None

    def __repr__(self) -> str:
        return f"<RegisteredModel {self.entity}/{self.name}, {self._count} versions>"

    @property
    def versions(self) -> list[dict[str, Any]]:
        """Its versions, newest first: ``number``, ``aliases``, ``source``, ``run``, …; read when first asked for."""
        if self._versions is None:
            self.refresh()
        return self._versions or []

    @property
    def _path(self) -> str:
        return f"/models/{quote(self.id, safe='')}"

    def refresh(self) -> None:
        """Read it again. Raises NotFound."""
        self._take(self._connection.call("GET", self._path))

    def save(self) -> None:
        """
        Send ``name``, ``description``, ``checks`` and ``protected_aliases`` as they now are.

        Raises:
            FilterError: a check does not parse.
            RemoteError: with code "conflict", somebody else changed it meanwhile.
        """
        change = {
            "version": self.version,
            "name": self.name,
            "description": self.description,
            "checks": self.checks,
            "protected_aliases": self.protected_aliases,
        }
        self._take(self._connection.call("PUT", self._path, change))

    def number_of(self, version: int | str) -> int:
        """Return the number of ``3``, ``"v3"``, or an alias. Raises NotFound."""
        if isinstance(version, int):
            return version
        if version in self.aliases:
            return self.aliases[version]
        linked = [int(row["number"]) for row in self.versions if not row.get("unlinked")]
        if version == "latest" and linked:
            return max(linked)
        digits = version.removeprefix("v")
        if digits.isascii() and digits.isdecimal():
            return int(digits)
        raise NotFound(f"the model {self.name!r} has no version {version!r}.")

    def source_of(self, version: int | str) -> Reference:
        """Return the artifact's version that a version is. Raises NotFound: there is none, or it may not be seen."""
        number = self.number_of(version)
        row = next((row for row in self.versions if row["number"] == number and not row.get("unlinked")), None)
        if row is None or row.get("source") is None:
            raise NotFound(f"the model {self.name!r} has no version {number} whose artifact one may see.")
        source = row["source"]
        return Reference(
            check_name(source["entity"], "entity"),
            check_name(source["project"], "project"),
            check_name(source["name"], "artifact"),
            f"v{int(source['version'])}",
        )

    def check(self, alias: str, version: int | str) -> list[dict[str, Any]]:
        """Return what the checks find for a version, without promoting it: ``text``, ``passed``, ``seen``."""
        body = {"alias": alias, "number": self.number_of(version), "dry_run": True}
        found: list[dict[str, Any]] = self._connection.call("POST", f"{self._path}/promotions", body)["checks"]
        return found

    def promote(self, alias: str, version: int | str, note: str = "") -> None:
        """
        Give an alias to a version; another version that has it loses it.

        Raises:
            NotFound: there is no such version.
            RemoteError: with code "check_failed", a check refused it; "forbidden", the alias is protected.
        """
        body = {"alias": alias, "number": self.number_of(version), "note": note}
        self._connection.call("POST", f"{self._path}/promotions", body)
        self.refresh()

    def demote(self, alias: str, note: str = "") -> None:
        """Take an alias away. Raises NotFound: no version has it."""
        self._connection.call("POST", f"{self._path}/promotions", {"alias": alias, "number": None, "note": note})
        self.refresh()

    def unlink(self, version: int | str) -> None:
        """Take a version out of the model, with its aliases. Raises NotFound."""
        self._take(self._connection.call("DELETE", f"{self._path}/versions/{self.number_of(version)}"))

    def history(self) -> list[dict[str, Any]]:
        """Return what was done to it, the latest first: ``at``, ``by``, ``what``, ``version``, ``text``, …"""
        found: list[dict[str, Any]] = self._connection.call("GET", f"{self._path}/events?limit=1000")["events"]
        return found

    def delete(self) -> None:
        """Delete it. What was done to it stays in the ledger."""
        self._connection.call("DELETE", self._path)


def list_models(connection: Connection, entity: str | None = None) -> list[RegisteredModel]:
    """Return the registered models that one may see, by name."""
    query = f"?entity={quote(entity, safe='')}" if entity else ""
    return [RegisteredModel(connection, row) for row in connection.call("GET", f"/models{query}")["models"]]


def find_model(connection: Connection, reference: str) -> RegisteredModel:
    """
    Return a registered model by ``name`` or ``entity/name``.

    Raises:
        NotFound: there is none, or several entities have one of this name.
    """
    entity, _, name = reference.rpartition("/")
    found = [one for one in list_models(connection, entity or None) if one.name == name]
    if not found:
        raise NotFound(f"there is no registered model {reference[:200]!r}.")
    if len(found) > 1:
        listed = ", ".join(f"{one.entity}/{one.name}" for one in found[:5])
        raise NotFound(f"several entities have a registered model {name!r}: {listed}. Name it as entity/name.")
    found[0].refresh()
    return found[0]


def create_model(
    connection: Connection,
    entity: str,
    project: str,
    name: str,
    description: str = "",
    checks: Sequence[str] = (),
    protected_aliases: Sequence[str] = (),
) -> RegisteredModel:
    """Register a model; raises as ``Api.create_model``."""
    body = {
        "entity": entity,
        "project": project,
        "name": name,
        "description": description,
        "checks": list(checks),
        "protected_aliases": list(protected_aliases),
    }
    return RegisteredModel(connection, connection.call("POST", "/models", body))


def link_version(
    connection: Connection, source: Reference, target: str, aliases: Sequence[str], note: str
) -> RegisteredModel:
    """Make an artifact's version the next version of a registered model, which is made if there is none."""
    *where, name = target.split("/")  # some say "entity/registry/name"
    entity = where[0] if where else ""
    try:
        model = find_model(connection, f"{entity or source.entity}/{name}")
    except NotFound:
        model = create_model(connection, entity or source.entity, source.project, name)
    body = {
        "entity": source.entity,
        "project": source.project,
        "name": source.name,
        "version": source.version,
        "aliases": list(aliases),
        "note": note,
    }
    return RegisteredModel(connection, connection.call("POST", f"{model._path}/versions", body))
