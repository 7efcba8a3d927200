"""
What the process prints: taken beside the terminal, never in its way.

::

    print ──▶ sys.stdout.write ──▶ the terminal, byte for byte as without us
                       └──▶ Screen (what a terminal would show) ──▶ PrintedLines (secrets) ──▶ CONSOLE records

A finished line is a record at once. What is not finished, such as a progress bar, is a record at most once a second,
by a thread that is started when there is such a thing and sleeps otherwise.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Protocol

from treering.limits import CONSOLE_BYTES_MAX, CONSOLE_LINE_MAX_CHARS, CONSOLE_STATE_EVERY_S, OPEN_LINE_MAX_CHARS
from treering.values import clean_text

from .printed_lines import PrintedLines
from .screen import Cut, Screen

__all__ = ["Console", "leave_us_out"]

_STREAMS: Final = ("stdout", "stderr")
_FIRST_S: Final = 0.2
_SEAM_CHARS: Final = 1_000  # a secret is not longer


def leave_us_out(trace: TracebackType | None) -> None:
    """Take our own part out of the traceback of a print() that failed: it is none of the program's."""
    while trace is not None:
        below = trace.tb_next
        while below is not None and below.tb_frame.f_globals is globals():
            trace.tb_next = below = below.tb_next
        trace = below


class Append(Protocol):
    """Takes a finished line, or with *open* the state of what is not finished."""

    def __call__(self, time_ns: int, stream: str, text: str, open: bool) -> None:  # noqa: A002 - what it is
        ...


class Console:
    """
    Records what goes through ``sys.stdout`` and ``sys.stderr`` between ``start`` and ``stop``.

    Nothing here raises into whoever prints, and what is printed from a signal handler in the middle of a line comes
    behind it.
    """

    def __init__(self, append: Append, *, colours: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._append = append
        self._clock = clock
        self._lock = threading.RLock()
        self._screens = {name: Screen(colours) for name in _STREAMS}
        self._secrets = {name: PrintedLines() for name in _STREAMS}
        self._begun = dict.fromkeys(_STREAMS, "")  # the beginning of a line that comes in several
        self._restore: list[tuple[Any, Any, Any]] = []
        self._waiting: deque[tuple[str, str]] = deque()
        self._busy = False
        self._on = False
        self._bytes = 0
        self._full = False
        self._shown: dict[str, str] = {}
        self._wake = threading.Condition()  # re-entrant: a signal's handler may end the run
        self._pending = False
        self._thread: threading.Thread | None = None

    # ── in between ──────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begin to listen."""
        self._on = True
        for name in _STREAMS:
            stream = getattr(sys, name, None)
            if stream is not None:
                self._wrap(name, stream)

    def _wrap(self, name: str, stream: Any) -> None:
        write = stream.write

        def write_and_record(text: Any) -> Any:
            result = write(text)
            if self._on and text.__class__ is str:
                self.take(name, text)
            return result

        try:
            stream.write = write_and_record
        except (AttributeError, TypeError):
            return  # a stream of some library that cannot be listened to
        self._restore.append((stream, write_and_record, write))

    def stop(self) -> None:
        """Record what is left as finished lines and listen no longer."""
        if not self._on:
            return
        self._on = False
        for stream, ours, before in self._restore:
            # Whoever wrapped it after us keeps a way through ours, which does nothing any more.
            if stream.__dict__.get("write") is ours:
                try:
                    del stream.write
                    if stream.write != before:
                        stream.write = before
                except (AttributeError, TypeError):
                    continue
        self._restore.clear()
        with self._lock:
            for name, screen in self._screens.items():
                self._store(name, screen.finish())
                if self._begun[name]:
                    self._store(name, [""])
        with self._wake:
            self._pending = False
            self._wake.notify()

    def abandon(self) -> None:
        """In a forked child: what it prints is not recorded, and no lock of the parent is waited for."""
        self._on = False
        self._restore.clear()

    # ── taking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, name: str, text: str) -> None:
        """Take what was written to the stream *name*. Never raises."""
        try:
            with self._lock:
                self._waiting.append((name, text))
                if self._busy:  # printed by a signal handler, or while a line is recorded
                    return
                self._busy = True
                try:
                    while self._waiting:
                        self._feed(*self._waiting.popleft())
                finally:
                    self._busy = False
        except Exception:  # noqa: S110 - a fault of ours must not become one of a print()
            pass

    def _feed(self, name: str, text: str) -> None:
        if self._full:
            return
        screen = self._screens[name]
        self._store(name, screen.feed(text))
        if screen.is_open:
            self._remember()
        else:
            self._shown.pop(name, None)

    def _store(self, name: str, lines: list[str]) -> None:
        for line in lines:
            if self._full:
                return
            self._bytes += len(line)
            if self._bytes > CONSOLE_BYTES_MAX:
                self._full = True
                line = f"[more than {CONSOLE_BYTES_MAX:,} characters were printed; what follows is not recorded]"
            for piece in self._whole(name, line):
                self._append(time.time_ns(), name, clean_text(piece), False)
            self._shown.pop(name, None)

    def _whole(self, name: str, line: str) -> list[str]:
        """Return what can be recorded of a line, secrets hidden; the pieces of a long one are looked at together."""
        begun = self._begun[name]
        if line.__class__ is str and not begun:
            return [self._secrets[name].line(line)]
        text, self._begun[name] = begun + line, ""
        if isinstance(line, Cut) and not self._full:
            # Where the next piece begins may be within a secret: its end is looked at again, together with that.
            keep = min(_SEAM_CHARS, len(text))
            space = text.rfind(" ", len(text) - keep)
            at = space if space > 0 else len(text) - keep
            text, self._begun[name] = text[:at], text[at:]
        shown = self._secrets[name].line(text)
        size = CONSOLE_LINE_MAX_CHARS
        return [shown[begin : begin + size] for begin in range(0, len(shown), size)]

    # ── what is not finished ────────────────────────────────────────────────────────────────────────────────────

    def _remember(self) -> None:
        if self._pending:
            return
        with self._wake:
            self._pending = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._show_now_and_then, name="treering-console", daemon=True)
                self._thread.start()
            else:
                self._wake.notify()

    def _show_now_and_then(self) -> None:
        while True:
            with self._wake:
                while not self._pending and self._on:
                    self._wake.wait(60.0)
                if not self._on:
                    return
                self._pending = False
            time.sleep(_FIRST_S)  # print() writes a line and its end one after the other
            self.show_states()
            time.sleep(CONSOLE_STATE_EVERY_S - _FIRST_S)
            with self._lock:
                for name, screen in self._screens.items():
                    self._store(name, screen.settle())

    def show_states(self) -> None:
        """Record what is not finished, where it has changed."""
        with self._lock:
            for name, screen in self._screens.items():
                text = clean_text(self._state(name, screen))
                if text and text != self._shown.get(name) and not self._full and self._on:
                    self._bytes += len(text) // 8  # states are thinned; a bar alone must not use up the room
                    self._shown[name] = text
                    self._append(time.time_ns(), name, text, True)

    def _state(self, name: str, screen: Screen) -> str:
        """Return the end of what is not finished. It is cut after the secrets are hidden, not within one."""
        text = self._begun[name] + screen.state
        return self._secrets[name].state(text[-2 * OPEN_LINE_MAX_CHARS :])[-OPEN_LINE_MAX_CHARS:]
