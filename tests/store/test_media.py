"""Media and texts by step, and logged tables by page."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from store.world import World
from treering.errors import FormatError, InvalidValue, LimitExceeded, NotFound
from treering.runlog import records
from treering.store import Store
from treering.store.model import TableColumn
from treering.store.tables import LoggedTable, TableFilter, TableQuery, TableSort, describe

KINDS = ["integer", "number", "text", "mixed", "boolean", "vector:2", "image-file"]
NAMES = ["id", "score", "label", "any", "ok", "embedding", "picture"]


def image(n: int) -> dict[str, Any]:
    return {"_type": "image-file", "sha256": f"{n:064x}", "size": n, "format": "png", "width": 2, "height": 2}


# ── media ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def logged(world: World, store: Store) -> tuple[Store, str, str]:
    first, second = world.life("1"), world.life("2")
    for step in (0, 10, 20, 30):
        first.log({"picture": image(step), "loss": 0.5}, step)
    first.log({"note": "calm", "loss": 0.25}, 31)
    second.log({"picture": image(7)}, 7)
    store.ingest_now()
    return store, first.run_key, second.run_key


def test_the_steps_of_each_key_of_each_run(logged: tuple[Store, str, str]):
    store, first, second = logged
    found = store.media_steps([second, first, "a" * 26], ["note", "picture", "loss", "none"], 100)

    assert [(s.run, s.key, s.kind, s.n, s.steps) for s in found] == [
        (second, "picture", "image-file", 1, [7]),
        (first, "note", "text", 1, [31]),
        (first, "picture", "image-file", 4, [0, 10, 20, 30]),
    ]
    assert store.media_steps([first], ["picture"], 3)[0].steps == [0, 20, 30]
    assert store.media_steps([first], ["picture"], 3)[0].n == 4


def test_a_run_without_any_is_left_out_wherever_it_stands(world: World, store: Store):
    lives = [world.life(str(n)) for n in range(3)]
    for life in lives:
        life.log({"loss": 0.5}, 0)
    lives[1].log({"picture": image(1)}, 1)
    store.ingest_now()
    keys = [life.run_key for life in lives]

    assert [s.run for s in store.media_steps(keys, ["picture", "loss"], 9)] == [keys[1]]
    assert [i.run for i in store.media_at(keys, ["picture"], None, "exact")] == [keys[1]]
    assert store.media_in([keys[0]], ["picture"], 0, 9, 9) == []


@pytest.mark.parametrize(
    ("step", "match", "shown"),
    [
        (None, "at_or_before", 30),
        (20, "exact", 20),
        (21, "exact", None),
        (29, "at_or_before", 20),
        (-1, "at_or_before", None),
        (99, "at_or_before", 30),
        (14, "nearest", 10),
        (15, "nearest", 10),
        (16, "nearest", 20),
        (-5, "nearest", 0),
        (99, "nearest", 30),
    ],
)
def test_the_picture_at_a_step(logged: tuple[Store, str, str], step: int | None, match: Any, shown: int | None):
    store, first, _ = logged
    found = store.media_at([first], ["picture"], step, match)

    assert [(item.step, item.value["size"], item.n) for item in found] == ([] if shown is None else [(shown, shown, 4)])


def test_the_pictures_of_a_range_thinned_evenly(logged: tuple[Store, str, str]):
    store, first, second = logged

    assert [item.step for item in store.media_in([first, second], ["picture"], 5, 20, 10)] == [10, 20, 7]
    assert [item.step for item in store.media_in([first], ["picture"], 0, 99, 2)] == [0, 30]
    assert store.media_in([first], ["note"], 0, 99, 2)[0].value == "calm"


def test_a_step_logged_again_shows_what_was_logged_last_and_what_a_resume_hides_is_not_shown(
    world: World, store: Store
):
    first = world.life()
    for step in range(5):
        first.log({"picture": image(step)}, step)
    first.log({"picture": image(99)}, 2)
    second = world.life(from_step=4)
    second.log({"picture": image(44)}, 4)
    store.ingest_now()

    assert [(i.step, i.value["size"]) for i in store.media_in([first.run_key], ["picture"], 0, 9, 9)] == [
        (0, 0),
        (1, 1),
        (2, 99),
        (3, 3),
        (4, 44),
    ]


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 rows: every seventh score is NaN, every fifth missing; cells of ``any`` are JSON."""
    path = tmp_path_factory.mktemp("table") / "it's a table.parquet"
    target = str(path).replace("'", "''")
    duckdb.execute(
        f"""copy (select range::bigint as c0,
              case when range % 5 = 0 then null when range % 7 = 0 then 'nan'::double else range / 2 end as c1,
              'n' || (range % 3) as c2,
              case when range % 2 = 0 then '"x y"' else '5' end as c3,
              range % 4 = 0 as c4, [range::double, 1.5] as c5,
              '{{"_type":"image-file","sha256":"' || range || '"}}' as c6 from range(1000)) to '{target}'"""
    )
    return path


