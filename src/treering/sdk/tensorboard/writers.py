"""
Hearing of every event file that this process begins to write, whichever library does it.

The classes and functions that open such files are wrapped, at once if their module is loaded, else when it is.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

__all__ = ["Heard", "listen"]

# Called with (log directory, names of the event files that were there before, the writer).
Heard = Callable[[str, frozenset[str], Any], None]

# Module → what in it opens a file in the directory that is its first argument. torch's SummaryWriter uses the first.
_OPENERS: Final = {
    "tensorboard.summary.writer.event_file_writer": "EventFileWriter",
    "tensorboardX.event_file_writer": "EventFileWriter",
    "tensorflow.python.ops.summary_ops_v2": "create_file_writer_v2",
}

_listeners: list[Heard] = []


def listen(heard: Heard) -> Callable[[], None]:
    """Have *heard* called for each file that is opened from now on; return what ends that."""
    _listeners.append(heard)
    for name in _OPENERS:
        module = sys.modules.get(name)
        if module is not None:
            _wrap(module, _OPENERS[name])
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())

    def stop() -> None:
        if heard in _listeners:
            _listeners.remove(heard)

    return stop


def _wrap(module: ModuleType, name: str) -> None:
    opener = getattr(module, name, None)
    if opener is None or hasattr(opener, "__treering__"):
        return
    if isinstance(opener, type):
        begin = opener.__init__  # type: ignore[misc]

        @functools.wraps(begin)
        def begin_heard(self: Any, logdir: Any, *args: Any, **kwargs: Any) -> None:
            before = _files_in(logdir)
            begin(self, logdir, *args, **kwargs)
            _tell(logdir, before, self)

        opener.__init__ = begin_heard  # type: ignore[misc]
        opener.__treering__ = True  # type: ignore[attr-defined]
        return

    @functools.wraps(opener)
    def open_heard(logdir: Any, *args: Any, **kwargs: Any) -> Any:
        before = _files_in(logdir)
        writer = opener(logdir, *args, **kwargs)
        _tell(logdir, before, writer)
        return writer

    open_heard.__treering__ = True  # type: ignore[attr-defined]
    setattr(module, name, open_heard)
    summary = getattr(sys.modules.get("tensorflow"), "summary", None)
    if getattr(summary, "create_file_writer", None) is opener:
        summary.create_file_writer = open_heard  # type: ignore[union-attr]


def _files_in(logdir: Any) -> frozenset[str]:
    try:
        return frozenset(os.listdir(os.fspath(logdir)))
    except (OSError, TypeError):
        return frozenset()


def _tell(logdir: Any, before: frozenset[str], writer: Any) -> None:
    for heard in _listeners[:]:
        try:
            heard(os.fspath(logdir), before, writer)
        except Exception:  # noqa: S112 - the program's own writer must not fail for ours
            continue


class _Finder:
    """Waits for the modules to be imported."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _OPENERS:
            return None
        sys.meta_path.remove(self)
        try:
            spec = find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        loader = getattr(spec, "loader", None)
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return spec

        def exec_module(module: ModuleType) -> None:
            execute(module)
            _wrap(module, _OPENERS[name])

        loader.exec_module = exec_module  # type: ignore[union-attr]
        return spec
