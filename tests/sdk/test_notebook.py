"""A run in a notebook: its card, and the cells that are kept. The kernel is played by a few lines here."""

from __future__ import annotations

import json
import math
import sys
import time
import types
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import treering as tr
from treering.sdk import notebook

PAYLOADS = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "</td></table><b>"]


class Tags(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


class Kernel:
    """What treering sees of ipykernel and IPython."""

    def __init__(self, cells: list[str]) -> None:
        self.cells = cells
        self.shown: list[str] = []
        self.kernel = object()
        self.user_ns: dict[str, Any] = {"In": ["", *cells]}
        self.history_manager = self

    def get_range(self, raw: bool, output: bool) -> list[tuple[int, int, str]]:
        return [(0, place, source) for place, source in enumerate(self.cells, 1)]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = types.ModuleType("IPython")
        module.get_ipython = lambda: self  # type: ignore[attr-defined]
        display = types.ModuleType("IPython.display")
        display.HTML = lambda text: text  # type: ignore[attr-defined]
        display.display = self.display  # type: ignore[attr-defined]
        module.display = display  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "IPython", module)
        monkeypatch.setitem(sys.modules, "IPython.display", display)
        monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))

    def display(self, text: str, display_id: bool) -> Kernel:
        self.shown.append(text)
        return self

    def update(self, text: str) -> None:
        self.shown.append(text)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kernel:
    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(notebook, "CARD_EVERY_S", 0.1)
    kernel = Kernel(["import treering as tr", 'token = "hf_AbCdEfGhIjKlMnOpQrStUvWx"', "for i in range(3):\n    pass"])
    kernel.install(monkeypatch)
    return kernel


def test_the_card_shows_the_run_and_follows_it(kernel: Kernel):
    run = tr.init(project="book", name="amber-heron")
    for step in range(20):
        run.log({"loss": 1 / (step + 1), "spike": math.inf if step == 3 else step})
    limit = time.monotonic() + 10
    while not any("0.05" in text for text in kernel.shown):
        assert time.monotonic() < limit
        time.sleep(0.05)
    run.finish()
    first, last = Tags(kernel.shown[0]), Tags(kernel.shown[-1])

    assert "amber-heron · book · running" in first.text
    assert "amber-heron · book · finished" in last.text
    assert last.tags.count("svg") == 2
    assert "treering ui --data" in last.text
    (spike,) = [value for name, value in last.attributes if name == "d" and value and value.count("M") == 2]
    assert "inf" not in spike
    assert "nan" not in spike


def test_running_init_again_ends_the_run_before(kernel: Kernel):
    first = tr.init(project="book")
    second = tr.init(project="book")

    assert first.key != second.key
    assert "finished" in Tags(first._repr_html_()).text
    second.finish()


def test_the_cells_are_kept_with_the_run_and_their_secrets_hidden(kernel: Kernel, tmp_path: Path):
    with tr.init(project="book") as run:
        run.log({"a": 1})
    with tr.Api(tmp_path / "data") as api:
        kept = json.loads(api.run(run.key).file("notebook/session.ipynb").read())

    assert ["".join(cell["source"]) for cell in kept["cells"]] == [
        "import treering as tr",
        'token = "[redacted]"',
        "for i in range(3):\n    pass",
    ]
    assert [cell["execution_count"] for cell in kept["cells"]] == [1, 2, 3]
    assert (kept["nbformat"], kept["nbformat_minor"]) == (4, 5)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_a_user_wrote_becomes_markup(payload: str):
    card = Tags(
        notebook.card_html(payload, payload, payload, 1.0, payload, payload, {payload: payload}, {payload: [1, 2]})
    )

    assert set(card.tags) <= {"div", "span", "b", "a", "table", "tr", "td", "svg", "path", "code"}
    assert not [name for name, _ in card.attributes if name.startswith("on")]
    assert not [value for name, value in card.attributes if name == "href" and not str(value).startswith("http")]
    assert payload in card.text


@pytest.mark.parametrize(
    "values", [[], [1.0], [math.nan] * 5, [1.0, math.nan, 2.0], [5.0] * 3, [-math.inf, 1e308, -1e308]]
)
def test_a_small_line_of_anything(values: list[float]):
    svg = notebook.sparkline_svg(values)

    assert "nan" not in svg.partition("<path")[2]
    assert "inf" not in svg.partition("<path")[2]


def test_a_spike_among_a_million_values_is_drawn():
    values = [0.0] * 1_000_000
    values[543_210] = 9.0
    thinned = notebook._thin(values)

    assert len(thinned) == 160
    assert max(thinned) == 9.0


def test_the_oldest_cells_give_way_when_there_are_too_many():
    book, _ = notebook.session_notebook([f"x = {i}  # {'y' * 100_000}" for i in range(100)])
    cells = json.loads(book)["cells"]

    assert len(book) < 6_000_000
    assert cells[-1]["execution_count"] == 100
    assert 40 < len(cells) < 60


def test_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch):
    assert notebook.find_shell() is None
    kernel = Kernel([])
    kernel.install(monkeypatch)
    kernel.kernel = None
    assert notebook.find_shell() is None
