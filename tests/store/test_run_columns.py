"""Columns of runs: what they are, in a matrix, in the table, in groups and in orders."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store.world import World
from treering.errors import InvalidValue, LimitExceeded
from treering.runlog import records
from treering.store import RunQuery, Sort, Store
from treering.store.model import BestOf, Column, Selection

EVERYTHING = Selection("ada", "digits")


def column_values(store: Store, *columns: Column, **selection: Any) -> list[list[Any]]:
    """The columns of a matrix, the oldest run first."""
    matrix = store.comparing.matrix(Selection("ada", "digits", **selection), columns, 100_000)
    return [list(reversed(column.values)) for column in matrix.columns]


@pytest.fixture
def wood(world: World, metadata_url: str, tmp_path: Path) -> Any:
    """A store of five runs that differ in everything."""
    configs: list[dict[str, Any]] = [
        {"lr": 0.1, "model": {"name": "vit", "depth": 12}, "seed": 1},
        {"lr": 0.1, "model": {"name": "vit", "depth": 12}, "seed": 2},
        {"lr": 1, "model": {"name": "cnn"}, "flag": True, "layers": [1, 2]},
        {"lr": math.nan, "model": {"name": "cnn"}, "flag": False, "note": None},
        {},
    ]
    for number, config in enumerate(configs):
        life = world.life(
            f"r{number}", meta={"name": f"run {number}", "tags": ["a", "b"][: number % 3], "program": "p"}
        )
        life.config(config)
        life.record(records.SUMMARY, {"top1": 90 + number})
        life.record(records.FACTS, {"git": {"commit": f"c{number // 2}"}, "hardware": {"gpus": [{"name": "H100"}] * 2}})
        if number < 4:
            for step in range(10):
                life.log(
                    {"loss": 10.0 - step + number, "epoch": step // 2, "acc": float(abs(step - 6 - number % 2))}, step
                )
        if number == 3:
            life.log({"loss": math.nan, "text": "done"}, 10)
        life.end("finished" if number % 2 else "failed")
    with Store.open(world.folder, metadata_url=metadata_url, index_dir=tmp_path / "index") as store:
        store.ingest_now()
        yield store


def test_a_matrix_has_columns_of_every_space_and_tells_missing_from_nan(wood: Store):
    matrix = wood.comparing.matrix(
        EVERYTHING,
        [
            Column("config.lr"),
            Column("config.model.name"),
            Column("config.flag"),
            Column("config.layers"),
            Column("summary.top1"),
            Column("metric:loss"),
            Column("metric:loss", "min"),
            Column("metric:loss", "mean"),
            Column("metric:epoch"),
            Column("metric:loss", "n"),
            Column("metric:text"),
            Column("state"),
            Column("created_at"),
            Column("tags"),
            Column("meta.git.commit"),
            Column("meta.gpu"),
            Column("meta.host"),
            Column("meta.program"),
            Column("metric:never"),
        ],
        100,
    )
    found = {(c.by, c.agg): (c.kind, list(reversed(c.values))) for c in matrix.columns}

    assert [name[-1] for name in matrix.names] == ["4", "3", "2", "1", "0"]
    assert (matrix.match, matrix.cut, matrix.numbers) == (5, False, [5, 4, 3, 2, 1])
    kind, lr = found["config.lr", "last"]
    assert (kind, lr[:3], lr[4]) == ("number", [0.1, 0.1, 1], None)
    assert type(lr[2]) is int
    assert math.isnan(lr[3])
    assert found["config.model.name", "last"] == ("category", ["vit", "vit", "cnn", "cnn", None])
    assert found["config.flag", "last"] == ("category", [None, None, True, False, None])
    assert found["config.layers", "last"] == ("category", [None, None, "[1,2]", None, None])
    assert found["summary.top1", "last"] == ("number", [90, 91, 92, 93, 94])
    losses = found["metric:loss", "last"][1]
    assert losses[:3] == [1.0, 2.0, 3.0]
    assert math.isnan(losses[3])
    assert losses[4] is None
    assert found["metric:loss", "min"][1] == [1.0, 2.0, 3.0, 4.0, None]
    assert found["metric:loss", "mean"][1] == [5.5, 6.5, 7.5, 8.5, None]
    assert found["metric:epoch", "last"][1] == [4, 4, 4, 4, None]
    assert found["metric:loss", "n"][1] == [10, 10, 10, 11, None]
    assert found["metric:text", "last"] == ("category", [None, None, None, "done", None])
    assert found["state", "last"][1] == ["failed", "finished", "failed", "finished", "failed"]
    assert found["created_at", "last"][0] == "time"
    assert found["tags", "last"] == ("category", [None, '["a"]', '["a","b"]', None, '["a"]'])
    assert found["meta.git.commit", "last"][1] == ["c0", "c0", "c1", "c1", "c2"]
    assert found["meta.gpu", "last"][1] == ["2 × H100"] * 5
    assert found["meta.host", "last"][1] == ["elsewhere"] * 5
    assert found["meta.program", "last"][1] == ["p"] * 5
    assert found["metric:never", "last"] == ("number", [None] * 5)


def test_a_matrix_is_of_the_runs_that_are_meant_and_says_when_it_is_cut(wood: Store):
    keys = wood.comparing.matrix(EVERYTHING, [], 100).runs
    cut = wood.comparing.matrix(EVERYTHING, [Column("name")], 2)
    narrowed = Selection("ada", "digits", filter="config.lr = 0.1", runs=[keys[0], keys[4], "a" * 26])

    assert (cut.runs, cut.match, cut.cut) == (keys[:2], 5, True)
    assert wood.comparing.matrix(narrowed, [], 100).runs == [keys[4]]
    assert wood.comparing.matrix(Selection("ada", "digits", runs=[]), [Column("config.lr")], 9).columns[0].values == []


def test_runs_of_another_project_are_never_meant(world: World, store: Store):
    own, other = world.life("own"), world.life("other", project="secret")
    for life in (own, other):
        life.log({"loss": 1.0}, 0)
        life.end()
    store.ingest_now()
    both = Selection("ada", "digits", runs=[own.run_key, other.run_key])

    assert store.comparing.matrix(both, [Column("metric:loss", "at", step=0)], 9).runs == [own.run_key]
    assert store.comparing.seeds(both, Column("metric:loss")).match == 1
    assert [column.runs for column in store.comparing.columns(both).columns if column.by == "name"] == [1]


def test_values_at_a_step_and_where_another_metric_is_best(wood: Store):
    at, late, when, never = column_values(
        wood,
        Column("metric:loss", "at", step=3),
        Column("metric:loss", "at", step=99),
        Column("metric:loss", "when", of=BestOf("acc", "min")),
        Column("metric:loss", "at", step=-1),
    )

    assert at == [7.0, 8.0, 9.0, 10.0, None]
    assert late[:3] == [1.0, 2.0, 3.0]
    assert math.isnan(late[3])
    assert when == [4.0, 4.0, 6.0, 6.0, None]  # acc is 0 at step 6 of even runs, at 7 of odd ones
    assert never == [None] * 5
    (epoch,) = column_values(wood, Column("metric:epoch", "at", step=7))
    assert epoch == [3, 3, 3, 3, None]


def test_a_step_that_was_logged_again_has_the_value_that_a_chart_draws(world: World, store: Store):
    first = world.life("r")
    for step in range(6):
        first.log({"loss": float(step), "acc": -float(step)}, step)
    second = world.life("r", from_step=3)
    second.log({"loss": 30.0, "acc": 5.0}, 3)
    second.end()
    store.ingest_now()
    at, hidden, when, equal = column_values(
        store,
        Column("metric:loss", "at", step=3),
        Column("metric:loss", "at", step=5),
        Column("metric:loss", "when", of=BestOf("acc", "max")),
        Column("metric:loss", "when", of=BestOf("acc", "min")),
    )

    assert (at, hidden, when, equal) == ([30.0], [30.0], [30.0], [2.0])


def test_values_at_a_step_are_right_for_many_runs_of_any_cadence(world: World, store: Store):
    rng = random.Random(3)
    expected_at, expected_when = [], []
    for number in range(30):
        life = world.life(f"r{number}")
        rows: dict[int, dict[str, float]] = {}
        for step in range(rng.randrange(40)):
            row = {key: rng.choice([math.nan, rng.random()]) for key in ("x", "y") if rng.random() < 0.6}
            if row:
                rows[step] = row
                life.log(row, step)
        life.end()
        xs = {step: row["x"] for step, row in rows.items() if "x" in row}
        ys = {step: row["y"] for step, row in rows.items() if "y" in row and math.isfinite(row["y"])}
        expected_at.append(next((xs[s] for s in sorted(xs, reverse=True) if s <= 15), None))
        best = min(ys, key=lambda step: (-ys[step], step), default=-1)
        expected_when.append(next((xs[s] for s in sorted(xs, reverse=True) if s <= best), None))
    store.ingest_now()
    at, when = column_values(
        store, Column("metric:x", "at", step=15), Column("metric:x", "when", of=BestOf("y", "max"))
    )

    for found, expected in ((at, expected_at), (when, expected_when)):
        assert [None if v is None else repr(v) for v in found] == [None if v is None else repr(v) for v in expected]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (Column("password"), "there is no column"),
        (Column("config."), "there is no column"),
        (Column("metric:loss", "median"), "agg must be one of"),
        (Column("metric:loss", "at"), "needs a step"),
        (Column("metric:loss", "when"), "needs `of`"),
        (Column("metric:loss", "when", of=BestOf("acc", "mean")), "needs `of`"),
    ],
)
def test_a_column_that_cannot_be_is_refused(wood: Store, column: Column, message: str):
    with pytest.raises(InvalidValue, match=message):
        wood.comparing.matrix(EVERYTHING, [column], 10)
    with pytest.raises(InvalidValue):
        wood.query_runs(RunQuery("ada", "digits", columns=[column]))


def test_what_reads_too_much_is_refused_with_the_number(wood: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.run_columns.COLUMN_READ_MAX_RUNS", 4)
    monkeypatch.setattr("treering.store.run_columns.COLUMN_DOCUMENTS_MAX_RUNS", 4)
    at = Sort("metric:loss", agg="at", step=3)

    with pytest.raises(InvalidValue, match="5 runs match; at most 4"):
        wood.query_runs(RunQuery("ada", "digits", sort=[at]))
    with pytest.raises(InvalidValue, match="at most 4"):
        column_values(wood, Column("meta.git.commit"))
    assert len(wood.query_runs(RunQuery("ada", "digits", sort=[at], filter="number < 5")).runs) == 4
    monkeypatch.setattr("treering.store.column_points.COLUMN_READ_MAX_POINTS", 10)
    with pytest.raises(LimitExceeded, match="points of"):
        column_values(wood, Column("metric:loss", "at", step=3), filter="number < 5")


def test_more_values_than_are_held_at_once_are_refused(wood: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("treering.store.run_columns.COLUMN_MAX_VALUES", 9)
    monkeypatch.setattr("treering.store.run_groups.CONFIG_MAX_VALUES", 9)
    columns = [Column("name"), Column("state")]

    with pytest.raises(LimitExceeded, match="2 columns of 5 runs are more than 9 values"):
        wood.comparing.matrix(EVERYTHING, columns, 10)
    with pytest.raises(LimitExceeded, match="9 values together"):
        wood.query_runs(RunQuery("ada", "digits", group=['except:["seed"]']))
    assert len(wood.comparing.matrix(EVERYTHING, columns, 4).runs) == 4


def test_of_runs_with_very_many_values_fewer_are_looked_at_and_columns_still_listed(
    wood: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("treering.store.matrix.CONFIG_MAX_VALUES", 9)
    monkeypatch.setattr("treering.store.matrix._LOOKED_AT_TOGETHER", 1)
    few = wood.comparing.columns(EVERYTHING)
    newest = wood.comparing.matrix(EVERYTHING, [], few.looked_at).runs

    assert few.match == 5
    assert 0 < few.looked_at < 5
    monkeypatch.undo()
    assert few.columns == wood.comparing.columns(Selection("ada", "digits", runs=newest)).columns


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_rows_have_the_values_of_the_columns(wood: Store):
    query = RunQuery(
        "ada", "digits", columns=[Column("tags"), Column("metric:loss", "max"), Column("config.lr")],
        sort=[Sort("number")], offset=1, limit=2,
    )  # fmt: skip

    assert [row.values for row in wood.query_runs(query).runs] == [[["a"], 11.0, 0.1], [["a", "b"], 12.0, 1]]
    assert wood.query_runs(RunQuery("ada", "digits")).runs[0].values == []


@pytest.mark.parametrize("desc", [False, True])
@pytest.mark.parametrize(
    ("sort", "values"),
    [
        (Sort("metric:acc", agg="at", step=7), [1.0, 0.0, 1.0, 0.0, None]),
        (Sort("metric:loss", agg="when", of=BestOf("acc", "min")), [4.0, 4.0, 6.0, 6.0, None]),
        (Sort("meta.git.commit"), ["c0", "c0", "c1", "c1", "c2"]),
        (Sort("metric:loss", agg="last_step"), [9, 9, 9, 10, None]),
        (Sort("tags"), [None, ["a"], ["a", "b"], None, ["a"]]),
    ],
)
def test_runs_are_sorted_by_any_column(wood: Store, sort: Sort, values: list[Any], desc: bool):
    sort = Sort(sort.by, sort.agg, desc, sort.step, sort.of)
    column = sort.column
    found = [row.values[0] for row in wood.query_runs(RunQuery("ada", "digits", sort=[sort], columns=[column])).runs]
    there = sorted((v for v in values if v is not None), key=str, reverse=desc)
    if column.agg == "last_step":
        there = sorted((v for v in values if v is not None), reverse=desc)

    assert found == there + [v for v in values if v is None]


def test_pages_of_an_order_in_memory_cut_one_order(wood: Store):
    sort = [Sort("metric:acc", agg="at", step=7, desc=True), Sort("number")]
    whole = [row.number for row in wood.query_runs(RunQuery("ada", "digits", sort=sort)).runs]
    pages = [
        row.number
        for offset in (0, 2, 4)
        for row in wood.query_runs(RunQuery("ada", "digits", sort=sort, offset=offset, limit=2)).runs
    ]

    assert whole == pages == [1, 3, 2, 4, 5]


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_groups_say_what_their_columns_are_like(wood: Store):
    columns = [Column("metric:loss", "min"), Column("config.model.depth"), Column("state"), Column("config.never")]
    page = wood.query_runs(RunQuery("ada", "digits", group=["config.model.name"], columns=columns, limit=0))
    vit = next(group for group in page.groups or [] if group.path[0].value == "vit")
    loss, depth, state, never = vit.columns

    assert (loss.mean, loss.min, loss.max, loss.n, loss.distinct, loss.common) == (1.5, 1.0, 2.0, 2, 2, None)
    assert loss.std == pytest.approx(np.std([1, 2], ddof=1))
    assert (depth.common, depth.distinct, depth.std) == (12, 1, 0.0)
    assert (state.common, state.distinct, state.n, state.mean) == (None, 2, 0, None)
    assert (never.common, never.distinct, never.n) == (None, 0, 0)


def test_runs_are_grouped_by_what_was_recorded_of_them_and_by_tags(wood: Store):
    def ask(by: str) -> list[tuple[Any, int]]:
        return [(g.path[0].value, g.count) for g in wood.query_runs(RunQuery("ada", "digits", group=[by])).groups or []]

    assert ask("meta.git.commit") == [("c2", 1), ("c1", 2), ("c0", 2)]
    assert ask("tags") == [(["a"], 2), (None, 2), (["a", "b"], 1)]


def test_all_of_the_configuration_but_some_keys_makes_groups(wood: Store):
    page = wood.query_runs(RunQuery("ada", "digits", group=['except:["seed"]'], filter="number <= 2 or number = 5"))
    apart = wood.query_runs(RunQuery("ada", "digits", group=["except:[]"], filter="number <= 2"))
    values = [(group.count, group.path[0].value) for group in page.groups or []]

    assert values == [(1, {}), (2, {"lr": 0.1, "model.depth": 12, "model.name": "vit"})]
    assert [group.path[0].value for group in apart.groups or []] == [{"seed": 2}, {"seed": 1}]
    for wrong in ("except:seed", "except:[1]", "except:"):
        with pytest.raises(InvalidValue, match="JSON list"):
            wood.query_runs(RunQuery("ada", "digits", group=[wrong]))


def test_nested_groups_come_behind_those_that_they_lie_in(wood: Store):
    query = RunQuery(
        "ada",
        "digits",
        group=["config.model.name", "state"],
        nested=True,
        columns=[Column("metric:loss", "min")],
        limit=0,
    )
    paths = [
        (tuple(part.value for part in group.path), group.count, group.columns[0].mean)
        for group in wood.query_runs(query).groups or []
    ]

    assert paths == [
        ((None,), 1, None),
        ((None, "failed"), 1, None),
        (("cnn",), 2, 3.5),
        (("cnn", "finished"), 1, 4.0),
        (("cnn", "failed"), 1, 3.0),
        (("vit",), 2, 1.5),
        (("vit", "finished"), 1, 2.0),
        (("vit", "failed"), 1, 1.0),
    ]


# ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────
def test_columns_are_listed_by_how_much_they_vary(wood: Store):
    listed = wood.comparing.columns(EVERYTHING)
    info = {(column.by, column.agg): column for column in listed.columns}
    spreads = [column.spread for column in listed.columns]

    assert (listed.match, listed.looked_at) == (5, 5)
    assert spreads == sorted(spreads, reverse=True)
    assert info["name", "last"].spread == 1.0
    lr = info["config.lr", "last"]
    assert (lr.kind, lr.runs, lr.missing, lr.distinct, lr.min, lr.max) == ("number", 4, 1, 3, 0.1, 1)
    assert lr.spread == pytest.approx(1 - 2 / 20)  # two of five are equal: one pair of ten
    assert info["meta.gpu", "last"].spread == 0.0
    assert info["config.flag", "last"].kind == "category"
    assert info["metric:loss", "last"].runs == 4
    assert info["created_at", "last"].kind == "time"
    assert ("notes", "last") not in info
    pairs = [(a, b) for a in range(5) for b in range(5) if a != b]
    commits = ["c0", "c0", "c1", "c1", "c2"]
    assert info["meta.git.commit", "last"].spread == pytest.approx(
        sum(commits[a] != commits[b] for a, b in pairs) / len(pairs)
    )


def test_a_project_without_runs_and_a_filter_that_finds_none_have_no_columns(wood: Store):
    assert wood.comparing.columns(Selection("ada", "digits", filter="number > 9")).columns == []
    assert wood.comparing.matrix(Selection("ada", "digits", filter="number > 9"), [Column("name")], 9).match == 0
