"""
``init(sync_tensorboard=True)``: what the program writes for TensorBoard lands in the run too.

Nothing is taken from the writers' calls. The files that they write are read as they grow, by a thread, so every
library and every kind of summary is met in the same way, and the times are those of the calls.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from treering.errors import FormatError, LimitExceeded
from treering.limits import FOLLOW_EVERY_S
from treering.runlog import records
from treering.sdk.media.media import Media
from treering.values import clean_row

from .event_file import EventFile, is_event_file
from .events import Event, Events
from .writers import listen

if TYPE_CHECKING:
    from treering.sdk.run import Run

__all__ = ["TensorBoardSync"]

_FLUSH_S: Final = 10.0
# Names of the folders in which programs keep several writers of one run, side by side.
_PARTS: Final = frozenset({"train", "training", "val", "valid", "validation", "eval", "evaluation", "test"})
_HPARAMS_FOLDER: Final = re.compile(r"\d{9,}(\.\d+)?")  # SummaryWriter.add_hparams() makes one, named by the time


class _Followed:
    """One log directory."""

    def __init__(self, path: Path, before: frozenset[str], events: Events) -> None:
        self.path, self.before, self.events = path, before, events
        self.prefix: str | None = None
        self.offsets: dict[str, int] = {}
        self.sizes: dict[str, int] = {}


class TensorBoardSync:
    """
    Follows the event files that this process writes from now on, until the run ends.

    Args:
        run: where the values go.
        root: the folder below which a log directory's path becomes the first part of its keys; by default the first
            writer's directory, or the one above it if that is called ``train``, ``validation`` or the like.
    """

    def __init__(self, run: Run, root: str | os.PathLike[str] | None = None) -> None:
        self._run = run
        self._root = None if root is None else Path(os.path.abspath(root))
        self._folders: dict[Path, _Followed] = {}
        self._writers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._stop_listening = listen(self._hear)
        self._thread = threading.Thread(target=self._work, name="treering-tensorboard", daemon=True)
        self._thread.start()
        run._endings.append(self.finish)

    def _hear(self, logdir: str, before: frozenset[str], writer: Any) -> None:
        if "://" in logdir:
            self._warn("tensorboard remote", f"sync_tensorboard: {logdir} is not on this machine and is not followed.")
            return
        path = Path(os.path.abspath(logdir))
        with self._lock:
            if self._root is None:
                self._root = path.parent if path.name in _PARTS else path
            if path not in self._folders:
                events = Events(lambda subject, text: self._warn(f"tensorboard {subject}", f"TensorBoard: {text}."))
                self._folders[path] = _Followed(path, before, events)
        try:
            self._writers.add(writer)
        except TypeError:  # it cannot be flushed at the end; its own end does that
            pass

    def _warn(self, subject: str, text: str) -> None:
        self._run._terminal.warn_once(subject, text)

    def finish(self, quick: bool = False) -> None:
        """Have the writers write what they hold, and read it. *quick* leaves out the first. Never raises."""
        try:
            self._finish(quick)
        except Exception as error:  # the run must end well whatever is wrong with these files
            self._warn("tensorboard end", f"TensorBoard: the last of it was not read: {error}.")

    def _finish(self, quick: bool) -> None:
        self._stop_listening()
        self._over.set()
        if not quick:
            flushing = threading.Thread(target=self._flush, daemon=True)
            flushing.start()
            flushing.join(_FLUSH_S)
        if self._lock.acquire(timeout=0.5 if quick else _FLUSH_S):
            try:
                self._read_all()
            finally:
                self._lock.release()

    def _flush(self) -> None:
        for writer in list(self._writers):
            try:
                writer.flush()
            except Exception:  # noqa: S112 - one that is closed has flushed
                continue

    def _work(self) -> None:
        while not self._over.wait(FOLLOW_EVERY_S):
            try:
                with self._lock:
                    self._read_all()
            except Exception as error:  # it is tried again
                self._warn("tensorboard read", f"TensorBoard: {error}.")

    def _read_all(self) -> None:
        for folder in list(self._folders.values()):
            try:
                names = sorted(name for name in os.listdir(folder.path) if is_event_file(name))
            except OSError:
                continue
            for name in names:
                if name in folder.before:
                    continue
                try:
                    self._read(folder, name)
                except (FormatError, LimitExceeded, OSError, ValueError) as error:
                    self._warn(f"tensorboard {name}", f"TensorBoard: {name}: {error}.")

    def _read(self, folder: _Followed, name: str) -> None:
        size = os.lstat(folder.path / name).st_size
        if size == folder.sizes.get(name):
            return
        folder.sizes[name] = size
        with EventFile(folder.path / name, folder.offsets.get(name, 0)) as file:
            while (record := file.next()) is not None:
                event = folder.events.read(record)
                folder.offsets[name] = file.offset
                if event is not None:
                    self._log(self._prefix(folder), event)
            folder.offsets[name] = file.offset

    def _prefix(self, folder: _Followed) -> str:
        if folder.prefix is None:
            root = self._root or folder.path
            way = os.path.relpath(folder.path, root)
            if way.startswith(".."):  # beside the root: what tells it from there
                way = os.path.relpath(folder.path, os.path.commonpath([folder.path, root.parent]))
            parts = [part for part in Path(way).parts if part != "." and not _HPARAMS_FOLDER.fullmatch(part)]
            folder.prefix = "/".join(parts)
        return folder.prefix

    def _log(self, prefix: str, event: Event) -> None:
        run = self._run
        if event.config:
            run.config.update(event.config)
        values = {f"{prefix}/{tag}" if prefix else tag: value for tag, value in event.values.items()}
        media: dict[str, Media] = {key: value for key, value in values.items() if isinstance(value, Media)}
        row = clean_row({key: value for key, value in values.items() if key not in media}, run._terminal.warn_once)
        self._append(row, media, event)

    def _append(self, row: Mapping[str, Any], media: Mapping[str, Media], event: Event) -> None:
        """Append at the event's own step and time; the run's own count of steps is not touched."""
        run = self._run
        rest = None
        with run._lock:
            if run._finished:
                return
            if row:
                run._append_late(records.ROW, (event.step, event.time_ns, dict(row)))
                run._note_late(dict(row), False)
            if media:
                rest = run._encoding().put(event.step, event.time_ns, media)
        if rest is not None:
            rest()
