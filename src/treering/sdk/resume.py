"""What an earlier life of a run left in its folder: where to go on, without reading all of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from treering.errors import FormatError, TreeringError
from treering.limits import MIB, STATE_EVERY_BYTES
from treering.runlog import records
from treering.runlog.frames import Frame
from treering.runlog.reader import SegmentReader

__all__ = ["Past", "read_past", "sample_rows"]

# A checkpoint of usual size stands in every MiB, so this much of a segment's end holds one.
_TAIL_BYTES = 2 * STATE_EVERY_BYTES


class Rewind(NamedTuple):
    """A start of a scheduler's job that went on behind an earlier step."""

    job_id: str
    incarnation: str
    from_step: int


class Past(NamedTuple):
    """The state at the end of a run's earlier lives of one writer."""

    last_step: int | None
    config: dict[str, Any]
    summary: dict[str, Any]
    defines: dict[str, dict[str, Any]]
    meta: dict[str, Any]
    end_state: str | None
    lives: int
    newest_created_ns: int = 0  # of all lives of the run, by their own clocks
    incarnations: frozenset[str] = frozenset()  # starts of a scheduler's job that this writer ran in
    explicit: Mapping[str, Any] = MappingProxyType({})  # of the summary: what was written into it, and not logged
    rewinds: frozenset[Rewind] = frozenset()

    @classmethod
    def from_server(cls, said: dict[str, Any] | None) -> Past | None:
        """Return what a server said of a run; None if it said nothing that has the form."""
        try:
            if said is None:
                return None
            step, end = said.get("last_step"), said.get("end_state")
            return cls(
                step if isinstance(step, int) else None,
                dict(said.get("config") or {}),
                dict(said.get("summary") or {}),
                dict(said.get("defines") or {}),
                dict(said.get("meta") or {}),
                end if isinstance(end, str) else None,
                int(said.get("lives") or 0),
                int(said.get("newest_created_ns") or 0),
                explicit=dict(said.get("summary") or {}),
            )
        except (TypeError, ValueError):
            return None

    def merged_with(self, other: Past | None) -> Past:
        """Return what two places know together: where they disagree, the one that saw the newest life is right."""
        if other is None:
            return self
        older, newer = sorted((self, other), key=lambda past: past.newest_created_ns)
        steps = [past.last_step for past in (self, other) if past.last_step is not None]
        if newer.newest_created_ns > older.newest_created_ns and newer.last_step is not None:
            steps = [newer.last_step]  # a life that the other does not know may have rewound the run
        return Past(
            max(steps, default=None),
            {**older.config, **newer.config},
            {**older.summary, **newer.summary},
            {**older.defines, **newer.defines},
            {**older.meta, **newer.meta},
            newer.end_state,
            max(self.lives, other.lives),
            newer.newest_created_ns,
            self.incarnations | other.incarnations,
            {**older.explicit, **newer.explicit},
            self.rewinds | other.rewinds,
        )


class _Replay:
    """Applies records in order; a checkpoint replaces what came before it. *upto*: rows of later steps count not."""

    def __init__(self, upto: int | None = None) -> None:
        self._upto = upto
        self.is_beyond = False  # a row of a later step was among those of this life
        self.explicit: dict[str, Any] = {}
        self.last_step: int | None = None
        self.config: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}
        self.defines: dict[str, dict[str, Any]] = {}
        self.end_state: str | None = None

    def begin(self, from_step: int | None) -> None:
        """A life begins, which may hide steps of those before it."""
        if from_step is None or self.last_step is None:
            return
        self.last_step = min(self.last_step, from_step - 1) if from_step > 0 else None

    def apply(self, frame: Frame) -> None:
        kind = frame.kind
        for record in records.decode(frame):
            if kind == records.ROW:
                if self._upto is not None and record.step > self._upto:
                    self.is_beyond = True
                    continue
                self.last_step = record.step if self.last_step is None else max(self.last_step, record.step)
                self.summary.update(record.data)
            elif self.is_beyond and kind in (records.CONFIG, records.SUMMARY):
                continue
            elif kind == records.CONFIG:
                self.config.update(record.data)
                for key in record.keys:
                    self.config.pop(key, None)
            elif kind == records.SUMMARY:
                self.summary.update(record.data)
                self.explicit.update(record.data)
            elif kind == records.DEFINE:
                self.defines[str(record.data.get("name"))] = record.data
            elif kind == records.STATE and self._upto is None:
                self._checkpoint(record.data)
            elif kind == records.END:
                self.end_state = record.data.get("state")

    def _checkpoint(self, state: dict[str, Any]) -> None:
        step = state.get("last_step")
        if isinstance(step, int):
            self.last_step = step if self.last_step is None else max(self.last_step, step)
        self.config.update(state.get("config") or {})
        self.summary.update(state.get("summary") or {})
        self.defines.update(state.get("defines") or {})


