"""``init(sync_tensorboard=True)``: what a program writes for TensorBoard lands in the run too."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import treering as tr
from importers.event_files import FILE, START_S, event, histogram, hyperparameters, scalar, text, write

# A stand-in for a library that writes event files: the name and the place of the class are those of tensorboardX.
WRITER = """
import os

class EventFileWriter:
    def __init__(self, logdir, max_queue_size=10, flush_secs=120, filename_suffix=""):
        from importers.event_files import framed, version
        os.makedirs(logdir, exist_ok=True)
        self.path = os.path.join(logdir, f"events.out.tfevents.{len(os.listdir(logdir))}.host{filename_suffix}")
        self.held = [version()]
        self.flush()

    def add(self, record):
        self.held.append(record)

    def flush(self):
        from importers.event_files import framed
        with open(self.path, "ab") as file:
            for record in self.held:
                file.write(framed(record))
        self.held = []
"""


@pytest.fixture
def writer_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "libraries" / "tensorboardX"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "event_file_writer.py").write_text(textwrap.dedent(WRITER))
    monkeypatch.syspath_prepend(str(package.parent))
    real = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "tensorboardX"}
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboardX"]:
        del sys.modules[name]
    sys.modules.update(real)


def new_writer(logdir: str) -> Any:
    from tensorboardX.event_file_writer import EventFileWriter

    return EventFileWriter(logdir)


def test_what_writers_write_arrives_with_its_step_and_time(writer_library: None, recorded: Any) -> None:
    run = tr.init(project="digits", sync_tensorboard=True)
    writer = new_writer("logs/a")  # the library is imported after init()
    for step in range(5):
        writer.add(event(10 * step, scalar("loss", step), at_s=START_S + step))
    run.log({"own": 1.0})
    writer.add(event(3, text("note", "hi"), histogram("h", [1.0, 2.0], [1.0, 2.0], 0.0, 2.0)))
    writer.add(event(0, hyperparameters({"lr": 0.5})))
    run.finish()
    read = recorded()

    assert read.series("loss") == [(10 * step, float(step)) for step in range(5)]
    assert [row["_timestamp"] for row in read.rows if "loss" in row and row["_step"]] == [
        START_S + step for step in range(1, 5)
    ]
    assert read.series("note") == [(3, "hi")]
    assert read.series("h")[0][1]["values"] == [1.0, 2.0]
    assert read.series("own") == [(0, 1.0)], "the run's own count of steps is not touched"
    assert read.config == {"lr": 0.5}
    assert read.summary["loss"] == 4.0


def test_values_arrive_while_the_training_goes_on(writer_library: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from treering.sdk.tensorboard import sync

    monkeypatch.setattr(sync, "FOLLOW_EVERY_S", 0.02)
    run = tr.init(project="digits", sync_tensorboard=True)
    writer = new_writer("logs")
    writer.add(event(1, scalar("loss", 1.5)))
    writer.flush()
    limit = time.monotonic() + 20
    while "loss" not in run.summary and time.monotonic() < limit:
        time.sleep(0.02)

    assert run.summary["loss"] == 1.5


def test_files_that_were_there_before_are_not_this_runs(writer_library: None, recorded: Any) -> None:
    write(Path("logs") / FILE, event(0, scalar("old", 1.0)))
    with tr.init(project="digits", sync_tensorboard=True):
        for number in range(2):
            writer = new_writer("logs")
            writer.add(event(number, scalar("new", number)))
            writer.flush()
    read = recorded()

    assert read.series("old") == []
    assert read.series("new") == [(0, 0.0), (1, 1.0)]


@pytest.mark.parametrize(
    ("root", "folders", "keys"),
    [
        (True, ["logs", "logs/loss_a"], ["x", "loss_a/x"]),
        (True, ["logs/train", "logs/validation"], ["train/x", "validation/x"]),
        (True, ["logs/one", "logs/two"], ["x", "two/x"]),
        (True, ["logs", "logs/1700000000.123"], ["x"]),
        ("logs", ["logs/deep/one", "logs/two"], ["deep/one/x", "two/x"]),
    ],
)
def test_keys_begin_with_the_folder_below_the_root(
    root: Any, folders: list[str], keys: list[str], writer_library: None, recorded: Any
) -> None:
    with tr.init(project="digits", sync_tensorboard=root):
        for folder in folders:
            writer = new_writer(folder)
            writer.add(event(1, scalar("x", 1.0)))
            writer.flush()

    assert sorted(key for key in recorded().run.keys) == sorted(keys)


def test_a_run_that_ended_hears_no_more_and_the_next_one_does(writer_library: None, recorded: Any) -> None:
    tr.init(project="digits", name="first", sync_tensorboard=True).finish()
    with tr.init(project="digits", name="second", sync_tensorboard=True):
        writer = new_writer("logs")
        writer.add(event(1, scalar("x", 1.0)))

    assert recorded(name="first").rows == []
    assert recorded(name="second").series("x") == [(1, 1.0)]


def test_a_function_that_makes_writers_is_heard_too() -> None:
    from types import ModuleType

    from treering.sdk.tensorboard import writers

    module = ModuleType("tensorflow.python.ops.summary_ops_v2")
    module.create_file_writer_v2 = lambda logdir, **options: (logdir, options)  # type: ignore[attr-defined]
    heard: list[Any] = []
    stop = writers.listen(lambda *what: heard.append(what))
    try:
        writers._wrap(module, "create_file_writer_v2")
        assert module.create_file_writer_v2("logs", name="x") == ("logs", {"name": "x"})  # type: ignore[attr-defined]
    finally:
        stop()

    assert heard == [("logs", frozenset(), ("logs", {"name": "x"}))]


@pytest.mark.frameworks
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["torch.utils.tensorboard", "tensorboardX"])
def test_the_real_writers(library: str, recorded: Any) -> None:
    from importlib import import_module

    import matplotlib as mpl
    import numpy as np

    mpl.use("Agg")
    from matplotlib import pyplot

    run = tr.init(project="digits", sync_tensorboard=True)
    writer = import_module(library).SummaryWriter("logs")
    chance = np.random.default_rng(0)
    for step in range(20):
        writer.add_scalar("loss/train", 1 / (step + 1), step)
    writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 3)
    writer.add_image("one", chance.random((3, 8, 9)), 4)
    writer.add_images("four", chance.random((4, 3, 8, 9)), 4)
    writer.add_histogram("h", chance.normal(size=1000), 5)
    writer.add_text("note", "hello", 6)
    figure = pyplot.figure()
    figure.add_subplot().plot([1, 2])
    writer.add_figure("figure", figure, 7)
    pyplot.close("all")
    if library != "tensorboardX":  # needs soundfile there
        writer.add_audio("tone", np.zeros((1, 800), np.float32), 8, sample_rate=8000)
    writer.add_pr_curve("pr", chance.integers(0, 2, 100), chance.random(100), 9)
    writer.add_hparams({"lr": 0.5, "layers": 3, "name": "cnn"}, {"hparam/acc": 0.75})
    run.finish()
    read = recorded()

    assert read.series("loss/train") == [(step, float(np.float32(1 / (step + 1)))) for step in range(20)]
    between = "/" if library == "tensorboardX" else "_"  # the name of the folder that each makes for a line
    assert read.series(f"both{between}a/both") == [(3, 1.0)]
    assert read.series(f"both{between}b/both") == [(3, 2.0)]
    ((step, picture),) = read.series("one")
    assert (step, picture["width"], picture["height"]) == (4, 9, 8)
    assert read.steps("four") == [4]
    ((step, value),) = read.series("h")
    assert (step, len(value["values"])) == (5, 64)
    assert sum(value["values"]) == pytest.approx(1000)
    assert read.series("note") == [(6, "hello")]
    assert read.series("figure")[0][1]["format"] == "png"
    assert read.series("pr")[0][1]["preset"] == "pr_curve"
    if library != "tensorboardX":
        assert read.series("tone")[0][1]["sample_rate"] == 8000
    assert read.config == {"lr": 0.5, "layers": 3, "name": "cnn"}
    assert read.summary["hparam/acc"] == 0.75


@pytest.mark.frameworks
@pytest.mark.filterwarnings("ignore")
def test_an_import_reads_what_tensorboard_itself_reads(tmp_path: Path, data: Path) -> None:
    import numpy as np
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    from treering.importers.tensorboard import TensorBoardImport

    writer = SummaryWriter("logs")
    for step in range(200):
        writer.add_scalar("loss", np.sin(step), step, new_style=bool(step % 2))
    writer.add_scalar("strange", float("nan"), 1)
    writer.add_scalar("strange", float("inf"), 2)
    writer.close()
    left_out: list[Any] = []
    TensorBoardImport(Path("logs"), data, "ada", "board", lambda *what: left_out.append(what)).read()

    theirs = EventAccumulator("logs", size_guidance={"scalars": 0, "tensors": 0})
    theirs.Reload()
    with tr.Api(data) as api:
        (run,) = api.runs("ada/board")
        ours = [(row["_step"], row["_timestamp"], row["loss"]) for row in run.history() if "loss" in row]
        strange = [row["strange"] for row in run.history() if "strange" in row]
    assert left_out == []
    expected = [(each.step, each.wall_time, each.value) for each in theirs.Scalars("loss")]
    seen = {step: (at_s, value) for step, at_s, value in ours}
    assert all(seen[step] == (pytest.approx(at_s, abs=1e-5), value) for step, at_s, value in expected)
    assert len(ours) == 200
    assert str(strange) == "[nan, inf]"
