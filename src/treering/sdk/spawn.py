"""Starting the uploader: one small process beside each training process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from .settings import Settings

__all__ = ["UploaderProcess"]

# The package may stand on a path that only this interpreter was told of, so the child is told too.
_ENTRY = "import sys; sys.path.append(sys.argv[1]); from treering.sdk.uploader import main; main()"
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])


class UploaderProcess:
    """
    The uploader of one run, seen from the training process.

    Its standard input is a pipe: one line says what to look after, a second one that the run has ended. All other
    files are closed, output goes nowhere, and nothing secret stands on its command line.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Process id of the uploader."""
        return self._process.pid

    @classmethod
    def start(cls, folder: Path, life: dict[str, Any], settings: Settings) -> UploaderProcess | None:
        """Start the uploader; None where no interpreter can be started (the run is recorded without it)."""
        if not sys.executable:
            return None
        order = {
            "folder": str(folder),
            "life": {key: value for key, value in life.items() if key != "meta"},
            "sample_s": settings.sample_s,
        }
        try:
            line = msgspec.json.encode(order) + b"\n"
            process = subprocess.Popen(
                [sys.executable, "-c", _ENTRY, _PACKAGE_ROOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if not os.environ.get("TREERING_DEBUG") else None,
                close_fds=True,
                start_new_session=True,
                cwd="/",
            )
            assert process.stdin is not None
            process.stdin.write(line)
            process.stdin.flush()
        except (OSError, UnicodeEncodeError):  # a folder whose name is no text
            return None
        return cls(process)

    def finish(self, timeout_s: float) -> None:
        """Say that the run has ended and wait for the process, at most so long. Never raises, never kills it."""
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(b"finish\n")
                self._process.stdin.close()
        except (OSError, ValueError):
            pass
        if timeout_s > 0:
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                pass
        # It ends by itself; without this, Popen warns of a child that is still running.
        self._process.returncode = self._process.returncode if self._process.returncode is not None else 0
