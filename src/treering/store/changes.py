"""The change feed: which runs changed since a sequence number."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from . import schema as t
from .ingest import Committed
from .metadata import MetadataStore
from .model import Change, Changes

log = logging.getLogger("treering.store")

REMEMBERED: Final = 50_000
# Whoever is further behind reads everything again; that is one page, and not 100,000 rows.
MOST_RUNS: Final = 5_000


class ChangeFeed:
    """Remembers the latest commits; the runs table knows the rest. Thread-safe."""

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata
        self._lock = threading.Lock()
        self._recent: deque[tuple[int, Committed]] = deque(maxlen=REMEMBERED)
        self._complete_since = metadata.seq
        self._subscribers: dict[int, Callable[[int], None]] = {}
        self._next = 0
        self._anew: dict[tuple[str, str], int] = {}

    def add(self, seq: int, committed: list[Committed]) -> None:
        """Note a commit and call the subscribers, on this thread."""
        with self._lock:
            for entry in committed:
                if len(self._recent) == REMEMBERED:
                    self._complete_since = self._recent[0][0]
                self._recent.append((seq, entry))
        self._call(seq)

    def begin_anew(self, entity: str, project: str, seq: int) -> None:
        """Say that whatever was read of a project before *seq* has to be read again."""
        with self._lock:
            self._anew[entity, project] = seq
        self._call(seq)

    def _call(self, seq: int) -> None:
        with self._lock:
            subscribers = list(self._subscribers.values())
        for callback in subscribers:
            try:
                callback(seq)
            except Exception:  # one listener's failure is not the others', nor the ingest thread's
                log.exception("a subscriber of the change feed failed")

    def subscribe(self, callback: Callable[[int], None]) -> Callable[[], None]:
        """Have *callback* called with each new sequence number; returns the function that ends that."""
        with self._lock:
            self._next += 1
            number = self._next
            self._subscribers[number] = callback
        return lambda: self._subscribers.pop(number, None) and None

    def since(self, entity: str, project: str, seq: int) -> Changes:
        """Return what changed in a project after *seq*."""
        now = self._metadata.seq
        if seq > now or seq < self._metadata.first_seq or seq < self._anew.get((entity, project), seq):
            return Changes(now, [], reset=True)
        with self._lock:
            remembered = seq >= self._complete_since
            recent: list[tuple[int, Committed]] = []
            for s, c in reversed(self._recent):  # whoever asks often looks at a few, not at fifty thousand
                if s <= seq:
                    break
                if c.project == project and c.entity == entity:
                    recent.append((s, c))
        if not remembered:
            return self._from_table(entity, project, seq, now)
        merged: dict[str, Change] = {}
        for s, c in reversed(recent):
            old = merged.pop(c.run_key, None)
            merged[c.run_key] = Change(
                c.run_key,
                s,
                c.state,
                c.keys_changed or (old is not None and old.keys_changed),
                c.rows + (0 if old is None else old.rows),
            )
        return Changes(now, list(merged.values()), reset=False)

    def _from_table(self, entity: str, project: str, seq: int, now: int) -> Changes:
        found = self._metadata.find_project(entity, project)
        if found is None:
            return Changes(now, [], reset=False)
        query = (
            sa.select(t.runs.c.run_key, t.runs.c.seq, t.runs.c.state)
            .where(t.runs.c.project_id == found.id, t.runs.c.seq > seq)
            .order_by(t.runs.c.seq)
            .limit(MOST_RUNS + 1)
        )
        with self._metadata.connect() as connection:
            rows = connection.execute(query).all()
        if len(rows) > MOST_RUNS:
            return Changes(now, [], reset=True)
        return Changes(now, [Change(row.run_key, row.seq, row.state, True, 0) for row in rows], reset=False)
