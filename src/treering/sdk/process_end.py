"""
The process's own end: how it ended, said by the runs that are open.

A process may end by returning, by an exception, by ``sys.exit``, by a signal, or without a word. The first four are
seen here and recorded as finished, failed or killed; the last is noticed by the uploader. The exit code of the
process is never changed.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import opcode
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from .console import leave_us_out
from .run import Run, outcome_of
from .scheduler import job_of

__all__ = ["open_runs", "watch"]

open_runs: weakref.WeakSet[Run] = weakref.WeakSet()

_watching = False
_exit_code: int | None = None
_outermost: FrameType | None = None  # the main thread's: the script itself
_failure: tuple[str, int | None, str, str] | None = None
_when_ended: Callable[[Run], None] | None = None
_when_forked: Callable[[], None] | None = None


def watch(run: Run, when_ended: Callable[[Run], None], when_forked: Callable[[], None]) -> None:
    """
    End *run* when the process ends. Installed at the first call, chained to whatever was there.

    Args:
        when_ended: called with each run that the end of the process has ended.
        when_forked: called in a forked child, before its runs learn of it.
    """
    global _watching, _outermost, _when_ended, _when_forked
    open_runs.add(run)
    if _watching:
        return
    _watching = True
    _when_ended, _when_forked = when_ended, when_forked
    _outermost = _outermost_frame()
    atexit.register(_at_exit)
    os.register_at_fork(after_in_child=_after_fork)
    _chain_excepthook()
    _chain_exit()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):  # a scheduler's word, and a terminal that was closed
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _on_terminate)


def _chain_excepthook() -> None:
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        global _failure
        try:
            leave_us_out(trace)
            _failure = outcome_of(error, trace)
        finally:
            before(kind, error, trace)

    sys.excepthook = hook


def _chain_exit() -> None:
    """Note the code of ``sys.exit()`` and of the builtin ``exit()`` and ``quit()``."""
    before = sys.exit

    def exit_noting_the_code(status: Any = None, /) -> Any:
        _note_exit(status)
        return before(status)

    sys.exit = exit_noting_the_code
    quitter = type(getattr(builtins, "exit", None))
    call = quitter.__dict__.get("__call__")
    if quitter.__module__ == "_sitebuiltins" and call is not None:

        def quit_noting_the_code(self: Any, code: Any = None) -> Any:
            _note_exit(code)
            return call(self, code)

        quitter.__call__ = quit_noting_the_code  # type: ignore[method-assign]


def _note_exit(status: Any) -> None:
    global _exit_code
    _exit_code = status if isinstance(status, int) else 0 if status is None else 1


def _outermost_frame() -> FrameType | None:
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _returned(frame: FrameType | None) -> bool:
    """Return whether a frame that is over ended by returning, not by an exception."""
    if frame is None or frame.f_lasti < 0:
        return False
    return opcode.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN")


def _at_exit() -> None:
    global _outermost
    returned = _returned(_outermost)  # then a sys.exit() was caught on the way
    _outermost = None  # it holds the script's variables, whose __del__ runs now
    for run in list(open_runs):
        if run._finished:
            continue
        if _failure is not None:
            run._end(*_failure)
        elif returned or _exit_code is not None:
            run.finish(0 if returned else _exit_code)
        else:
            # `raise SystemExit(code)`: Python shows its code to nobody.
            run._end("finished", None, "SystemExit")
        if _when_ended is not None:
            _when_ended(run)


def _on_terminate(signum: int, frame: FrameType | None) -> None:
    """Record the end, then die of the signal as if nobody had looked: the exit status stays what it would have been."""
    for run in list(open_runs):
        if not run._finished:
            # In a scheduler's job it is the scheduler that takes the node away, and may give it back.
            preempted = signum == signal.SIGTERM and bool(job_of(os.environ).scheduler)
            run._end("preempted" if preempted else "killed", 128 + signum, signal.Signals(signum).name, quick=True)
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


def _after_fork() -> None:
    if _when_forked is not None:
        _when_forked()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is _on_terminate:
            # A worker of a pool is ended by TERM while it waits for work. A handler in Python can come too late for
            # that, just before the wait begins, and the pool would wait for its worker for ever.
            with contextlib.suppress(ValueError):
                signal.signal(number, signal.SIG_DFL)
    for run in list(open_runs):
        run._after_fork()
