"""
Content that nothing refers to any more: bytes of versions that were removed, and of versions that never came.

A run's files, media and code are never garbage while the run is there. Nor is what somebody may be about to name: what
is young, what belongs to a version on its way, and what a run declared that goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import sqlalchemy as sa

from treering.errors import TreeringError
from treering.limits import ARTIFACT_UNFINISHED_KEPT_S, GARBAGE_LISTED, GARBAGE_YOUNG_S

from . import schema as t
from .artifact_book import Collection, Name, Version
from .artifacts import Artifacts, Due
from .blobs import FileBlobs
from .metadata import MetadataStore

__all__ = ["Collected", "Garbage", "Rubbish"]

_AT_ONCE: Final = 500
_NAMES_LISTED: Final = 3
_PURPOSE: Final = "artifact"


class Rubbish(NamedTuple):
    """Content that nothing refers to: its hash, its bytes, and what it was called in removed versions."""

    sha256: str
    bytes: int
    names: list[str]


class Collected(NamedTuple):
    """
    What was removed, or would be. ``kept_files``: too young to tell. ``garbage`` are the largest, ``expired`` the
    versions that went, by a rule or since their time was over.
    """

    files: int
    bytes: int
    kept_files: int
    garbage: list[Rubbish]
    expired: list[Due]


class Garbage:
    """
    Finds and removes content that nothing refers to. The caller holds the ingest lock, and has read what runs logged.

    Args:
        kept: yields hashes that something else than runs refers to, such as frozen reports.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        blobs: FileBlobs,
        artifacts: Artifacts,
        kept: Callable[[], Iterable[str]],
        clock_ns: Callable[[], int],
    ) -> None:
        self._metadata = metadata
        self._blobs = blobs
        self._artifacts = artifacts
        self._kept = kept
        self._clock_ns = clock_ns

    def collect(self, dry_run: bool) -> Collected:
        """
        Remove versions that are to go, and then what nothing refers to; or only say what that would be.

        A kill in between costs nothing: what was not removed is found again.
        """
        expired = self._artifacts.due() if dry_run else self._artifacts.remove_due()
        names = self._of_removed([(one.collection, one.version) for one in expired] if dry_run else [])
        going = {(one.collection.name, one.version.number) for one in expired} if dry_run else set()
        found = self._unreferenced(names, going)
        young_ns = self._clock_ns() - int(GARBAGE_YOUNG_S * 1e9)
        garbage: list[Rubbish] = []
        kept = 0
        for sha256 in sorted(found):
            try:
                size = self._blobs.size(sha256)
                is_young = self._blobs.changed_ns(sha256) > young_ns
                gone = not is_young and (dry_run or self._blobs.discard(sha256, young_ns))
            except (TreeringError, OSError):
                continue  # gone already, or the disk refuses: the next time
            if gone:
                garbage.append(Rubbish(sha256, size, names.get(sha256, [])[:_NAMES_LISTED]))
            else:
                kept += 1
        total = sum(one.bytes for one in garbage)
        largest = sorted(garbage, key=lambda one: -one.bytes)[:GARBAGE_LISTED]
        return Collected(len(garbage), total, kept, largest, expired)

    def free_bytes(self, chosen: Iterable[tuple[Collection, Version]]) -> int:
        """Return how many bytes would be garbage if some versions were removed."""
        chosen = list(chosen)
        names = self._of_removed(chosen, only=True)
        total = 0
        going = {(collection.name, version.number) for collection, version in chosen}
        for sha256 in self._unreferenced(names, going, orphans=False):
            try:
                total += self._blobs.size(sha256)
            except TreeringError:
                continue
        return total

    # ── what refers to what ─────────────────────────────────────────────────────────────────────────────────────

    def _of_removed(self, also: Iterable[tuple[Collection, Version]], only: bool = False) -> dict[str, list[str]]:
        """Return the content of removed versions, and of *also*, with what it was called."""
        names: dict[str, list[str]] = {}
        going = {(collection.name, version.number) for collection, version in also}
        for collection in self._artifacts.book.all():
            for number, version in collection.versions.items():
                if (collection.name, number) in going or (version.removed is not None and not only):
                    for path, entry in self._entries(version):
                        if entry is not None:
                            names.setdefault(entry, []).append(f"{collection.name[2]}:v{number}/{path}")
        return names

    def _entries(self, version: Version) -> Iterable[tuple[str, str | None]]:
        try:
            return [(path, entry.sha256) for path, entry in self._artifacts.manifests.read(version.digest)]
        except TreeringError:
            return []

    def _unreferenced(
        self, names: dict[str, list[str]], going: set[tuple[Name, int]], orphans: bool = True
    ) -> set[str]:
        """
        Return which of the content of removed versions, and of versions that never came, nothing refers to.

        Args:
            going: versions that are not removed yet and count as if they were.
        """
        alive: set[str] = set()
        explained: dict[tuple[str, str], int] = {}  # run and hash, of removed versions → when it was logged
        times_us = self._artifacts.record_times_us()
        for collection in self._artifacts.book.all():
            for number, version in collection.versions.items():
                alive.add(version.digest)  # also of removed versions: what they were made of stays known
                content = {sha256 for _, sha256 in self._entries(version) if sha256 is not None}
                if version.removed is None and (collection.name, number) not in going:
                    alive |= content
                else:
                    for run_key, record in version.loggers:
                        time_us = times_us.get((run_key, record), 0)
                        for sha256 in content:
                            explained[run_key, sha256] = max(time_us, explained.get((run_key, sha256), 0))
        candidates, declared = set(names) - alive, self._declared(alive, explained)
        if orphans:
            candidates |= {sha256 for sha256, referred in declared.items() if not referred}
        candidates -= {sha256 for sha256, referred in declared.items() if referred}
        candidates -= self._other_files(candidates)
        return candidates - set(self._kept()) if candidates else candidates

    def _declared(self, alive: set[str], explained: dict[tuple[str, str], int]) -> dict[str, bool]:
        """Return content that runs declared for versions, and whether one of them may still come to need it."""
        f, r = t.files.c, t.runs.c
        query = sa.select(f.sha256, f.time_us, r.run_key, r.state).join(t.runs, r.id == f.run_id)
        old_us = self._clock_ns() // 1_000 - int(ARTIFACT_UNFINISHED_KEPT_S * 1e6)
        found: dict[str, bool] = {}
        with self._metadata.connect() as connection:
            for sha256, time_us, run_key, state in connection.execute(query.where(f.purpose == _PURPOSE)):
                if sha256 in alive:
                    continue
                waits = run_key in self._artifacts.pending.by_run
                is_newer = time_us > explained.get((run_key, sha256), -1)  # than any version that was removed
                unfinished = is_newer and (state == "running" or time_us > old_us)
                found[sha256] = found.get(sha256, False) or waits or unfinished
        return found

    def _other_files(self, names: set[str]) -> set[str]:
        """Return those of *names* that runs declared as something else than a part of an artifact."""
        f = t.files.c
        wanted = sorted(names)
        found: set[str] = set()
        with self._metadata.connect() as connection:
            for begin in range(0, len(wanted), _AT_ONCE):
                query = sa.select(f.sha256).where(f.sha256.in_(wanted[begin : begin + _AT_ONCE]), f.purpose != _PURPOSE)
                found.update(connection.scalars(query))
        return found