@pytest.fixture
def table(path: Path) -> LoggedTable:
    return LoggedTable(path, [TableColumn(name, kind) for name, kind in zip(NAMES, KINDS, strict=True)])


def test_a_page_has_its_rows_in_order_with_their_types(table: LoggedTable):
    page = table.read(TableQuery(offset=5, limit=2))

    assert [(c.name, c.type) for c in page.columns] == list(zip(NAMES, KINDS, strict=True))
    assert page.rows == [
        [5, None, "n2", 5, False, [5.0, 1.5], {"_type": "image-file", "sha256": "5"}],
        [6, 3.0, "n0", "x y", False, [6.0, 1.5], {"_type": "image-file", "sha256": "6"}],
    ]
    assert (page.total, page.match) == (1_000, 1_000)
    assert table.read(TableQuery(offset=999, limit=10, columns=["label", "id"])).rows == [["n0", 999]]


@pytest.mark.parametrize("desc", [False, True])
def test_missing_values_and_nan_come_last_both_ways(table: LoggedTable, desc: bool):
    rows = table.read(TableQuery(limit=1_000, sort=[TableSort("score", desc)], columns=["score"])).rows
    scores = [row[0] for row in rows]
    good = [i / 2 for i in range(1_000) if i % 5 and i % 7]

    assert scores[: len(good)] == sorted(good, reverse=desc)
    assert all(score is None or score != score for score in scores[len(good) :])


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (TableFilter("id", "<", "10"), 10),
        (TableFilter("id", "=", 10.0), 1),
        (TableFilter("score", ">=", 499), len([i for i in (998, 999) if i % 5 and i % 7])),
        (TableFilter("score", "missing"), 200),
        (TableFilter("score", "present"), 800),
        (TableFilter("label", "=", "n2"), 333),
        (TableFilter("label", "contains", "N1"), 333),
        (TableFilter("any", "=", "x y"), 500),
        (TableFilter("any", "=", 5), 500),
        (TableFilter("any", "!=", "5"), 500),
        (TableFilter("ok", "=", True), 250),
        (TableFilter("label", "=", "' or 1=1 --"), 0),
    ],
)
def test_rows_are_filtered(table: LoggedTable, one: TableFilter, expected: int):
    page = table.read(TableQuery(filters=[one]))

    assert (page.match, page.total) == (expected, 1_000)


def test_a_search_looks_into_every_cell(table: LoggedTable):
    assert table.read(TableQuery(search="X Y")).match == 500
    assert table.read(TableQuery(search="997")).match == 1


def test_groups_have_counts_and_means_over_finite_values(table: LoggedTable):
    groups = table.read(TableQuery(limit=0, group=["label", "ok"])).groups
    assert groups is not None

    def mean(label: str, ok: bool) -> tuple[int, float]:
        mine = [i for i in range(1_000) if f"n{i % 3}" == label and (i % 4 == 0) == ok]
        finite = [i / 2 for i in mine if i % 5 and i % 7]
        return len(mine), sum(finite) / len(finite)

    assert len(groups) == 6
    for group in groups:
        count, score = mean(*group.values)
        assert group.count == count
        assert group.means["score"] == pytest.approx(score, rel=1e-12)


def test_vectors_come_as_one_array(table: LoggedTable):
    assert np.array_equal(table.vectors("embedding", 3), np.array([[0, 1.5], [1, 1.5], [2, 1.5]], np.float32))
    with pytest.raises(InvalidValue, match="holds no vectors but text"):
        table.vectors("label", 3)


