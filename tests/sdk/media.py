"""What the tests of rich values share: run a few calls, read everything back from the folder."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from treering.runlog import records
from treering.runlog.records import File

from .conftest import Folder


class Logged:
    """What a data folder holds of rich values, read from segments and blobs alone."""

    def __init__(self, folder: Folder, writer: str = "") -> None:
        self._blobs = folder.path / "blobs"
        self.rows = folder.rows(writer)
        self.files: list[File] = folder.records(records.FILE, writer)
        self.gaps: list[Any] = folder.records(records.GAP, writer)

    def all(self, key: str) -> list[tuple[int, Any]]:
        """(step, value) of every row that has the key."""
        return [(step, row[key]) for step, row in self.rows if key in row]

    def one(self, key: str) -> Any:
        """The only value of a key."""
        ((_, value),) = self.all(key)
        return value

    def blob(self, value: dict[str, Any]) -> bytes:
        """The bytes that a map names; a FILE record declares them."""
        data = (self._blobs / value["sha256"][:2] / value["sha256"]).read_bytes()
        assert len(data) == value["size"]
        assert value["sha256"] in {file.sha256 for file in self.files}
        return data

    def picture(self, value: dict[str, Any]) -> Image.Image:
        """The decoded picture of a map."""
        picture = Image.open(io.BytesIO(self.blob(value)))
        picture.load()
        return picture

    def table(self, value: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a table, as DuckDB reads them."""
        import duckdb

        self.blob(value)
        path = self._blobs / value["sha256"][:2] / value["sha256"]
        with duckdb.connect(":memory:") as database:
            return database.execute(f"SELECT * FROM read_parquet('{path}')").fetchall()
