"""The command line as people run it: in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from server.run_logs import write_run

TREERING = [sys.executable, "-m", "treering.cli"]


class Folder:
    """A data folder with three runs of two projects, and the command line on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        rows = [{"loss": 1 / (step + 1), "epoch": step // 5} for step in range(10)]
        self.first = write_run(path, "a1", rows, config={"lr": 0.1, "model": {"depth": 3}}, tags=["baseline"])
        self.second = write_run(path, "b2", rows, config={"lr": 0.2, "model": {"depth": 3}}, state="failed")
        self.third = write_run(path, "a1", rows, project="letters", config={"lr": 0.1})

    def run(self, *arguments: str, code: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command and check its exit code."""
        done = subprocess.run(
            [*TREERING, *arguments, "--data", str(self.path)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **environ},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json and return what it printed."""
        done = self.run(*arguments, "--json", code=code)
        return json.loads(done.stdout or done.stderr)

    def owner(self) -> dict[str, Any] | None:
        """Return what server.json says."""
        try:
            content: dict[str, Any] = json.loads((self.path / "server.json").read_text())
        except FileNotFoundError:
            return None
        return content

    def stop_server(self) -> None:
        """End whatever server has the folder, and wait until it is gone."""
        owner = self.owner()
        if owner is None:
            return
        try:
            os.kill(owner["pid"], signal.SIGTERM)
        except ProcessLookupError:
            return
        limit = time.monotonic() + 15
        while self.owner() is not None:
            assert time.monotonic() < limit
            time.sleep(0.02)


class Ui:
    """A running ``treering ui``."""

    command: ClassVar = ["ui", "--no-browser"]

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        self.process = subprocess.Popen(
            [*TREERING, *self.command, "--data", str(folder), "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
        )
        line = self.process.stdout.readline()
        self.said: dict[str, Any] = json.loads(line) if line else {}

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(15)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Serve(Ui):
    """A running ``treering serve`` on a free port."""

    command: ClassVar = ["serve", "--port", "0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A folder that the tests of a module read."""
    made = Folder(tmp_path_factory.mktemp("data"))
    yield made
    made.stop_server()


@pytest.fixture
def own_folder(tmp_path: Path) -> Iterator[Folder]:
    """A folder for one test."""
    made = Folder(tmp_path / "data")
    yield made
    made.stop_server()


@pytest.fixture
def start_ui() -> Iterator[Callable[..., Ui]]:
    """Start ``treering ui``; it ends with the test."""
    yield from _starter(Ui)


@pytest.fixture
def start_serve() -> Iterator[Callable[..., Ui]]:
    """Start ``treering serve``; it ends with the test."""
    yield from _starter(Serve)


def _starter(kind: type[Ui]) -> Iterator[Callable[..., Ui]]:
    started: list[Ui] = []

    def start(*arguments: Any, **environ: str) -> Ui:
        started.append(kind(*arguments, **environ))
        return started[-1]

    yield start
    for ui in started:
        if ui.process.poll() is None:
            ui.stop()
        for pipe in (ui.process.stdout, ui.process.stderr):
            pipe.close()
