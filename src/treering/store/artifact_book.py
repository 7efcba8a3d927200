"""
The book of artifacts: which versions there are, and everything that people and rules did to them since.

Both are records of the ledger, so an index that was deleted costs none of it, and nothing that somebody said is ever
overwritten. Memory holds what they add up to; what a run itself said of its version stands in the run's log.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from treering.errors import EditConflict, NotFound
from treering.runlog import records

from .artifact_records import KeepRule, clean_keep, clean_ttl

__all__ = ["NEVER", "Act", "ArtifactBook", "Collection", "Name", "Removed", "Version", "check_revision"]

NEVER: Final = math.inf  # of a version that is kept for ever, whatever the artifact says
_DAY_NS: Final = 86_400 * 1_000_000_000

Name = tuple[str, str, str]
"""Entity, project and name of an artifact."""


class Removed(NamedTuple):
    """When, by whom and why a version was removed."""

    time_ns: int
    author: str
    why: str


class Act(NamedTuple):
    """Something that was done: ``logged``, or what an ``artifact_act`` record says."""

    time_ns: int
    author: str
    what: str
    version: int | None
    body: dict[str, Any]


class Version:
    """
    A version of an artifact. Sizes are bytes.

    Attributes:
        loggers: runs whose records say it, with the records' ids; the first made it.
        said: what people said of it since: ``description``, ``tags``, ``metadata``.
        ttl_days: None for what the artifact says, ``NEVER`` for ever.
        revision: grows with each change.
    """

    __slots__ = (
        "author",
        "bytes",
        "created_ns",
        "digest",
        "files",
        "locked",
        "loggers",
        "manifest_bytes",
        "number",
        "removed",
        "revision",
        "said",
        "step",
        "tags",
        "ttl_days",
        "values",
    )

    def __init__(self, number: int, time_ns: int, body: dict[str, Any]) -> None:
        self.number = number
        self.created_ns = time_ns
        self.digest = str(body["digest"])
        self.bytes = int(body["bytes"])
        self.files = int(body["files"])
        self.manifest_bytes = int(body["manifest_bytes"])
        self.author = str(body.get("author") or "")
        self.step: int | None = body.get("step")
        self.values = {str(key): float(value) for key, value in dict(body.get("values") or {}).items()}
        self.tags = [str(tag) for tag in body.get("tags") or ()]
        self.ttl_days = clean_ttl(body.get("ttl_days"))
        self.loggers: list[tuple[str, str]] = []
        self.said: dict[str, Any] = {}
        self.locked = False
        self.removed: Removed | None = None
        self.revision = 1


class Collection:
    """All versions of one name, by number."""

    __slots__ = (
        "acts",
        "aliases",
        "created_ns",
        "description",
        "keep",
        "name",
        "revision",
        "ttl_days",
        "type",
        "updated_ns",
        "versions",
    )

    def __init__(self, name: Name, type: str, time_ns: int) -> None:  # noqa: A002 - the field's word for it
        self.name = name
        self.type = type
        self.created_ns = self.updated_ns = time_ns
        self.description = ""
        self.keep: KeepRule | None = None
        self.ttl_days: float | None = None
        self.revision = 1
        self.versions: dict[int, Version] = {}
        self.aliases: dict[str, int] = {}  # without ``latest``, which moves by itself
        self.acts: list[Act] = []

    @property
    def path(self) -> str:
        """``entity/project/name``."""
        return "/".join(self.name)

    @property
    def alive(self) -> list[Version]:
        """Versions that are not removed, the oldest first: they are numbered in the order in which they come."""
        return [version for version in list(self.versions.values()) if version.removed is None]

    @property
    def latest(self) -> Version | None:
        """The newest version that is not removed."""
        return next((one for one in reversed(list(self.versions.values())) if one.removed is None), None)

    def aliases_of(self, number: int) -> list[str]:
        """Return the aliases of a version, ``latest`` first."""
        latest = self.latest
        own = sorted(alias for alias, version in list(self.aliases.items()) if version == number)
        return ["latest", *own] if latest is not None and latest.number == number else own

    def ttl_of(self, version: Version) -> float | None:
        """Return for how many days a version is kept; None for ever."""
        days = self.ttl_days if version.ttl_days is None else version.ttl_days
        return None if days is None or days == NEVER else days

    def expires_ns(self, version: Version) -> int | None:
        """Return when the time of a version is over, in unix nanoseconds; None for never."""
        days = self.ttl_of(version)
        return None if days is None else version.created_ns + int(days * _DAY_NS)


class ArtifactBook:
    """
    All artifacts of a store. Thread-safe.

    Args:
        append: writes a record of a kind into the ledger, durably. May raise OSError.
    """

    def __init__(self, append: Callable[[int, list[Any]], object]) -> None:
        self._append = append
        self._lock = threading.RLock()
        self._unread: list[tuple[int, int, Any]] = []
        self._last_ns = 0
        self._collections: dict[Name, Collection] = {}
        self._by_record: dict[tuple[str, str], tuple[Collection, int]] = {}
        self._by_run: dict[str, list[tuple[Collection, int]]] = {}
        self.model_acts: dict[str, list[Act]] = {}  # of registered models, by their ids, in order

    # ── the ledger's side ───────────────────────────────────────────────────────────────────────────────────────

    def note(self, kind: int, value: Any) -> None:
        """Take in a record that was read from the ledger, in any order; ``begin`` puts them in theirs."""
        if isinstance(value, list) and len(value) >= 2 and isinstance(value[0], int) and isinstance(value[1], dict):
            self._unread.append((value[0], kind, value[1]))

    def begin(self) -> None:
        """Apply what was noted."""
        with self._lock:
            for time_ns, kind, body in sorted(self._unread, key=lambda one: one[0]):
                try:
                    self._apply(time_ns, kind, body)
                except (KeyError, TypeError, ValueError, msgspec.ValidationError):
                    continue  # written by something else than this class: it costs that record
            self._unread.clear()

    def _apply(self, time_ns: int, kind: int, body: dict[str, Any]) -> None:
        self._last_ns = max(self._last_ns, time_ns)
        if kind == records.VERSION:
            self._apply_version(time_ns, body)
            return
        what, author = str(body["what"]), str(body.get("author") or "")
        if "model" in body:
            number = body.get("number")
            act = Act(time_ns, author, what, None if number is None else int(number), body)
            self.model_acts.setdefault(str(body["model"]), []).append(act)
            return
        collection = self._collections[_name_of(body)]
        number = body.get("version")
        act = Act(time_ns, author, what, None if number is None else int(number), body)
        self._apply_act(collection, act)
        collection.acts.append(act)
        collection.updated_ns = max(collection.updated_ns, time_ns)

    def _apply_version(self, time_ns: int, body: dict[str, Any]) -> None:
        record = str(body["run_key"]), str(body["id"])
        if record in self._by_record:
            return  # the first one holds
        name, number = _name_of(body), int(body["version"])
        keep = clean_keep(body.get("keep"))
        collection = self._collections.get(name)
        if collection is None:
            collection = self._collections[name] = Collection(name, str(body["type"]), time_ns)
        version = collection.versions.get(number)
        if not collection.alive:
            collection.type = str(body["type"])  # a name whose versions are all removed can be used anew
        if version is None:
            version = collection.versions[number] = Version(number, time_ns, body)
        version.loggers.append(record)
        self._by_record[record] = (collection, number)
        self._by_run.setdefault(record[0], []).append((collection, number))
        for alias in body.get("aliases") or ():
            collection.aliases[str(alias)] = number
        if keep is not None:
            collection.keep = keep
        collection.updated_ns = max(collection.updated_ns, time_ns)
        collection.acts.append(Act(time_ns, version.author, "logged", number, body))

    def _apply_act(self, collection: Collection, act: Act) -> None:
        version = None if act.version is None else collection.versions[act.version]
        if act.what == "edit" and version is None:
            self._edit_collection(collection, act.body["changes"])
        elif version is None:
            raise ValueError("no such version")
        elif act.what == "edit":
            self._edit_version(version, act.body["changes"])
        elif act.what == "alias":
            collection.aliases[str(act.body["alias"])] = version.number
            version.revision += 1
        elif act.what == "unalias":
            if collection.aliases.get(str(act.body["alias"])) == version.number:
                del collection.aliases[str(act.body["alias"])]
            version.revision += 1
        elif act.what == "remove":
            version.removed = Removed(act.time_ns, act.author, str(act.body.get("why") or ""))
            version.revision += 1
            for alias in [alias for alias, number in collection.aliases.items() if number == version.number]:
                del collection.aliases[alias]

    def _edit_collection(self, collection: Collection, changes: dict[str, Any]) -> None:
        if "description" in changes:
            collection.description = str(changes["description"])
        if "keep" in changes:
            collection.keep = clean_keep(changes["keep"])
        if "ttl_days" in changes:
            collection.ttl_days = clean_ttl(changes["ttl_days"])
        collection.revision += 1

    def _edit_version(self, version: Version, changes: dict[str, Any]) -> None:
        for name in ("description", "metadata"):
            if name in changes:
                version.said[name] = changes[name]
        if "tags" in changes:
            version.tags = [str(tag) for tag in changes["tags"]]
        if "ttl_days" in changes:
            version.ttl_days = clean_ttl(changes["ttl_days"])
        if "locked" in changes:
            version.locked = bool(changes["locked"])
        version.revision += 1

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def write_version(self, time_ns: int, body: dict[str, Any]) -> None:
        """Give a run's record its place in the book, durably. Raises OSError."""
        self._write(records.VERSION, time_ns, body)

    def write_act(self, what: str, author: str, time_ns: int, **body: Any) -> None:
        """Note something that was done, durably. Raises OSError."""
        self._write(records.ARTIFACT_ACT, time_ns, {"what": what, "author": author, **body})

    def act_on(
        self, what: str, author: str, time_ns: int, collection: Collection, number: int | None, **body: Any
    ) -> None:
        """Note something that was done to an artifact, or to a version of it, durably. Raises OSError."""
        entity, project, name = collection.name
        where = {"entity": entity, "project": project, "name": name}
        self.write_act(what, author, time_ns, **where, **({} if number is None else {"version": number}), **body)

    def _write(self, kind: int, time_ns: int, body: dict[str, Any]) -> None:
        with self._lock:
            time_ns = max(time_ns, self._last_ns + 1)  # in this order, whatever the clock says
            self._append(kind, [time_ns, body])
            self._apply(time_ns, kind, body)

    @property
    def lock(self) -> threading.RLock:  # type: ignore[valid-type, unused-ignore]
        """Held while something is looked at and then written."""
        return self._lock

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def of_project(self, entity: str, project: str) -> list[Collection]:
        """Return the artifacts of a project, the latest changed first."""
        with self._lock:
            found = [one for one in self._collections.values() if one.name[:2] == (entity, project)]
        return sorted(found, key=lambda one: (-one.updated_ns, one.name))

    def all(self) -> list[Collection]:
        """Return all artifacts."""
        with self._lock:
            return list(self._collections.values())

    def find(self, name: Name) -> Collection | None:
        """Return an artifact; None if there is none of this name."""
        return self._collections.get(name)

    def get(self, name: Name) -> Collection:
        """Return an artifact. Raises NotFound."""
        found = self._collections.get(name)
        if found is None:
            raise NotFound(f"there is no artifact {name[2]!r} in {name[0]}/{name[1]}.")
        return found

    def of_record(self, run_key: str, record: str) -> tuple[Collection, int] | None:
        """Return which version a run's record is; None if it has none (yet)."""
        return self._by_record.get((run_key, record))

    def of_run(self, run_key: str) -> list[tuple[Collection, int]]:
        """Return the versions that a run logged, in the order in which they were complete."""
        with self._lock:
            return list(dict.fromkeys(self._by_run.get(run_key, ())))

    def resolve(self, collection: Collection, reference: str) -> Version:
        """
        Return the version that ``v3``, an alias, or 8 or more digits of a digest name; removed ones only by number.

        Raises:
            NotFound: there is none, or several have such a digest.
        """
        with self._lock:
            if reference[:1] == "v" and reference[1:].isascii() and reference[1:].isdecimal() and len(reference) < 12:
                found = collection.versions.get(int(reference[1:]))
                if found is not None:
                    return found
            elif reference == "latest":
                if collection.latest is not None:
                    return collection.latest
            elif reference in collection.aliases:
                return collection.versions[collection.aliases[reference]]
            else:
                digest = reference.removeprefix("sha256:")
                fitting = [one for one in collection.alive if len(digest) >= 8 and one.digest.startswith(digest)]
                if fitting:
                    return fitting[-1]
        raise NotFound(f"{collection.path} has no version {reference[:80]!r}.")


def check_revision(what: str, revision: int | None, now: int) -> None:
    """Raise EditConflict unless *revision* is *now*'s."""
    if revision is not None and revision != now:
        raise EditConflict(
            f"{what} was changed meanwhile: it is at revision {now}, this change was made to {revision}."
        )


def _name_of(body: dict[str, Any]) -> Name:
    return str(body["entity"]), str(body["project"]), str(body["name"])
