"""Random families of forked and rewound runs against a model that keeps whole lines in dicts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.world import Life, World
from treering.runlog import records
from treering.store import SeriesRequest, Store


@dataclass
class Model:
    """What a run shows, step → value, and the life that writes it."""

    life: Life
    line: dict[int, float] = field(default_factory=dict)

    def log(self, steps: range, value: float) -> None:
        for step in steps:
            self.life.log({"loss": value + step}, step)
            self.line[step] = value + step


Act = tuple[str, int, int, int]  # what, which run, step, how many rows

ACTS = st.lists(
    st.tuples(st.sampled_from(["log", "fork", "rewind"]), st.integers(0, 5), st.integers(0, 12), st.integers(0, 6)),
    min_size=1,
    max_size=9,
)


def perform(world: World, acts: list[Act], then: Callable[[], object]) -> list[Model]:
    """Do one after the other, and *then* something after each."""
    runs = [Model(world.life("r0"))]
    runs[0].log(range(5), 0.0)
    for number, (what, which, step, rows) in enumerate(acts, 1):
        at = runs[which % len(runs)]
        run_id = f"r{runs.index(at)}"
        value = 1000.0 * number
        if what == "log":
            begin = max(at.line, default=-1) + 1
            at.log(range(begin, begin + rows), value)
        elif what == "rewind":
            at.life = world.life(run_id, from_step=step + 1)
            at.line = {key: its for key, its in at.line.items() if key <= step}
            at.log(range(step + 1, step + 1 + rows), value)
        else:
            child = Model(world.life(f"r{len(runs)}"), {key: its for key, its in at.line.items() if key <= step})
            body = {"parent_key": at.life.run_key, "parent_id": run_id, "step": step, "until_ns": world.now_ns - 1}
            child.life.record(records.FORK, body)
            child.log(range(step + 1, step + 1 + rows), value)
            runs.append(child)
            # What the parent logs at these steps from now on was not there to be seen.
            at.log(range(max([*at.line, step]) + 1, max([*at.line, step]) + 2), value)
        then()
    return runs


def check(store: Store, runs: list[Model]) -> None:
    for model in runs:
        key = model.life.run_key
        wanted = sorted(model.line.items())
        lines = store.series(SeriesRequest(keys=["loss"], runs=[key]))
        shown = [pair for line in lines for pair in zip(line.x.tolist(), line.y.tolist(), strict=True)]
        assert shown == wanted
        rows = [
            (step, value)
            for batch in store.history(key, ["loss"], "latest")
            for column in batch.columns
            for step, value in zip(batch.step.tolist(), column.values.tolist(), strict=True)
        ]
        assert rows == wanted
        stats = store.run(key).metrics.get("loss")
        values = [value for _, value in wanted]
        if not values:
            assert stats is None or stats.n == 0
            continue
        assert stats is not None
        assert (stats.n, stats.min, stats.max) == (len(values), min(values), max(values))
        assert (stats.first, stats.last, stats.last_step) == (values[0], values[-1], wanted[-1][0])
        assert stats.mean == pytest.approx(sum(values) / len(values))


@settings(max_examples=12, deadline=None)
@given(ACTS, st.booleans())
def test_runs_of_a_family_show_what_a_model_says(acts: list[Act], at_once: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        with Store.open(world.folder, clock_ns=world.now) as store:
            runs = perform(world, acts, (lambda: None) if at_once else store.ingest_now)
            store.ingest_now()
            check(store, runs)
            if at_once:
                store.rebuild()
                check(store, runs)
