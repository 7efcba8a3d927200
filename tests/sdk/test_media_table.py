"""Tables: what goes in comes out of the Parquet file, None and NaN apart."""

from __future__ import annotations

import datetime
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import treering as tr
from treering.sdk.blobs import Blobs
from treering.sdk.media import parquet
from treering.sdk.media.media import Shelf

from .conftest import Folder
from .media import Logged


def stored(table: tr.Table, folder: Path) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """Encode without a run: the map and the rows of the file."""
    import duckdb

    shelf = Shelf(Blobs(folder / "blobs"), lambda text: None)
    value = shelf.encode(table)
    with duckdb.connect(":memory:") as database:
        path = shelf.blobs.path(value["sha256"])
        return value, database.execute(f"SELECT * FROM read_parquet('{path}')").fetchall()


def test_a_table_of_everything(folder: Folder) -> None:
    table = tr.Table(columns=["n", "f", "b", "t", "mixed", "image", "vector", "empty", "when"])
    for i in range(4):
        table.add_data(
            None if i == 1 else i,
            [0.5, math.nan, None, math.inf][i],
            None if i == 2 else i % 2 == 0,
            ["a", None, "", "ünï\ud800"][i],
            [1, "text", None, [1, math.nan]][i],
            None if i == 3 else tr.Image(np.full((3, 3), i, np.uint8), caption=str(i)),
            None if i == 0 else [i, i + 0.5],
            None,
            datetime.datetime(2024, 1, i + 1),
        )
    with tr.init(project="p") as run:
        run.log({"t": table})

    logged = Logged(folder)
    value = logged.one("t")
    rows = logged.table(value)
    columns = list(zip(*rows, strict=True))
    assert (value["nrows"], value["ncols"], value["format"]) == (4, 9, "parquet")
    assert value["columns"] == table.columns
    assert value["types"] == [
        "integer",
        "number",
        "boolean",
        "text",
        "mixed",
        "image-file",
        "vector:2",
        "text",
        "text",
    ]
    assert columns[0] == (0, None, 2, 3)
    assert columns[1][0] == 0.5
    assert math.isnan(columns[1][1])
    assert columns[1][2:] == (None, math.inf)
    assert columns[2] == (True, False, None, False)
    assert columns[3] == ("a", None, "", "ünï?")
    assert [None if cell is None else json.loads(cell) for cell in columns[4]] == [1, "text", None, [1, "NaN"]]
    images = [None if cell is None else json.loads(cell) for cell in columns[5]]
    assert [image and image["caption"] for image in images] == ["0", "1", "2", None]
    for level, image in enumerate(images[:3]):
        assert image["_type"] == "image-file"
        assert logged.picture(image).getextrema() == (level, level)
    assert columns[6] == (None, [1.0, 1.5], [2.0, 2.5], [3.0, 3.5])
    assert columns[7] == (None,) * 4
    assert columns[8][0] == "2024-01-01T00:00:00"


_CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.floats(), max_size=3),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(_CELLS, st.floats(), st.one_of(st.none(), st.text(max_size=4))), max_size=6))
def test_any_mixture_is_stored(tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    value, back = stored(tr.Table(columns=["a", "b", "c"], data=[list(row) for row in rows]), tmp_path)

    assert value["nrows"] == len(back) == len(rows)
    for given_row, row in zip(rows, back, strict=True):
        assert (row[0] is None) == (given_row[0] is None)
        assert row[1] == given_row[1] or (math.isnan(row[1]) and math.isnan(given_row[1]))
        assert row[2] == (None if given_row[2] is None else given_row[2].encode("utf-8", "replace").decode())


@pytest.mark.parametrize("rows", [[], [[None, None]], [[[1.0], [2.0, 3.0]]]])
def test_small_tables(tmp_path: Path, rows: list[list[Any]]) -> None:
    value, back = stored(tr.Table(columns=["a", "b"], data=rows), tmp_path)
    assert value["nrows"] == len(back) == len(rows)
    assert value["ncols"] == 2


def test_duckdb_and_pyarrow_write_the_same(tmp_path: Path) -> None:
    import duckdb

    columns = [
        ("number", [1.0, None, math.nan]),
        ("integer", [1, None, -(2**63)]),
        ("boolean", [True, None, False]),
        ("text", ["a", None, ""]),
        ("vector:2", [[1.0, 2.0], None, [math.nan, 4.0]]),
    ]
    parquet._write_with_duckdb(tmp_path / "a.parquet", columns)
    parquet._write_with_pyarrow(tmp_path / "b.parquet", columns)
    with duckdb.connect(":memory:") as database:
        read = [
            (
                database.execute(f"SELECT * FROM '{path}'").fetchall(),
                database.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall(),
            )
            for path in (tmp_path / "a.parquet", tmp_path / "b.parquet")
        ]

    assert repr(read[0]) == repr(read[1])


def test_without_either_library_one_warning_says_what_to_install(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with tr.init(project="p") as run:
        for _ in range(2):
            run.log({"t": tr.Table(columns=["a"], data=[[1]]), "x": 1})

    assert (
        capsys.readouterr().err.count("'t' (Table) was left out: a table needs DuckDB or pyarrow: pip install duckdb")
        == 1
    )
    assert len(Logged(folder).all("x")) == 2


def test_a_hundred_thousand_rows(tmp_path: Path) -> None:
    rows = [[i, i / 7, f"text {i}", None if i % 3 else i] for i in range(100_000)]
    table = tr.Table(columns=["a", "b", "c", "d"], data=rows)
    began = time.perf_counter()
    table.snapshot()
    took_s = time.perf_counter() - began

    value, back = stored(table, tmp_path)
    assert took_s < 0.05
    assert value["types"] == ["integer", "number", "text", "integer"]
    assert [list(row) for row in back[::9_999]] == rows[::9_999]


def test_a_table_grows_after_it_was_logged(folder: Folder) -> None:
    table = tr.Table(columns=["a"])
    with tr.init(project="p") as run:
        for i in range(3):
            table.add_data(i)
            run.log({"t": table})
        table.add_column("b", ["x", "y", "z"])
        run.log({"t": table})

    logged = Logged(folder)
    values = [value for _, value in logged.all("t")]
    assert [(value["nrows"], value["ncols"]) for value in values] == [(1, 1), (2, 1), (3, 1), (3, 2)]
    assert logged.table(values[0]) == [(0,)]
    assert logged.table(values[3]) == [(0, "x"), (1, "y"), (2, "z")]


def test_a_cell_does_not_change_afterwards(folder: Folder) -> None:
    cell, array = [1, 2], np.zeros(3)
    table = tr.Table(columns=["a", "b"], data=[[cell, array]])
    with tr.init(project="p") as run:
        run.log({"t": table})
        cell.append(3)
        array[:] = 1

    assert Logged(folder).table(Logged(folder).one("t")) == [([1.0, 2.0], [0.0, 0.0, 0.0])]


def test_a_dataframe_is_a_table(folder: Folder) -> None:
    frame = pd.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [0.5, math.nan, 1.0],
            "s": ["a", None, "c"],
            "n": pd.array([1, None, 3], dtype="Int64"),
            "c": pd.Categorical(["x", "y", "x"]),
            "w": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
        }
    )
    with tr.init(project="p") as run:
        run.log({"bare": frame, "made": tr.Table(dataframe=frame), "some": tr.Table(columns=["i", "s"], data=frame)})

    logged = Logged(folder)
    value = logged.one("bare")
    assert value["types"] == ["integer", "number", "text", "integer", "text", "text"]
    rows = logged.table(value)
    assert rows[0] == (1, 0.5, "a", 1, "x", "2024-01-01T00:00:00")
    assert math.isnan(rows[1][1])
    assert rows[1][2:] == (None, None, "y", None)
    assert value["sha256"] == logged.one("made")["sha256"]
    assert logged.table(logged.one("some")) == [(1, "a"), (2, None), (3, "c")]


