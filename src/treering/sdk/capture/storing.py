"""Storing many small files: each waits for the disk, so several wait at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

__all__ = ["Storing"]

_AT_ONCE: Final = 8
_WAITING_MAX: Final = 64


class Storing:
    """
    Hands files to *store* from a few threads, which are started when there is a second file to store.

    Args:
        store: takes a path, its bytes, and what is to be said about it; called from several threads.
    """

    def __init__(self, store: Callable[[str, bytes, dict[str, Any]], None]) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._waiting: deque[tuple[str, bytes, dict[str, Any]]] = deque()
        self._busy = self._threads = 0
        self._error: Exception | None = None

    def add(self, path: str, data: bytes, about: dict[str, Any]) -> None:
        """Store a file, soon."""
        with self._changed:
            while len(self._waiting) >= _WAITING_MAX:
                self._changed.wait()
            self._waiting.append((path, data, about))
            if self._busy == self._threads and self._threads < _AT_ONCE:
                self._threads += 1
                threading.Thread(target=self._work, name="treering-storing", daemon=True).start()
            self._changed.notify_all()

    def wait(self) -> None:
        """Return when everything is stored. Raises what *store* raised first since the last call."""
        with self._changed:
            while self._waiting or self._busy:
                self._changed.wait()
            error, self._error = self._error, None
        if error is not None:
            raise error

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                file = self._waiting.popleft()
                self._busy += 1
            try:
                self._store(*file)
            except Exception as error:
                self._error = self._error or error
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()
