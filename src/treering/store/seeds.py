"""
Seeds: runs that are equal but for a few keys of their configuration, summed up as one.

Which keys are seeds is told by their names, unless they are named. Two runs belong together when the hash of the rest
of their configuration is the same: its flat keys and values as canonical JSON, SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from treering.errors import LimitExceeded
from treering.limits import STATISTICS_MAX_RUNS

from . import schema as t
from .metadata import MetadataStore, ProjectRef
from .model import Column, Selection
from .run_columns import ColumnSource, PointSource, is_number
from .run_groups import read_configs, varying_parts
from .selection import Chosen, choose_runs, count_runs, newest_first
from .statistics.describe import describe, finite_numbers
from .statistics.two_samples import mean_interval

__all__ = ["SeedGroup", "Seeds", "config_hash", "is_seed", "read_seeds"]

r = t.runs.c

# The last part of a dotted key, as it is called in training scripts.
_SEED: Final = re.compile(
    r"(?:.*[_-]|pythonhash)?seeds?(?:[_-](?:num|number|idx|index|id|everything))?|seed\d+|random_?state|rng|replicate",
    re.IGNORECASE,
)


class SeedGroup(msgspec.Struct, frozen=True):
    """
    Runs with one configuration, the oldest first. ``values`` are their finite numbers, else None.

    ``std``, ``stderr`` and the t interval ``ci`` of the mean are None for fewer than two values. ``rank`` 1 is best.
    """

    label: dict[str, Any]
    hash: str
    runs: list[str]
    values: list[float | None]
    n: int
    mean: float | None
    std: float | None
    stderr: float | None
    ci: tuple[float, float] | None
    min: float | None
    max: float | None
    rank: int | None


class Seeds(msgspec.Struct, frozen=True):
    """Groups by rank, those without a value last. ``varying``: the keys that tell them apart."""

    ignored: list[str]
    varying: list[str]
    groups: list[SeedGroup]
    match: int


def is_seed(key: str) -> bool:
    """Return whether a flat config key is called like a seed: ``seed``, ``train.random_seed``, ``random_state``, …"""
    return _SEED.fullmatch(key.rpartition(".")[2]) is not None


def config_hash(config: dict[str, Any], ignored: Callable[[str], bool]) -> str:
    """Return 16 hex digits that are the same for equal flat configurations, but for the keys that are *ignored*."""
    rest = {key: value for key, value in config.items() if not ignored(key)}
    # 1, 1.0 and true are three values, and NaN is equal to itself: as Python's JSON writes them.
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_seeds(
    metadata: MetadataStore,
    project: ProjectRef,
    selection: Selection,
    metric: Column,
    goal: str | None,
    ignore: Sequence[str] | None,
    confidence: float,
    points: PointSource,
) -> Seeds:
    """
    Return the runs that match in groups of equal configuration, ranked by the mean of *metric*.

    Args:
        goal: ``min`` ranks the lowest mean first; else the highest is first.
        ignore: config keys that do not count; None for all that are called like seeds.

    Raises:
        FilterError, InvalidValue: see ``choose_runs`` and ``ColumnSource.read``.
        LimitExceeded: too many runs match.
    """
    chosen = choose_runs(metadata, project, selection)
    with metadata.connect() as connection:
        rows = connection.execute(sa.select(r.id, r.run_key).where(chosen.where).order_by(*newest_first())).all()
        if len(rows) > STATISTICS_MAX_RUNS:
            raise LimitExceeded(
                f"{len(rows):,} runs match; at most {STATISTICS_MAX_RUNS:,}. Narrow them with a filter."
            )
        rows = list(reversed(rows))
        ids = [row.id for row in rows]
        total = count_runs(connection, Chosen(project, [], [], chosen.deleted))
        configs = read_configs(metadata, connection, ids)
        (column,) = ColumnSource(metadata, points, project, total).read(connection, ids, [metric])
    every = sorted({key for config in configs.values() for key in config})
    ignored = [key for key in every if (is_seed(key) if ignore is None else key in set(ignore))]
    takes = set(ignored).__contains__
    varying, labels = varying_parts(configs, takes)
    members: dict[str, list[int]] = {}
    for place, number in enumerate(ids):
        members.setdefault(config_hash(configs.get(number, {}), takes), []).append(place)
    groups = [
        _group(
            key, labels.get(ids[places[0]], {}), [rows[p].run_key for p in places],
            [column.values[p] for p in places], confidence,
        )
        for key, places in members.items()
    ]  # fmt: skip
    return Seeds(ignored, varying, _ranked(groups, goal), len(ids))


def _group(key: str, label: dict[str, Any], runs: list[str], values: list[Any], confidence: float) -> SeedGroup:
    finite = [float(v) if is_number(v) and finite_numbers([v]) else None for v in values]
    numbers = [value for value in finite if value is not None]
    about = describe(numbers)
    several = about.n > 1 and about.std is not None
    return SeedGroup(
        label=label,
        hash=key,
        runs=runs,
        values=finite,
        n=about.n,
        mean=about.mean,
        std=about.std if several else None,
        stderr=about.std / math.sqrt(about.n) if several and about.std is not None else None,
        ci=mean_interval(numbers, confidence),
        min=about.min,
        max=about.max,
        rank=None,
    )


def _ranked(groups: list[SeedGroup], goal: str | None) -> list[SeedGroup]:
    """Order and number the groups; equal means share the better rank."""
    sign = 1.0 if goal == "min" else -1.0
    measured = sorted((g for g in groups if g.mean is not None), key=lambda g: sign * (g.mean or 0.0))
    found: list[SeedGroup] = []
    for place, group in enumerate(measured, 1):
        equal = bool(found) and found[-1].mean == group.mean
        found.append(msgspec.structs.replace(group, rank=found[-1].rank if equal else place))
    return found + [group for group in groups if group.mean is None]