def test_a_large_dataframe_is_converted_by_the_encoder() -> None:
    frame = pd.DataFrame({f"c{n}": np.arange(100_000.0) for n in range(5)} | {"s": [str(n) for n in range(100_000)]})
    began = time.perf_counter()
    table = tr.Table(dataframe=frame).snapshot()
    took_s = time.perf_counter() - began
    frame.loc[0, "c0"] = 7.0

    assert took_s < 0.1
    assert isinstance(table, tr.Table)
    assert table.data[0] == [0.0] * 5 + ["0"]
    assert len(table) == 100_000


def test_reading_a_table() -> None:
    table = tr.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])
    table.add_computed_columns(lambda number, row: {"c": row["a"] * 10 + number})

    assert table.get_column("a") == [1, 2]
    assert table.get_column("c", convert_to="numpy").tolist() == [10, 21]
    assert list(table.iterrows()) == [(0, [1, "x", 10]), (1, [2, "y", 21])]
    assert table.get_dataframe().to_dict("list") == {"a": [1, 2], "b": ["x", "y"], "c": [10, 21]}
    assert table.get_index() == [0, 1]
    assert len(table) == 2
    with pytest.raises(KeyError):
        table.get_column("nothing")


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda: tr.Table(columns=["a"], data=[[1, 2]]), "a row of 2 values in a table of 1 columns"),
        (lambda: tr.Table(columns=["a", "a"]), "two columns are called 'a'"),
        (lambda: tr.Table(columns=["a"], data=["text"]), "a row is a list of values"),
        (lambda: tr.Table(columns=["a"], data=[{"a": 1}]), "not a map"),
        (lambda: tr.Table(columns=["a"], data=5), "not iterable"),
    ],
)
def test_what_is_no_table(made: Any, problem: str) -> None:
    assert problem in made().problem


def test_a_wrong_row_is_refused_and_the_table_says_so(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    table = tr.Table(columns=["a"])
    table.add_data(1)
    table.add_data(1, 2)
    with tr.init(project="p") as run:
        run.log({"t": table, "x": 1})

    assert "a row of 2 values in a table of 1 columns" in capsys.readouterr().err
    assert Logged(folder).all("x") == [(0, 1)]


def test_arguments_of_other_trackers_are_accepted() -> None:
    table = tr.Table(columns=["a"], rows=[[1]], dtype=int, optional=True, allow_mixed_type=True, log_mode="MUTABLE")
    assert (table.data, table.log_mode, table.problem) == ([[1]], "MUTABLE", "")
    assert tr.Table().columns == ["Input", "Output", "Expected"]
    assert tr.Table(data=np.arange(6).reshape(3, 2)).data == [[0, 1], [2, 3], [4, 5]]


def test_many_small_tables_share_one_database(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    opened: list[int] = []
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda *given, **others: (opened.append(1), connect(*given, **others))[1])
    with tr.init(project="p") as run:
        for number in range(20):
            run.log({"t": tr.Table(columns=["a"], data=[[number]])})

    assert len(folder.rows()) == 20
    assert len(opened) == 1
