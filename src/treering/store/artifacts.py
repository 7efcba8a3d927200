"""
Artifacts of a store: versions become complete, people say things of them, rules remove them, and everybody looks.

Whoever calls this has asked whether the caller may; what belongs to other projects is told apart by whoever shows it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec
import sqlalchemy as sa

from treering.errors import InvalidName, InvalidValue, NotFound
from treering.ids import check_alias
from treering.limits import (
    ARTIFACT_ALIASES_MAX,
    ARTIFACT_EXPIRY_EVERY_S,
    ARTIFACT_METADATA_MAX_BYTES,
)
from treering.runlog.artifact_manifest import Manifest
from treering.values import to_json

from . import schema as t
from .artifact_book import ArtifactBook, Collection, Name, Version, check_revision
from .artifact_manifests import Manifests
from .artifact_pending import Logged, Pending, Waiting, logged_by, missing_of
from .artifact_protection import Protection
from .artifact_records import LATEST, About
from .artifact_retention import expired, superseded
from .blobs import FileBlobs
from .metadata import MetadataStore
from .models import Models
from .receiver import Receipt

__all__ = ["Artifacts", "Due", "LoggedVersion", "Use"]

log = logging.getLogger("treering.store")

RETENTION: Final = "retention"  # the author of what rules remove
EXPIRY: Final = "expiry"
_AT_ONCE: Final = 500
_LOGGERS_ASKED: Final = 8  # of the runs that logged one version what they said of it


class LoggedVersion(NamedTuple):
    """A version as a run logged it, and what became of it. ``version`` is there when it is complete."""

    logged: Logged
    state: Literal["pending", "committed", "refused"]
    reason: str
    equals: bool
    missing_files: int
    missing_bytes: int
    collection: Collection | None
    version: Version | None


class Due(NamedTuple):
    """A version that is to go: why, and in whose name."""

    collection: Collection
    version: Version
    why: str
    author: str


class Use(NamedTuple):
    """A version of an artifact that a run used. ``artifact`` is entity, project and name."""

    run_id: int
    artifact: Name
    version: int
    type: str
    digest: str
    use_as: str
    time_us: int


class Artifacts:
    """
    The artifacts of one store. Reading is thread-safe; ``look`` and ``load`` are for the holder of the ingest lock.

    Args:
        received: what the ledger says of each segment that came over the network.
        is_locked: whether a run is, by its key.
        knows_all: whether all runs were read. Before that nobody can say what holds a version, so no rule is applied.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        blobs: FileBlobs,
        book: ArtifactBook,
        models: Models,
        received: Mapping[str, Receipt],
        clock_ns: Callable[[], int],
        is_locked: Callable[[str], bool],
        knows_all: Callable[[], bool],
    ) -> None:
        self._metadata = metadata
        self._blobs = blobs
        self._received = received
        self._clock_ns = clock_ns
        self._knows_all = knows_all
        self.book = book
        self.models = models
        self.protection = Protection(metadata, book, models, is_locked)
        self.manifests = Manifests(blobs)
        self.pending = Pending(metadata, blobs, self.manifests)
        self._expiry_at = 0.0

    # ── becoming complete ───────────────────────────────────────────────────────────────────────────────────────

    def load(self) -> None:
        """After a start: find the versions that were not complete yet, and look whether they are by now."""
        query = sa.select(t.artifacts.c.run_id, t.artifacts.c.record, t.runs.c.run_key)
        query = query.join(t.runs, t.runs.c.id == t.artifacts.c.run_id)
        with self._metadata.connect() as connection:
            rows = connection.execute(query).all()
        new: dict[str, list[str]] = {}
        for row in rows:
            if self.book.of_record(row.run_key, row.record) is None:
                new.setdefault(row.run_key, []).append(row.record)
        self.look(new, new)

    def look(self, logged: Mapping[str, Sequence[str]], touched: Iterable[str]) -> None:
        """
        See which versions are complete by now.

        Args:
            logged: keys of runs whose logs say something new of artifacts, with the records that do.
            touched: keys of runs of which anything is new.
        """
        for run_key, new in logged.items():
            self._note_logged(run_key, new)
        waiting = [key for key in touched if key in self.pending.by_run]
        for one in self.pending.complete(waiting) if waiting else ():
            try:
                self._commit(one)
            except OSError as error:  # a full disk: it waits on, and the next look tries again
                log.warning("a version of the artifact %s could not be written down: %s", one.logged.name, error)
            except Exception as error:  # of this version; whatever else is read need not wait for it
                log.exception("a version of the artifact %s cannot be noted", one.logged.name)
                self.pending.refuse(one, f"it cannot be noted: {error}")
        if time.monotonic() >= self._expiry_at and self._knows_all():
            self._expiry_at = time.monotonic() + ARTIFACT_EXPIRY_EVERY_S
            self.expire()
            if self.pending.by_run:
                self.look({}, list(self.pending.by_run))  # what a full disk left

    def _note_logged(self, run_key: str, new: Sequence[str]) -> None:
        for number, _ in self._all_run_ids([run_key]).values():
            for logged in logged_by(self._metadata, [number], new):
                record = run_key, logged.record
                if self.book.of_record(*record) is None and record not in self.pending.refused:
                    self.pending.add(run_key, logged)

    def _all_run_ids(self, run_keys: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Return run key → run and project id, of deleted runs too: what they made is there."""
        query = sa.select(t.runs.c.run_key, t.runs.c.id, t.runs.c.project_id)
        keys, found = list(run_keys), {}
        with self._metadata.connect() as connection:
            for begin in range(0, len(keys), _AT_ONCE):
                for key, number, project in connection.execute(
                    query.where(t.runs.c.run_key.in_(keys[begin : begin + _AT_ONCE]))
                ):
                    found[str(key)] = (int(number), int(project))
        return found

    def _commit(self, waiting: Waiting) -> None:
        """Give a complete version its number, or find that its content is there already."""
        logged, manifest = waiting.logged, waiting.manifest
        state = self._metadata.run(waiting.run_key)
        if state is None or manifest is None:
            return
        name = (state.entity, state.project, logged.name)
        with self.book.lock:
            collection = self.book.find(name)
            if collection is not None and collection.type != logged.type and collection.alive:
                self.pending.refuse(
                    waiting, f"{logged.name!r} is a {collection.type}; it cannot become a {logged.type}. Rename one."
                )
                return
            latest = None if collection is None else collection.latest
            equals = latest is not None and latest.digest == logged.digest
            number = max(collection.versions, default=-1) + 1 if collection is not None else 0
            receipt = self._received.get(logged.segment)
            body = {
                "entity": name[0],
                "project": name[1],
                "name": name[2],
                "type": logged.type,
                "version": latest.number if equals and latest is not None else number,
                "digest": logged.digest,
                "bytes": manifest.total_bytes,
                "files": len(manifest),
                "manifest_bytes": logged.manifest_bytes,
                "run_key": waiting.run_key,
                "id": logged.record,
                "aliases": list(logged.about.aliases),
                "tags": list(logged.about.tags),
                "ttl_days": logged.about.ttl_days,
                "keep": None if logged.about.keep is None else msgspec.structs.asdict(logged.about.keep),
                "step": logged.about.step,
                "values": {key: float(value) for key, value in logged.about.values.items()},
                "equals": equals,
                "author": receipt.user if receipt is not None else state.entity,
            }
            self.book.write_version(self._clock_ns(), body)
            self.pending.drop(waiting.run_key, logged.record)
            self.apply_rule(self.book.get(name))

    # ── rules ───────────────────────────────────────────────────────────────────────────────────────────────────

    def apply_rule(self, collection: Collection) -> None:
        """Remove what the artifact's rule does not keep. A disk that refuses leaves it for the next time."""
        if not self._knows_all():
            self._expiry_at = 0.0  # at the first look after that
            return
        with self.book.lock:
            for version, why in self.protection.unheld(collection, superseded(collection)):
                self.book.act_on("remove", RETENTION, self._clock_ns(), collection, version.number, why=why)

    def due(self) -> list[Due]:
        """Return the versions that are to go: by a rule, as something that held one may do so no more, or by time."""
        now_ns = self._clock_ns()
        found: list[Due] = []
        for collection in self.book.all():
            rule = superseded(collection)
            by_rule = {version.number for version, _ in rule}
            over = [one for one in expired(collection, now_ns) if one[0].number not in by_rule]
            for author, chosen in ((RETENTION, rule), (EXPIRY, over)):
                found += [
                    Due(collection, version, why, author)
                    for version, why in (self.protection.unheld(collection, chosen) if chosen else ())
                ]
        return found

    def remove_due(self) -> list[Due]:
        """Remove the versions that are to go, and return them. Raises OSError."""
        with self.book.lock:  # nobody gives an alias between the look and the removal
            found = self.due()
            for collection, version, why, author in found:
                self.book.act_on("remove", author, self._clock_ns(), collection, version.number, why=why)
            return found

    def expire(self) -> None:
        """Remove the versions that are to go; a disk that refuses leaves them for the next look."""
        try:
            self.remove_due()
        except OSError as error:
            log.warning("versions whose time is over could not be removed: %s", error)

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, name: Name, reference: str) -> tuple[Collection, Version]:
        """Return a version by ``v3``, an alias or a digest. Raises NotFound."""
        collection = self.book.get(name)
        return collection, self.book.resolve(collection, reference)

    def manifest(self, version: Version) -> Manifest:
        """
        Return what is in a version.

        Raises:
            NotFound: it was removed.
        """
        if version.removed is not None:
            raise NotFound(f"v{version.number} was removed by {version.removed.author or 'somebody'}.")
        return self.manifests.read(version.digest)

    def blob_size(self, version: Version, sha256: str) -> int:
        """Return the size of bytes that are in a version, or of its manifest. Raises NotFound."""
        if version.removed is not None or not self.manifests.holds(version.digest, sha256):
            raise NotFound(f"v{version.number} has no content {sha256[:64]!r}.")
        return self._blobs.size(sha256)

    def abouts(self, versions: Iterable[Version]) -> dict[int, About]:
        """Return version number → what its run said of it; of versions whose run is gone nothing."""
        numbers = {logger: version.number for version in versions for logger in version.loggers[:_LOGGERS_ASKED]}
        ids = self._all_run_ids({run_key for run_key, _ in numbers})
        keys = {number: run_key for run_key, (number, _) in ids.items()}
        found: dict[int, About] = {}
        for logged in logged_by(self._metadata, sorted(keys), sorted({record for _, record in numbers})):
            number = numbers.get((keys[logged.run_id], logged.record))
            if number is not None:
                found.setdefault(number, logged.about)  # of several runs what the first one said
        return found

    def logged(self, run_key: str, run_id: int, offset: int, limit: int) -> tuple[list[LoggedVersion], int]:
        """Return a page of what a run logged, in order, however far it has come, and how many there are in all."""
        found = logged_by(self._metadata, [run_id])
        return [self._logged(run_key, one) for one in found[offset : offset + limit]], len(found)

    def logged_record(self, run_key: str, run_id: int, record: str) -> LoggedVersion:
        """Return one of them. Raises NotFound."""
        for one in logged_by(self._metadata, [run_id], [record]):
            return self._logged(run_key, one)
        raise NotFound(f"the run has logged no artifact {record[:32]!r} (yet).")

    def _logged(self, run_key: str, logged: Logged) -> LoggedVersion:
        found = self.book.of_record(run_key, logged.record)
        if found is not None:
            collection, number = found
            version = collection.versions[number]
            equals = version.loggers[0] != (run_key, logged.record)
            return LoggedVersion(logged, "committed", "", equals, 0, 0, collection, version)
        refused = self.pending.refused.get((run_key, logged.record))
        if refused is not None:
            return LoggedVersion(logged, "refused", refused, False, 0, 0, None, None)
        count, size, why = missing_of(self._metadata, self._blobs, self.manifests, logged)
        return LoggedVersion(logged, "pending", why, False, count, size, None, None)

    def used_by_run(self, run_ids: Sequence[int]) -> list[Use]:
        """Return what runs used, in order."""
        return self._uses(t.artifact_uses.c.run_id, list(run_ids))

    def uses_of(self, names: Iterable[Name], version: int | None = None) -> list[Use]:
        """Return which runs used artifacts, or one version of them, in order."""
        found = self._uses(t.artifact_uses.c.artifact, ["/".join(name) for name in names])
        return found if version is None else [use for use in found if use.version == version]

    def _uses(self, column: sa.ColumnElement[Any], wanted: list[Any]) -> list[Use]:
        u = t.artifact_uses.c
        found: list[Use] = []
        with self._metadata.connect() as connection:
            for begin in range(0, len(wanted), _AT_ONCE):
                query = sa.select(u.run_id, u.artifact, u.version, u.type, u.digest, u.use_as, u.time_us)
                query = query.join(t.runs, t.runs.c.id == u.run_id).where(t.runs.c.deleted.is_(False))
                for row in connection.execute(query.where(column.in_(wanted[begin : begin + _AT_ONCE]))):
                    entity, project, name = row.artifact.split("/", 2)
                    found.append(Use(row.run_id, (entity, project, name), *row[2:]))
        return sorted(found, key=lambda use: (use.time_us, use.run_id))

    def use_counts(self, name: Name) -> dict[int, int]:
        """Return version → how many runs used it."""
        u = t.artifact_uses.c
        query = sa.select(u.version, sa.func.count()).join(t.runs, t.runs.c.id == u.run_id)
        query = query.where(u.artifact == "/".join(name), t.runs.c.deleted.is_(False)).group_by(u.version)
        with self._metadata.connect() as connection:
            return {int(version): int(count) for version, count in connection.execute(query)}

    # ── what people say ─────────────────────────────────────────────────────────────────────────────────────────

    def edit_version(
        self,
        name: Name,
        reference: str,
        author: str,
        changes: dict[str, Any],
        add_aliases: Sequence[str] = (),
        remove_aliases: Sequence[str] = (),
        revision: int | None = None,
    ) -> None:
        """
        Change ``description``, ``metadata``, ``tags``, ``ttl_days``, ``locked`` or the aliases of a version.

        Raises:
            NotFound, InvalidName, InvalidValue, OSError.
            EditConflict: somebody else changed it since *revision*.
        """
        if {"description", "metadata", "tags"} & changes.keys() and revision is None:
            raise InvalidValue("A change of description, metadata or tags says the revision that it was made to.")
        if "metadata" in changes:
            changes = {**changes, "metadata": to_json(changes["metadata"])}
            if len(msgspec.json.encode(changes["metadata"])) > ARTIFACT_METADATA_MAX_BYTES:
                raise InvalidValue(f"metadata takes more than {ARTIFACT_METADATA_MAX_BYTES:,} bytes.")
        given = [_alias(alias) for alias in add_aliases]
        with self.book.lock:
            collection, version = self.find(name, reference)
            check_revision(f"{collection.path}:v{version.number}", revision, version.revision)
            if version.removed is not None:
                raise InvalidValue(f"{collection.path}:v{version.number} was removed; nothing more is said of it.")
            if len(collection.aliases_of(version.number)) + len(given) > ARTIFACT_ALIASES_MAX:
                raise InvalidValue(f"a version has at most {ARTIFACT_ALIASES_MAX} aliases.")
            number = version.number
            for alias in remove_aliases:  # all of the change, or nothing of it
                if collection.aliases.get(alias) != number and alias not in given:
                    raise NotFound(f"{collection.path}:v{number} has no alias {alias[:80]!r} that could be taken away.")
            if changes:
                self.book.act_on("edit", author, self._clock_ns(), collection, number, changes=changes)
            for alias in given:
                before = collection.aliases.get(alias)
                if before != number:
                    about = {"alias": alias, "before": before}
                    self.book.act_on("alias", author, self._clock_ns(), collection, number, **about)
            for alias in dict.fromkeys(remove_aliases):
                self.book.act_on("unalias", author, self._clock_ns(), collection, number, alias=alias)

    def edit_collection(self, name: Name, author: str, revision: int, changes: dict[str, Any]) -> Collection:
        """
        Change ``description``, ``keep`` or ``ttl_days`` of an artifact; a rule works at once.

        Raises:
            NotFound, InvalidValue, OSError.
            EditConflict: somebody else changed it since *revision*.
        """
        with self.book.lock:
            collection = self.book.get(name)
            check_revision(collection.path, revision, collection.revision)
            if changes:
                self.book.act_on("edit", author, self._clock_ns(), collection, None, changes=changes)
            self.apply_rule(collection)
            return collection

    def remove(
        self, chosen: Sequence[tuple[Collection, Version]], author: str, why: str, *, with_aliases: bool = False
    ) -> list[tuple[Collection, Version, str]]:
        """
        Remove versions; they stay listed as removed, and their bytes go with the garbage. Raises OSError.

        Returns those that were not, and why: something may have come to hold them since anybody looked.
        """
        refused = []
        with self.book.lock:
            for collection, version in chosen:
                reason = self.protection.refusal(collection, version, with_aliases)
                if reason:
                    refused.append((collection, version, reason))
                else:
                    self.book.act_on("remove", author, self._clock_ns(), collection, version.number, why=why)
        return refused

    def unneeded(self, run_key: str, run_id: int, declared_us: Mapping[str, int]) -> set[str]:
        """
        Return content that a run declared for versions of its own that were removed since, and for nothing newer.

        Args:
            declared_us: hashes, with when the run last declared each, by its clock.
        """
        if not declared_us or run_key in self.pending.by_run:
            return set()
        found: set[str] = set()
        needed: set[str] = set()
        for logged in logged_by(self._metadata, [run_id]):
            place = self.book.of_record(run_key, logged.record)
            if place is None:
                continue
            content = self.manifests.content(logged.digest) & declared_us.keys()
            if place[0].versions[place[1]].removed is None:
                needed |= content
            else:
                found.update(sha256 for sha256 in content if declared_us[sha256] <= logged.time_us)
        return found - needed

    def content_of(self, run_key: str) -> set[str]:
        """Return the content, and the lists of it, of a run's versions that are there."""
        versions = [collection.versions[number] for collection, number in self.book.of_run(run_key)]
        digests = {version.digest for version in versions if version.removed is None}
        return digests.union(*(self.manifests.content(digest) for digest in digests))

    def record_times_us(self) -> dict[tuple[str, str], int]:
        """Return when runs logged versions, by their clocks: run key and record → unix microseconds."""
        a = t.artifacts.c
        query = sa.select(t.runs.c.run_key, a.record, a.time_us).join(t.runs, t.runs.c.id == a.run_id)
        with self._metadata.connect() as connection:
            return {(str(key), str(record)): int(time_us) for key, record, time_us in connection.execute(query)}

    # ── runs that go ────────────────────────────────────────────────────────────────────────────────────────────

    def check_purge(self, run_key: str) -> str:
        """Return why a run cannot be removed for good: something that only it made is in use. Empty if it can."""
        for collection, version in self._made_by_alone(run_key):
            why = self.protection.refusal(collection, version, with_aliases=False)
            if why:
                return f"it made {collection.name[2]}:v{version.number}, and {why}"
        return ""

    def purge(self, run_key: str, author: str) -> None:
        """Remove what only a run made that goes for good. Raises OSError."""
        self.remove(self._made_by_alone(run_key), author, "its run was removed for good")
        self.pending.by_run.pop(run_key, None)

    def _made_by_alone(self, run_key: str) -> list[tuple[Collection, Version]]:
        found = [(collection, collection.versions[number]) for collection, number in self.book.of_run(run_key)]
        others = {key for _, version in found for key, _ in version.loggers} - {run_key}
        there = self._all_run_ids(others)
        return [
            (collection, version)
            for collection, version in found
            if version.removed is None and not any(key in there for key, _ in version.loggers)
        ]


def _alias(value: str) -> str:
    if value == LATEST:
        raise InvalidName("'latest' moves by itself to the newest version.")
    return check_alias(value)
