"""Where strands of a series meet, rollups are not believed."""

from __future__ import annotations

import numpy as np
import pytest

from treering.store.columns import Spans
from treering.store.line import NEVER, Lineage, attempts_of, dirty_steps


def spans_of(strands: list[tuple[int, int]]) -> Spans:
    n = len(strands)
    return Spans(
        run=np.ones(n, np.int32),
        key=np.ones(n, np.int32),
        seg=np.arange(n, dtype=np.int32),
        attempt=np.zeros(n, np.int32),
        writer=np.ones(n, np.int32),
        n=np.ones(n, np.int64),
        first_step=np.array([first for first, _ in strands], np.int64),
        last_step=np.array([last for _, last in strands], np.int64),
        min_ts=np.zeros(n, np.int64),
        max_ts=np.zeros(n, np.int64),
        base=np.full(n, -1, np.int8),
    )


def lineage_of(fences: list[int]) -> Lineage:
    order = np.arange(len(fences), dtype=np.int64)
    return Lineage(order.astype(np.int32), order, order, np.array(fences, np.int64))


@pytest.mark.parametrize(
    ("strands", "fences", "dirty"),
    [
        ([(0, 10), (11, 20)], [NEVER, NEVER], []),
        ([(0, 10), (10, 20)], [NEVER, NEVER], [(10, 10)]),
        ([(0, 10), (5, 20)], [NEVER, NEVER], [(5, 10)]),
        ([(0, 100), (5, 20), (50, 60)], [NEVER] * 3, [(5, 20), (50, 60)]),
        ([(0, 10), (8, 20)], [8, NEVER], [(8, 10), (8, 10)]),
        ([(0, 10), (11, 20)], [11, NEVER], []),
        ([(5, 10), (0, 3)], [0, NEVER], [(5, 10)]),
    ],
)
def test_contested_steps_are_those_of_two_strands_or_behind_a_fence(strands, fences, dirty):
    spans = spans_of(strands)

    series, first, last = dirty_steps(spans, np.zeros(len(strands), np.int64), lineage_of(fences))

    assert sorted(zip(first.tolist(), last.tolist(), strict=True)) == dirty
    assert set(series.tolist()) <= {0}


def test_a_life_that_begins_below_where_the_last_one_stopped_is_another_attempt():
    spans = spans_of([(0, 10), (10, 20), (5, 30), (31, 40)])

    assert attempts_of(spans, lineage_of([NEVER] * 4)).tolist() == [0, 0, 1, 1]


def test_ranks_stand_aside_where_the_main_writer_logs_the_key():
    spans = spans_of([(0, 10), (0, 20)])
    order = np.arange(2, dtype=np.int64)
    fences = np.full(2, NEVER)

    def aside(foreign: list[bool]) -> list[bool]:
        lineage = Lineage(order.astype(np.int32), order, order, fences, foreign=np.array(foreign))
        return lineage.aside(spans).tolist()

    assert aside([False, True]) == [False, True]
    assert aside([True, True]) == [False, False]
    assert aside([False, False]) == [False, False]
