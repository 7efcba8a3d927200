"""A data folder per test, and scripts run as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from treering.runlog import records
from treering.runlog.reader import SegmentReader


class Folder:
    """What a data folder holds, read straight from its segments."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run_folders(self) -> list[Path]:
        return sorted((self.path / "runs").glob("*"))

    def lives(self) -> list[dict[str, Any]]:
        """All life records of first segments, in order of creation."""
        found = [life for _, life, _ in self._segments()]
        return sorted(found, key=lambda life: life["created_ns"])

    def records(self, kind: int, writer: str = "") -> list[Any]:
        """All records of one kind that writers of this label wrote."""
        result = []
        for _, life, frames in self._segments():
            if life["writer"] == writer:
                result += [record for f in frames if f.kind == kind for record in records.decode(f)]
        return result

    def rows(self, writer: str = "") -> list[tuple[int, dict[str, Any]]]:
        """(step, data) of every row of the main writer, or of another label."""
        return [(row.step, row.data) for row in self.records(records.ROW, writer)]

    def end(self, writer: str = "") -> dict[str, Any]:
        """The only end record of a writer."""
        (end,) = self.records(records.END, writer)
        return end.data  # type: ignore[no-any-return]

    def _segments(self) -> list[tuple[Path, dict[str, Any], list[Any]]]:
        result = []
        paths = (self.path / "runs").glob("*/*.trl")
        for path in sorted(paths, key=lambda path: path.stat().st_ctime_ns):
            with SegmentReader(path) as reader:
                frames = []
                while more := reader.read(whole=True):
                    frames += more
                if frames:  # otherwise it is just being made
                    result.append((reader.header.created_ns, path, records.decode(frames[0])[0], frames))
        return [item[1:] for item in sorted(result, key=lambda item: item[0])]


class Done(NamedTuple):
    """How a script ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("TREERING_", "WANDB_", "SLURM_", "OMPI_", "PMI_")) or name in ("RANK", "LOCAL_RANK"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TREERING_SAMPLE_S", "0")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


@pytest.fixture(autouse=True)
def no_run_left_over() -> Iterator[None]:
    yield
    from treering.sdk import lifecycle, process_end

    for run in list(process_end.open_runs):
        run.finish()
    lifecycle._active = None


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Done]:
    """Run Python text as a process of its own and return how it ended."""

    def run(text: str, *arguments: str, timeout_s: float = 60, **environ: str) -> Done:
        path = tmp_path / "train.py"
        path.write_text(textwrap.dedent(text))
        done = subprocess.run(
            [sys.executable, str(path), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, **environ},
            cwd=tmp_path,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """Return once *condition* holds; fail after *timeout_s*."""
    limit = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)
