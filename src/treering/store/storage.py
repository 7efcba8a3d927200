"""
What takes how much room: per project, purpose, user, run and artifact.

Content is stored once however often it is referred to, so sums of parts are more than the whole; each part says how
much of it others refer to as well.
"""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from treering.errors import NotFound
from treering.limits import STORAGE_RUNS_MAX

from . import schema as t
from .artifact_book import Version
from .artifacts import Artifacts
from .blobs import FileBlobs
from .metadata import MetadataStore, ProjectRef
from .receiver import Receipt

__all__ = ["ProjectStorage", "Storage", "StorageRow"]


class Part(msgspec.Struct):
    """What a part takes, in bytes; each content counts once within it. ``shared_bytes``: what others refer to too."""

    name: str
    bytes: int = 0
    shared_bytes: int = 0
    files: int = 0


class RunPart(Part):
    """What a run takes."""

    run_key: str = ""
    run: str = ""
    log_bytes: int = 0


class ArtifactPart(Part):
    """What the versions of an artifact take that are not removed."""

    type: str = ""
    versions: int = 0


class ProjectStorage(msgspec.Struct):
    """What a project takes. ``removed_bytes`` are of removed versions, before the garbage is collected."""

    entity: str
    project: str
    bytes: int
    log_bytes: int
    removed_bytes: int
    by_purpose: list[Part]
    by_user: list[Part]
    runs: list[RunPart]
    more_runs: int
    artifacts: list[ArtifactPart]


class StorageRow(msgspec.Struct):
    """A project in the list. ``shared_bytes``: what other projects refer to as well."""

    entity: str
    project: str
    bytes: int
    log_bytes: int
    shared_bytes: int
    runs: int


