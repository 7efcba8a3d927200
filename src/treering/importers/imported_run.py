"""
A run that is written from what another tracker kept: the same records as a training writes, at the times they had.

What was imported is never imported twice: the log itself says how far each source was read, and what was written after
the last such word is counted and passed over when the same source is read again.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from treering._version import __version__
from treering.errors import FolderInUse, TreeringError
from treering.ids import new_life_id, run_key
from treering.limits import BEAT_EVERY_S, RECORD_SPLIT_BYTES, ROW_MAX_KEYS
from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.runlog.sharing import make_folder
from treering.runlog.writer import Writer
from treering.sdk.blobs import Blobs
from treering.sdk.encoder import media_path
from treering.sdk.media.media import Media, Shelf
from treering.sdk.ranks import boot_id, process_start_time
from treering.values import clean_config, clean_row, split_row

__all__ = ["ImportedRun", "Read"]

_IMPORTED: Final = "imported"  # the fact that says how far a source was read, and at the end where the run is from


class Read(NamedTuple):
    """How far a source was read; ``mark`` tells it from another of the same name."""

    mark: str
    offset: int


class ImportedRun:
    """
    Writes one run. Its folder is locked, so that two imports do not write the same twice.

    Args:
        data: the data folder.
        entity, project, run_id: who the run is.
        note: told of values that were left out: (subject, text).

    Raises:
        FolderInUse: another import writes this run.
        OSError: the data folder refuses.
    """

    def __init__(self, data: Path, entity: str, project: str, run_id: str, note: Callable[[str, str], None]) -> None:
        self.key = run_key(entity, project, run_id)
        self.run_id = run_id
        self.rows = 0  # that were written now
        self._who = {"entity": entity, "project": project, "id": run_id, "key": self.key}
        self._data, self._folder = data, data / "runs" / self.key
        self._note = note
        self._blobs = Blobs(data / "blobs")
        self._writer: Writer | None = None
        self._first_ns = self._last_ns = self._floor_ns = 0
        self._beat_at = 0.0
        make_folder(self._folder)
        make_folder(data / "live")
        self._lock = os.open(data / "live" / f"{self.key}.importing", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise FolderInUse(f"another import is writing the run {run_id!r}; wait until it ends.") from None
        self.known: dict[str, Read] = {}
        self._unfinished = ""  # the source whose rows stand behind the last word of progress
        self._rows_behind = 0
        self._to_skip = 0
        self.existed = self._read_past()

    def _read_past(self) -> bool:
        """Learn what earlier imports wrote; return whether there was one."""
        found: list[tuple[int, Path]] = []
        for path in self._folder.glob("*.trl"):
            try:
                with SegmentReader(path) as reader:
                    found.append((reader.header.created_ns, path))
            except (OSError, TreeringError):
                continue
        for created_ns, path in sorted(found):
            with SegmentReader(path) as reader:
                while frames := reader.read():
                    for frame in frames:
                        if frame.kind == records.ROW:
                            self._rows_behind += frame.nrec
                        elif frame.kind == records.FACTS:
                            for fact in records.decode(frame):
                                self._take_progress(fact.data)
            self._floor_ns = max(self._floor_ns, created_ns + 1)
        return bool(found)

    def _take_progress(self, data: Mapping[str, Any]) -> None:
        progress = data.get(_IMPORTED)
        if isinstance(progress, dict) and "source" in progress:
            self._unfinished, self._rows_behind = str(progress.get("source")), 0
            self.known[self._unfinished] = Read(str(progress.get("mark")), int(progress.get("offset") or 0))

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def begin_source(self, name: str, mark: str) -> int:
        """Say which source comes next; return the offset from which it is read."""
        known = self.known.get(name)
        offset = known.offset if known is not None and known.mark == mark else 0
        goes_on = name == self._unfinished and known is not None and known.mark == mark
        self._to_skip = self._rows_behind if goes_on else 0
        self._unfinished, self._rows_behind = "", 0
        return offset

    def note_progress(self, name: str, mark: str, offset: int) -> None:
        """Write down that a source is read up to *offset*."""
        if self._writer is None or self.known.get(name) == (mark, offset):
            return
        self._to_skip = 0
        self.known[name] = Read(mark, offset)
        progress = {"source": name, "mark": mark, "offset": offset}
        self._append(records.FACTS, [self._last_ns or time.time_ns(), {_IMPORTED: progress}])

    def begin_life(self, time_ns: int, meta: Mapping[str, Any], from_step: int | None = None) -> None:
        """Begin to write; *time_ns* is when the first thing happened."""
        self._close_writer()
        created_ns = max(time_ns, self._floor_ns)
        self._floor_ns = created_ns + 1
        self._first_ns = self._first_ns or time_ns
        self._last_ns = max(self._last_ns, time_ns)
        pid = os.getpid()
        process = {"host": os.uname().nodename, "boot_id": boot_id(), "pid": pid, "start_time": process_start_time(pid)}
        life = {
            "run": self._who,
            "life_id": new_life_id(),
            "writer": "",
            "from_step": from_step,
            "resumed": self.existed,
            "process": {**process, "rank": 0, "local_rank": 0, "world_size": 1, "job_id": ""},
            "client": f"treering {__version__} import",
            "meta": dict(meta) if not self.existed else {},
        }
        life = clean_config(life, self._note)
        self._writer = Writer(self._folder, life, clock_ns=lambda: created_ns)
        (self._data / "live" / f"{self.key}.{self._writer.segment_id}").touch(mode=0o600)
        self.existed = True

    @property
    def begun(self) -> bool:
        """Whether a life is being written."""
        return self._writer is not None

    def set_config(self, time_ns: int, config: Mapping[str, Any]) -> None:
        """Record settings."""
        for part in split_row(clean_config(dict(config), self._note), ROW_MAX_KEYS, RECORD_SPLIT_BYTES):
            self._append(records.CONFIG, [time_ns, part, "merge"])

    def log(self, step: int, time_ns: int, values: Mapping[str, Any]) -> None:
        """Record numbers, texts and rich values at a step; one that cannot be stored costs itself."""
        self._last_ns = max(self._last_ns, time_ns)
        media: dict[str, Media] = {}

        def take(key: str, value: Any) -> bool:
            if isinstance(value, Media):
                media[key] = value
                return True
            return False

        row = clean_row(values, self._note, take)
        for key, value in media.items():
            shelf = Shelf(self._blobs, lambda text, key=key: self._note(f"media {key}", f"{key!r}: {text}"))  # type: ignore[misc]
            try:
                row[key] = {"_type": value.type_name, **shelf.encode(value)}
            except (TreeringError, ValueError) as error:
                self._note(f"media {key}", f"{key!r}: {error}")
                continue
            for stored in shelf.files:
                path, blob = media_path(stored, key, step), stored.blob
                about = {"purpose": "media"}
                self._append(records.FILE, [time_ns, path, blob.sha256, blob.size, about])
        for part in split_row(row, ROW_MAX_KEYS, RECORD_SPLIT_BYTES) if row else ():
            self._append(records.ROW, [step, time_ns, part])

    def _append(self, kind: int, body: Any) -> None:
        assert self._writer is not None
        if self._to_skip and kind != records.FACTS:  # it is there from an import that was interrupted
            self._to_skip -= kind == records.ROW
            return
        self._writer.append(kind, body)
        self.rows += kind == records.ROW

    def beat(self) -> None:
        """Show that the import goes on; cheap, and to be called often."""
        if self._writer is not None and time.monotonic() - self._beat_at >= BEAT_EVERY_S:
            self._beat_at = time.monotonic()
            self._writer.append(records.BEAT, [time.time_ns(), {"synced": {}, "uploader_pid": os.getpid()}])

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────

    def close(self, about: Mapping[str, Any] | None = None) -> None:
        """End the run, if anything was written, with a word about where it is from; let others import it."""
        if self._writer is not None:
            if about is not None:
                self._append(records.FACTS, [self._last_ns, {_IMPORTED: dict(about)}])
            runtime_s = max(0, self._last_ns - self._first_ns) / 1e9
            end = {"state": "finished", "exit_code": 0, "reason": "", "traceback": "", "runtime_s": runtime_s}
            self._append(records.END, [self._last_ns, end])
            self._close_writer()
        self._unlock()

    def abandon(self) -> None:
        """Stop in the middle: what is written stays, and the next import goes on there."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None
        self._unlock()

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        writer.close()
        for segment in writer.segments:
            fd = os.open(self._folder / f"{segment}.trl", os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        if writer.lost_records:
            self._note("disk", f"{writer.lost_records:,} records were lost: {writer.disk_error}")
