"""Random corrections over random series: chart, table, history and export agree with plain Python over the points."""

from __future__ import annotations

import csv
import math
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from store.world import World
from treering.errors import InvalidValue
from treering.store import RunQuery, SeriesRequest, Store
from treering.store.correction_rules import parse_rule
from treering.store.model import Column

KEYS = ["a", "b", "c", "d"]
RUNS = ["r0", "r1"]
Line = dict[int, float]

names = st.sampled_from([*KEYS, "x", "y"])
numbers = st.sampled_from([-100.0, -1.5, 0.001, 0.5, 2.0, 1000.0])
offsets = st.sampled_from([0.0, 0.0, 1.0, -273.15])
bounds = st.one_of(st.none(), st.integers(-10, 3_000))


@st.composite
def cuts(draw: st.DrawFn) -> dict[str, Any]:
    low, high = draw(bounds), draw(bounds)
    if low is not None and high is not None and low > high:
        low, high = high, low
    rule: dict[str, Any] = {"kind": "cut", "key": draw(names)}
    if low is not None or high is not None:
        rule["steps"] = [low, high]
    if draw(st.booleans()) or "steps" not in rule:
        rule[draw(st.sampled_from(["below", "above"]))] = draw(st.sampled_from([-2.0, -0.5, 0.0, 1.0, 50.0]))
    if draw(st.booleans()):
        rule["runs"] = draw(st.lists(st.sampled_from(RUNS), min_size=1, max_size=2, unique=True))
    return rule


rules = st.one_of(
    st.builds(lambda a, b: {"kind": "rename", "from": a, "to": b}, names, names).filter(lambda r: r["from"] != r["to"]),
    st.builds(
        lambda some, into: {"kind": "merge", "from": some, "into": into},
        st.lists(names, min_size=2, max_size=3, unique=True),
        names,
    ),
    st.builds(lambda a: {"kind": "hide", "keys": a}, names),
    st.builds(lambda a, f, o: {"kind": "rescale", "key": a, "factor": f, "offset": o}, names, numbers, offsets),
    cuts(),
    cuts(),
)


def logged(seed: int) -> dict[str, dict[str, Line]]:
    """Return run → key → step → value. Some series are long enough for rollups, some values are not finite."""
    rng = random.Random(seed)
    runs: dict[str, dict[str, Line]] = {}
    for run in RUNS:
        runs[run] = {}
        for key in KEYS:
            if rng.random() < 0.2:
                continue
            start, stride, n = rng.choice([0, 0, 5, 700]), rng.choice([1, 1, 2, 9]), rng.choice([1, 30, 300, 1_500])
            steps = range(start, start + stride * n, stride)
            runs[run][key] = {
                step: rng.gauss(0, 1) if rng.random() > 0.01 else rng.choice([math.nan, math.inf]) for step in steps
            }
    return runs


def model(runs: dict[str, dict[str, Line]], corrections: list[dict[str, Any]]) -> dict[str, dict[str, Line]]:
    """Return run → name → step → value as they are shown. A line is a list of logged keys, each with what is done."""
    there = [key for key in KEYS if any(key in its for its in runs.values())]
    lines: dict[str, list[tuple[str, list[dict[str, Any]]]]] = {key: [(key, [])] for key in there}
    for rule in corrections:
        kind = rule["kind"]
        if kind == "rename" and rule["from"] in lines:
            moved = lines.pop(rule["from"])
            lines[rule["to"]] = [*lines.get(rule["to"], []), *moved]
        elif kind == "merge":
            found = [lines.pop(key) for key in rule["from"] if key in lines]
            if found:
                found.append(lines.pop(rule["into"], []))
                lines[rule["into"]] = [source for some in found for source in some]
        elif kind == "hide":
            lines.pop(rule["keys"], None)
        elif kind in ("rescale", "cut") and rule["key"] in lines:
            lines[rule["key"]] = [(key, [*done, rule]) for key, done in lines[rule["key"]]]
    shown: dict[str, dict[str, Line]] = {}
    for run, keys in runs.items():
        shown[run] = {}
        for name, sources in lines.items():
            line: Line = {}
            for key, done in reversed(sources):
                line.update(corrected(run, keys.get(key, {}), done))
            if line:
                shown[run][name] = dict(sorted(line.items()))
    return shown


def corrected(run: str, line: Line, done: list[dict[str, Any]]) -> Line:
    for rule in done:
        if rule["kind"] == "rescale":
            line = {step: value * rule["factor"] + rule["offset"] for step, value in line.items()}
        elif run in rule.get("runs", RUNS):
            line = {step: value for step, value in line.items() if not is_cut(step, value, rule)}
    return line


def is_cut(step: int, value: float, rule: dict[str, Any]) -> bool:
    low, high = rule.get("steps", (None, None))
    inside = (low is None or step >= low) and (high is None or step <= high)
    if "below" in rule:
        return inside and value < rule["below"]
    return inside and (value > rule["above"] if "above" in rule else True)


def close(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=1e-12, atol=1e-9, equal_nan=True))


