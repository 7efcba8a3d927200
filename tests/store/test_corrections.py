"""Corrections: an overlay over what was logged, for everybody, that can be taken off again."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from store.world import World
from treering.errors import EditConflict, InvalidValue, LimitExceeded, NotFound
from treering.limits import CORRECTIONS_MAX
from treering.runlog import records
from treering.store import RunQuery, SeriesGroup, SeriesRequest, Sort, Store
from treering.store.correction_rules import parse_rule
from treering.store.corrections import Correction
from treering.store.model import BestOf, Column, Selection
from treering.store.processes import Where

PLACE = ("ada", "digits")


def correct(store: Store, kind: str, author: str = "ada", **fields: Any) -> Correction:
    rule = {"kind": kind, **{"from" if name == "from_" else name: value for name, value in fields.items()}}
    return store.correcting.create(*PLACE, parse_rule(rule), author).correction


def logged(world: World, run: str, rows: list[dict[str, Any]], **options: Any) -> str:
    life = world.life(run, **options)
    for step, row in enumerate(rows):
        life.log(row, step)
    life.end()
    return life.run_key


def line(store: Store, run: str, key: str, **more: Any) -> list[tuple[float, float]] | None:
    found = store.series(SeriesRequest(keys=[key], runs=[run], **more))
    return [(x, y) for x, y in zip(found[0].x.tolist(), found[0].y.tolist(), strict=True)] if found else None


def names(store: Store) -> list[str]:
    return [key.key for key in store.project(*PLACE).keys]


@pytest.fixture
def run(world: World, store: Store) -> str:
    key = logged(world, "r", [{"loss": 4.0 - n, "train_acc": 0.1 * n, "train_f1": 1.0} for n in range(4)])
    store.ingest_now()
    return key


# ── each kind ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_pattern_renames_what_it_matches_everywhere(store: Store, run: str):
    correct(store, "rename", from_="train_*", to="train/*")

    assert names(store) == ["loss", "train/acc", "train/f1"]
    assert line(store, run, "train/acc")[-1] == (3, pytest.approx(0.3))
    assert [key.key for key in store.run(run).keys] == ["loss", "train/acc", "train/f1"]
    assert store.run(run).summary["train/acc"] == pytest.approx(0.3)
    assert store.query_runs(RunQuery(*PLACE, filter="metric.train/acc > 0.2")).match == 1
    assert [c.key for batch in store.history(run) for c in batch.columns] == ["loss", "train/acc", "train/f1"]


def test_the_name_in_the_log_still_means_the_metric_until_another_one_is_called_so(store: Store, run: str):
    correct(store, "rename", from_="loss", to="nll")

    assert line(store, run, "loss") == line(store, run, "nll")
    assert store.query_runs(RunQuery(*PLACE, filter="metric.loss = 1")).match == 1
    found = store.series(SeriesRequest(keys=["loss", "nll"], runs=[run]))
    assert [one.key for one in found] == ["loss", "nll"]

    correct(store, "rename", from_="train_acc", to="loss")
    assert line(store, run, "loss")[0] == (0, 0.0)
    assert line(store, run, "nll")[0] == (0, 4.0)


def test_two_names_are_exchanged_by_one_correction(store: Store, run: str):
    correct(store, "rename", from_=["loss", "train_acc"], to=["train_acc", "loss"])

    assert line(store, run, "train_acc")[0] == (0, 4.0)
    assert line(store, run, "loss")[0] == (0, 0.0)
    assert store.run(run).summary["loss"] == pytest.approx(0.3)


def test_rescaled_values_and_aggregates_agree_and_a_negative_factor_turns_them_round(store: Store, run: str):
    correct(store, "rescale", key="loss", factor=-2.0, offset=1.0, unit="nats")

    assert [y for _, y in line(store, run, "loss")] == [-7.0, -5.0, -3.0, -1.0]
    stats = store.query_runs(RunQuery(*PLACE, metrics=["loss"])).runs[0].metrics["loss"]
    assert (stats.min, stats.max, stats.first, stats.last, stats.mean, stats.n) == (-7.0, -1.0, -7.0, -1.0, -4.0, 4)
    key = next(key for key in store.project(*PLACE).keys if key.key == "loss")
    assert (key.unit, key.logged_as) == ("nats", [])


def test_what_was_to_be_minimized_is_maximized_when_its_sign_changes(world: World, store: Store):
    life = world.life("r")
    life.record(records.DEFINE, {"name": "loss", "goal": "minimize", "summary": ["best"], "unit": "nats"})
    for step, value in enumerate([3.0, 1.0, 2.0]):
        life.log({"loss": value}, step)
    life.end()
    store.ingest_now()
    correct(store, "rescale", key="loss", factor=-1.0)
    correct(store, "rename", from_="loss", to="gain")

    key = store.project(*PLACE).keys[0]
    assert (key.key, key.goal, key.unit, key.logged_as) == ("gain", "maximize", "nats", ["loss"])
    assert store.run(life.run_key).summary["gain.best"] == -1.0


def test_integers_stay_integers_where_factor_and_offset_are_whole(world: World, store: Store):
    run = logged(world, "r", [{"n": 3, "m": 3}, {"n": 4, "m": 4}])
    store.ingest_now()
    correct(store, "rescale", key="n", factor=10.0)
    correct(store, "rescale", key="m", factor=0.5)

    columns = {c.key: c for batch in store.history(run) for c in batch.columns}
    assert (columns["n"].kind, columns["n"].values.tolist()) == ("int", [30, 40])
    assert (columns["m"].kind, columns["m"].values.tolist()) == ("float", [1.5, 2.0])
    assert store.run(run).summary == {"n": 40, "m": 2.0}


def test_the_exact_digits_of_a_large_integer_do_not_outlive_a_rescale_or_a_cut(world: World, store: Store):
    run = logged(world, "r", [{"n": 2**60 + 1}, {"n": 1}])
    store.ingest_now()
    correct(store, "cut", key="n", above=100.0)

    values = [c.values[c.present].tolist() for batch in store.history(run) for c in batch.columns]
    assert values == [[1]]
    assert store.run(run).summary == {"n": 1}


def test_nan_and_infinities_stay_such_and_meet_no_bound_they_do_not_meet(world: World, store: Store):
    run = logged(world, "r", [{"x": v} for v in (1.0, math.nan, math.inf, -math.inf, 5.0)])
    store.ingest_now()
    correct(store, "rescale", key="x", factor=-10.0)
    correct(store, "cut", key="x", below=-20.0)

    points = line(store, run, "x")
    assert [x for x, _ in points] == [0, 1, 3]
    assert points[0][1] == -10.0
    assert math.isnan(points[1][1])
    assert points[2][1] == math.inf
    stats = store.query_runs(RunQuery(*PLACE, metrics=["x"])).runs[0].metrics["x"]
    assert (stats.n, stats.min, stats.max, stats.mean) == (3, -10.0, -10.0, -10.0)
    assert stats.last == math.inf


def test_hidden_metrics_are_nowhere_but_in_what_was_logged(store: Store, run: str):
    correct(store, "hide", keys="train_*")

    assert names(store) == ["loss"]
    assert line(store, run, "train_acc") is None
    assert store.query_runs(RunQuery(*PLACE, filter="metric.train_acc is missing")).match == 1
    assert [c.by for c in store.comparing.columns(Selection(*PLACE)).columns if "train" in c.by] == []
    assert [c.key for batch in store.history(run, raw=True) for c in batch.columns] == ["loss", "train_acc", "train_f1"]


def test_a_merge_takes_each_step_of_the_first_that_has_it(world: World, store: Store):
    old = logged(world, "old", [{"val_acc": 0.5}, {"val_acc": 0.6}])
    new = logged(world, "new", [{"val/acc": 0.7}])
    both = logged(world, "both", [{"val_acc": 1.0, "val/acc": 2.0}, {"val/acc": 3.0}, {"val_acc": 4.0}])
    store.ingest_now()
    correct(store, "merge", from_=["val/acc", "val_acc"], into="val/acc")

    assert line(store, old, "val/acc") == [(0, 0.5), (1, 0.6)]
    assert line(store, new, "val/acc") == [(0, 0.7)]
    assert line(store, both, "val/acc") == [(0, 2.0), (1, 3.0), (2, 4.0)]
    assert store.run(both).keys[0].n == 3
    assert store.project(*PLACE).keys[0].runs == 3
    ranked = store.query_runs(RunQuery(*PLACE, sort=[Sort("metric:val/acc", "max", True)])).runs
    assert [row.run_id for row in ranked] == ["both", "new", "old"]


def test_a_point_that_a_later_life_replaced_does_not_count_in_a_merge(world: World, store: Store):
    life = world.life("r")
    for step in range(4):
        life.log({"a": 1.0}, step)
    life.end("killed")
    again = world.life("r", from_step=2)
    for step in range(2, 5):
        again.log({"b": 2.0}, step)
    again.end()
    store.ingest_now()
    correct(store, "merge", from_=["a", "b"], into="c")

    assert line(store, life.run_key, "c") == [(0, 1.0), (1, 1.0), (2, 2.0), (3, 2.0), (4, 2.0)]


def test_a_cut_by_steps_values_times_and_runs_means_points_that_meet_all_of_it(world: World, store: Store):
    first = logged(world, "first", [{"x": float(n)} for n in range(10)])
    second = logged(world, "second", [{"x": float(n)} for n in range(10)])
    store.ingest_now()
    start = store.run(first).created_at
    correct(store, "cut", key="x", steps=[2, 6], above=4.0, runs=[first])

    assert [x for x, _ in line(store, first, "x")] == [0, 1, 2, 3, 4, 7, 8, 9]
    assert len(line(store, second, "x")) == 10
    correct(store, "cut", key="x", times=[start + 9, None], runs=[first])
    assert [x for x, _ in line(store, first, "x")] == [0, 1, 2, 3, 4, 7]
    assert store.run(first).keys[0].last_step == 7


def test_garbage_far_beyond_the_run_leaves_no_empty_chart_when_it_is_cut(world: World, store: Store):
    life = world.life("r")
    for step in range(3_000):
        life.log({"x": float(step)}, step)
    life.log({"x": 0.0}, 10**12)
    life.end()
    store.ingest_now()
    store.metrics.flush()
    correct(store, "cut", key="x", steps=[10**6, None])

    found = store.series(SeriesRequest(keys=["x"], runs=[life.run_key], buckets=200))[0]
    assert found.n > 90
    assert found.last_x == 2999
    assert int(found.count.sum()) == 3_000


def test_a_run_whose_points_are_all_cut_has_the_metric_no_more(world: World, store: Store):
    run = logged(world, "r", [{"x": 1.0, "y": 1.0}])
    store.ingest_now()
    correct(store, "cut", key="x", steps=[0, None])

    assert [key.key for key in store.run(run).keys] == ["y"]
    assert store.query_runs(RunQuery(*PLACE, filter="metric.x is missing")).match == 1


def test_corrections_act_on_what_those_before_them_show(store: Store, run: str):
    correct(store, "rename", from_="loss", to="nll")
    correct(store, "rescale", key="nll", factor=2.0)
    correct(store, "cut", key="nll", above=7.0)
    correct(store, "rescale", key="nll", offset=100.0)

    assert [y for _, y in line(store, run, "nll")] == [106.0, 104.0, 102.0]


# ── all that reads ───────────────────────────────────────────────────────────────────────────────────────────────
def test_expressions_axes_groups_and_columns_at_steps_use_corrected_names_and_values(world: World, store: Store):
    runs = [logged(world, f"r{n}", [{"a": float(i + n), "b": float(i)} for i in range(5)]) for n in range(3)]
    store.ingest_now()
    correct(store, "rename", from_="a", to="alpha")
    correct(store, "rescale", key="alpha", factor=10.0)

    assert [y for _, y in line(store, runs[1], "=alpha - b")] == [10.0, 19.0, 28.0, 37.0, 46.0]
    assert [x for x, _ in line(store, runs[0], "b", x="metric:alpha")] == [0.0, 10.0, 20.0, 30.0, 40.0]
    band = store.series(SeriesRequest(keys=["alpha"], groups=[SeriesGroup("g", runs)]))[0]
    assert band.y.tolist() == [10.0, 20.0, 30.0, 40.0, 50.0]
    columns = [Column("metric:alpha", "at", 2), Column("metric:b", "when", of=BestOf("alpha", "max"))]
    page = store.query_runs(RunQuery(*PLACE, columns=columns, group=["state"], metrics=["alpha"]))
    assert [row.values for row in page.runs] == [[40.0, 4.0], [30.0, 4.0], [20.0, 4.0]]
    assert page.groups[0].metrics["alpha"].mean == 50.0
    matrix = store.comparing.matrix(Selection(*PLACE), [Column("metric:alpha", "max")], 10)
    assert matrix.columns[0].values == [60.0, 50.0, 40.0]


def test_text_and_media_follow_renames_merges_and_cuts_by_step(world: World, store: Store):
    run = logged(world, "r", [{"note": f"a{n}"} if n < 2 else {"notes": f"b{n}"} for n in range(4)])
    store.ingest_now()
    correct(store, "merge", from_=["note", "notes"], into="remarks")
    correct(store, "cut", key="remarks", steps=[1, 1])

    found = store.media_in([run], ["remarks"], 0, 10, 10)
    assert [(item.step, item.value) for item in found] == [(0, "a0"), (2, "b2"), (3, "b3")]
    assert store.run(run).summary == {"remarks": "b3"}


def test_a_live_run_grows_under_its_corrections(world: World, store: Store):
    life = world.life("r")
    life.log({"x": 1.0}, 0)
    store.ingest_now()
    correct(store, "cut", key="x", above=10.0)
    correct(store, "rename", from_="new", to="x2")
    query = RunQuery(*PLACE, metrics=["x", "x2"])
    for step, value in enumerate([50.0, 3.0, 99.0], 1):
        life.log({"x": value, "new": value}, step)
        store.ingest_now()
        stats = store.query_runs(query).runs[0].metrics
        assert stats["x"].max == (1.0 if step == 1 else 3.0)
        assert stats["x2"].n == step
    life.end()


def test_an_export_says_which_columns_are_corrected_where_the_format_has_room(store: Store, run: str, tmp_path: Path):
    correct(store, "rescale", key="loss", factor=100.0, unit="%", author="max")
    query = RunQuery(*PLACE, columns=[Column("metric:loss"), Column("metric:train_acc")])

    def export(file_format: Any) -> bytes:
        return b"".join(store.comparing.export(query, file_format))

    said = "loss: ×100 %, by max, 2023-11-14"
    assert said not in export("csv").decode()
    assert f'"corrections":["{said}"]' in export("json").decode()
    assert export("latex").decode().startswith(f"% {said}\n")
    assert export("markdown").decode().startswith("<!-- loss: ×100 %, by max, 2023‐11‐14 -->\n")
    (tmp_path / "runs.parquet").write_bytes(export("parquet"))
    with duckdb.connect() as connection:
        rows = connection.execute(f"select value from parquet_kv_metadata('{tmp_path / 'runs.parquet'}')").fetchall()
        assert connection.execute(f"select loss from '{tmp_path / 'runs.parquet'}'").fetchall() == [(100.0,)]
    assert said.encode() in [row[0] for row in rows]


# ── how they are kept ────────────────────────────────────────────────────────────────────────────────────────────
def test_turned_off_or_deleted_everything_is_exactly_as_it_was(store: Store, run: str):
    query = RunQuery(*PLACE, metrics=["loss", "train_acc"], sort=[Sort("metric:loss")])
    before = store.run(run), store.query_runs(query).runs, line(store, run, "loss"), names(store)
    one = correct(store, "rescale", key="loss", factor=3.0)
    two = correct(store, "cut", key="train_*", below=0.15)
    assert store.query_runs(query).runs != before[1]
    store.correcting.change(one.id, "ada", one.version, enabled=False)
    store.correcting.delete(two.id, "ada")

    assert (store.run(run), store.query_runs(query).runs, line(store, run, "loss"), names(store)) == before


def test_corrections_are_there_again_after_the_index_is_gone(world: World, run: str, store: Store):
    made = correct(store, "cut", key="loss", above=3.5)
    store.correcting.change(made.id, "max", 1, note="a broken sensor")
    store.close()
    shutil.rmtree(world.folder / "index")

    with Store.open(world.folder, clock_ns=world.now) as again:
        again.ingest_now()
        one = again.correcting.of_project(*PLACE)[0]
        assert (one.correction.note, one.correction.created_by, one.correction.changed_by) == (
            "a broken sensor",
            "ada",
            "max",
        )
        assert again.run(run).keys[0].n == 3
        again.rebuild()
        assert again.run(run).keys[0].n == 3
        versions = again.correcting.versions(made.id)
        assert [(v.version, v.author, v.note) for v in versions] == [(2, "max", "a broken sensor"), (1, "ada", "")]


def test_a_change_to_an_older_version_is_refused(store: Store, run: str):
    made = correct(store, "rescale", key="loss", factor=2.0)
    store.correcting.change(made.id, "max", 1, rule=parse_rule({"kind": "rescale", "key": "loss", "factor": 3.0}))

    with pytest.raises(EditConflict, match="changed by max meanwhile"):
        store.correcting.change(made.id, "ada", 1, enabled=False)
    assert line(store, run, "loss")[0] == (0, 12.0)
    with pytest.raises(NotFound):
        store.correcting.find("nothing")


def test_two_metrics_do_not_come_under_one_name_unasked(store: Store, run: str):
    with pytest.raises(InvalidValue, match=r"both called 'loss' now.*merge them"):
        correct(store, "rename", from_="train_acc", to="loss")
    with pytest.raises(InvalidValue, match="'loss' is a metric too and not named in the list"):
        correct(store, "merge", from_=["train_acc", "train_f1"], into="loss")
    free = correct(store, "rename", from_="loss", to="nll")
    correct(store, "rename", from_="train_acc", to="loss")
    with pytest.raises(InvalidValue, match="both called 'loss'"):
        store.correcting.delete(free.id, "ada")


def test_a_key_that_is_logged_later_under_a_given_name_comes_first_and_is_reported(
    world: World, store: Store, run: str
):
    correct(store, "rename", from_="loss", to="nll")
    later = logged(world, "later", [{"nll": 7.0}])
    both = logged(world, "both", [{"nll": 8.0, "loss": 9.0}])
    store.ingest_now()

    assert line(store, run, "nll")[0] == (0, 4.0)
    assert line(store, later, "nll") == [(0, 7.0)]
    assert line(store, both, "nll") == [(0, 8.0)]
    assert "both called 'nll'" in store.correcting.of_project(*PLACE)[0].conflicts[0]


def test_who_looks_at_the_project_is_told_to_read_it_again(store: Store, run: str):
    seq = store.seq
    heard: list[int] = []
    store.subscribe(heard.append)
    correct(store, "hide", keys="loss")

    assert store.changes(*PLACE, seq).reset
    assert not store.changes("ada", "other", seq).reset
    assert not store.changes(*PLACE, store.seq).reset
    assert heard == [store.seq]


def test_a_preview_counts_and_draws_without_saving(world: World, store: Store, run: str):
    rule = parse_rule({"kind": "cut", "key": "loss", "above": 2.5})
    preview = store.correcting.preview(*PLACE, rule)

    assert (preview.text, preview.runs, preview.points) == ("cut values > 2.5", 1, 2)
    assert preview.keys[0].lines_before[0].n == 4
    assert preview.keys[0].lines_after[0].n == 2
    assert store.correcting.of_project(*PLACE) == []
    assert len(line(store, run, "loss")) == 4
    clash = store.correcting.preview(*PLACE, parse_rule({"kind": "rename", "from": "loss", "to": "train_f1"}))
    assert "both called 'train_f1'" in clash.conflicts[0]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"kind": "rename", "from": "a*b*", "to": "c*"}, "one \\* at most"),
        ({"kind": "rename", "from": "a_*", "to": "b"}, "merge them"),
        ({"kind": "rename", "from": ["a", "b"], "to": ["c"]}, "each needs its new name"),
        ({"kind": "rename", "from": "a", "to": "a"}, "both 'a'"),
        ({"kind": "merge", "from": ["a"], "into": "b"}, "rename it"),
        ({"kind": "rescale", "key": "a", "factor": 0.0}, "factor is a number"),
        ({"kind": "rescale", "key": "a", "factor": math.nan}, "factor is a number"),
        ({"kind": "rescale", "key": "a"}, "change nothing"),
        ({"kind": "cut", "key": "a"}, "a cut needs"),
        ({"kind": "cut", "key": "a", "steps": [5, 2]}, "5 is above 2"),
        ({"kind": "cut", "key": "a", "steps": [None, None]}, r"steps is \[low, high\]"),
        ({"kind": "cut", "key": "a", "steps": [0, 1], "runs": ["nobody"]}, "run keys"),
        ({"kind": "cut", "key": "a", "below": math.inf}, "finite"),
        ({"kind": "smooth", "key": "a"}, "this is no correction"),
        ({"kind": "hide", "keys": "a", "why": 1}, "this is no correction.*why"),
    ],
)
def test_what_is_no_correction_is_refused_with_the_reason(rule: dict[str, Any], text: str):
    with pytest.raises(InvalidValue, match=text):
        parse_rule(rule)


def test_a_project_keeps_so_many_and_no_more(store: Store, run: str):
    for n in range(CORRECTIONS_MAX):
        store.corrections.create(*PLACE, parse_rule({"kind": "hide", "keys": f"k{n}"}), "ada")

    with pytest.raises(LimitExceeded, match="Delete some first"):
        correct(store, "hide", keys="one more")
    assert np.isfinite(line(store, run, "loss")[0][1])


# ── both databases ───────────────────────────────────────────────────────────────────────────────────────────────
def test_the_table_is_right_on_either_database(world: World, metadata_url: str):
    for n in range(4):
        rows = [{"a" if n < 2 else "b": float(i + n), "c": float(i)} for i in range(6)]
        logged(world, f"r{n}", [{**row, "b": 50.0} if n == 1 else row for row in rows])
    with Store.open(world.folder, metadata_url=metadata_url, clock_ns=world.now) as store:
        store.ingest_now()
        correct(store, "merge", from_=["a", "b"], into="m")
        correct(store, "rescale", key="m", factor=-2.0, offset=0.5)
        correct(store, "cut", key="c", below=2.0)
        page = store.query_runs(RunQuery(*PLACE, metrics=["m", "c"], sort=[Sort("metric:m", "min")], group=["state"]))
        found = [(row.run_id, row.metrics["m"].min, row.metrics["m"].mean, row.metrics["c"].n) for row in page.runs]
        assert found == [("r3", -15.5, -10.5, 4), ("r2", -13.5, -8.5, 4), ("r1", -11.5, -6.5, 4), ("r0", -9.5, -4.5, 4)]
        assert store.query_runs(RunQuery(*PLACE, filter="metric.m.max > -3 and metric.c.first = 2")).match == 2
        assert store.query_runs(RunQuery(*PLACE, filter="not metric.m is missing")).match == 4
        for one in store.correcting.of_project(*PLACE):
            store.correcting.change(one.correction.id, "ada", 1, enabled=False)
        assert store.query_runs(RunQuery(*PLACE, filter="metric.m is missing and metric.c.first = 0")).match == 4


# ── several writers ──────────────────────────────────────────────────────────────────────────────────────────────
def test_ranks_stand_aside_where_the_main_writer_logs_any_of_the_merged_metrics(world: World, store: Store):
    main, rank = world.life("r"), world.life("r", writer="rank1")
    for step in range(3):
        main.log({"a": 1.0}, step)
        rank.log({"b": 9.0}, step)
    for life in (rank, main):
        life.end()
    store.ingest_now()
    correct(store, "merge", from_=["b", "a"], into="c")

    assert line(store, main.run_key, "c") == [(0, 1.0), (1, 1.0), (2, 1.0)]
    stats = store.query_runs(RunQuery(*PLACE, metrics=["c"])).runs[0].metrics["c"]
    assert (stats.n, stats.max, stats.last) == (3, 1.0, 1.0)


def test_a_fork_shows_what_it_inherits_corrected(world: World, store: Store):
    parent = logged(world, "parent", [{"x": float(n)} for n in range(6)])
    child = world.life("child")
    body = {"parent_key": parent, "parent_id": "parent", "step": 3, "until_ns": world.now_ns}
    child.record(records.FORK, body)
    for step in range(4, 8):
        child.log({"x": 100.0 + step}, step)
    child.end()
    store.ingest_now()
    before = line(store, child.run_key, "x")
    assert [x for x, _ in before] == list(range(8))
    correct(store, "rescale", key="x", factor=2.0)
    correct(store, "cut", key="x", steps=[2, 2])

    stats = store.query_runs(RunQuery(*PLACE, metrics=["x"], filter='id = "child"')).runs[0].metrics["x"]
    assert (stats.n, stats.min, stats.max, stats.last_step) == (7, 0.0, 214.0, 7)
    assert line(store, child.run_key, "x") == [(x, 2 * y) for x, y in before if x != 2]


def test_the_processes_of_a_job_have_the_metrics_that_corrections_show(world: World, store: Store):
    lives = [world.life("r"), world.life("r", writer="rank1")]
    for step in range(30):
        for number, life in enumerate(lives):
            life.log({"old/loss": float(step), "secret": 1.0, f"acc_{number}": 0.5}, step)
    for life in lives:
        life.end()
    store.ingest_now()
    correct(store, "rename", **{"from": "old/loss", "to": "loss"})
    correct(store, "hide", keys=["secret"])
    correct(store, "merge", **{"from": ["acc_0", "acc_1"], "into": "acc"})

    found = store.distributed.processes(Where(run=lives[0].run_key))

    assert [(key.key, key.processes) for key in found.keys] == [("acc", 2), ("loss", 2)]
    assert [process.points for process in found.processes] == [60, 60]
