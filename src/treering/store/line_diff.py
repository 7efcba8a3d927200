"""
Unified diffs in bounded time.

Lines that occur once on both sides are matched first (patience, by Bram Cohen): they are what a reader takes for the
same. Between two of them Myers' algorithm (1986) finds the shortest way, its work over all gaps being limited. What is
beyond that is shown as removed and added, so a diff may be longer than it need be, but never wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from treering.limits import DIFF_MAX_STEPS

__all__ = ["matches", "unified_diff"]

Lines = Sequence[str]


class _Change(NamedTuple):
    """Lines of a from *a* to *b* become those of b from *c* to *d*."""

    a: int
    b: int
    c: int
    d: int


def unified_diff(a: Lines, b: Lines, name_a: str, name_b: str, context: int = 3) -> str:
    """Return the unified diff from *a* to *b* (lines without their ends); empty if they are equal."""
    changes = list(_changes(a, b))
    if not changes:
        return ""
    lines = [f"--- {name_a}", f"+++ {name_b}"]
    hunk: list[_Change] = []
    for change in changes:
        if hunk and change.a - hunk[-1].b > 2 * context:
            lines += _hunk(a, b, hunk, context)
            hunk = []
        hunk.append(change)
    lines += _hunk(a, b, hunk, context)
    return "\n".join(lines) + "\n"


def _hunk(a: Lines, b: Lines, changes: list[_Change], context: int) -> Iterator[str]:
    first, last = changes[0], changes[-1]
    begin_a, begin_b = max(0, first.a - context), max(0, first.c - context)
    end_a, end_b = min(len(a), last.b + context), min(len(b), last.d + context)
    yield f"@@ -{_range(begin_a, end_a)} +{_range(begin_b, end_b)} @@"
    at = begin_a
    for change in changes:
        yield from (f" {line}" for line in a[at : change.a])
        yield from (f"-{line}" for line in a[change.a : change.b])
        yield from (f"+{line}" for line in b[change.c : change.d])
        at = change.b
    yield from (f" {line}" for line in a[at:end_a])


def _range(begin: int, end: int) -> str:
    length = end - begin
    return f"{begin + 1 if length else begin}" + ("" if length == 1 else f",{length}")


def _changes(a: Lines, b: Lines) -> Iterator[_Change]:
    at_a = at_b = 0
    for i, j in [*matches(a, b), (len(a), len(b))]:
        if i > at_a or j > at_b:
            yield _Change(at_a, i, at_b, j)
        at_a, at_b = i + 1, j + 1


def matches(a: Lines, b: Lines) -> list[tuple[int, int]]:
    """Return pairs (line of a, line of b) that are equal, both rising: what a diff shows as unchanged."""
    begin = 0
    while begin < min(len(a), len(b)) and a[begin] == b[begin]:
        begin += 1
    end = 0
    while end < min(len(a), len(b)) - begin and a[-1 - end] == b[-1 - end]:
        end += 1
    found = [(n, n) for n in range(begin)]
    budget = [DIFF_MAX_STEPS]
    stop_a, stop_b = len(a) - end, len(b) - end
    at_a, at_b = begin, begin
    for i, j in [*_anchors(a, b, begin, stop_a, stop_b), (stop_a, stop_b)]:
        found += _shortest(a, b, at_a, i, at_b, j, budget)
        if i < stop_a:
            found.append((i, j))
        at_a, at_b = i + 1, j + 1
    return found + [(len(a) - n, len(b) - n) for n in range(end, 0, -1)]


def _anchors(a: Lines, b: Lines, begin: int, stop_a: int, stop_b: int) -> list[tuple[int, int]]:
    """Return the longest rising chain of lines that occur once on each side."""
    count_a, count_b = Counter(a[begin:stop_a]), Counter(b[begin:stop_b])
    place_b = {b[j]: j for j in range(begin, stop_b) if count_b[b[j]] == 1}
    pairs = [(i, place_b[a[i]]) for i in range(begin, stop_a) if count_a[a[i]] == 1 and a[i] in place_b]
    tails: list[int] = []  # the least last place in b of a chain of each length
    chain: list[int] = []  # and which pair that is
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(tails, j)
        before.append(chain[length - 1] if length else -1)
        if length == len(tails):
            tails.append(j)
            chain.append(number)
        else:
            tails[length], chain[length] = j, number
    found: list[tuple[int, int]] = []
    number = chain[-1] if chain else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _shortest(
    a: Lines, b: Lines, begin_a: int, end_a: int, begin_b: int, end_b: int, budget: list[int]
) -> list[tuple[int, int]]:
    """Return the matches of a longest common subsequence of two stretches; fewer once *budget* is used up."""
    n, m = end_a - begin_a, end_b - begin_b
    if not n or not m:
        return []
    reach = {1: 0}  # diagonal → how far along a the best way has come
    trace: list[dict[int, int]] = []
    for d in range(n + m + 1):
        budget[0] -= d + 1
        if budget[0] < 0:
            return _ends(a, b, begin_a, end_a, begin_b, end_b)
        trace.append(dict(reach))
        for k in range(-d, d + 1, 2):
            down = k == -d or (k != d and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            y = x - k
            while x < n and y < m and a[begin_a + x] == b[begin_b + y]:
                x, y = x + 1, y + 1
            reach[k] = x
            if x >= n and y >= m:
                return _walk_back(trace, n, m, begin_a, begin_b)
    return []


def _ends(a: Lines, b: Lines, begin_a: int, end_a: int, begin_b: int, end_b: int) -> list[tuple[int, int]]:
    """Return the equal lines at both ends of two stretches."""
    size = min(end_a - begin_a, end_b - begin_b)
    head = 0
    while head < size and a[begin_a + head] == b[begin_b + head]:
        head += 1
    tail = 0
    while tail < size - head and a[end_a - 1 - tail] == b[end_b - 1 - tail]:
        tail += 1
    found = [(begin_a + n, begin_b + n) for n in range(head)]
    return found + [(end_a - n, end_b - n) for n in range(tail, 0, -1)]


def _walk_back(trace: list[dict[int, int]], n: int, m: int, begin_a: int, begin_b: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    x, y = n, m
    for d in range(len(trace) - 1, -1, -1):
        reach, k = trace[d], x - y
        down = k == -d or (k != d and reach[k - 1] < reach[k + 1])
        before = k + 1 if down else k - 1
        from_x = reach[before]
        from_y = from_x - before
        while x > from_x and y > from_y and x > 0 and y > 0:
            x, y = x - 1, y - 1
            found.append((begin_a + x, begin_b + y))
        x, y = from_x, from_y
    return found[::-1]
