"""Starting the uploader: one small process beside each training process, and what the two say to each other."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from .plan import Plan
from .settings import Settings
from .staging import Staging

__all__ = ["UploaderProcess"]

# The package may stand on a path that only this interpreter was told of, so the child is told too.
_ENTRY = "import sys; sys.path.append(sys.argv[1]); from treering.sdk.uploader import main; main()"
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
_LINE_MAX_BYTES = 8 * 1024 * 1024  # the past of a run: its config and summary


class UploaderProcess:
    """
    The uploader of one run, seen from the training process.

    Its standard input is a pipe. The first line says which server to ship to and what to ask it before the run
    begins, the second what to look after, a third that the run has ended. Its standard output is a pipe back: what
    the server answered, who asked the run to stop, and how far it is at the end. All other files are closed, and
    nothing secret stands on its command line.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._heard = b""
        self._left_alone = False  # it goes on with something that nobody has to wait for
        self.stopped_by: str | None = None  # who asked the run to stop

    @property
    def pid(self) -> int:
        """Process id of the uploader."""
        return self._process.pid

    @classmethod
    def open(cls, settings: Settings, ask: dict[str, str] | None = None) -> UploaderProcess | None:
        """
        Start the uploader; None where no interpreter can be started (the run is recorded without it).

        Args:
            ask: ``run_key`` and ``writer`` whose past the server is asked for, and ``origin`` and ``step`` of a run
                that is branched off from.
        """
        if not sys.executable:
            return None
        server: dict[str, Any] | None = None
        if settings.mode == "online":
            server = {
                "url": settings.base_url,
                "key": settings.api_key,
                # The uploader runs in "/", so that it keeps no file system busy.
                "ca_file": settings.ca_file and os.path.abspath(settings.ca_file),
                "ca_dir": settings.ca_dir and os.path.abspath(settings.ca_dir),
                "insecure": settings.insecure,
            }
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", _ENTRY, _PACKAGE_ROOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if not os.environ.get("TREERING_DEBUG") else None,
                close_fds=True,
                start_new_session=True,
                cwd="/",
            )
        except OSError:
            return None
        uploader = cls(process)
        timeout_s = settings.finish_timeout_s
        uploader._tell({"server": server, "ask": ask, "finish_timeout_s": timeout_s, "began_ns": time.time_ns()})
        return uploader

    def begin(
        self,
        folder: Path,
        life: dict[str, Any],
        settings: Settings,
        staging: Staging | None = None,
        plan: Plan | None = None,
    ) -> bool:
        """Say which life to look after. False if that cannot be said."""
        order = {
            "folder": str(folder),
            "life": {key: value for key, value in life.items() if key != "meta"},
            "sample_s": settings.sample_s,
            "allow_stop": settings.allow_stop,
            "staging": None if staging is None else str(staging.folder),
            "plan": plan,
        }
        return self._tell(order)

    def _tell(self, value: dict[str, Any]) -> bool:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(_line(value))
            self._process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def give_up(self) -> None:
        """The run did not begin after all: without a second line the process ends."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass
        self._process.returncode = 0  # it ends by itself; without this, Popen warns of a child that is still running

    # ── what it says ────────────────────────────────────────────────────────────────────────────────────────────

    def first_word(self, timeout_s: float) -> dict[str, Any] | None:
        """Return what the server answered at the beginning; None if nothing was heard within the time."""
        return self._listen("word", timeout_s)

    def hear_stop(self) -> str | None:
        """Return who asked the run to stop, as far as it was said until now."""
        self._listen("", 0.0)
        return self.stopped_by

    def _listen(self, topic: str, timeout_s: float) -> dict[str, Any] | None:
        """Read lines until one has *topic* or the time is over; None then, and at the end of the pipe."""
        deadline = time.monotonic() + timeout_s
        pipe = self._process.stdout
        while pipe is not None and not pipe.closed:
            line, newline, rest = self._heard.partition(b"\n")
            if newline:
                self._heard = rest
                said = _parse(line)
                if isinstance(said.get("stop"), str):
                    self.stopped_by = said["stop"][:200]
                if topic and topic in said:
                    return said
                if said.get("leave"):
                    self._left_alone = True
                    return None
                continue
            left = deadline - time.monotonic()
            try:
                if not select.select([pipe], [], [], max(left, 0.0))[0]:
                    return None
                piece = os.read(pipe.fileno(), 64 * 1024)
            except (OSError, ValueError):
                return None
            if not piece or len(self._heard) > _LINE_MAX_BYTES:
                return None
            self._heard += piece
        return None

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────

    def finish(
        self, timeout_s: float, unreachable_s: float, on_wait: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any] | None:
        """
        Say that the run has ended and wait for the process, until *timeout_s* seconds pass without progress.

        Returns what it said last: ``done``, ``left_bytes``, ``error``, and ``goes_on`` where it does; None if it said
        nothing. Never raises, never kills it.

        Args:
            unreachable_s: how long to wait while the server does not answer.
        """
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(b"finish\n")
                self._process.stdin.close()
        except (OSError, ValueError):
            pass
        try:
            last = self._wait(timeout_s, unreachable_s, on_wait) if timeout_s > 0 else None
        except KeyboardInterrupt:  # it ends the waiting, as was said, and not the script
            last = {"error": "Ctrl-C ended the waiting"}
        self.hear_stop()
        if last is not None and self._process.poll() is None:
            last["goes_on"] = True
        self.give_up()
        return last

    def _wait(
        self, timeout_s: float, unreachable_s: float, on_wait: Callable[[dict[str, Any]], None] | None
    ) -> dict[str, Any] | None:
        last: dict[str, Any] | None = None
        acknowledged = -1
        began = time.monotonic()
        deadline = began + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            said = self._listen("progress", min(left, 1.0))
            if said is not None:
                last = said["progress"] if isinstance(said["progress"], dict) else last
                if last is not None and last.get("acknowledged") != acknowledged:
                    acknowledged = last.get("acknowledged", 0)
                    deadline = time.monotonic() + timeout_s
                if last is not None and on_wait is not None:
                    on_wait(last)
                if last is not None and last.get("away") and time.monotonic() - began > unreachable_s:
                    break
                continue
            if self._left_alone:
                break
            try:
                self._process.wait(min(0.02, max(left, 0.0)))
                break
            except subprocess.TimeoutExpired:
                pass
        return last


def _line(value: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(value) + b"\n"
    except UnicodeEncodeError:  # paths that are no text: only this module writes what they are made of
        import json

        return json.dumps(msgspec.to_builtins(value)).encode() + b"\n"


def _parse(line: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return {}
    return said if isinstance(said, dict) else {}
