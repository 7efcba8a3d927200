"""
Versions on their way in: a version is there when every byte of it is, and not before.

The record that a run made one may come long before its bytes do. Each time something of the run arrives the next file
is looked for; what was found once is not looked for again, so a version of many files costs its files once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
import sqlalchemy as sa

from treering.errors import NotFound
from treering.runlog.artifact_manifest import Manifest

from . import schema as t
from .artifact_manifests import Manifests, read_or_refuse
from .artifact_records import About
from .blobs import FileBlobs
from .files import here
from .metadata import MetadataStore

__all__ = ["Logged", "Pending", "Waiting", "logged_by", "missing_of"]

log = logging.getLogger("treering.store")

_AT_ONCE: Final = 500
_decode_about = msgspec.json.Decoder(About).decode


class Logged(NamedTuple):
    """A version as its run says, see ``state.ArtifactRow``."""

    run_id: int
    record: str
    segment: str
    name: str
    type: str
    digest: str
    manifest_bytes: int
    bytes: int
    files: int
    time_us: int
    about: About


class Waiting:
    """A version that is not complete yet."""

    __slots__ = ("logged", "manifest", "place", "run_key", "todo")

    def __init__(self, run_key: str, logged: Logged) -> None:
        self.run_key = run_key
        self.logged = logged
        self.manifest: Manifest | None = None
        self.todo: list[tuple[str, int]] = []
        self.place = 0  # of the first file that was not here


class Pending:
    """The versions that are not complete. One thread at a time calls it: the holder of the ingest lock."""

    def __init__(self, metadata: MetadataStore, blobs: FileBlobs, manifests: Manifests) -> None:
        self._metadata = metadata
        self._blobs = blobs
        self._manifests = manifests
        self.by_run: dict[str, dict[str, Waiting]] = {}
        self.refused: dict[tuple[str, str], str] = {}  # run key and record → why it will never be one

    def add(self, run_key: str, logged: Logged) -> None:
        """Wait for a version that a run says it made."""
        waiting = self.by_run.setdefault(run_key, {})
        if logged.record not in waiting:
            waiting[logged.record] = Waiting(run_key, logged)

    def drop(self, run_key: str, record: str) -> None:
        """Wait no longer for a version."""
        waiting = self.by_run.get(run_key, {})
        waiting.pop(record, None)
        if not waiting:
            self.by_run.pop(run_key, None)

    def refuse(self, waiting: Waiting, why: str) -> None:
        """Give a version up: whatever comes, it will be none."""
        self.refused[waiting.run_key, waiting.logged.record] = why
        self.drop(waiting.run_key, waiting.logged.record)

    def complete(self, run_keys: Iterable[str]) -> list[Waiting]:
        """Return those of runs' versions that are complete by now, the first logged first."""
        found: list[Waiting] = []
        for key in run_keys:
            for waiting in list(self.by_run.get(key, {}).values()):
                try:
                    if self._is_complete(waiting):
                        found.append(waiting)
                except Exception as error:  # of this version; whatever else is read need not wait for it
                    log.exception("a version that run %s logged cannot be looked at", key)
                    self.refuse(waiting, f"it cannot be looked at: {error}")
        return sorted(found, key=lambda one: (one.logged.time_us, one.logged.record))

    def _is_complete(self, waiting: Waiting) -> bool:
        logged = waiting.logged
        if waiting.manifest is None:
            if not self._are_here(logged.run_id, [(logged.digest, logged.manifest_bytes)]):
                return False
            try:
                waiting.manifest, why = read_or_refuse(self._manifests, logged.digest)
            except NotFound:
                return False
            if waiting.manifest is None:
                self.refuse(waiting, why)
                return False
            waiting.todo = sorted(waiting.manifest.blobs().items())
        while waiting.place < len(waiting.todo):
            some = waiting.todo[waiting.place : waiting.place + _AT_ONCE]
            if not self._are_here(logged.run_id, some[:1]):
                return False
            count = self._are_here(logged.run_id, some)
            waiting.place += count
            if count < len(some):
                return False
        return True

    def _are_here(self, run_id: int, files: Sequence[tuple[str, int]]) -> int:
        """Return how many of *files* are here before the first that is not."""
        declared = declared_here(self._metadata, run_id, [sha256 for sha256, _ in files])
        for place, (sha256, size) in enumerate(files):
            if sha256 not in declared or not is_whole(self._blobs, sha256, size):
                return place
        return len(files)


def declared_here(metadata: MetadataStore, run_id: int, names: Sequence[str]) -> set[str]:
    """Return those of *names* that a run declared and that are here for its project."""
    query = sa.select(t.files.c.sha256).where(t.files.c.run_id == run_id, t.files.c.sha256.in_(names), here())
    with metadata.connect() as connection:
        return set(connection.scalars(query))


def is_whole(blobs: FileBlobs, sha256: str, size: int) -> bool:
    """Return whether all bytes of a hash are on the disk."""
    try:
        return blobs.size(sha256) == size
    except NotFound:
        return False


def missing_of(metadata: MetadataStore, blobs: FileBlobs, manifests: Manifests, logged: Logged) -> tuple[int, int, str]:
    """Return how many files of a version are not here, their bytes, and what is waited for in words."""
    files = [(logged.digest, logged.manifest_bytes)]
    if declared_here(metadata, logged.run_id, [logged.digest]) and is_whole(blobs, *files[0]):
        files = sorted(manifests.read(logged.digest).blobs().items())
    else:
        return logged.files + 1, logged.bytes + logged.manifest_bytes, "the list of its files has not come yet"
    count = size = 0
    for begin in range(0, len(files), _AT_ONCE):
        some = files[begin : begin + _AT_ONCE]
        declared = declared_here(metadata, logged.run_id, [sha256 for sha256, _ in some])
        left = [n for sha256, n in some if sha256 not in declared or not is_whole(blobs, sha256, n)]
        count, size = count + len(left), size + sum(left)
    return count, size, f"{count:,} of its files have not come yet" if count else ""


def logged_by(metadata: MetadataStore, run_ids: Sequence[int], only: Sequence[str] | None = None) -> list[Logged]:
    """Return the versions that runs say they made, or those of them in *only*, in the order in which they said so."""
    a = t.artifacts.c
    found: list[Logged] = []
    with metadata.connect() as connection:
        for begin in range(0, len(run_ids), _AT_ONCE):
            query = sa.select(t.artifacts).where(a.run_id.in_(run_ids[begin : begin + _AT_ONCE]))
            parts = (
                [query]
                if only is None
                else [query.where(a.record.in_(only[at : at + _AT_ONCE])) for at in range(0, len(only), _AT_ONCE)]
            )
            found += [_logged(row) for part in parts for row in connection.execute(part)]
    return sorted(found, key=lambda one: (one.time_us, one.record))


def _logged(row: sa.Row[tuple[object, ...]]) -> Logged:
    fields = {name: getattr(row, name) for name in Logged._fields if name != "about"}
    return Logged(**fields, about=_decode_about(row.about))
