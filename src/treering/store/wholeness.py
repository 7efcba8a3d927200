"""What is missing of a run, each lack with a name, a place and a number. An empty list means that it is whole."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from .liveness import end_of
from .model import Lack
from .state import RunState, SegmentState

__all__ = ["BehindOf", "lacks_of"]

BehindOf = Callable[[str], int]
"""Bytes of a received segment that are held, as far as that is known."""

_OURS: Final = "server"


def lacks_of(
    state: RunState,
    segments: list[SegmentState],
    received: Collection[str],
    held: BehindOf,
    missing_files: tuple[int, int] = (0, 0),
) -> list[Lack]:
    """
    Return what a run lacks, by what its own records say.

    Args:
        received: segments that came over the network.
        held: bytes held of one of those.
        missing_files: how many files it declares whose bytes never came, and their size.
    """
    lacks = [*_gaps(state, segments), *_damage(segments)]
    if state.error is not None:
        lacks.append(Lack("unreadable", text=state.error))
    if state.state == "running":
        return lacks  # what is under way is not missing
    text = "images and other media were still in memory, not yet stored, when the process was killed"
    lacks += [
        Lack("media", writer=of.writer, records=of.waiting, text=text) for of in state.lives.values() if of.waiting
    ]
    count, size = missing_files
    if count:
        text = f"{count:,} files of {size:,} bytes are declared, and their bytes are not here"
        lacks.append(Lack("files", records=count, bytes=size, text=text))
    known = {segment.segment: segment for segment in segments}
    for name, synced in state.synced.items():
        have = 0 if name not in known else max(known[name].doc.bytes, held(name) if name in received else 0)
        if synced > have:
            writer = known[name].writer if name in known else ""
            text = f"its writer had {synced:,} bytes; {have:,} are here"
            lacks.append(Lack("short", name, writer, bytes=synced - have, offset=have, text=text))
    short = {lack.segment for lack in lacks if lack.reason == "short"}
    for segment in segments:
        if segment.writer == _OURS or segment.doc.sealed or segment.segment in short:
            continue
        size, life = segment.doc.bytes, state.lives.get(segment.life)
        ended = life is not None and end_of(state, life) is not None
        if segment.segment in received:
            if not ended:
                text = f"nothing says how it ended; {size:,} bytes are here, and there may be more where it ran"
                lacks.append(Lack("unsealed", segment.segment, segment.writer, offset=size, text=text))
        elif not segment.writer.startswith("system") and state.synced.get(segment.segment, 0) < size:
            behind = size - state.synced.get(segment.segment, 0)
            text = f"{behind:,} of {size:,} bytes were not fsynced by its uploader; a power cut could take them"
            lacks.append(Lack("not_fsynced", segment.segment, segment.writer, bytes=behind, offset=size, text=text))
    return lacks


def _gaps(state: RunState, segments: list[SegmentState]) -> list[Lack]:
    writers = {segment.segment: segment.writer for segment in segments}
    return [
        Lack(
            "gap",
            name,
            writers.get(name, ""),
            records=gap.points,
            since=gap.since_ns / 1e9 if gap.since_ns else None,
            until=gap.until_ns / 1e9 if gap.until_ns else None,
            text=f"{gap.points:,} records were lost where it ran{f': {gap.reason}' if gap.reason else ''}",
        )
        for name, gap in state.gaps.items()
    ]


def _damage(segments: list[SegmentState]) -> list[Lack]:
    return [
        Lack("damaged", segment.segment, segment.writer, bytes=length, offset=offset, text=reason)
        for segment in segments
        for offset, length, reason in segment.doc.damage
    ]
