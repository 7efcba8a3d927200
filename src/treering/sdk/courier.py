"""
The uploader's way to a server: a thread that ships while the process beside it samples, beats and syncs.

A request may hang for as long as its time limit, so shipping has a thread of its own. What it learns is read by the
main thread from plain attributes that are replaced, never changed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from treering.errors import TreeringError
from treering.limits import SHIP_EVERY_S

from .destination import Refused, Unreachable
from .file_shipping import FileShipper
from .segment_files import SegmentFiles
from .ship_lock import ShipLock
from .shipping import Shipper

__all__ = ["Courier", "Progress"]

_IDLE_S: Final = 2.0  # between two looks at a segment that does not grow: a step of a large model takes minutes
_INDEX_S: Final = 0.2
_LOCK_WAIT_S: Final = 5.0


class Progress(NamedTuple):
    """How far the shipping is."""

    done: bool = False
    acknowledged: int = 0
    left_bytes: int = 0
    left_parts: int = 0  # segments and files
    error: str = ""
    hopeless: bool = False  # the server answered that it takes nothing: waiting changes that for nobody
    away: bool = False  # the server did not answer when it was asked last, or has not answered at all


class Courier(threading.Thread):
    """
    Ships one life's segments.

    Args:
        server: ``url``, ``key``, ``ca_file``, ``ca_dir``, ``insecure``.
        ask: ``run_key`` and ``writer`` whose past is asked for before anything is shipped; ``origin`` and ``step``
            are the run that it branches off from.
        say: takes the first word: ``{"word": {"ok", "error", "insecure"}, "past", "origin"}``.
    """

    def __init__(
        self, server: dict[str, Any], ask: dict[str, str] | None, say: Callable[[dict[str, Any]], None]
    ) -> None:
        super().__init__(name="treering-courier", daemon=True)
        self._server = server
        self._ask = ask
        self._say = say
        self._wake = threading.Condition()
        self._folder: Path | None = None
        self._wanted: Callable[[dict[str, Any]], bool] | None = None
        self._ending = False
        self.url = str(server["url"])
        self.shipped: dict[str, int] = {}
        self.progress = Progress(away=True)
        self._requests = 0  # when the server was heard of last
        self.progress_at = time.monotonic()
        self.stop: str | None = None

    # ── the main thread's side ──────────────────────────────────────────────────────────────────────────────────

    def begin(self, folder: Path, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Ship the segments of a run's folder whose life records are *wanted*."""
        with self._wake:
            self._folder, self._wanted = folder, wanted
            self._wake.notify()

    def end(self) -> None:
        """The writers are gone: ship what is left and be done."""
        with self._wake:
            self._ending = True
            self._wake.notify()

    # ── the thread ──────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """Say the first word, then ship until everything is there. Whatever goes wrong ends only the shipping."""
        try:
            self._run()
        except Exception as error:  # a thread that dies silently would be a loss that nobody sees
            self.progress = self.progress._replace(error=f"the uploader failed: {type(error).__name__}: {error}")
            if os.environ.get("TREERING_DEBUG"):
                raise

    def _run(self) -> None:
        from .remote import RemoteServer
        from .transport import Trust

        trust = Trust(self._server["ca_file"], self._server["ca_dir"], bool(self._server["insecure"]))
        try:
            remote = RemoteServer(self.url, self._server["key"], trust, os.environ)
        except TreeringError as error:
            self.progress = Progress(error=str(error))
            self._say({"word": {"ok": False, "error": str(error), "insecure": False}, "past": None})
            return
        self._greet(remote)
        with self._wake:
            while self._folder is None:
                if self._ending:
                    return
                self._wake.wait()
        folder = self._folder
        files = SegmentFiles(folder.parent.parent, [folder.name], time.monotonic, self._wanted)
        shipper = Shipper(files, remote, time.monotonic, idle_s=_IDLE_S)
        contents = FileShipper(files, folder.parent.parent / "blobs", remote, time.monotonic)
        try:
            with ShipLock.share(folder, self.url, _LOCK_WAIT_S):
                self._ship(shipper, files, contents)
        finally:
            files.close()
            remote.close()

    def _greet(self, remote: Any) -> None:
        word: dict[str, Any] = {"ok": True, "error": "", "insecure": remote.insecure}
        past = origin = None
        try:
            if self._ask is not None:
                past = remote.past(self._ask["run_key"], self._ask["writer"])
                if "origin" in self._ask:
                    origin = remote.past(self._ask["origin"], "", int(self._ask["step"]))
            else:
                remote.query([])
        except (Unreachable, Refused) as error:
            word["ok"], word["error"] = False, str(error)
            self.progress = Progress(error=str(error), away=isinstance(error, Unreachable))
        else:
            self.progress = Progress()
        self._say({"word": word, "past": past, "origin": origin})

    def _ship(self, shipper: Shipper, files: SegmentFiles, contents: FileShipper) -> None:
        hurried = False
        look_at = 0.0
        while True:
            if self._ending and not hurried:
                hurried = True
                files.look_again()
                shipper.hurry()
                shipper.try_now()
                contents.try_now()
                look_at = 0.0
            due = shipper.step()
            if due > time.monotonic() and not shipper.error:  # no record waits, so a file may
                if time.monotonic() >= look_at or (hurried and shipper.settled):
                    contents.look(shipper.status(), shipper.store)
                    look_at = time.monotonic() + SHIP_EVERY_S
                due = min(due, contents.step())
            self._publish(shipper, contents, hurried)
            if hurried and shipper.settled and contents.settled:
                return
            pause = due - time.monotonic()
            if hurried:
                shipper.ask_about_index()
                pause = pause if shipper.error else min(pause, _INDEX_S)
            if pause > 0:
                with self._wake:
                    if self._ending == hurried:
                        self._wake.wait(pause)

    def _publish(self, shipper: Shipper, contents: FileShipper, hurried: bool) -> None:
        self.shipped = shipper.shipped()
        self.progress_at = max(self.progress_at, shipper.progress_at, contents.progress_at)
        if shipper.stop is not None:
            self.stop = shipper.stop
        status = [one for one in shipper.status() if not one.done or one.error] if hurried else []
        error = shipper.error or next((one.error for one in status if one.error), "")
        error = error or contents.error or next(iter(contents.failed_runs.values()), "")
        left_files, left_bytes = contents.left if hurried else (0, 0)
        self.progress = Progress(
            hurried and shipper.uploaded and contents.settled and not contents.failed,
            shipper.acknowledged_bytes + contents.sent_bytes,
            sum(max(one.ours - one.held, 0) for one in status) + left_bytes,
            len(status) + left_files,
            error,
            shipper.refusal is not None,
            self._is_away(shipper, contents),
        )

    def _is_away(self, shipper: Shipper, contents: FileShipper) -> bool:
        if shipper.refusal is not None:
            return False
        if shipper.error or contents.error:
            return True
        heard, self._requests = shipper.requests > self._requests, shipper.requests
        return self.progress.away and not heard
