"""A data folder for each test, and what was written to it, read back as anybody would."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import treering as tr


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The data folder; the working directory is one that may be littered."""
    for name in list(os.environ):
        if name.startswith(("TREERING_", "WANDB_", "SLURM_", "OMPI_", "PMI_")) or name in ("RANK", "LOCAL_RANK"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TREERING_SAMPLE_S", "0")
    monkeypatch.setenv("TREERING_SILENT", "1")
    monkeypatch.setenv("TREERING_CONSOLE", "off")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def no_run_left_over() -> Iterator[None]:
    yield
    from treering.sdk import lifecycle, process_end

    for run in list(process_end.open_runs):
        run.finish()
    lifecycle._active = None


class Recorded:
    """One run that has ended, as the API gives it."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self.config: dict[str, Any] = run.config
        self.summary: dict[str, Any] = run.summary
        self.rows: list[dict[str, Any]] = run.history()

    def series(self, key: str) -> list[tuple[int, Any]]:
        """(step, value) of a key."""
        return [(row["_step"], row[key]) for row in self.rows if key in row]

    def steps(self, key: str) -> list[int]:
        """The steps of a key."""
        return [step for step, _ in self.series(key)]

    def files(self) -> list[str]:
        """The names of the files that were saved."""
        return sorted(file.name for file in self.run.files(purpose="saved"))


@pytest.fixture
def recorded(data: Path) -> Iterator[Callable[..., Recorded]]:
    """Finish the active run and return the only run of a project, or the one that is named."""
    with_api: list[tr.Api] = []

    def read(project: str = "digits", name: str = "") -> Recorded:
        tr.finish()
        with_api.append(tr.Api(data))
        runs = [run for run in with_api[-1].runs(project) if not name or run.name == name]
        assert len(runs) == 1
        return Recorded(with_api[-1].run(runs[0].key))

    yield read
    for api in with_api:
        api.close()
