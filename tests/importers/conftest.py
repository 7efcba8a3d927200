"""A log directory to write event files into, and the import of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import treering as tr
from treering.importers.tensorboard import ImportedFolder, TensorBoardImport


class Imports:
    """Imports ``logs`` into ``data`` and reads the runs back."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.data = folder / "data"
        self.left_out: list[tuple[str, str]] = []
        self._api: tr.Api | None = None

    def read(self) -> list[ImportedFolder]:
        """Import once."""
        return self.work().read()

    def work(self) -> TensorBoardImport:
        """Return the import, of project ``board``."""
        return TensorBoardImport(
            self.logs, self.data, "ada", "board", lambda path, why: self.left_out.append((path, why))
        )

    def run(self, name: str) -> Any:
        """The run of a folder, through the API."""
        if self._api is None:
            self._api = tr.Api(self.data)
        (run,) = [run for run in self._api.runs("ada/board") if run.name == name]
        return self._api.run(run.key)

    def series(self, name: str, key: str) -> list[tuple[int, Any]]:
        """(step, value) of a key of a run."""
        return [(row["_step"], row[key]) for row in self.run(name).history() if key in row]

    def close(self) -> None:
        if self._api is not None:
            self._api.close()


@pytest.fixture
def imports(tmp_path: Path) -> Iterator[Imports]:
    made = Imports(tmp_path)
    yield made
    made.close()


@pytest.fixture
def reading() -> Callable[[Path], Any]:
    """Read all records of one file."""

    def read(path: Path) -> Any:
        from treering.sdk.tensorboard.event_file import EventFile

        with EventFile(path) as file:
            records = []
            while (record := file.next()) is not None:
                records.append(record)
            return records, file

    return read
