"""The log of a forked child: a segment of its own, opened only if the child has something to say."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from treering.ids import new_life_id
from treering.runlog import records
from treering.runlog.writer import Writer

from .ranks import process_start_time

__all__ = ["ForkedWriter"]


class ForkedWriter:
    """
    Stands in for the parent's writer in a forked child, and opens a segment only if the child has something to say.

    Most children (data loader workers) never do.
    """

    def __init__(self, parent: Writer | ForkedWriter) -> None:
        self.folder: Path = parent.folder
        self.checkpoint: Callable[[], dict[str, Any]] | None = parent.checkpoint
        self._life = parent.life
        self._writer: Writer | None = None
        self.lock = threading.RLock()
        self._failed = False

    def append(self, kind: int, obj: Any) -> None:
        """As ``Writer.append``; end and state records alone open nothing."""
        if self._writer is None:
            if self._failed or kind in (records.STATE, records.END):
                return
            with self.lock:
                self._writer = self._writer or self._open()
            if self._writer is None:
                return
        self._writer.append(kind, obj)

    def _open(self) -> Writer | None:
        pid = os.getpid()
        label = f"{self._life.get('writer') or 'main'}/fork{pid}"
        process = {**self._life.get("process", {}), "pid": pid, "start_time": process_start_time(pid)}
        own = {"life_id": new_life_id(), "writer": label, "process": process, "from_step": None}
        try:
            return Writer(self.folder, {**self._life, **own}, checkpoint=self.checkpoint)
        except OSError:
            self._failed = True
            return None

    def close(self) -> None:
        """Seal the child's segment, if it has one."""
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:
        """A child of the child."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None

    @property
    def life(self) -> dict[str, Any]:
        """The parent's life record."""
        return self._life

    @property
    def segments(self) -> list[str]:
        """Ids of the child's own segments."""
        return self._writer.segments if self._writer is not None else []

    @property
    def lost_records(self) -> int:
        """Records of this child that the disk refused."""
        return self._writer.lost_records if self._writer is not None else 0

    @property
    def disk_error(self) -> OSError | None:
        """Why the disk refuses at present."""
        return self._writer.disk_error if self._writer is not None else None