def written(folder: Path, runs: dict[str, dict[str, Line]]) -> World:
    world = World(folder)
    for run, keys in runs.items():
        life = world.life(run)
        for step in sorted({step for line in keys.values() for step in line}):
            life.log({key: line[step] for key, line in keys.items() if step in line}, step)
        life.end()
    return world


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # an example writes thousands of records: making it smaller takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10_000), chosen=st.lists(rules, min_size=1, max_size=5))
def test_every_reader_shows_what_plain_python_computes(seed: int, chosen: list[dict[str, Any]]):
    runs = logged(seed)
    with tempfile.TemporaryDirectory() as folder:
        world = written(Path(folder), runs)
        options = {"flush_points": 1_500, "background": False}
        with Store.open(folder, clock_ns=world.now, **options) as store:
            store.ingest_now()
            keys = {row.run_id: row.run_key for row in store.query_runs(RunQuery("ada", "digits")).runs}
            made = []
            for rule in chosen:
                data = {**rule, "runs": [keys[run] for run in rule["runs"]]} if "runs" in rule else rule
                try:
                    made.append(store.corrections.create("ada", "digits", parse_rule(data), "ada"))
                except InvalidValue:
                    return  # bounds that leave nothing, or such
            expected = model(runs, chosen)
            shown = sorted({name for its in expected.values() for name in its})
            check_charts(store, keys, expected)
            check_table(store, expected, shown)
            check_histories(store, keys, expected)
            check_export(store, expected, shown)
            for one in made:
                store.corrections.change(one.id, "ada", one.version, enabled=False)
            check_charts(store, keys, runs)
            check_table(store, runs, KEYS)


def check_charts(store: Store, keys: dict[str, str], expected: dict[str, dict[str, Line]]) -> None:
    wanted = sorted({name for its in expected.values() for name in its}) or ["a"]
    for buckets, low, high, x in (
        (4_000, None, None, "step"),
        (60, None, None, "step"),
        (60, 100.0, 1_200.0, "step"),
        (4_000, None, None, "relative"),
        (60, None, None, "relative"),
    ):
        request = SeriesRequest(
            keys=wanted, runs=list(keys.values()), buckets=buckets, range=None if low is None else [low, high], x=x
        )
        found = {(one.run, one.key): one for one in store.series(request)}
        for run, its in expected.items():
            for name, line in its.items():
                inside = {s: v for s, v in line.items() if low is None or low <= s <= high}
                one = found.pop((keys[run], name), None)
                if not inside:
                    assert one is None or one.n == 0
                    continue
                assert one is not None, (run, name)
                check_line(one, inside, by_step=x == "step")
        assert all(one.n == 0 for one in found.values())


def check_line(one: Any, line: Line, *, by_step: bool) -> None:
    """Rows are logged in the order of steps, so lines over time have the same points in the same order."""
    steps, values = np.array(list(line)), np.array(list(line.values()))
    if one.exact:
        assert not by_step or one.x.tolist() == steps.tolist()
        assert close(one.y, values)
        return
    assert int(one.count.sum()) == len(steps)
    ends = np.cumsum(one.count)
    assert not by_step or one.x.tolist() == steps[ends - 1].tolist()
    for begin, end, low, high in zip(ends - one.count, ends, one.lo, one.hi, strict=True):
        piece = values[begin:end]
        finite = piece[np.isfinite(piece)]
        if len(finite):
            assert close([low, high], [finite.min(), finite.max()])


def check_table(store: Store, expected: dict[str, dict[str, Line]], names: list[str]) -> None:
    for row in store.query_runs(RunQuery("ada", "digits", metrics=names)).runs:
        its = expected[row.run_id]
        assert set(row.metrics) == set(its), row.run_id
        for name, stats in row.metrics.items():
            values = np.array(list(its[name].values()))
            finite = values[np.isfinite(values)]
            assert stats.n == len(values)
            assert stats.last_step == list(its[name])[-1]
            assert close([stats.first, stats.last], [values[0], values[-1]])
            if len(finite):
                assert close([stats.min, stats.max], [finite.min(), finite.max()])
                assert math.isclose(stats.mean, finite.mean(), rel_tol=1e-9, abs_tol=1e-9)
            else:
                assert stats.min is stats.max is stats.mean is None


def check_histories(store: Store, keys: dict[str, str], expected: dict[str, dict[str, Line]]) -> None:
    for run, its in expected.items():
        for attempts in ("all", "latest"):
            found: dict[str, Line] = {}
            for batch in store.history(keys[run], None, attempts):
                for column in batch.columns:
                    here = np.flatnonzero(column.present)
                    line = found.setdefault(column.key, {})
                    line.update(zip(batch.step[here].tolist(), [float(column.values[i]) for i in here], strict=True))
            assert set(found) == set(its)
            for name, line in found.items():
                assert list(line) == list(its[name])
                assert close(list(line.values()), list(its[name].values()))


def check_export(store: Store, expected: dict[str, dict[str, Line]], names: list[str]) -> None:
    if not names:
        return
    columns = [Column("id"), *(Column(f"metric:{name}", "max") for name in names)]
    text = b"".join(store.comparing.export(RunQuery("ada", "digits", columns=columns), "csv")).decode()
    for row in csv.DictReader(text.splitlines()):
        for name in names:
            line = expected[row["id"]].get(name, {})
            finite = [value for value in line.values() if math.isfinite(value)]
            cell = row[f"{name} (max)"]
            assert close(float(cell), max(finite)) if finite else cell == ""


def test_the_model_notices_a_cut_that_is_not_applied(tmp_path: Path):
    runs = {"r0": {"a": {step: float(step) for step in range(50)}}, "r1": {}}
    world = written(tmp_path, runs)
    with Store.open(tmp_path, clock_ns=world.now) as store:
        store.ingest_now()
        keys = {row.run_id: row.run_key for row in store.query_runs(RunQuery("ada", "digits")).runs}
        with pytest.raises(AssertionError):
            check_charts(store, keys, model(runs, [{"kind": "cut", "key": "a", "steps": [10, None]}]))
