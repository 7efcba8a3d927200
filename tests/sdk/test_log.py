"""``log()``: steps, attempts, merging, threads, and values that are strange."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import numpy as np
import pytest

import treering as tr
from sdk.conftest import Folder
from treering.errors import InvalidValue
from treering.runlog import records
from treering.sdk.redact import redact_text


@pytest.fixture
def run() -> Any:
    return tr.init(project="digits", settings={"silent": True})


def test_steps_count_from_zero(run: Any, folder: Folder) -> None:
    for i in range(3):
        run.log({"loss": i})

    assert folder.rows() == [(0, {"loss": 0}), (1, {"loss": 1}), (2, {"loss": 2})]


def test_an_explicit_step_is_absolute_and_lower_ones_are_stored_too(run: Any, folder: Folder) -> None:
    for step in [*range(10), *range(5, 13)]:
        run.log({"loss": step}, step=step)
    run.log({"loss": 99})

    assert [step for step, _ in folder.rows()] == [*range(10), *range(5, 13), 13]


def test_commit_false_keeps_the_step_and_is_saved_at_once(run: Any, folder: Folder) -> None:
    run.log({"a": 1}, commit=False)
    assert folder.rows() == [(0, {"a": 1})]
    run.log({"b": 2})
    run.log({"c": 3})
    run.log({"d": 4}, step=7, commit=False)
    run.log({"e": 5})

    assert folder.rows()[1:] == [(0, {"b": 2}), (1, {"c": 3}), (7, {"d": 4}), (7, {"e": 5})]


@pytest.mark.parametrize("step", [np.int64(5), 5.0, np.float32(5), np.array(5)])
def test_a_step_of_a_library_is_taken(run: Any, folder: Folder, step: Any) -> None:
    run.log({"a": 1}, step=step)

    assert folder.rows() == [(5, {"a": 1})]


@pytest.mark.parametrize("step", [-1, 1.5, "7", 1 << 63, math.nan, [1]])
def test_a_step_that_cannot_be_is_a_mistake_of_the_call(run: Any, step: Any) -> None:
    with pytest.raises(InvalidValue, match="step"):
        run.log({"a": 1}, step=step)


def test_data_that_is_no_dict_is_a_mistake_of_the_call(run: Any) -> None:
    with pytest.raises(InvalidValue, match="takes a dict"):
        run.log(0.31)


def test_a_row_is_a_snapshot(run: Any, folder: Folder) -> None:
    data: dict[str, Any] = {"a": 1.0, "b": {"c": np.array([2.0])}}
    run.log(data)
    data["a"] = 9.0
    data["b"]["c"][0] = 9.0

    assert folder.rows() == [(0, {"a": 1.0, "b/c": 2.0})]


def test_special_floats_and_wide_integers_come_back_exactly(run: Any, folder: Folder) -> None:
    for value in (1, math.nan, 2, math.inf, -math.inf, np.uint64(2**63), 1 << 70):
        run.log({"a": value})

    values = [data["a"] for _, data in folder.rows()]
    assert repr(values) == repr([1, math.nan, 2, math.inf, -math.inf, 2**63, float(1 << 70)])


def test_a_key_that_was_numbers_may_become_text_and_back(run: Any, folder: Folder) -> None:
    run.log({"status": 1})
    run.log({"status": "warm"})
    run.log({"status": 2.5})

    assert [data["status"] for _, data in folder.rows()] == [1, "warm", 2.5]


def test_a_very_wide_row_is_stored_whole_at_one_step(run: Any, folder: Folder) -> None:
    for _ in range(2):
        run.log({f"key{i}": i for i in range(25_000)})

    for step in (0, 1):
        merged: dict[str, Any] = {}
        for at, data in folder.rows():
            if at == step:
                assert len(data) <= 10_000
                merged.update(data)
        assert merged == {f"key{i}": i for i in range(25_000)}


def test_eight_threads_of_ten_thousand_calls_give_eighty_thousand_points(run: Any, folder: Folder) -> None:
    def work(thread: int) -> None:
        for i in range(10_000):
            run.log({"value": i, f"thread{thread}": i})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = folder.rows()
    assert sorted(step for step, _ in rows) == list(range(80_000)), "every call has a step of its own"
    for thread in range(8):
        assert [data[f"thread{thread}"] for _, data in rows if f"thread{thread}" in data] == list(range(10_000))


def test_logging_after_finish_warns_once_and_stores_nothing(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    run = tr.init(project="digits")
    run.log({"a": 1})
    run.finish()
    run.log({"a": 2})
    run.log({"a": 3})
    run.finish()

    assert folder.rows() == [(0, {"a": 1})]
    assert capsys.readouterr().err.count("after finish") == 1
    assert len(folder.run_folders()) == 1


def test_a_warning_is_said_once_per_key(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    run = tr.init(project="digits")
    for _ in range(5):
        run.log({"image": np.zeros((4, 4)), "nothing": None, "loss": 1.0})

    err = capsys.readouterr().err
    assert err.count("'image'") == 1
    assert err.count("'nothing'") == 1
    assert [data for _, data in folder.rows()] == [{"loss": 1.0}] * 5


# ── config, summary, definitions ─────────────────────────────────────────────────────────────────────────────────


def test_config_keeps_types_and_every_change_is_a_record(folder: Folder) -> None:
    run = tr.init(project="digits", config={"lr": 0.1, "flag": True, "none": None}, settings={"silent": True})
    run.config.lr = 0.2
    run.config["new"] = [1, 2]
    run.config.update({"flag": False}, allow_val_change=True)
    del run.config["none"]
    run.config.setdefaults({"lr": 9, "late": 1})

    changes = folder.records(4)
    assert [change.data for change in changes] == [
        {"lr": 0.1, "flag": True, "none": None},
        {"lr": 0.2},
        {"new": [1, 2]},
        {"flag": False},
        {},
        {"late": 1},
    ]
    assert changes[4].mode == "delete"
    assert changes[4].keys == ["none"]
    assert run.config.as_dict() == {"lr": 0.2, "flag": False, "new": [1, 2], "late": 1}
    assert run.config.lr == run.config["lr"] == run.config.get("lr") == 0.2
    with pytest.raises(AttributeError, match="momentum"):
        _ = run.config.momentum


def test_secrets_in_config_are_hidden_in_the_log_and_kept_for_the_script(folder: Folder) -> None:
    config = {"api_key": "abc", "db": "postgres://u:p4ss@host/x", "note": "hf_" + "a" * 30, "tokens": 5, "key": "C4"}
    run = tr.init(project="digits", config=config, settings={"silent": True})

    (change,) = folder.records(4)
    assert change.data == {
        "api_key": "[redacted]",
        "db": "postgres://u:[redacted]@host/x",
        "note": "[redacted]",
        "tokens": 5,
        "key": "C4",
    }
    assert run.config["api_key"] == "abc"
    run.finish()
    for path in folder.path.rglob("*.trl"):
        assert b"p4ss" not in path.read_bytes()


def test_summary_is_the_last_value_unless_it_is_set(folder: Folder) -> None:
    run = tr.init(project="digits", settings={"silent": True})
    run.log({"loss": 2.0, "acc": 1})
    run.log({"loss": 1.0})
    run.summary["best"] = 0.5
    run.summary.update({"acc": 7})
    run.log({"acc": 2})

    assert dict(run.summary) == {"loss": 1.0, "acc": 7, "best": 0.5}
    assert [record.data for record in folder.records(5)] == [{"best": 0.5}, {"acc": 7}]


def test_a_metric_definition_is_recorded(folder: Folder) -> None:
    run = tr.init(project="digits", settings={"silent": True})
    epoch = run.define_metric("epoch", hidden=True)
    metric = run.define_metric("val/*", step_metric=epoch, summary="max,last", goal="maximize", unit="%")

    assert metric.step_metric == "epoch"
    assert [record.data for record in folder.records(6)][1] == {
        "name": "val/*",
        "step_metric": "epoch",
        "summary": ["max", "last"],
        "goal": "maximize",
        "unit": "%",
        "hidden": False,
    }
    with pytest.raises(InvalidValue, match="summary must be"):
        run.define_metric("a", summary="median")
    with pytest.raises(InvalidValue, match="goal must be"):
        run.define_metric("a", goal="up")


def test_name_tags_and_notes_can_be_changed_while_it_runs(folder: Folder) -> None:
    run = tr.init(project="digits", tags=["a"], notes="first", settings={"silent": True})
    run.tags += ("b",)
    run.name = "better"
    run.notes = "second"

    assert [edit.changes for edit in folder.records(13)] == [
        {"tags": ["a", "b"]},
        {"name": "better"},
        {"notes": "second"},
    ]
    assert (run.name, run.tags, run.notes) == ("better", ("a", "b"), "second")


# ── media, sizes and secrets ─────────────────────────────────────────────────────────────────────────────────────


def test_media_is_a_snapshot_and_what_cannot_be_stored_in_it_becomes_text(run: Any, folder: Folder) -> None:
    held: dict[str, Any] = {"_type": "x", "list": [1], "array": np.arange(2)}
    run.log({"m": held})
    held["list"].append(object())
    run.log({"m": {"_type": "x", "v": {1, 2}, "w": "\ud800", 3: 2**80}, "ok": 1})

    first, second = (data for _, data in folder.rows())
    assert first["m"] == {"_type": "x", "list": [1], "array": [0, 1]}
    assert second == {"m": {"_type": "x", "v": "{1, 2}", "w": "?", "3": float(2**80)}, "ok": 1}


def test_a_row_larger_than_a_record_is_several_records_of_one_step(run: Any, folder: Folder) -> None:
    run.log({f"t{i}": "x" * 60_000 for i in range(300)}, step=7)
    run.log({"after": 1})

    rows = folder.rows()
    assert len(rows) > 2
    assert [step for step, _ in rows] == [7] * (len(rows) - 1) + [8]
    assert len({key for _, data in rows for key in data}) == 301


def test_hiding_secrets_in_a_megabyte_takes_no_time() -> None:
    began = time.monotonic()
    for text in ("x", "a-", "://", "http://u:p@h ", "https://aaaaaaaaaaaaaaaaaaaa"):
        redact_text(text * (1_000_000 // len(text)))

    assert time.monotonic() - began < 5
    assert redact_text("x+postgres://me:pw@host/db") == "x+postgres://me:[redacted]@host/db"


def test_a_definition_with_halves_of_characters_costs_nothing(run: Any, folder: Folder) -> None:
    run.define_metric("a", step_metric="\ud800", unit="\udc80")
    run.log({"a": 1})
    run.finish()

    (define,) = folder.records(records.DEFINE)
    assert (define.data["step_metric"], define.data["unit"]) == ("?", "?")
    assert folder.records(records.STATE)
