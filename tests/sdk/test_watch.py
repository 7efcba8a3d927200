"""Watching a model: with a model of our own making here, with torch where it is installed."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import treering as tr
from treering.errors import InvalidValue
from treering.runlog import records
from treering.sdk.watch import Watched, histogram_of

from .conftest import Folder
from .media import Logged


class Handle:
    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook
        hooks.append(hook)

    def remove(self) -> None:
        self._hooks.remove(self._hook)


class Parameter:
    """What a parameter is for a watcher."""

    shape = (2, 3)
    dtype = "float32"

    def __init__(self, requires_grad: bool = True) -> None:
        self.requires_grad = requires_grad
        self.hooks: list[Any] = []

    def numel(self) -> int:
        return 6

    def element_size(self) -> int:
        return 4

    def register_hook(self, hook: Any) -> Handle:
        return Handle(self.hooks, hook)


class Model:
    """What a module is for a watcher: two layers, the second one frozen."""

    def __init__(self) -> None:
        self.layers = {"a.weight": Parameter(), "b.weight": Parameter(requires_grad=False)}
        self.hooks: list[Any] = []

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        return list(self.layers.items())

    def register_forward_hook(self, hook: Any) -> Handle:
        return Handle(self.hooks, hook)

    def step(self) -> None:
        for hook in list(self.hooks):
            hook(self, (), None)
        for parameter in self.layers.values():
            for hook in list(parameter.hooks):
                hook("gradient")


def watching(model: Model, rows: list[Any], what: str, every: int = 2, said: list[str] | None = None) -> Watched:
    numbers = [0.0, 1.0, 0.5, 0.0, 0.0, *range(64)]
    return Watched(
        model,
        rows.append,
        what,
        every,
        "",
        lambda subject, text: None if said is None else said.append(text),
        lambda tensor: numbers,
        lambda measured: measured,
    )


def test_every_second_pass_is_measured() -> None:
    model, rows = Model(), []
    watched = watching(model, rows, "all")
    for _ in range(5):
        model.step()

    assert [sorted(row) for row in rows] == 2 * [
        ["parameters/a.weight", "parameters/b.weight", "parameters_norm/a.weight", "parameters_norm/b.weight"],
        ["gradients/a.weight", "gradients_norm/a.weight"],
    ]
    assert rows[0]["parameters_norm/a.weight"] == 0.5
    assert rows[1]["gradients/a.weight"]["values"] == list(range(64))
    watched.remove()
    for _ in range(5):
        model.step()
    assert len(rows) == 4
    assert model.hooks == []


def test_a_model_that_cannot_be_measured_is_let_go_and_trains_on() -> None:
    model, said = Model(), []

    def broken(row: Any) -> None:
        raise ZeroDivisionError

    watching(model, [], "all", 1, said)
    for parameter in model.layers.values():
        for hook in parameter.hooks:
            hook._watched._log = broken
    for _ in range(3):
        model.step()

    assert "it was let go" in said[0]
    assert not model.hooks
    assert not model.layers["a.weight"].hooks


def test_hooks_do_not_travel_with_a_copied_or_pickled_model() -> None:
    rows: list[Any] = []
    model = Model()
    watching(model, rows, "all", 1)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.step()

    assert rows == []


def test_a_histogram_of_measurements() -> None:
    counts = [0] * 64
    counts[0], counts[63] = 3, 1
    value = histogram_of([-1.0, 3.0, 2.0, 2.0, 1.0, *counts])

    assert (len(value["bins"]), len(value["values"])) == (65, 64)
    assert (value["bins"][0], value["bins"][-1], value["min"], value["max"]) == (-1.0, 3.0, -1.0, 3.0)
    assert (value["nan"], value["inf"]) == (2, 1)
    assert histogram_of([5.0, 5.0, 1.0, 0.0, 0.0, 4.0, *[0] * 63])["values"] == [4]
    empty = histogram_of([float("inf"), float("-inf"), 0.0, 7.0, 0.0, *[0] * 64])
    assert (empty["values"], empty["nan"]) == ([], 7)


def test_watch_of_a_run(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    model = Model()
    with tr.init(project="p") as run:
        run.watch(model, log=None)
        tr.watch(model)
        run.watch("no model")
        with pytest.raises(InvalidValue, match="log is gradients"):
            run.watch(model, log="everything")
        tr.unwatch(model)
        run.log({"x": 1})

    (fact,) = [each.data["model"] for each in folder.records(records.FACTS) if "model" in each.data]
    assert fact == {"class": "Model", "parameters": 12, "trainable": 6, "bytes": 48, "tensors": 2}
    said = capsys.readouterr().err
    assert "is watched already" in said
    assert "str is no torch.nn.Module" in said


# ── with torch ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def net() -> Callable[[], Any]:
    torch = pytest.importorskip("torch")

    def made() -> Any:
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 5)
        )

    return made


@pytest.mark.frameworks
def test_gradients_and_parameters_of_a_torch_model(folder: Folder, net: Callable[[], Any]) -> None:
    import numpy as np
    import torch

    model, expected = net(), []
    with tr.init(project="p") as run:
        run.watch(model, log="all", log_freq=3, log_graph=True)
        for step in range(7):
            model.zero_grad()
            model(torch.randn(2, 3, 8, 8)).sum().backward()
            expected.append(model[0].weight.grad.detach().numpy().copy())
            run.log({"step": step})
        before = len(run._watched[0]._handles)
        run.unwatch()
        model(torch.randn(2, 3, 8, 8)).sum().backward()

    logged = Logged(folder)
    assert before == 5
    found = logged.all("gradients/0.weight")
    assert [step for step, _ in found] == [2, 5]
    for step, value in found:
        gradient = expected[step]
        counts, edges = np.histogram(gradient, bins=64)
        assert sum(value["values"]) == gradient.size
        assert np.abs(np.cumsum(value["values"]) - np.cumsum(counts)).max() <= 2, "float32 may round over an edge"
        assert value["bins"] == pytest.approx(edges.tolist(), rel=1e-4, abs=1e-6)
    norms = logged.all("gradients_norm/0.weight")
    assert norms[0][1] == pytest.approx(float(np.linalg.norm(expected[2])), rel=1e-4)
    assert [step for step, _ in logged.all("parameters/3.bias")] == [2, 5]
    graph = json.loads(logged.blob(logged.one("graph_0")))
    assert [node["class"] for node in graph["nodes"]] == ["Conv2d", "ReLU", "Flatten", "Linear"]
    assert graph["edges"] == [[0, 1], [1, 2], [2, 3]]
    assert graph["nodes"][0]["output_shape"] == [2, 4, 6, 6]
    assert graph["nodes"][3]["parameters"] == 4 * 36 * 5 + 5
    assert logged.one("graph_0")["parameters"] == sum(p.numel() for p in model.parameters())


@pytest.mark.frameworks
def test_gradients_that_are_not_finite_are_counted(folder: Folder, net: Callable[[], Any]) -> None:
    import torch

    model = net()
    with tr.init(project="p") as run:
        run.watch(model, log_freq=1)
        (model(torch.full((1, 3, 8, 8), float("nan"))).sum()).backward()
        run.log({"x": 1})
        pickle.dumps(model)
        copy.deepcopy(model)

    value = Logged(folder).one("gradients/0.weight")
    assert (value["nan"], value["values"]) == (4 * 3 * 9, [])


@pytest.mark.frameworks
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "uint8", "bool"])
def test_torch_and_numpy_images_agree(folder: Folder, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    import numpy as np

    tensor = (torch.rand(3, 9, 7) * (255 if dtype == "uint8" else 1)).to(getattr(torch, dtype))
    array = tensor.float().numpy() if dtype == "bfloat16" else tensor.numpy()
    with tr.init(project="p") as run:
        run.log({"t": tr.Image(tensor.requires_grad_(dtype == "float32")), "n": tr.Image(array.transpose(1, 2, 0))})

    logged = Logged(folder)
    assert logged.one("t")["sha256"] == logged.one("n")["sha256"]
    assert logged.one("t")["width"] == 7
    assert np.asarray(logged.picture(logged.one("t"))).shape[:2] == (9, 7)


@pytest.mark.frameworks
def test_figures_of_matplotlib_and_plotly(folder: Folder) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plotly = pytest.importorskip("plotly.graph_objects")
    figure, axes = plt.subplots()
    axes.plot([1, 3, 2])
    with tr.init(project="p") as run:
        run.log({"f": figure, "plt": plt, "axes": tr.Image(axes), "p": plotly.Figure(data=[{"y": [1, 2]}])})
        run.log({"empty": plt.figure(), "converted": tr.Plotly(figure)})
        plt.close("all")

    logged = Logged(folder)
    picture = logged.picture(logged.one("f"))
    assert picture.size == (640, 480)
    assert picture.format == "PNG"
    assert logged.one("plt")["sha256"] == logged.one("f")["sha256"] == logged.one("axes")["sha256"]
    assert json.loads(logged.blob(logged.one("p")))["data"][0]["y"] == [1, 2]
    assert logged.all("empty") == []


@pytest.mark.frameworks
@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_films(folder: Folder, form: str) -> None:
    av = pytest.importorskip("av")
    import io

    import numpy as np

    frames = np.random.default_rng(0).integers(0, 256, (10, 3, 33, 40), np.uint8)
    with tr.init(project="p") as run:
        run.log({"v": tr.Video(frames, fps=5, format=form)})

    logged = Logged(folder)
    value = logged.one("v")
    assert value["format"] == form
    with av.open(io.BytesIO(logged.blob(value))) as film:
        assert sum(1 for _ in film.decode(video=0)) == 10
        assert film.streams.video[0].average_rate == 5


@pytest.mark.frameworks
def test_rdkit_and_datasets(folder: Folder) -> None:
    pytest.importorskip("rdkit")
    datasets = pytest.importorskip("datasets")
    with tr.init(project="p") as run:
        run.log({"m": tr.Molecule.from_smiles("CCO"), "bad": tr.Molecule.from_smiles("not a molecule")})
        run.log_input(datasets.Dataset.from_dict({"x": [1, 2, 3]}), name="d")

    logged = Logged(folder)
    assert logged.one("m")["format"] == "pdb"
    assert b"HETATM" in logged.blob(logged.one("m"))
    assert logged.all("bad") == []
    (entry,) = folder.records(records.FACTS)[-1].data["inputs"]
    assert entry["rows"] == 3
    assert entry["digest"].startswith("fingerprint:")
