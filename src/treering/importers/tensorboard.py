"""
TensorBoard folders as runs: each folder with event files is one, as TensorBoard has it.

Neither TensorBoard nor TensorFlow is needed, and nothing is believed: files are read frame by frame with a limit for
everything, what is broken is passed over and named, and the rest is imported.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from treering.errors import FolderInUse, FormatError, LimitExceeded
from treering.ids import clean_name
from treering.limits import FOLLOW_EVERY_S, IMPORT_BATCH_BYTES, IMPORT_NOTES_MAX
from treering.sdk.tensorboard.event_file import EventFile, is_event_file
from treering.sdk.tensorboard.events import Events
from treering.values import clean_text

from .folders import Folder, Skip, find_folders
from .imported_run import ImportedRun

__all__ = ["ImportedFolder", "TensorBoardImport"]

_QUIET_S: Final = 600.0  # a run whose files have not grown for so long has ended, until they do
_NAME_MAX_CHARS: Final = 100


class ImportedFolder(NamedTuple):
    """What became of one folder."""

    name: str
    run_id: str
    run_key: str
    rows: int  # that were written now
    files: int


class TensorBoardImport:
    """
    Imports what stands below *root*; calling it again adds what has come since.

    Args:
        root: a log directory.
        data: the data folder that the runs are written to.
        entity, project: whose runs they become.
        skip: told of each file, folder or value that was left out, and why.
    """

    def __init__(self, root: Path, data: Path, entity: str, project: str, skip: Skip) -> None:
        self.root = root
        self._data, self._entity, self._project = data, entity, project
        self._skip = _once(skip)
        self._sources: dict[str, _Source] = {}

    def read(self) -> list[ImportedFolder]:
        """Import everything that is there now, and end the runs. Raises NotFound if *root* is no folder."""
        imported = []
        for folder in find_folders(self.root, is_event_file, self._skip):
            source = _Source(self, folder)
            try:
                source.read(folder.files)
                done = source.close()
            except BaseException:
                source.abandon()
                raise
            if done is not None:
                imported.append(done)
        return imported

    def follow(self, heard: Callable[[ImportedFolder], None], over: threading.Event) -> None:
        """Import what comes until it is *over*, or KeyboardInterrupt; then end the runs. *heard* of each that ends."""
        try:
            while True:
                for folder in find_folders(self.root, is_event_file, self._skip):
                    source = self._sources.get(folder.name)
                    if source is None:
                        source = self._sources[folder.name] = _Source(self, folder)
                    source.read(folder.files)
                    if source.is_quiet():
                        done = source.close()
                        if done is not None:
                            heard(done)
                if over.wait(FOLLOW_EVERY_S):
                    return
        finally:
            for source in self._sources.values():
                done = source.close()
                if done is not None:
                    heard(done)


class _Source:
    """One folder and the run that it becomes."""

    def __init__(self, owner: TensorBoardImport, folder: Folder) -> None:
        self._owner, self._folder = owner, folder
        self._run: ImportedRun | None = None
        self._refused = False
        self._sizes: dict[str, int] = {}  # of files that were read to their end for now
        self._left_out: list[str] = []
        self._left_out_count = 0
        self._said: set[str] = set()
        self._unread: set[str] = set()  # files that hold something, and no record yet
        self._events = Events(self._note)
        self._grew_at = time.monotonic()

    def _note(self, subject: str, text: str) -> None:
        if subject in self._said:
            return
        if len(self._said) < 100 * IMPORT_NOTES_MAX:
            self._said.add(subject)
        self._left_out_count += 1
        if len(self._left_out) < IMPORT_NOTES_MAX:
            self._left_out.append(text)
            self._owner._skip(clean_text(self._folder.name) or ".", text)

    def read(self, files: list[str]) -> None:
        """Read what has come to *files* since the last time."""
        for name in files:
            if self._refused:
                return
            try:
                size = (self._folder.path / name).lstat().st_size
                if size == self._sizes.get(name):
                    continue
                self._sizes[name] = size
                with EventFile(self._folder.path / name) as file:
                    self._read_file(name, file)
            except (FormatError, OSError) as error:
                self._note(f"file {name}", f"{clean_text(name)}: {getattr(error, 'strerror', None) or error}")
        if self._run is not None:
            self._run.beat()

    def _read_file(self, name: str, file: EventFile) -> None:
        shown = clean_text(name)
        first = file.next()
        if first is None:
            if file.size():
                self._unread.add(shown)
            self._note_damage(shown, file)
            return
        self._unread.discard(shown)
        mark = hashlib.sha256(first).hexdigest()[:16]
        run = self._run or self._open(mark)
        if run is None:
            return
        offset = run.begin_source(shown, mark)
        if offset:
            if offset > file.size():
                self._note(f"short {name}", f"{shown}: it is shorter than what was read of it before")
                return
            file.offset = offset
            record = file.next()
        else:
            record = first
        noted = offset
        while record is not None:
            self._take(run, record, shown, mark, noted)
            if file.offset - noted >= IMPORT_BATCH_BYTES:
                run.note_progress(shown, mark, file.offset)
                noted = file.offset
                run.beat()
            record = file.next()
        run.note_progress(shown, mark, file.offset)
        self._note_damage(shown, file)

    def _take(self, run: ImportedRun, record: bytes, name: str, mark: str, offset: int) -> None:
        try:
            event = self._events.read(record)
        except (FormatError, LimitExceeded, ValueError) as error:
            self._note(f"event {name} {error}", f"{name}: a record is no event: {error}")
            return
        if event is None:
            return
        self._grew_at = time.monotonic()
        if not run.begun or event.restart is not None:
            shown = clean_text(self._folder.name) or self._owner.root.resolve().name
            run.begin_life(event.time_ns, {"name": shown[:_NAME_MAX_CHARS]}, event.restart)
            run.note_progress(name, mark, offset)
        if event.config:
            run.set_config(event.time_ns, event.config)
        if event.values:
            run.log(event.step, event.time_ns, event.values)

    def _note_damage(self, name: str, file: EventFile) -> None:
        for damaged in file.damaged:
            where = f"byte {damaged.offset:,}, {damaged.size:,} bytes"
            self._note(f"damage {name} {damaged.offset}", f"{name}: {damaged.why} ({where})")
        if file.given_up:
            self._note(f"given up {name}", f"{name}: the rest of it is too damaged to be read")

    def _open(self, mark: str) -> ImportedRun | None:
        name = clean_text(self._folder.name)
        digest = hashlib.sha256(f"{name}\0{mark}".encode()).hexdigest()[:8]
        slug = clean_name(name.replace("/", "."), "run").strip(".-")[:_NAME_MAX_CHARS] or "run"
        owner = self._owner
        try:
            self._run = ImportedRun(owner._data, owner._entity, owner._project, f"{slug}-{digest}", self._note)
        except FolderInUse as error:
            self._refused = True
            self._note("in use", str(error))
        return self._run

    def is_quiet(self) -> bool:
        """Return whether nothing has come for so long that the run counts as ended."""
        return self._run is not None and time.monotonic() - self._grew_at > _QUIET_S

    def abandon(self) -> None:
        """Let go of the run as it is."""
        if self._run is not None:
            self._run.abandon()

    def close(self) -> ImportedFolder | None:
        """End the run for now; None if the folder held nothing that could be read."""
        for name in sorted(self._unread):
            self._note(f"unread {name}", f"{name}: no record in it can be read")
        run, self._run = self._run, None
        if run is None:
            return None
        about: dict[str, Any] = {"from": "tensorboard", "folder": clean_text(self._folder.name) or "."}
        about["files"] = len(run.known)
        if self._left_out:
            about |= {"left_out": self._left_out, "left_out_count": self._left_out_count}
        run.close(about)
        return ImportedFolder(clean_text(self._folder.name) or ".", run.run_id, run.key, run.rows, len(run.known))


def _once(skip: Skip) -> Skip:
    """Pass each (path, why) on once: a folder that is followed is looked at every second."""
    said: set[tuple[str, str]] = set()

    def told(path: str, why: str) -> None:
        if (path, why) not in said and len(said) < 100 * IMPORT_NOTES_MAX:
            said.add((path, why))
            skip(path, why)

    return told
