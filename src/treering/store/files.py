"""
Files of a run: what it declared, and whether the bytes are here.

The life of a file: a writer stores the bytes by their SHA-256 and declares them; where they have to come over the
network, the server notes in the run's log that they came. A run's reader gets the bytes only if both hold, so a hash
alone opens nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import msgspec
import sqlalchemy as sa

from treering.errors import NotFound

from . import schema as t
from .blobs import FileBlobs
from .metadata import MetadataStore
from .model import FileEntry, FilePage
from .state import RunState

__all__ = ["count_missing", "declared_size", "declared_times", "find_blob", "here", "list_files", "missing_blobs"]

_decode_json: Final = msgspec.json.Decoder().decode
_AT_ONCE: Final = 500


def here() -> sa.ColumnElement[bool]:
    """Return the condition that a declared file's bytes may be read: written here, or received for its project."""
    f, h = t.files.c, t.held.c
    came = sa.exists().where(h.project_id == f.project_id, h.sha256 == f.sha256)
    return sa.or_(f.received.is_(False), came)


def find_blob(metadata: MetadataStore, blobs: FileBlobs, state: RunState, sha256: str) -> int:
    """Return the size of bytes that are here and that the run, or one it inherits from, declared. Raises NotFound."""
    strands = metadata.inheritance.strands([state.id]).get(state.id, ())
    runs = sorted({state.id, *(strand.segment.run for strand in strands)})
    query = sa.select(t.files.c.bytes).where(t.files.c.run_id.in_(runs), t.files.c.sha256 == sha256, here())
    with metadata.connect() as connection:
        row = connection.execute(query.limit(1)).first()
    if row is None:
        raise NotFound(f"the run has no file {sha256[:64]!r} here.")
    return blobs.size(sha256)


def declared_size(metadata: MetadataStore, state: RunState, sha256: str) -> int:
    """Return how many bytes the run says a file has. Raises NotFound if it says nothing of it."""
    query = sa.select(t.files.c.bytes).where(t.files.c.run_id == state.id, t.files.c.sha256 == sha256)
    with metadata.connect() as connection:
        row = connection.execute(query.limit(1)).first()
    if row is None:
        raise NotFound(f"the run declares no file {sha256[:64]!r}; its log may be on its way still.")
    return int(row.bytes)


def declared_times(metadata: MetadataStore, state: RunState, wanted: Collection[str]) -> dict[str, int]:
    """Return those of *wanted* that a run declared as parts of artifacts alone, with when it did, in microseconds."""
    f = t.files.c
    names = list(wanted)
    found: dict[str, int] = {}
    others: set[str] = set()
    with metadata.connect() as connection:
        for begin in range(0, len(names), _AT_ONCE):
            query = sa.select(f.sha256, f.purpose, f.time_us).where(f.run_id == state.id)
            for sha256, purpose, time_us in connection.execute(
                query.where(f.sha256.in_(names[begin : begin + _AT_ONCE]))
            ):
                if purpose == "artifact":
                    found[sha256] = max(int(time_us), found.get(sha256, 0))
                else:
                    others.add(sha256)
    return {sha256: time_us for sha256, time_us in found.items() if sha256 not in others}


def missing_blobs(metadata: MetadataStore, state: RunState, wanted: Collection[str]) -> tuple[list[str], list[str]]:
    """
    Return those of *wanted* that have to be sent, and those that another run of the project has already.

    What the run has not declared (yet) counts as missing.
    """
    own: set[str] = set()
    others: set[str] = set()
    names = list(dict.fromkeys(wanted))
    h, f = t.held.c, t.files.c
    with metadata.connect() as connection:
        for begin in range(0, len(names), _AT_ONCE):
            some = names[begin : begin + _AT_ONCE]
            own.update(connection.scalars(sa.select(h.sha256).where(h.run_id == state.id, h.sha256.in_(some))))
            local = sa.select(f.sha256).where(f.run_id == state.id, f.sha256.in_(some), f.received.is_(False))
            own.update(connection.scalars(local))
            query = sa.select(h.sha256).where(h.project_id == state.project_id, h.sha256.in_(some))
            others.update(connection.scalars(query))
    return [name for name in names if name not in own | others], [name for name in names if name in others - own]


def count_missing(metadata: MetadataStore, run_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return per run how many declared files are not here, and their bytes; runs that lack none are left out."""
    f = t.files.c
    ids = list(run_ids)
    found: dict[int, tuple[int, int]] = {}
    with metadata.connect() as connection:
        for begin in range(0, len(ids), _AT_ONCE):
            some = ids[begin : begin + _AT_ONCE]
            each = (
                sa.select(f.run_id, f.sha256, sa.func.max(f.bytes).label("bytes"))
                .where(f.run_id.in_(some), sa.not_(here()))
                .group_by(f.run_id, f.sha256)
                .subquery()
            )
            query = sa.select(each.c.run_id, sa.func.count(), sa.func.sum(each.c.bytes)).group_by(each.c.run_id)
            found.update({int(run): (int(count), int(size)) for run, count, size in connection.execute(query)})
    return found


def list_files(
    metadata: MetadataStore,
    blobs: FileBlobs,
    state: RunState,
    purposes: Collection[str] = (),
    search: str = "",
    offset: int = 0,
    limit: int = 1_000,
) -> FilePage:
    """
    Return files by path; what is in artifacts, which is by hash there, only where that purpose is asked for.

    *search*: a piece of the path, whatever its case.
    """
    f = t.files.c
    where = [f.run_id == state.id, f.purpose.in_(list(purposes)) if purposes else f.purpose != "artifact"]
    if search:
        where.append(sa.func.lower(f.path).contains(search.lower(), autoescape=True))
    page = sa.select(f.path, f.sha256, f.bytes, f.time_us, f.purpose, f.about, here().label("here")).where(*where)
    with metadata.connect() as connection:
        rows = connection.execute(page.order_by(f.path).offset(offset).limit(limit)).all()
        count = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(f.bytes), 0)).where(*where)
        total, size = connection.execute(count).one()
    files = [
        FileEntry(
            path=row.path,
            sha256=row.sha256,
            bytes=row.bytes,
            time=row.time_us / 1e6,
            purpose=row.purpose,
            held=bool(row.here) and blobs.has(row.sha256),
            about=_decode_json(row.about),
        )
        for row in rows
    ]
    return FilePage(files, int(total), int(size))
