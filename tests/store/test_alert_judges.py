"""Judges of alert rules: each against a few lines of plain Python, in portions of any size."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treering.errors import InvalidValue
from treering.store.alert_judges import Past, judge_of
from treering.store.alert_rules import condition_data, describe_condition, parse_condition

VALUES = st.one_of(
    st.integers(-4, 4).map(float), st.sampled_from([math.nan, math.inf, -math.inf, 0.5, -0.5, 3.0000001])
)
LINES = st.lists(st.tuples(st.integers(0, 3), VALUES, st.integers(1, 40)), max_size=60)
RULES = st.sampled_from(
    [
        {"kind": "threshold", "key": "k", "op": ">", "value": 2.0},
        {"kind": "threshold", "key": "k", "op": "<=", "value": -1.0, "points": 3, "clear": 1.0},
        {"kind": "not_finite", "key": "k"},
        {"kind": "not_finite", "key": "k", "what": "inf", "points": 2},
        {"kind": "change", "key": "k", "by": 3.0, "steps": 4, "relative": False},
        {"kind": "change", "key": "k", "by": 0.5, "steps": 2, "direction": "rise"},
        {"kind": "change", "key": "k", "by": 1.0, "steps": 9_000, "relative": False, "direction": "fall"},
        {"kind": "unusual", "key": "k", "score": 2.0, "points": 2},
        {"kind": "plateau", "key": "k", "steps": 5, "by": 0.75},
        {"kind": "plateau", "key": "k", "steps": 3, "goal": "maximize"},
        {"kind": "silent", "key": "k", "seconds": 20.0},
    ]
)
PAST = Past.of_lines([(np.array([0, 50, 100]), np.array([0.0, 1.0, y])) for y in (0.0, 1.0, 2.0)])


def arrays(line: list[tuple[int, float, int]], back: bool = False) -> tuple[Any, Any, Any]:
    """Return steps that grow by the first, values, and times that grow by the last, in seconds."""
    steps = np.cumsum([gap for gap, _, _ in line], dtype=np.int64)
    if back and len(steps) > 4:
        steps[len(steps) // 2 :] -= steps[len(steps) // 2]
    times = np.cumsum([span for _, _, span in line], dtype=np.int64) * 1_000_000
    return steps, np.array([value for _, value, _ in line], np.float64), times


def turns(rule: dict[str, Any], parts: list[tuple[Any, Any, Any]], few: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
    """Judge portions; those whose places are in *few* point by point."""
    judge = judge_of(parse_condition(rule), PAST)
    found: list[Any] = []
    for place, part in enumerate(parts):
        found += judge.feed_few(*(column.tolist() for column in part)) if place in few else judge.feed(*part)
    return [(t.firing, t.step, t.time_us, t.text) for t in found]


@settings(max_examples=150, deadline=None)
@given(RULES, LINES, st.lists(st.integers(0, 60), max_size=8), st.booleans())
def test_how_points_are_cut_into_portions_changes_nothing(rule, line, cuts, back):
    whole = arrays(line, back)
    edges = sorted({0, len(line), *(min(cut, len(line)) for cut in cuts)})
    parts = [tuple(column[a:b] for column in whole) for a, b in itertools.pairwise(edges)]

    found = turns(rule, [whole])
    assert turns(rule, parts) == found
    assert turns(rule, parts, few=tuple(range(len(parts)))) == found
    assert turns(rule, parts, few=tuple(range(0, len(parts), 2))) == found
    assert [fires for fires, *_ in found] == [place % 2 == 0 for place in range(len(found))]


@settings(max_examples=100, deadline=None)
@given(LINES, st.integers(1, 4))
def test_a_bound_fires_at_the_nth_value_beyond_it_and_is_over_after_five_good_ones(line, points):
    steps, values, times = arrays(line)
    expected, count, firing = [], 0, False
    for place, value in enumerate(values.tolist()):
        if math.isnan(value):
            continue
        wanted = (value <= 1) if firing else (value > 1)
        count = count + 1 if wanted else 0
        if count == (5 if firing else points):
            firing, count = not firing, 0
            expected.append((firing, place))

    judge = judge_of(parse_condition({"kind": "threshold", "key": "k", "op": ">", "value": 1.0, "points": points}))
    places = {int(time): place for place, time in enumerate(times.tolist())}
    assert [(t.firing, places[t.time_us]) for t in judge.feed(steps, values, times)] == expected


@settings(max_examples=100, deadline=None)
@given(LINES)
def test_a_plateau_is_told_by_the_best_value_so_far(line):
    steps, values, times = arrays(line)
    best, best_step, firing, expected = None, 0, False, []
    for place, (step, value) in enumerate(zip(steps.tolist(), values.tolist(), strict=True)):
        if math.isfinite(value) and (best is None or value < best - 0.75):
            best, best_step = value, step
            if firing:
                firing = False
                expected.append((False, place))
        elif best is not None and not firing and step - best_step >= 5:
            firing = True
            expected.append((True, place))

    judge = judge_of(parse_condition({"kind": "plateau", "key": "k", "steps": 5, "by": 0.75}))
    places = {int(time): place for place, time in enumerate(times.tolist())}
    assert [(t.firing, places[t.time_us]) for t in judge.feed(steps, values, times)] == expected


def test_a_change_is_measured_against_the_value_a_window_earlier():
    steps = np.arange(0, 40, 2)
    values = np.where(steps < 20, 1.0, 1.6)
    found = turns({"kind": "change", "key": "k", "by": 0.5, "steps": 6}, [(steps, values, steps * 1_000_000)])

    assert found[0] == (True, 20, 20_000_000, "rose from 1 to 1.6 within 6 steps")
    assert found[1][:2] == (False, 34)  # five points after the window has passed


def test_silence_is_noticed_while_it_lasts_and_in_what_is_read_later():
    rule = parse_condition({"kind": "silent", "key": "k", "seconds": 60.0})
    judge = judge_of(rule)
    judge.feed(np.array([1]), np.array([0.5]), np.array([0]))

    assert judge.wait(60_000_000) == []
    assert [(t.firing, t.time_us, t.text) for t in judge.wait(61_000_000)] == [
        (True, 60_000_000, "no new point for 1 min")
    ]
    assert judge.wait(90_000_000) == []
    assert [t.firing for t in judge.feed(np.array([2]), np.array([0.4]), np.array([95_000_000]))] == [False]
    later = judge_of(rule).feed(np.array([1, 2]), np.array([0.5, 0.4]), np.array([0, 95_000_000]))
    assert [(t.firing, t.step, t.time_us) for t in later] == [(True, 1, 60_000_000), (False, 2, 95_000_000)]


def test_what_is_usual_needs_three_earlier_runs_that_reach_a_step():
    lines = [(np.array([0, 10]), np.array([1.0, 1.0 + n / 10])) for n in range(3)]
    past = Past.of_lines(lines)
    mean, std = past.at(np.array([10, 11]))

    assert (mean[0], std[0]) == (pytest.approx(1.1), pytest.approx(0.1))
    assert math.isnan(mean[1])
    assert math.isnan(Past.of_lines(lines[:2]).at(np.array([10]))[0][0])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"kind": "threshold", "key": "k", "op": ">", "value": math.nan}, "value is a finite number"),
        ({"kind": "threshold", "key": "k", "op": "~", "value": 1}, "$.op"),
        ({"kind": "threshold", "key": "k", "op": ">", "value": 1, "clear": 2}, "clear lies on the good side"),
        ({"kind": "threshold", "key": "", "op": ">", "value": 1}, "key is a metric's name"),
        ({"kind": "threshold", "key": "a*b*c", "op": ">", "value": 1}, "one * at most"),
        ({"kind": "change", "key": "k", "by": 0, "steps": 1}, "by is a number above 0"),
        ({"kind": "silent", "key": "k", "seconds": 0.1}, "seconds is 1 to"),
        ({"kind": "plateau", "key": "k", "steps": 0}, "steps is 1 or more"),
        ({"kind": "ended", "states": []}, "states names at least one"),
        ({"kind": "ended", "states": ["running"]}, "$.states"),
        ({"kind": "not_finite", "key": "k", "points": 0}, "points is 1 to"),
        ({"kind": "exec", "key": "k"}, "exec"),
        ({"kind": "silent", "key": "k", "seconds": 5, "more": 1}, "more"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_field(rule, said):
    with pytest.raises(InvalidValue, match=said.replace("$", r"\$").replace("*", r"\*")):
        parse_condition(rule)


def test_conditions_are_said_in_words_and_survive_a_round_trip():
    for rule, text in (
        ({"kind": "threshold", "key": "loss", "op": ">", "value": 2.5, "points": 3}, "loss > 2.5, 3 times in a row"),
        (
            {"kind": "change", "key": "acc", "by": 0.2, "steps": 500, "direction": "fall"},
            "acc falls by 20 % within 500",
        ),
        ({"kind": "ended", "states": ["failed", "crashed"]}, "the run fails or dies without a word"),
        ({"kind": "silent", "key": "loss", "seconds": 5400}, "loss has no new point for 1 h 30 min"),
    ):
        condition = parse_condition(rule)
        assert describe_condition(condition).startswith(text)
        assert parse_condition(condition_data(condition)) == condition
