"""How artifacts are referred to: ``entity/project/name:version``."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from treering.errors import InvalidName, InvalidValue
from treering.ids import check_alias, check_name

__all__ = ["Reference", "clean_aliases", "clean_tags", "parse_reference"]


class Reference(NamedTuple):
    """A version of an artifact as somebody names it; ``version`` is ``v3``, an alias, or a digest."""

    entity: str
    project: str
    name: str
    version: str

    @property
    def path(self) -> str:
        """The path of the artifact in the API."""
        return f"/projects/{_quoted(self.entity)}/{_quoted(self.project)}/artifacts/{_quoted(self.name)}"

    @property
    def version_path(self) -> str:
        """The path of the version in the API."""
        return f"{self.path}/versions/{_quoted(self.version)}"


def parse_reference(text: str, entity: str, project: str) -> Reference:
    """
    Return what ``name``, ``name:version``, ``project/name:version`` or ``entity/project/name:version`` names.

    Args:
        entity, project: of a reference that does not say them. The version is the latest if none is given.

    Raises:
        InvalidName: a part of it is no name.
    """
    if not isinstance(text, str):
        raise InvalidName(f"an artifact is named as entity/project/name:version, got {text!r:.80}.")
    *where, last = text.split("/")
    name, _, version = last.partition(":")
    if len(where) > 2:
        raise InvalidName(f"an artifact is named as entity/project/name:version, got {text!r:.200}.")
    if where:
        project = where[-1]
        entity = where[0] if len(where) == 2 else entity
    return Reference(
        check_name(entity, "entity"),
        check_name(project, "project"),
        check_name(name, "artifact"),
        version or "latest",
    )


def clean_aliases(given: object, call: str) -> list[str]:
    """Return aliases, each once and without ``latest``, which moves by itself. Raises InvalidName, InvalidValue."""
    return [check_alias(alias) for alias in _texts(given, call, "aliases") if alias != "latest"]


def clean_tags(given: object, call: str) -> list[str]:
    """Return tags, each once. Raises InvalidValue."""
    return _texts(given, call, "tags")


def _texts(given: object, call: str, what: str) -> list[str]:
    if given is None:
        return []
    texts = [given] if isinstance(given, str) else list(given) if isinstance(given, (list, tuple, set)) else None
    if texts is None or not all(isinstance(text, str) and text for text in texts):
        raise InvalidValue(f"{call}: {what} is a list of texts, got {given!r:.80}.")
    return list(dict.fromkeys(texts))


def _quoted(name: str) -> str:
    return quote(name, safe="")