def test_what_a_table_does_not_have_is_named(table: LoggedTable):
    with pytest.raises(InvalidValue, match="no column 'lable'; it has id, score, label"):
        table.read(TableQuery(sort=[TableSort("lable")]))
    with pytest.raises(InvalidValue, match="holds numbers; 'many' is none"):
        table.read(TableQuery(filters=[TableFilter("id", ">", "many")]))


def test_a_file_that_is_no_table_says_so(tmp_path: Path):
    (tmp_path / "junk").write_bytes(b"PAR1" + bytes(1_000) + b"PAR1")
    with pytest.raises(FormatError, match="cannot be read"):
        LoggedTable(tmp_path / "junk", None).read(TableQuery())


def test_a_small_file_that_holds_much_is_read_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.tables._PAGE_MAX_BYTES", 2_000_000)
    path = tmp_path / "bomb.parquet"
    texts = "select 'n' || range as c0, repeat('x', 100000) as c1, list_resize([1.5::double], 50000, 1.5::double) as c2 from range(20)"
    duckdb.execute(f"copy ({texts}) to '{path}' (format parquet, compression zstd)")
    table = LoggedTable(path, None)

    assert path.stat().st_size < 1_000_000
    assert [len(cell) for cell in table.read(TableQuery(limit=1)).rows[0][1:]] == [65_536, 50_000]
    with pytest.raises(LimitExceeded, match="fewer at once"):
        table.read(TableQuery(limit=20))
    with pytest.raises(LimitExceeded, match="fewer at once"):
        table.vectors("c2", 20)


def test_columns_of_other_types_are_shown_as_text(tmp_path: Path):
    path = tmp_path / "odd.parquet"
    odd = "select [[range]] as c0, {'a': range} as c1, map([1], [2]) as c2, 'x'::blob as c3, 1::decimal(9,2) as c4"
    duckdb.execute(f"copy ({odd} from range(2)) to '{path}'")
    table = LoggedTable(path, None)

    assert table.read(TableQuery()).rows[1] == ["[[1]]", "{'a': 1}", "{1=2}", "x", "1.00"]
    with pytest.raises(InvalidValue, match="holds no vectors"):
        table.vectors("c0", 10)


def test_a_table_waits_its_turn_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch):
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr("treering.store.tables._AT_ONCE", turns)
    monkeypatch.setattr("treering.store.tables._TURN_S", 0.05)
    with turns, pytest.raises(LimitExceeded, match="try again"):
        LoggedTable(path, None).read(TableQuery())
    assert LoggedTable(path, None).read(TableQuery(limit=1)).total == 1_000


def test_a_table_reads_no_other_file(path: Path, tmp_path: Path):
    """Names of columns are all that is of a user in the text of a query; here they try to be more."""
    evil = [
        TableColumn(f"{name}\" from read_text('/etc/passwd') --", kind) for name, kind in zip(NAMES, KINDS, strict=True)
    ]
    table = LoggedTable(path, evil)

    assert table.read(TableQuery(limit=1, sort=[TableSort(evil[0].name)], columns=[evil[2].name])).rows == [["n0"]]


def test_types_that_contradict_the_file_are_not_believed(path: Path):
    wrong = [TableColumn(name, "number") for name in NAMES]
    page = LoggedTable(path, wrong).read(TableQuery(limit=1))

    assert [c.type for c in page.columns] == ["number", "number", "text", "text", "boolean", "vector:0", "text"]


def test_a_table_is_found_wherever_it_stands_in_what_was_logged(world: World, store: Store, path: Path):
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    value = {"sha256": sha256, "columns": NAMES, "types": KINDS}
    life = world.life()
    life.record(records.FILE, "media/t", sha256, len(content), {"purpose": "media"})
    life.log({"pr": {"_type": "plot", "preset": "pr_curve", "table": value}}, 3)
    store.blobs.put([content])
    store.ingest_now()

    assert store.table(life.run_key, sha256).read(TableQuery(limit=1, columns=["label"])).rows == [["n0"]]
    with pytest.raises(NotFound):
        store.table(life.run_key, "0" * 64)
    assert describe([{"a": [value]}], sha256) == [TableColumn(n, k) for n, k in zip(NAMES, KINDS, strict=True)]
    assert describe({"columns": NAMES}, sha256) is None
