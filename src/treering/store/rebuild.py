"""
Rebuild: the index is derived, so it can be thrown away and made again.

A mark file says that the old index is being deleted; if the process dies then, the next start deletes the rest. From
there on a rebuild is the ordinary first scan, which goes on where a crash stopped it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from treering.errors import TreeringError

from .ingest import Ingester
from .liveness import Sight
from .manifest import sync_folder, write_durably
from .metadata import MetadataStore
from .metrics import MetricStore
from .model import RebuildProgress
from .segments import SegmentRef, SegmentStore

MARK: Final = "rebuild.mark"
# Segments handed to the ingester at once; it commits by itself within them.
BATCH_SEGMENTS: Final = 16


def begin_rebuild(index: Path) -> None:
    """Note that the index is to be forgotten."""
    write_durably(index / MARK, b"the index is being deleted and made again from the run log\n")


def is_begun(index: Path) -> bool:
    return (index / MARK).exists()


def forget_index(index: Path, metadata: MetadataStore, metrics: MetricStore) -> None:
    """Empty both stores, and only then take the mark away."""
    metadata.clear()
    metrics.clear(metadata.index_id)
    (index / MARK).unlink(missing_ok=True)
    sync_folder(index)


def replay(
    segments: SegmentStore,
    metrics: MetricStore,
    ingester: Ingester,
    progress: Callable[[RebuildProgress], None] | None = None,
) -> RebuildProgress:
    """Ingest everything there is, in the order in which it was begun."""
    refs: list[SegmentRef] = [ref for key in segments.runs() for ref in segments.segments(key)]
    refs.sort(key=ingester.age)
    sizes = {ref: _size(segments, ref) for ref in refs}
    total = sum(sizes.values())
    done = read = 0
    before = ingester.points
    with metrics.merges_later():
        for begin in range(0, len(refs), BATCH_SEGMENTS):
            batch = refs[begin : begin + BATCH_SEGMENTS]
            ingester.ingest(batch, live=Sight.OLD)
            done += len(batch)
            read += sum(sizes[ref] for ref in batch)
            if progress is not None:
                progress(RebuildProgress(done, len(refs), read, total, ingester.points - before))
    return RebuildProgress(done, len(refs), read, total, ingester.points - before)


def _size(segments: SegmentStore, ref: SegmentRef) -> int:
    try:
        return segments.size(ref)
    except TreeringError:
        return 0
