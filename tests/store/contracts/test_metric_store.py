"""What every MetricStore promises: the same points whatever is in the tail, in parts or merged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from treering.store.columns import Items, Points, ints
from treering.store.metrics import MetricStore
from treering.store.parquet import REPLAY_MAX_SEGMENTS, REPLAY_YOUNG_S, ParquetMetrics
from treering.store.recent import RecentPoints
from treering.store.tail import Mark

RNG = np.random.default_rng(11)


def open_store(folder: Path, **options) -> MetricStore:
    return ParquetMetrics(folder, "index", **options)


@pytest.fixture(params=["tail", "parts", "parts in background"])
def metrics(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MetricStore]:
    options = {
        "tail": {},
        "parts": {"flush_points": 500, "background": False},
        "parts in background": {"flush_points": 500},
    }[request.param]
    store = open_store(tmp_path, **options)
    yield store
    store.close()


def some_points(run: int, key: int, steps: range, seg: int = 1) -> Points:
    n = len(steps)
    return Points(
        run=np.full(n, run, np.int32),
        key=np.full(n, key, np.int32),
        step=np.array(steps, np.int64),
        attempt=np.zeros(n, np.int32),
        writer=np.ones(n, np.int32),
        ts=np.array(steps, np.int64) * 1_000 + run,
        val=RNG.choice([1.0, -2.5, np.nan, np.inf, -np.inf, 1e-300], n),
        kind=np.zeros(n, np.uint8),
        seg=np.full(n, seg, np.int32),
        off=np.array(steps, np.int64) * 40,
        lo=np.full(n, np.nan),
        hi=np.full(n, np.nan),
    )


def fill(metrics: MetricStore, project: int = 1) -> Points:
    """Four runs × three keys × 400 steps, in portions; returns all of it."""
    everything = []
    for begin in range(0, 400, 80):
        for run in range(1, 5):
            parts = [some_points(run, key, range(begin, begin + 80), seg=run) for key in (1, 2, 7)]
            points = Points.concat(parts)
            metrics.append(project, points, Items.empty(), {run: Mark((begin + 80) * 40, run)})
            everything.append(points)
    return Points.concat(everything)


def rows(points: Points) -> list[tuple]:
    columns = [getattr(points, name).tolist() for name in ("key", "run", "step", "off", "seg", "ts", "val")]
    return sorted(zip(*columns, strict=True), key=lambda row: row[:4] and tuple(map(repr, row)))


def test_every_point_comes_back_bit_for_bit(metrics: MetricStore):
    everything = fill(metrics)

    with metrics.view(1) as view:
        found = view.points(None, None)

    assert rows(found) == rows(everything) or list(map(repr, rows(found))) == list(map(repr, rows(everything)))


@pytest.mark.parametrize("steps", [None, (100, 150), (399, 1000), (400, 500)])
@pytest.mark.parametrize(("keys", "runs"), [([1], [2]), ([1, 7], [1, 4]), ([5], [1]), ([], [1]), (None, [3])])
def test_a_selection_is_what_the_whole_has_of_it(metrics: MetricStore, keys, runs, steps):
    everything = fill(metrics)
    keep = np.isin(everything.run, runs)
    if keys is not None:
        keep &= np.isin(everything.key, keys)
    if steps is not None:
        keep &= (everything.step >= steps[0]) & (everything.step <= steps[1])

    with metrics.view(1) as view:
        found = view.points(None if keys is None else ints(keys), ints(runs), steps=steps)

    assert list(map(repr, rows(found))) == list(map(repr, rows(everything.take(keep))))


def test_a_selection_that_is_asked_again_has_what_came_since(metrics: MetricStore):
    written: list[Points] = []
    keys, runs = ints([1, 7]), ints([1, 3])
    for begin in range(0, 800, 80):
        points = Points.concat(
            [some_points(run, key, range(begin, begin + 80), seg=run) for run in (1, 2, 3) for key in (1, 2, 7)]
        )
        metrics.append(1, points, Items.empty(), {run: Mark(begin + 80, run) for run in (1, 2, 3)})
        written.append(points)
        if begin % 400 == 0:
            metrics.flush()
        everything = Points.concat(written)
        mine = np.isin(everything.key, keys) & np.isin(everything.run, runs)
        for bounds in ({}, {"steps": (begin // 2, begin)}, {"times": (begin // 3 * 1_000, begin * 1_000)}):
            low, high = bounds.get("steps", (0, 1 << 40))
            since, until = bounds.get("times", (0, 1 << 40))
            inside = (everything.step >= low) & (everything.step <= high)
            inside &= (everything.ts >= since) & (everything.ts <= until)
            with metrics.view(1) as view:
                few = view.points(keys, runs, columns=["run", "key", "step", "ts", "val"], **bounds)
                all_of_it = view.points(keys, runs, **bounds)
            expected = everything.take(mine & inside)
            assert repr(rows(all_of_it)) == repr(rows(expected))
            assert sorted(few.step.tolist()) == sorted(expected.step.tolist())
            assert np.array_equal(np.sort(few.val), np.sort(expected.val), equal_nan=True)


def test_what_was_read_lately_is_kept_within_a_budget_and_not_longer_than_its_part():
    recent = RecentPoints(budget_bytes=3 * 20_000)
    points = some_points(1, 1, range(200))  # 13,800 bytes
    for name in "abcde":
        recent.put(name, "selection", points)
    assert [recent.get(name, "selection") is points for name in "abcde"] == [False, True, True, True, True]

    recent.get("b", "selection")
    recent.put("f", "selection", points)
    assert [recent.get(name, "selection") is points for name in "bcdef"] == [True, False, True, True, True]
    assert recent.get("b", "another") is None

    recent.forget(["d", "b"])
    assert [recent.get(name, "selection") is points for name in "bdef"] == [False, False, True, True]


def test_spans_cover_what_was_written(metrics: MetricStore):
    fill(metrics)

    with metrics.view(1) as view:
        spans, _ = view.spans(ints([2]), ints([1, 3]))

    assert set(spans.run.tolist()) == {1, 3}
    for run in (1, 3):
        mine = spans.take(spans.run == run)
        assert (mine.n.sum(), mine.first_step.min(), mine.last_step.max()) == (400, 0, 399)


def test_projects_do_not_see_each_other(metrics: MetricStore):
    fill(metrics, project=1)

    with metrics.view(2) as view:
        assert len(view.points(None, None)) == 0
        assert len(view.spans(None, None)[0]) == 0
        assert len(view.items(None, None)) == 0


def test_a_view_stays_as_it_was(metrics: MetricStore):
    fill(metrics)
    with metrics.view(1) as view:
        before = list(map(repr, rows(view.points(None, None))))
        metrics.append(1, some_points(9, 9, range(700)), Items.empty(), {9: Mark(1, 1)})
        metrics.flush()
        after = list(map(repr, rows(view.points(None, None))))

    assert before == after


def test_items_come_back_with_their_text(metrics: MetricStore):
    texts = np.empty(3, object)
    texts[:] = ["ä", "", '{"_type":"image"}']
    kinds = np.empty(3, object)
    kinds[:] = ["text", "text", "image"]
    base = some_points(1, 3, range(3))
    items = Items(base.run, base.key, base.step, base.attempt, base.writer, base.ts, kinds, texts, base.seg, base.off)
    metrics.append(1, Points.empty(), items, {1: Mark(9, 9)})

    for _ in range(2):
        with metrics.view(1) as view:
            found = view.items(ints([3]), ints([1]))
        assert (found.kind.tolist(), found.ref.tolist()) == (kinds.tolist(), texts.tolist())
        metrics.flush()


def test_marks_are_those_of_the_points_and_survive_only_when_flushed(tmp_path: Path):
    store = open_store(tmp_path)
    fill(store)
    assert store.marks()[2] == Mark(16_000, 2)
    assert store.durable_marks() == {}
    store.flush()
    assert store.durable_marks() == store.marks()
    store.append(1, some_points(1, 1, range(400, 410)), Items.empty(), {1: Mark(20_000, 5)})
    store.close()  # the tail is not flushed: the run log still has it

    again = open_store(tmp_path)

    assert again.marks() == again.durable_marks()
    assert again.marks()[1] == Mark(16_000, 1)
    again.close()


def test_very_many_segments_are_not_left_to_memory_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock = SimpleNamespace(monotonic=lambda: clock.now_s, now_s=0.0)
    monkeypatch.setattr("treering.store.parquet.time", clock)
    store = open_store(tmp_path, background=False)
    many = {segment: Mark(40, 1) for segment in range(REPLAY_MAX_SEGMENTS)}
    store.append(1, some_points(1, 1, range(10)), Items.empty(), many)
    store.append(2, some_points(2, 1, range(10)), Items.empty(), {99_999: Mark(40, 1)})

    store.bound_replay()
    assert store.durable_marks() == {}, "those of thousands of live runs come together"
    clock.now_s += REPLAY_YOUNG_S + 1
    store.bound_replay()

    assert store.durable_marks() == many
    store.close()


def test_a_cleared_store_is_empty_and_works(metrics: MetricStore):
    fill(metrics)
    metrics.flush()
    metrics.clear("other")

    with metrics.view(1) as view:
        assert len(view.points(None, None)) == 0
    assert metrics.marks() == {}
    everything = fill(metrics)
    with metrics.view(1) as view:
        assert len(view.points(None, None)) == len(everything)


def test_readers_see_each_point_once_while_parts_are_written_and_merged(tmp_path: Path):
    store = open_store(tmp_path, flush_points=300)
    appended = 0
    wrong: list[tuple[int, int, int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            least = appended
            with store.view(1) as view:
                points = view.points(ints([1]), ints([1]))
            most = appended + 50
            steps = points.step
            if not (least <= len(steps) <= most) or len(np.unique(steps)) != len(steps):
                wrong.append((least, len(steps), most))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for begin in range(0, 6_000, 50):
        store.append(1, some_points(1, 1, range(begin, begin + 50)), Items.empty(), {1: Mark(begin, 0)})
        appended += 50
    store.flush()
    done.set()
    for reader in readers:
        reader.join()
    store.close()

    assert wrong == []
