"""What a user logs is what the API answers: facts from ``tr.init()`` to ``tr.Api()``, through a real server."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treering as tr
from treering.errors import RunNotFound
from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.sdk import api as reading

ROW_COLUMNS = {"_step", "_attempt", "_writer", "_timestamp", "_runtime"}


class World:
    """One data folder, the server that reads it, and scripts that train into it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._folder = folder
        self._api: tr.Api | None = None

    @property
    def api(self) -> tr.Api:
        if self._api is None:
            self._api = tr.Api(self.data)
        return self._api

    def call(self, method: str, path: str, body: object = None) -> Any:
        return self.api._connection.call(method, path, body)

    def begin(self, **options: Any) -> tr.Run:
        run = tr.init(project=options.pop("project", "facts"), settings={"silent": True}, **options)
        assert isinstance(run, tr.Run)
        return run

    def start(self, text: str, **environ: str) -> subprocess.Popen[str]:
        """Run a script that prints its run's key."""
        path = self._folder / f"train{len(list(self._folder.iterdir()))}.py"
        path.write_text(textwrap.dedent(text))
        return subprocess.Popen(
            [sys.executable, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=self._folder,
            env={**os.environ, **environ},
        )

    def read(self, key: str) -> reading.Run:
        """Return a run once the server has read all of its bytes."""
        wait_for(lambda: self._all_is_read(key))
        return self.api.run(key)

    def _all_is_read(self, key: str) -> bool:
        stored = sum(path.stat().st_size for path in (self.data / "runs" / key).glob("*.trl"))
        try:
            return bool(sum(writer["bytes"] for writer in self.api.run(key).detail["writers"]) == stored)
        except RunNotFound:
            return False

    def line(self, run: str, key: str, **request: Any) -> dict[str, Any]:
        """Return what the chart of one key draws."""
        body = {"runs": [run], "keys": [key], "x": "step", "range": None, "buckets": 1000, **request}
        reply = json.loads(self.api._connection.fetch("POST", "/series?format=json", body), parse_constant=refuse)
        (series,) = reply["series"]
        return dict(series)

    def stop(self) -> None:
        for file in self.data.glob("server.json"):
            os.kill(json.loads(file.read_text())["pid"], signal.SIGTERM)
        if self._api is not None:
            self._api.close()


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def values(rows: list[dict[str, Any]], key: str) -> list[Any]:
    return [row[key] for row in rows if key in row]


def state(world: World, key: str) -> str:
    """Return the run's state; nothing while the server has not seen it."""
    try:
        return str(world.api.run(key).state)
    except RunNotFound:
        return ""


def wait_for(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    limit = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("meaning")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("TREERING_", "WANDB_", "SLURM_")) or name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
                patch.delenv(name)
        patch.setenv("TREERING_DIR", str(folder / "data"))
        patch.setenv("TREERING_SAMPLE_S", "0")
        world = World(folder)
        yield world
        world.stop()


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nan_and_infinities_are_exported_as_logged_and_differ_from_missing(world: World) -> None:
    with world.begin() as run:
        for i, value in enumerate([1.0, math.nan, 2.0, math.inf, -math.inf]):
            run.log({"x": value, "beside": i} if i != 2 else {"x": value})

    rows = world.read(run.key).history()

    assert str(values(rows, "x")) == "[1.0, nan, 2.0, inf, -inf]"
    assert values(rows, "beside") == [0, 1, 3, 4]
    line = world.line(run.key, "x")
    assert line["y"] == [1.0, "NaN", 2.0, "Infinity", "-Infinity"]
    assert line["nonfinite"] == {"x": [1.0, 3.0, 4.0], "kind": [1, 2, 3]}


def test_numbers_keep_their_type_and_their_last_digit(world: World) -> None:
    logged = {"big": 2**53 + 1, "huge": 2**64 - 1, "low": -(2**63), "yes": True, "one": 1, "f": 1.0, "word": "nan"}
    with world.begin() as run:
        run.log(logged)
        run.log({"half": np.float16(0.1), "u64": np.uint64(2**63), "nothing": None, "many": np.arange(3), "after": 1})

    first, second = world.read(run.key).history()

    for key, value in logged.items():
        assert (type(first[key]), first[key]) == (type(value), value)
    assert second["half"] == 0.0999755859375
    assert second["u64"] == 2**63
    assert second["after"] == 1
    assert not {"nothing", "many"} & set(second)


def test_media_that_cannot_be_stored_costs_nothing_but_itself(world: World) -> None:
    endless: dict[str, Any] = {"_type": "x"}
    endless["me"] = endless
    held = {"_type": "x", "list": [1]}
    with world.begin() as run:
        for i, value in enumerate([object(), np.arange(3), 2**80, "\ud800", math.nan, {1}]):
            run.log({"m": {"_type": "x", "v": value}, "ok": i})
        run.log({"m": endless, "ok": 6})
        run.log({"m": held, "ok": 7})
        held["list"].append(object())  # type: ignore[attr-defined]
        for _ in range(100):
            run.log({"text": "x" * 60_000})  # long enough for checkpoints, which repeat the last values

    rows = world.read(run.key).history()

    assert values(rows, "ok") == list(range(8))
    assert values(rows, "m")[1]["v"] == [0, 1, 2]
    assert values(rows, "m")[4]["v"] == "NaN"
    assert values(rows, "m")[7] == {"_type": "x", "list": [1]}
    assert len(values(rows, "text")) == 100


def test_a_row_of_any_width_and_size_is_one_row(world: World) -> None:
    with world.begin() as run:
        run.log({f"wide/{i}": i for i in range(15_000)})
        run.log({f"text/{i}": "x" * 60_000 for i in range(300)})

    read = world.read(run.key)
    wide, text = read.history()

    assert len(wide.keys() - ROW_COLUMNS) == 15_000
    assert {len(text[f"text/{i}"]) for i in range(300)} == {60_000}
    assert read.detail["loss"] is None


def test_names_may_be_anything(world: World) -> None:
    names = ["a.b", 'say "hi"', "it's", "é😀", " /x/ ", "a//b", "new\nline", "back`tick", "", "percent%", "k" * 1024]
    with world.begin(project="names", config={name: 1 for name in names if name}) as run:
        run.log({name: float(i) for i, name in enumerate(names)})

    row = world.read(run.key).history()[0]

    assert {name: row[name] for name in names} == {name: float(i) for i, name in enumerate(names)}
    for i, name in enumerate(names[1:-1], 1):
        assert world.line(run.key, name)["y"] == [float(i)]
        if name:
            quoted = json.dumps(name, ensure_ascii=False)
            found = world.api.runs("names", f"metric.{quoted} = {i} and config.{quoted} = 1")
            assert [its.key for its in found] == [run.key], name


# ── config and summary ───────────────────────────────────────────────────────────────────────────────────────────


def test_config_comes_back_with_its_types_and_its_size(world: World) -> None:
    config = {
        "i": 1, "t": True, "f": 1.0, "n": None, "s": "None", "l": [1, True, None, "x"], "deep": {"a": {"b": 2}},
        "a.b": 1, "é": 1, "empty": {}, "big": 2**53 + 1, "megabyte": "x" * 1_000_000,
        "leaves": {str(i): i for i in range(5_000)},
    }  # fmt: skip
    began = time.monotonic()
    with world.begin(config=config) as run:
        for _ in range(100):
            run.log({"a": 1})
    took = time.monotonic() - began

    read = world.read(run.key)

    assert repr(read.config) == repr(config)
    assert took < 5, "a large value is looked at once, not at every checkpoint"
    assert sum(path.stat().st_size for path in Path(run.dir).glob("*.trl")) < 10_000_000


def test_a_config_value_is_replaced_whole_and_the_old_one_is_kept_with_its_time(world: World) -> None:
    with world.begin(config={"model": {"width": 8, "depth": 2}, "lr": 0.1, "gone": 1}) as run:
        run.config["model"] = {"width": 16}
        run.config.update({"lr": 0.2})
        del run.config["gone"]

    read = world.read(run.key)

    assert read.config == dict(run.config) == {"model": {"width": 16}, "lr": 0.2}
    changes = [(its["key"], its["before"], its["after"]) for its in read.detail["meta"]["config_changes"]]
    assert ("lr", 0.1, 0.2) in changes


def test_the_summary_is_the_last_value_unless_it_was_set_and_none_takes_it_away(world: World) -> None:
    with world.begin() as run:
        run.define_metric("val/*", step_metric="epoch", summary="min,best", goal="maximize", unit="%")
        run.define_metric("val/loss", summary="none")
        for i in range(4):
            run.log({"val/acc": [1.0, 9.0, 3.0, 5.0][i], "val/loss": 1.0, "epoch": i, "free": i})
        run.summary["epoch"] = 99
        run.summary["free"] = 7
        run.summary["free"] = None

    read = world.read(run.key)

    assert read.summary == {"val/acc": 5.0, "val/acc.min": 1.0, "val/acc.best": 9.0, "epoch": 99, "free": 3}
    keys = {its["key"]: its for its in read.detail["keys"]}
    assert (keys["val/acc"]["step_metric"], keys["val/acc"]["unit"], keys["val/acc"]["goal"]) == (
        "epoch",
        "%",
        "maximize",
    )
    project = world.call("GET", f"/projects/{read.detail['entity']}/facts")
    assert {its["key"]: its["unit"] for its in project["keys"]}["val/acc"] == "%"


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_going_back_is_kept_and_the_chart_draws_the_later_value(world: World) -> None:
    with world.begin() as run:
        for step in range(10):
            run.log({"a": float(step)}, step=step)
        for step in range(5, 13):
            run.log({"a": 100.0 + step}, step=step)

    rows = world.read(run.key).history(["a"])
    line = world.line(run.key, "a")

    assert [row["_attempt"] for row in rows] == [0] * 10 + [1] * 8
    assert line["x"] == [float(step) for step in range(13)]
    assert line["y"] == [0.0, 1.0, 2.0, 3.0, 4.0] + [100.0 + step for step in range(5, 13)]


def test_calls_of_one_step_are_one_row_and_an_uncommitted_one_is_not_lost(world: World) -> None:
    with world.begin() as run:
        run.log({"a": 1}, commit=False)
        run.log({"b": 2, "a": 3})
        run.log({"c": 4}, commit=False)

    rows = world.read(run.key).history()

    assert [{k: v for k, v in row.items() if k not in ROW_COLUMNS} for row in rows] == [{"a": 3, "b": 2}, {"c": 4}]


def test_one_step_in_many_is_seen_at_every_zoom(world: World) -> None:
    with world.begin() as run:
        for step in range(100_000):
            run.log({"s": 1000.0 if step == 45_678 else 0.0})

    world.read(run.key)

    for low, high in [(0, 99_999), (45_000, 46_000), (45_678, 45_678), (45_677, 45_679)]:
        for buckets in (1, 7, 500, 4000):
            line = world.line(run.key, "s", range=[low, high], buckets=buckets)
            assert max(line["hi"] or line["y"]) == 1000.0, (low, high, buckets)


# ── lives and writers ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_evaluator_that_comes_late_adds_to_the_run(world: World) -> None:
    with world.begin(id="late") as run:
        for step in range(10):
            run.log({"loss": 10.0 - step})
    with world.begin(id="late", resume="allow") as evaluator:
        evaluator.log({"eval": 0.5}, step=3)
        evaluator.log({"eval": 0.7}, step=7)

    read = world.read(run.key)

    assert read.state == "finished"
    assert world.line(run.key, "loss")["y"] == [10.0 - step for step in range(10)]
    assert (world.line(run.key, "eval")["x"], world.line(run.key, "eval")["y"]) == ([3.0, 7.0], [0.5, 0.7])


def test_a_run_begun_again_under_its_id_shows_the_new_one_and_keeps_the_old_one(world: World) -> None:
    with world.begin(id="again", config={"lr": 0.1, "old": 1}) as run:
        run.summary["set"] = 1
        for step in range(5):
            run.log({"a": 100.0 + step, "only_then": 1})
    with world.begin(id="again", config={"lr": 0.2}) as run:
        run.log({"a": 1.0})
        run.log({"a": 2.0})

    read = world.read(run.key)

    assert read.config == {"lr": 0.2}
    assert {key: value for key, value in read.summary.items() if value is not None} == {"a": 2.0}
    (a,) = [its for its in read.detail["keys"] if its["key"] == "a"]
    assert (a["n"], a["first"], a["min"], a["max"], a["last"]) == (2, 1.0, 1.0, 2.0, 2.0)
    line = world.line(run.key, "a")
    assert (line["y"], line["ghost"]["y"]) == ([1.0, 2.0], [100.0, 101.0, 102.0, 103.0, 104.0])
    assert values(read.history(), "a") == [100.0, 101.0, 102.0, 103.0, 104.0, 1.0, 2.0]


def test_ranks_make_one_run_whose_line_and_numbers_are_those_of_the_main_process(world: World) -> None:
    text = """
        import os, treering as tr
        rank = int(os.environ["RANK"])
        run = tr.init(project="facts", settings={"silent": True})
        for i in range(10):
            run.log({"loss": 100.0 * rank + i, f"only{rank}": i})
        run.config[f"rank{rank}"] = rank
        print(run.key)
    """
    outputs = []
    for rank in ("0", "2", "1"):  # the main process is neither the first nor the last to be heard of
        process = world.start(text, RANK=rank, WORLD_SIZE="3", LOCAL_RANK=rank, TORCHELASTIC_RUN_ID="job")
        outputs.append(process.communicate(timeout=30)[0])

    assert len(set(outputs)) == 1
    read = world.read(outputs[0].strip())

    assert len(read.history()) == 30
    assert world.line(read.key, "loss")["y"] == [float(i) for i in range(10)]
    keys = {its["key"]: its for its in read.detail["keys"]}
    assert [keys["loss"][what] for what in ("n", "min", "max", "last", "first")] == [10, 0.0, 9.0, 9.0, 0.0]
    assert (keys["only2"]["n"], keys["only2"]["last"]) == (10, 9)
    assert read.summary["loss"] == 9.0
    assert read.config == {"rank0": 0, "rank1": 1, "rank2": 2}


def test_a_forked_child_has_a_record_of_its_own(world: World) -> None:
    process = world.start("""
        import os, treering as tr
        run = tr.init(project="facts", settings={"silent": True})
        run.log({"a": 1.0})
        if os.fork() == 0:
            for i in range(5):
                run.log({"a": 100.0, "child": i})
            os._exit(0)
        os.wait()
        run.log({"a": 2.0})
        print(run.key)
    """)
    key = process.communicate(timeout=30)[0].strip()
    wait_for(lambda: state(world, key) == "finished" and len(world.api.run(key).history()) == 7)

    assert world.line(key, "a")["y"] == [1.0, 2.0]
    assert world.line(key, "child")["y"] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert world.api.run(key).state == "finished"


@pytest.fixture(scope="module")
def endings(world: World) -> dict[str, tuple[int, dict[str, Any]]]:
    """How processes ended, and what the server says of their runs."""
    texts = {
        "returns": "",
        "sys.exit(3)": "sys.exit(3)",
        "exit(4)": "exit(4)",
        "caught exit": "try:\n    sys.exit(3)\nexcept SystemExit:\n    pass",
        "SystemExit": "raise SystemExit(3)",
        "exception": "raise ValueError('no text: \\udc80')",
        "SIGTERM": "os.kill(os.getpid(), 15); time.sleep(9)",
        "SIGHUP": "os.kill(os.getpid(), 1); time.sleep(9)",
        "SIGKILL": "os.kill(os.getpid(), 9)",
        "marked, SIGKILL": "run.mark_preempting(); os.kill(os.getpid(), 9)",
    }
    head = "import os, sys, time, treering as tr\nrun = tr.init(project='ends', settings={'silent': True})\n"
    head += "print(run.key, flush=True)\nrun.log({'a': 1})\n"
    ends: dict[str, tuple[int, dict[str, Any]]] = {}
    for name, text in texts.items():
        process = world.start(head + text)
        key = process.communicate(timeout=30)[0].strip()

        wait_for(lambda key=key: state(world, key) not in ("", "running"))  # type: ignore[misc]
        ends[name] = (process.returncode, world.api.run(key).detail["end"])
    return ends


@pytest.mark.parametrize(
    ("how", "code", "state", "recorded"),
    [
        ("returns", 0, "finished", 0),
        ("sys.exit(3)", 3, "failed", 3),
        ("exit(4)", 4, "failed", 4),
        ("caught exit", 0, "finished", 0),
        ("SystemExit", 3, "finished", None),  # Python tells nobody the code of a bare `raise SystemExit`
        ("exception", 1, "failed", 1),
        ("SIGTERM", -15, "killed", 143),
        ("SIGHUP", -1, "killed", 129),
        ("SIGKILL", -9, "crashed", None),
        ("marked, SIGKILL", -9, "preempted", None),
    ],
)
def test_how_a_process_ends_is_how_its_run_ends(
    endings: dict[str, tuple[int, dict[str, Any]]], how: str, code: int, state: str, recorded: int | None
) -> None:
    returned, end = endings[how]

    assert returned == code
    assert (end["state"], end["exit_code"]) == (state, recorded)


# ── what may lie in a folder ─────────────────────────────────────────────────────────────────────────────────────


def writer_of(path: Path) -> str:
    with SegmentReader(path) as reader:
        return next(str(records.decode(frame)[0]["writer"]) for frame in reader.read() if frame.kind == records.LIFE)


def end_of_row(path: Path, number: int) -> int:
    with SegmentReader(path) as reader:
        rows = (frame for frame in reader.read() if frame.kind in (records.ROW, records.ROW_RELATIVE))
        return next(islice(rows, number, None)).end


def test_nothing_in_a_run_folder_breaks_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TREERING_SAMPLE_S", "0")
    world = World(tmp_path)
    keys = []
    for i in range(8):
        with world.begin(project="broken", name=f"n{i}") as run:
            for step in range(20):
                run.log({"a": float(step)})
        keys.append(run.key)
    runs = world.data / "runs"
    main = {key: next(path for path in (runs / key).glob("*.trl") if writer_of(path) == "") for key in keys}
    cut, hole, junk, empty, odd, copied, foreign, good = keys
    main[cut].write_bytes(main[cut].read_bytes()[: end_of_row(main[cut], 10) + 20])
    body = bytearray(main[hole].read_bytes())
    at = end_of_row(main[hole], 10)  # from the end of a frame on: zeros as in front of a living writer
    body[at : at + 100] = bytes(100)
    main[hole].write_bytes(body)
    main[junk].write_bytes(b"junk" * 1000)
    main[empty].write_bytes(b"")
    (runs / odd / f"{'0' * 32}.trl").mkdir()
    os.mkfifo(runs / odd / f"{'1' * 32}.trl")
    (runs / odd / f"{'2' * 32}.trl").symlink_to("/dev/zero")
    (runs / odd / f"{'3' * 32}.trl").symlink_to("nowhere")
    (runs / odd / "notes.txt").write_text("hello")
    shutil.copy(main[copied], runs / copied / f"{'4' * 32}.trl")
    shutil.copy(main[good], runs / foreign / main[good].name)
    (runs / ("a" * 26)).mkdir()
    shutil.copy(main[good], runs / ("a" * 26) / main[good].name)
    (runs / "no-run-key").mkdir()
    (runs / ("b" * 26)).symlink_to("/etc")
    (world.data / "live" / "odd").write_text("x")

    try:
        listed = {run.key: run for run in world.api.runs("broken")}

        assert set(listed) == set(keys)
        assert {key for key in keys if listed[key].row["damaged"]} == {hole, junk, odd, copied, foreign}
        rows = {key: len(world.api.run(key).history()) for key in keys}
        assert all(rows[key] == 20 for key in (odd, copied, foreign, good)), "and nothing is counted twice"
        assert 0 < rows[cut] < 20
        assert 0 < rows[hole] < 20
        assert "not a regular file" in listed[odd].row["error"]
        assert not world.call("GET", f"/runs/{hole}/verify")["ok"]
    finally:
        world.stop()
