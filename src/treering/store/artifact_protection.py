"""
What keeps a version of an artifact from being removed: by a rule nothing of this may be, by people only some of it.

A version is held by an alias of its own, a registered model, a lock of its own or of a run that made or used it; while
a run that uses it goes on; and since something was made from it that is held itself: what a model in production was
trained on stays as long as the model does.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection as Group
from typing import Final

import sqlalchemy as sa

from . import schema as t
from .artifact_book import ArtifactBook, Collection, Version
from .artifact_records import LATEST
from .metadata import MetadataStore
from .models import ModelLink, Models

__all__ = ["Protection"]

_AT_ONCE: Final = 500
_Users = dict[int, list[tuple[str, str]]]
"""Number of a version → key and state of each run that used it."""


class Protection:
    """
    Says what holds versions.

    Args:
        is_locked: whether a run is, by its key.
    """

    def __init__(
        self, metadata: MetadataStore, book: ArtifactBook, models: Models, is_locked: Callable[[str], bool]
    ) -> None:
        self._metadata = metadata
        self._book = book
        self._models = models
        self._is_locked = is_locked

    def reasons(self, collection: Collection, numbers: Group[int]) -> dict[int, list[str]]:
        """Return what holds each of some versions of an artifact, in words; nothing for one that nothing holds."""
        users = self._users(collection, numbers)
        found: dict[int, list[str]] = {}
        for number in numbers:
            version = collection.versions[number]
            found[number] = [*self._own(collection, version), *self._of_users(version, users.get(number, []))]
        return found

    def unheld(self, collection: Collection, chosen: list[tuple[Version, str]]) -> list[tuple[Version, str]]:
        """Return those of some versions that nothing holds, each with what stood beside it."""
        left = [(version, why) for version, why in chosen if not self._own(collection, version)]
        users = self._users(collection, [version.number for version, _ in left]) if left else {}
        return [(version, why) for version, why in left if not self._of_users(version, users.get(version.number, []))]

    def refusal(self, collection: Collection, version: Version, with_aliases: bool) -> str:
        """Return why people cannot remove a version; empty if they can."""
        if version.removed is not None:
            return "it is removed already"
        if version.locked:
            return "it is locked"
        if any(self._is_locked(run_key) for run_key, _ in version.loggers):
            return "the run that made it is locked: unlock that first"
        links = self._models.links_of(collection.name, version.number)
        if links:
            return f"{_named(links[0], collection, 'the registered model ')} has it: unlink it there first"
        aliases = [alias for alias in collection.aliases_of(version.number) if alias != LATEST]
        return f"it has the alias {aliases[0]}" if aliases and not with_aliases else ""

    def _own(self, collection: Collection, version: Version) -> list[str]:
        reasons = [f"alias {alias}" for alias in collection.aliases_of(version.number) if alias != LATEST]
        links = self._models.links_of(collection.name, version.number)
        reasons += dict.fromkeys(_named(link, collection, "model ") for link in links)
        reasons += ["locked"] if version.locked else []
        locked = any(self._is_locked(run_key) for run_key, _ in version.loggers)
        return [*reasons, "made by a locked run"] if locked else reasons

    def _of_users(self, version: Version, users: list[tuple[str, str]]) -> list[str]:
        """Return what holds a version because of the runs that used it, without naming any: not all may see them."""
        reasons = ["in use by a run that goes on"] if any(state == "running" for _, state in users) else []
        if any(self._is_locked(run_key) for run_key, _ in users):
            reasons.append("used by a locked run")
        made = {place for run_key, _ in users for place in self._book.of_run(run_key)}
        if any(self._holds(collection, collection.versions[number], version) for collection, number in made):
            reasons.append("what is held was made from it")
        return reasons

    def _holds(self, collection: Collection, made: Version, version: Version) -> bool:
        return made is not version and made.removed is None and bool(self._own(collection, made))

    def _users(self, collection: Collection, numbers: Group[int]) -> _Users:
        u, r = t.artifact_uses.c, t.runs.c
        query = sa.select(u.version, r.run_key, r.state).join(t.runs, r.id == u.run_id)
        query = query.where(u.artifact == collection.path, r.deleted.is_(False))
        wanted = sorted(numbers)
        found: _Users = {}
        with self._metadata.connect() as connection:
            for begin in range(0, len(wanted), _AT_ONCE):
                some = wanted[begin : begin + _AT_ONCE]
                for number, run_key, state in connection.execute(query.where(u.version.in_(some))):
                    found.setdefault(int(number), []).append((str(run_key), str(state)))
        return found


def _named(link: ModelLink, collection: Collection, before: str) -> str:
    """Return a model by its name, if whoever sees the artifact sees it as well."""
    if link.place == collection.name[:2]:
        return f"{before}{link.model} v{link.number}"
    return "a registered model of another project"