class Storage:
    """Adds up what one store takes."""

    def __init__(
        self, metadata: MetadataStore, blobs: FileBlobs, artifacts: Artifacts, received: Mapping[str, Receipt]
    ) -> None:
        self._metadata = metadata
        self._blobs = blobs
        self._artifacts = artifacts
        self._received = received

    # ── all projects ────────────────────────────────────────────────────────────────────────────────────────────

    def projects(self, visible: Group[tuple[str, str]] | None = None) -> tuple[list[StorageRow], int]:
        """Return what projects take, the largest first, and what they take together; only *visible* ones, if given."""
        f, s = t.files.c, t.segments.c
        refs = [one for one in self._metadata.projects() if visible is None or (one.entity, one.name) in visible]
        wanted = {one.id for one in refs}
        each = sa.select(f.project_id, f.sha256, sa.func.max(f.bytes).label("bytes"))
        each = each.group_by(f.project_id, f.sha256)
        sizes: dict[str, int] = {}
        seen: dict[str, int] = {}
        rows = {one.id: StorageRow(one.entity, one.name, 0, 0, 0, 0) for one in refs}
        owners: dict[str, list[int]] = {}
        with self._metadata.connect() as connection:
            for project, sha256, size in connection.execute(each):
                seen[sha256] = seen.get(sha256, 0) + 1
                if project in wanted:
                    sizes[sha256] = int(size)
                    owners.setdefault(sha256, []).append(project)
            logs = sa.select(s.project_id, sa.func.sum(s.applied_offset)).group_by(s.project_id)
            for project, size in connection.execute(logs):
                if project in rows:
                    rows[project].log_bytes = int(size or 0)
            counts = sa.select(t.runs.c.project_id, sa.func.count()).group_by(t.runs.c.project_id)
            for project, count in connection.execute(counts):
                if project in rows:
                    rows[project].runs = int(count)
        for sha256, projects in owners.items():
            if not self._blobs.has(sha256):
                continue
            for project in projects:
                rows[project].bytes += sizes[sha256]
                rows[project].shared_bytes += sizes[sha256] if seen[sha256] > 1 else 0
        total = sum(size for sha256, size in sizes.items() if self._blobs.has(sha256))
        for row in rows.values():
            row.bytes += row.log_bytes
        found = sorted(rows.values(), key=lambda row: (-row.bytes, row.entity, row.project))
        return found, total + sum(row.log_bytes for row in found)

    # ── one project ─────────────────────────────────────────────────────────────────────────────────────────────

    def project(self, ref: ProjectRef) -> ProjectStorage:
        """Return what one project takes, part by part."""
        f, s, r = t.files.c, t.segments.c, t.runs.c
        with self._metadata.connect() as connection:
            files = connection.execute(
                sa.select(f.run_id, f.sha256, f.bytes, f.purpose).where(f.project_id == ref.id)
            ).all()
            logs: dict[int, int] = {
                int(run): int(size or 0)
                for run, size in connection.execute(
                    sa.select(s.run_id, sa.func.sum(s.applied_offset)).where(s.project_id == ref.id).group_by(s.run_id)
                )
            }
            runs = {
                row.id: (row.run_key, row.name)
                for row in connection.execute(sa.select(r.id, r.run_key, r.name).where(r.project_id == ref.id))
            }
            users = self._users(connection, ref)
        there: dict[str, bool] = {}
        kept = []
        for file in files:
            if file.sha256 not in there:
                there[file.sha256] = self._blobs.has(file.sha256)
            if there[file.sha256]:
                kept.append(file)
        by_run = _parts([(str(file.run_id), file.sha256, file.bytes) for file in kept])
        found_runs = []
        for number, (key, name) in runs.items():
            part = by_run.get(str(number), Part(name))
            content_of = (name, part.bytes, part.shared_bytes, part.files)
            found_runs.append(RunPart(*content_of, run_key=key, run=name, log_bytes=logs.get(number, 0)))
        found_runs.sort(key=lambda run: -(run.bytes + run.log_bytes))
        artifacts, removed = self._artifacts_of(ref, {file.sha256: int(file.bytes) for file in kept})
        content = sum({file.sha256: int(file.bytes) for file in kept}.values())
        return ProjectStorage(
            entity=ref.entity,
            project=ref.name,
            bytes=content + sum(logs.values()),
            log_bytes=sum(logs.values()),
            removed_bytes=removed,
            by_purpose=_largest(_parts([(file.purpose or "other", file.sha256, file.bytes) for file in kept])),
            by_user=_largest(_parts([(users.get(file.run_id, ref.entity), file.sha256, file.bytes) for file in kept])),
            runs=found_runs[:STORAGE_RUNS_MAX],
            more_runs=max(0, len(found_runs) - STORAGE_RUNS_MAX),
            artifacts=artifacts,
        )

    def _users(self, connection: sa.Connection, ref: ProjectRef) -> dict[int, str]:
        """Return who sent each run; runs that were logged here are their entity's."""
        s = t.segments.c
        found: dict[int, str] = {}
        for run, segment in connection.execute(sa.select(s.run_id, s.segment).where(s.project_id == ref.id)):
            receipt = self._received.get(segment)
            if receipt is not None and receipt.user:
                found.setdefault(run, receipt.user)
        return found

    def _artifacts_of(self, ref: ProjectRef, sizes: Mapping[str, int]) -> tuple[list[ArtifactPart], int]:
        """Return what the artifacts of a project take, and how many bytes only removed versions need."""
        alive: dict[str, set[str]] = {}
        gone: set[str] = set()
        parts: dict[str, ArtifactPart] = {}
        for collection in self._artifacts.book.of_project(ref.entity, ref.name):
            name = collection.name[2]
            parts[name] = ArtifactPart(name, type=collection.type, versions=len(collection.alive))
            for version in list(collection.versions.values()):
                content = self._content(version)
                if version.removed is not None:
                    gone |= content
                    continue
                for sha256 in content:
                    alive.setdefault(sha256, set()).add(name)
        for sha256, names in alive.items():
            size = sizes.get(sha256, 0)
            for name in names:
                part = parts[name]
                part.bytes, part.files = part.bytes + size, part.files + 1
                part.shared_bytes += size if len(names) > 1 else 0
        removed = sum(sizes.get(sha256, 0) for sha256 in gone - alive.keys())
        return sorted(parts.values(), key=lambda part: (-part.bytes, part.name)), removed

    def _content(self, version: Version) -> set[str]:
        """Return the hashes of a version's content and its manifest; of one whose manifest is gone nothing."""
        try:
            return {version.digest, *self._artifacts.manifests.read(version.digest).blobs()}
        except NotFound:
            return set()


def _parts(rows: list[tuple[str, str, Any]]) -> dict[str, Part]:
    """Add up content by the part that refers to it."""
    owners: dict[str, set[str]] = {}
    sizes: dict[str, int] = {}
    for name, sha256, size in rows:
        owners.setdefault(sha256, set()).add(name)
        sizes[sha256] = int(size)
    parts: dict[str, Part] = {}
    for sha256, names in owners.items():
        for name in names:
            part = parts.setdefault(name, Part(name))
            part.bytes, part.files = part.bytes + sizes[sha256], part.files + 1
            part.shared_bytes += sizes[sha256] if len(names) > 1 else 0
    return parts


def _largest(parts: Mapping[str, Part]) -> list[Part]:
    return sorted(parts.values(), key=lambda part: (-part.bytes, part.name))
