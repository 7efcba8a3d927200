"""Pivots and exports: what is in them, and that reading them gives the same numbers."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.world import World
from treering.errors import InvalidValue, LimitExceeded
from treering.store import RunQuery, Sort, Store
from treering.store.cell_text import csv_line, latex_text, markdown_text, mean_std_text
from treering.store.model import BestOf, Column, Selection
from treering.store.pivot import pivot_text

EVERYTHING = Selection("ada", "digits")


@pytest.fixture
def lab(world: World, store: Store) -> Store:
    """Three models on two data sets, some with several seeds."""
    results = {
        ("vit", "cifar"): [0.9, 0.91, 0.92],
        ("vit", "mnist"): [0.99],
        ("cnn", "cifar"): [0.8, 0.85, math.nan],
        ("cnn", "mnist"): [],
        ("mlp", "mnist"): [0.97, 0.97],
    }
    for (model, data), values in results.items():
        for seed, value in enumerate(values):
            life = world.life(f"{model}-{data}-{seed}", meta={"name": f"{model} on {data} #{seed}", "tags": ["x"]})
            life.config({"model": model, "data": data, "seed": seed, "lr": 0.1 * (seed + 1)})
            life.log({"acc": value / 2, "loss": 1.0}, 0)
            life.log({"acc": value, "loss": 1.0 + seed}, 1)
            life.end()
    store.ingest_now()
    return store


# ── pivots ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_pivot_has_mean_and_std_in_each_cell_and_marks_the_best_of_a_row(lab: Store):
    pivot = lab.comparing.pivot(EVERYTHING, ["config.data"], ["config.model"], Column("metric:acc"), "max")
    cnn, mlp, vit = pivot.cells[0]

    assert (pivot.rows, pivot.columns, pivot.goal) == ([["cifar"], ["mnist"]], [["cnn"], ["mlp"], ["vit"]], "max")
    assert mlp is None
    assert (vit.n, vit.mean, vit.std, vit.min, vit.max) == (
        3, pytest.approx(0.91), pytest.approx(np.std([0.9, 0.91, 0.92], ddof=1)), 0.9, 0.92
    )  # fmt: skip
    assert (cnn.n, cnn.mean) == (2, 0.825)
    assert [(c and c.n, c and c.std) for c in pivot.cells[1]] == [(None, None), (2, 0.0), (1, 0.0)]
    assert pivot.best == [[False, False, True], [False, False, True]]
    lowest = lab.comparing.pivot(EVERYTHING, ["config.data"], ["config.model"], Column("metric:acc"), "min")
    assert lowest.best == [[True, False, False], [False, True, False]]
    none = lab.comparing.pivot(EVERYTHING, ["config.data"], [], Column("metric:acc", "at", step=0), None)
    assert (none.columns, none.best) == ([[]], [[False], [False]])
    assert none.cells[0][0].n == 5


def test_a_pivot_is_written_for_papers_and_for_programs(lab: Store):
    rows, columns = ["config.data"], ["config.model"]
    pivot = lab.comparing.pivot(EVERYTHING, rows, columns, Column("metric:acc"), "max")

    assert pivot_text(pivot, rows, columns, "markdown") == (
        "| config.data | cnn | mlp | vit |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| cifar | 0.825 ± 0.035 (2) |  | **0.910 ± 0.010 (3)** |\n"
        "| mnist |  | 0.97 ± 0 (2) | **0.99 (1)** |\n"
    )
    assert pivot_text(pivot, rows, columns, "latex") == (
        "\\begin{tabular}{lrrr}\n\\toprule\nconfig.data & cnn & mlp & vit \\\\\n\\midrule\n"
        "cifar & 0.825 $\\pm$ 0.035 (2) &  & \\textbf{0.910 $\\pm$ 0.010 (3)} \\\\\n"
        "mnist &  & 0.97 $\\pm$ 0 (2) & \\textbf{0.99 (1)} \\\\\n"
        "\\bottomrule\n\\end{tabular}\n"
    )
    read = list(csv.DictReader(io.StringIO(pivot_text(pivot, rows, columns, "csv"))))
    assert [(r["config.data"], r["config.model"], int(r["n"])) for r in read] == [
        ("cifar", "cnn", 2), ("cifar", "vit", 3), ("mnist", "mlp", 2), ("mnist", "vit", 1)
    ]  # fmt: skip
    assert float(read[1]["std"]) == pivot.cells[0][2].std


def test_what_is_missing_is_a_row_of_its_own_and_comes_last(lab: Store, world: World):
    world.life("bare").end()
    lab.ingest_now()
    pivot = lab.comparing.pivot(EVERYTHING, ["config.lr"], ["config.model"], Column("config.seed"), None)

    assert pivot.rows == [[0.1], [0.2], [pytest.approx(0.3)], [None]]
    assert pivot.columns[-1] == [None]
    assert pivot.cells[-1] == [None] * 4


def test_a_pivot_with_too_many_cells_is_refused(lab: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.pivot.PIVOT_MAX_CELLS", 5)

    with pytest.raises(LimitExceeded, match="2 rows × 3 columns"):
        lab.comparing.pivot(EVERYTHING, ["config.data"], ["config.model"], Column("metric:acc"), None)


# ── exports ──────────────────────────────────────────────────────────────────────────────────────────────────────
COLUMNS = [
    Column("config.model"), Column("config.lr"), Column("config.seed"), Column("metric:acc"), Column("tags"),
    Column("metric:acc", "at", step=0), Column("metric:acc", "when", of=BestOf("loss", "max")), Column("config.none"),
]  # fmt: skip


def export(store: Store, file_format: Any, **query: Any) -> bytes:
    return b"".join(store.comparing.export(RunQuery("ada", "digits", **query), file_format))


def test_every_format_has_the_same_numbers(lab: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.export._ROWS_AT_ONCE", 4)
    query: dict[str, Any] = {"columns": COLUMNS, "sort": [Sort("name")], "limit": 1, "offset": 3}
    expected = lab.query_runs(RunQuery("ada", "digits", columns=COLUMNS, sort=[Sort("name")]))
    heads = [
        "run_key",
        "name",
        "config.model",
        "config.lr",
        "config.seed",
        "acc",
        "tags",
        "acc @ 0",
        "acc @ max loss",
        "config.none",
    ]
    as_csv = list(csv.reader(io.StringIO(export(lab, "csv", **query).decode())))
    as_tsv = list(csv.reader(io.StringIO(export(lab, "tsv", **query).decode()), delimiter="\t"))
    as_json = json.loads(export(lab, "json", **query))
    path = tmp_path / "t.parquet"
    path.write_bytes(export(lab, "parquet", **query))
    as_parquet = pq.read_table(path)

    assert as_csv[0] == as_tsv[0] == as_json["columns"] == as_parquet.column_names == heads
    assert len(as_csv) - 1 == len(as_json["rows"]) == as_parquet.num_rows == 9
    assert as_csv == as_tsv
    for row, text, in_json, in_parquet in zip(
        expected.runs, as_csv[1:], as_json["rows"], as_parquet.to_pylist(), strict=True
    ):
        model, lr, seed, acc, _tags, at, when, _none = row.values
        assert text[:5] == [row.run_key, row.name, model, repr(lr), str(seed)]
        assert [repr(float(cell)) for cell in (text[5], text[7], text[8])] == [repr(v) for v in (acc, at, when)]
        assert (text[6], text[9]) == ('["x"]', "")
        assert in_json[2:5] == [model, lr, seed]
        assert in_json[5] == ("NaN" if math.isnan(acc) else acc)
        assert (in_json[6], in_json[9]) == (["x"], None)
        assert (in_parquet["config.lr"], in_parquet["config.seed"]) == (lr, seed)
        assert repr(in_parquet["acc"]) == repr(acc)  # NaN is NaN and not missing
        assert in_parquet["config.none"] is None
    assert str(as_parquet.schema.field("config.seed").type) == "int64"
    assert str(as_parquet.schema.field("acc").type) == "double"
    assert list((lab.index / "scratch").glob("export-*")) == []


def test_without_chosen_columns_there_are_the_usual_ones(lab: Store):
    read = list(csv.DictReader(io.StringIO(export(lab, "csv", config=["lr"], metrics=["acc"]).decode())))

    assert list(read[0]) == ["run_key", "name", "state", "created_at", "runtime", "config.lr", "acc"]
    assert len(read) == 9


def test_groups_are_exported_as_mean_std_and_n(lab: Store):
    query: dict[str, Any] = {"group": ["config.model"], "columns": [Column("metric:acc"), Column("config.data")]}
    read = {row["config.model"]: row for row in csv.DictReader(io.StringIO(export(lab, "csv", **query).decode()))}
    text = export(lab, "markdown", **query).decode()

    assert list(read["vit"]) == [
        "config.model",
        "runs",
        "acc",
        "acc std",
        "acc n",
        "config.data",
        "config.data std",
        "config.data n",
    ]
    assert read["vit"]["runs"] == "4"
    assert float(read["vit"]["acc"]) == pytest.approx(np.mean([0.9, 0.91, 0.92, 0.99]), rel=1e-15)
    assert float(read["vit"]["acc std"]) == pytest.approx(np.std([0.9, 0.91, 0.92, 0.99], ddof=1), rel=1e-12)
    assert (read["cnn"]["acc n"], read["cnn"]["config.data"], read["vit"]["config.data"]) == ("2", "cifar", "")
    assert "| cnn | 3 | 0.825 ± 0.035 (2) | cifar |" in text


def test_an_export_of_nothing_is_a_table_without_rows(lab: Store, tmp_path: Path):
    empty: dict[str, Any] = {"columns": COLUMNS, "filter": "number > 99"}

    assert export(lab, "csv", **empty).decode().count("\r\n") == 1
    assert json.loads(export(lab, "json", **empty))["rows"] == []
    assert export(lab, "latex", **empty).decode().endswith("\\midrule\n\\bottomrule\n\\end{tabular}\n")
    path = tmp_path / "t.parquet"
    path.write_bytes(export(lab, "parquet", **empty))
    assert pq.read_table(path).num_rows == 0
    path.write_bytes(export(lab, "parquet", group=["state"], columns=COLUMNS, filter="number > 99"))
    assert pq.read_table(path).num_rows == 0


def test_what_is_wrong_is_found_before_the_first_byte(lab: Store, monkeypatch: pytest.MonkeyPatch):
    for wrong in ({"columns": [Column("nothing")]}, {"group": ["nothing"]}, {"sort": [Sort("nothing")]}):
        with pytest.raises(InvalidValue):
            lab.comparing.export(RunQuery("ada", "digits", **wrong), "csv")
    monkeypatch.setattr("treering.store.export.EXPORT_MAX_RUNS", 3)
    with pytest.raises(LimitExceeded, match="9 runs match; at most 3"):
        lab.comparing.export(RunQuery("ada", "digits"), "csv")
    monkeypatch.setattr("treering.store.export.EXPORT_MAX_RUNS", 9)
    monkeypatch.setattr("treering.store.export.COLUMN_MAX_VALUES", 40)
    with pytest.raises(LimitExceeded, match="Ask for CSV"):
        lab.comparing.export(RunQuery("ada", "digits"), "parquet")
    assert export(lab, "csv").count(b"\r\n") == 10


def test_hostile_texts_are_only_texts_everywhere(world: World, store: Store, tmp_path: Path):
    evil = [
        '=HYPERLINK("http://x")',
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "a|b",
        "\\input{x}",
        "<script>",
        'a,"b"\n=c',
        "50 % & $x_1^2$ ~ #",
    ]
    for number, text in enumerate(evil):
        life = world.life(f"r{number}", meta={"name": text})
        life.config({"x": text, "n": -1.5})
        life.end()
    store.ingest_now()
    query: dict[str, Any] = {"columns": [Column("config.x"), Column("config.n")], "sort": [Sort("number")]}
    read = list(csv.reader(io.StringIO(export(store, "csv", **query).decode(), newline="")))[1:]
    latex, markdown = export(store, "latex", **query).decode(), export(store, "markdown", **query).decode()
    path = tmp_path / "t.parquet"
    path.write_bytes(export(store, "parquet", **query))

    assert [row[2].removeprefix("'") for row in read] == evil
    assert not any(row[2].startswith(("=", "+", "-", "@", "\t")) for row in read)
    assert {row[3] for row in read} == {"-1.5"}
    assert pq.read_table(path)["config.x"].to_pylist() == evil
    assert "\\textbackslash{}input\\{x\\}" in latex
    assert "50 \\% \\& \\$x\\_1\\textasciicircum{}2\\$ \\textasciitilde{} \\#" in latex
    assert "<script>" not in markdown.replace("\\<script\\>", "")
    assert all(line.count(" | ") == 2 for line in markdown.splitlines())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.booleans()), min_size=1, max_size=5))
def test_a_line_of_csv_reads_back(cells: list[Any]):
    (read,) = csv.reader(io.StringIO(csv_line([*cells, "end"]), newline=""))

    for cell, text in zip(cells, read, strict=False):
        if isinstance(cell, bool) or cell is None:
            assert text == {None: "", True: "true", False: "false"}[cell]
        elif isinstance(cell, float):
            assert repr(float(text)) == repr(cell)
        elif isinstance(cell, int):
            assert int(text) == cell
        else:
            assert text in (cell, f"'{cell}")
            assert not text.startswith(("=", "+", "-", "@", "＝"))


def test_what_begins_a_row_is_no_argument_of_the_end_of_the_row_before(tmp_path: Path):
    world = World(tmp_path / "data")
    for number, value in enumerate(["[1em]", "*", "--lr 0.1", [1, 2]]):
        life = world.life(f"r{number}")
        life.config({"what": value})
        life.end()
    with Store.open(world.folder, clock_ns=world.now) as store:
        store.ingest_now()
        table = export(store, "latex", group=["config.what"]).decode()

    assert "\n{[}1em{]} &" in table
    assert "\n{*} &" in table
    assert "\n-{}-lr 0.1 &" in table
    assert "\n{[}1,2{]} &" in table


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_nothing_of_a_text_acts_in_latex_or_markdown(text: str):
    latex = latex_text(text)
    for command in ("\\textbackslash{}", "\\textasciicircum{}", "\\textasciitilde{}", "\\textless{}", "\\textgreater{}",
                    "\\textbar{}", "\\textquotedbl{}", "$\\pm$", *("\\" + c for c in "{}$&#%_"),
                    "{[}", "{]}", "{*}", "-{}-"):  # fmt: skip
        latex = latex.replace(command, "")

    assert not set(latex) & set("\\{}$&#%_^~<>[]*")
    assert "--" not in latex_text(text)
    assert "\n" not in markdown_text(text)


@pytest.mark.parametrize(
    ("mean", "std", "n", "text"),
    [
        (0.91234, 0.0123, 3, "0.912 ± 0.012 (3)"),
        (1234.5, 56.7, 4, "1234 ± 57 (4)"),
        (123456.0, 789.0, 2, "123460 ± 790 (2)"),
        (0.5, 0.0, 2, "0.5 ± 0 (2)"),
        (1 / 3, 0.0, 1, "0.3333333333333333 (1)"),
        (1e-20, 1e-22, 2, "1e-20 ± 1e-22 (2)"),
        (-3.0, 1.0, 9, "-3.0 ± 1.0 (9)"),
        (math.inf, 1.0, 9, "inf (9)"),
    ],
)
def test_a_mean_is_rounded_where_its_spread_begins(mean: float, std: float, n: int, text: str):
    assert mean_std_text(mean, std, n) == text
