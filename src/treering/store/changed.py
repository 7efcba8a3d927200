"""
What changed since an earlier run: every input that differs, the most telling first.

    score = weight of its kind × surprise

An input that differs in every run says little, one that never differed before says much. Of the T steps from run to run
among the runs before, the input changed in c; by Laplace's rule of succession the next change has the chance
p = (c + 1) / (T + 2), and surprise = log p / log(1 / (T + 2)) is 1 where it never changed and goes to 0 where it always
does. With no run before to learn from it is 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from treering.limits import CHANGED_MAX_RUNS

from . import schema as t
from .blobs import FileBlobs
from .comparison import Inputs
from .metadata import MetadataStore
from .run_groups import hashable
from .seeds import is_seed
from .state import RunState

__all__ = ["WEIGHTS", "Change", "Changed", "read_changed", "surprise"]

r = t.runs.c

# How much a change of each kind is likely to matter to a result.
WEIGHTS: Final = {
    "inputs": 1.0,
    "config": 1.0,
    "code": 0.9,
    "packages": 0.7,
    "hardware": 0.6,
    "environment": 0.5,
    "command": 0.3,
}
_SEED_WEIGHT: Final = 0.3
# Facts that differ in every run by their nature, or that repeat what another one says.
_PASSED_OVER: Final = {
    "code": ("git.message", "git.root"),
    "command": ("notebook",),
    "environment": ("executable", "MASTER_ADDR", "scheduler.id", "job.id"),
}
# Read from a document alone; a list of packages is a file, so that those of a hundred runs are not looked into.
_LEARNED: Final = ("config", "code", "hardware", "command", "inputs", "environment")


class Change(msgspec.Struct, frozen=True):
    """One input that differs; None where a run lacks it. ``score`` is 0..1."""

    section: str
    key: str
    before: Any
    after: Any
    score: float
    reason: str


class Changed(msgspec.Struct, frozen=True):
    """What changed from ``earlier`` (None: there is none) to ``run``. ``why``: why this earlier one."""

    run: str
    earlier: str | None
    why: str
    changes: list[Change]


def read_changed(
    metadata: MetadataStore, blobs: FileBlobs, run: RunState, earlier: RunState | None, *, alone: bool = False
) -> Changed:
    """
    Return what changed between *earlier* and *run*.

    Args:
        earlier: None for the latest run before it of the same program, or else the latest before it.
        alone: the asker may see no other run.
    """
    before = [] if alone else _runs_before(metadata, run)
    why = "It was chosen."
    if earlier is None:
        earlier, why = _like_it(run, before)
        if earlier is None:
            return Changed(run.run_key, None, "There is no earlier run in this project.", [])
    now, then = Inputs(metadata, blobs, run), Inputs(metadata, blobs, earlier)
    history = [Inputs(metadata, blobs, state) for state in before]
    changes: list[Change] = []
    for section, weight in WEIGHTS.items():
        a, b = then.section(section), now.section(section)
        differing = sorted(key for key in {*a, *b} if not _passed_over(section, key) and _differs(a, b, key))
        if not differing:
            continue
        past = [one.section(section) for one in history] if section in _LEARNED else []
        for key in differing:
            changed, steps = count_changes(past, key)
            score = weight * surprise(changed, steps) * (_SEED_WEIGHT if _is_seed(section, key) else 1.0)
            reason = _reason(section, key, changed, steps)
            changes.append(Change(section, key, a.get(key), b.get(key), round(score, 6), reason))
    changes.sort(key=lambda change: (-change.score, list(WEIGHTS).index(change.section), change.key))
    return Changed(run.run_key, earlier.run_key, why, changes)


def surprise(changed: int, steps: int) -> float:
    """Return 0..1: how unusual it is that something changes that changed *changed* times in *steps* steps."""
    if steps == 0:
        return 1.0
    return math.log((changed + 1) / (steps + 2)) / math.log(1 / (steps + 2))


def count_changes(past: Sequence[dict[str, Any]], key: str) -> tuple[int, int]:
    """Return in how many steps between neighbours of *past* the value of *key* changed, and of how many steps."""
    steps = list(pairwise(past))
    return sum(_differs(a, b, key) for a, b in steps), len(steps)


def _differs(a: dict[str, Any], b: dict[str, Any], key: str) -> bool:
    return (key in a) != (key in b) or hashable(a.get(key)) != hashable(b.get(key))


def _passed_over(section: str, key: str) -> bool:
    return key.startswith(_PASSED_OVER.get(section, ()))


def _is_seed(section: str, key: str) -> bool:
    return section in ("config", "environment") and is_seed(key)


def _reason(section: str, key: str, changed: int, steps: int) -> str:
    seed = "a seed: " if _is_seed(section, key) else ""
    if not steps:
        return f"{seed}differs" if seed else "differs; how often it changes is not known"
    if not changed:
        return f"{seed}did not change in any of the {steps} steps before"
    return f"{seed}changed in {changed} of the {steps} steps before"


def _runs_before(metadata: MetadataStore, run: RunState) -> list[RunState]:
    """Return the latest runs that began before *run*, the oldest first."""
    created_us = run.created_ns // 1_000
    earlier = sa.or_(r.created_us < created_us, sa.and_(r.created_us == created_us, r.number < run.number))
    query = (
        sa.select(r.id)
        .where(r.project_id == run.project_id, r.deleted.is_(False), r.id != run.id, earlier)
        .order_by(r.created_us.desc(), r.number.desc())
        .limit(CHANGED_MAX_RUNS)
    )
    with metadata.connect() as connection:
        ids = list(connection.scalars(query))
    states = metadata.runs_by_id(ids)
    return [states[number] for number in reversed(ids) if number in states]


def _like_it(run: RunState, before: Sequence[RunState]) -> tuple[RunState | None, str]:
    program = run.meta.get("program")
    for state in reversed(before):
        if program and state.meta.get("program") == program and state.text("job_type") == run.text("job_type"):
            return state, "The latest run before it of the same program."
    if before:
        return before[-1], "The latest run before it; none of the same program is among those looked at."
    return None, ""