def read_past(folder: Path, writer: str, upto: int | None = None) -> Past | None:
    """
    Return what the earlier lives of *writer* in a run's folder ended with; None if the folder holds no life.

    Reads the head of each segment and, of a large one, only its last 2 MiB, where a checkpoint stands. A segment
    that cannot be read is passed over: the rest is better than nothing.

    *upto*: as it was when this was the last step; then all is read.
    """
    segments: list[tuple[int, Path, dict[str, Any]]] = []
    for path in folder.glob("*.trl"):
        try:
            with SegmentReader(path) as reader:
                life = _life(reader)
                segments.append((reader.header.created_ns, path, life))
        except (OSError, TreeringError):
            continue
    lives = [life for _, _, life in segments if life.get("writer") not in ("server",)]
    if not lives:
        return None
    replay, own = _Replay(upto), set()
    life_now: Any = None
    incarnations: set[str] = set()
    rewinds: set[Rewind] = set()
    meta: dict[str, Any] = {}
    for _, path, life in sorted(segments, key=lambda item: item[0]):
        meta.update(life.get("meta") or {})
        if life.get("writer") == writer:
            own.add(life.get("life_id"))
            if life.get("life_id") != life_now:
                life_now, replay.is_beyond = life.get("life_id"), False
                replay.begin(life.get("from_step"))
            process = life.get("process") or {}
            incarnations.add(str(process.get("incarnation") or ""))
            if isinstance(life.get("from_step"), int) and process.get("job_id"):
                job = str(process["job_id"]), str(process.get("incarnation") or "")
                rewinds.add(Rewind(*job, life["from_step"]))
            _replay_segment(path, replay, whole=upto is not None)
    newest_ns = max(created_ns for created_ns, _, life in segments if life.get("writer") != "server")
    return Past(
        replay.last_step,
        replay.config,
        replay.summary,
        replay.defines,
        meta,
        replay.end_state,
        len(own),
        newest_ns,
        frozenset(incarnations - {""}),
        {key: value for key, value in replay.explicit.items() if value is not None},
        frozenset(rewinds),
    )


def _life(reader: SegmentReader) -> dict[str, Any]:
    for frame in reader.read(64 * 1024):
        if frame.kind == records.LIFE:
            life = records.decode(frame)[0]
            return life if isinstance(life, dict) else {}
    return {}


def _replay_segment(path: Path, replay: _Replay, *, whole: bool) -> None:
    size = path.stat().st_size
    if size > 2 * _TAIL_BYTES and not whole:
        with SegmentReader(path) as reader:
            for frame in reader.read(64 * 1024):  # config stands at the head
                _apply(replay, frame)
            reader.offset = max(reader.offset, size - _TAIL_BYTES)
            if _replay_rest(reader, replay):
                return
    # Large checkpoints stand more rarely than one in 2 MiB.
    with SegmentReader(path) as reader:
        _replay_rest(reader, replay)


def _replay_rest(reader: SegmentReader, replay: _Replay) -> bool:
    """Apply everything from the reader's place on; return whether a checkpoint was among it."""
    seen = False
    while frames := reader.read(whole=True):
        for frame in frames:
            seen = seen or frame.kind == records.STATE
            _apply(replay, frame)
    return seen


def _apply(replay: _Replay, frame: Frame) -> None:
    try:
        replay.apply(frame)
    except FormatError:
        pass  # a record that a damaged or foreign writer left; the others count


def sample_rows(paths: list[Path], windows: int = 40, whole_bytes: int = 8 * MIB) -> list[dict[str, Any]]:
    """Return rows from all over the segments, in order: every row of a short log, even samples of a long one."""
    rows: list[dict[str, Any]] = []
    total = sum(path.stat().st_size for path in paths if path.exists())
    for path in paths:
        try:
            with SegmentReader(path) as reader:
                size = path.stat().st_size
                if total <= whole_bytes:
                    while frames := reader.read():
                        rows.extend(_rows(frames))
                    continue
                share = max(1, round(windows * size / total))
                for i in range(share):
                    reader.offset = max(reader.offset, size * i // share)
                    rows.extend(_rows(reader.read(64 * 1024)))
        except (OSError, TreeringError):
            continue
    return rows


def _rows(frames: list[Frame]) -> list[dict[str, Any]]:
    return [record.data for frame in frames if frame.kind == records.ROW for record in records.decode(frame)]
