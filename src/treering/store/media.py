"""Media and text values: at which steps there are some, and those that a panel shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from .columns import Array, Items, ints, starts_of
from .history import latest_items
from .metadata import MetadataStore
from .metrics import MetricStore
from .model import MediaItem, MediaSteps, TableColumn
from .state import RunState
from .tables import describe

__all__ = ["Match", "find_columns", "media_at", "media_in", "media_steps"]

Match = Literal["exact", "at_or_before", "nearest"]

_decode_json: Final = msgspec.json.Decoder().decode
_NO_MEDIA: Final = frozenset({"bigint"})


class _Series(NamedTuple):
    """The media of one key of one run, by step; where a step was logged again, what was logged last."""

    run: str
    key: str
    items: Items
    writers: dict[int, str]

    def item(self, place: int, n: int) -> MediaItem:
        items = self.items
        kind, ref = str(items.kind[place]), str(items.ref[place])
        value: Any = ref if kind == "text" else _decode_json(ref)
        return MediaItem(
            run=self.run,
            key=self.key,
            kind=kind,
            step=int(items.step[place]),
            attempt=int(items.attempt[place]),
            writer=self.writers.get(int(items.writer[place]), ""),
            time=int(items.ts[place]) / 1e6,
            value=value,
            n=n,
        )


def media_steps(
    metadata: MetadataStore, metrics: MetricStore, runs: Collection[str], keys: Sequence[str], limit: int
) -> list[MediaSteps]:
    """Return the steps of each key of each run that has any; at most *limit*, evenly thinned, ends included."""
    found = []
    for series in _read(metadata, metrics, runs, keys):
        at = _thin(np.arange(len(series.items)), limit)
        found.append(
            MediaSteps(
                run=series.run,
                key=series.key,
                kind=str(series.items.kind[-1]),
                n=len(series.items),
                steps=series.items.step[at].tolist(),
                times=(series.items.ts[at] / 1e6).tolist(),
            )
        )
    return found


def media_at(
    metadata: MetadataStore,
    metrics: MetricStore,
    runs: Collection[str],
    keys: Sequence[str],
    step: int | None,
    match: Match,
) -> list[MediaItem]:
    """Return per key and run the value at a step; the last one for None."""
    found = []
    for series in _read(metadata, metrics, runs, keys):
        place = _place(series.items.step, step, match)
        if place is not None:
            found.append(series.item(place, len(series.items)))
    return found


def media_in(
    metadata: MetadataStore,
    metrics: MetricStore,
    runs: Collection[str],
    keys: Sequence[str],
    low: int,
    high: int,
    limit: int,
) -> list[MediaItem]:
    """Return the values from step *low* to *high*, both included; of each series at most *limit*, evenly thinned."""
    found: list[MediaItem] = []
    for series in _read(metadata, metrics, runs, keys):
        inside = np.flatnonzero((series.items.step >= low) & (series.items.step <= high))
        found += [series.item(place, len(inside)) for place in _thin(inside, limit).tolist()]
    return found


def find_columns(
    metadata: MetadataStore, metrics: MetricStore, state: RunState, sha256: str
) -> list[TableColumn] | None:
    """Return what was said of the columns of a table when it was logged; None if it was not logged, or is gone."""
    with metrics.view(state.project_id) as view:
        items = view.items(None, ints([state.id]))
    for kind, ref in zip(items.kind.tolist(), items.ref.tolist(), strict=True):
        if kind != "text" and sha256 in ref and (found := describe(_decode_json(ref), sha256)) is not None:
            return found
    return None


def _place(steps: Array, step: int | None, match: Match) -> int | None:
    if step is None:
        return len(steps) - 1
    after = int(np.searchsorted(steps, step, "left"))
    if after < len(steps) and steps[after] == step:
        return after
    if match == "exact":
        return None
    if match == "at_or_before":
        return after - 1 if after else None
    if after == 0 or after == len(steps):
        return min(after, len(steps) - 1)
    return after if steps[after] - step < step - steps[after - 1] else after - 1


def _thin(places: Array, limit: int) -> Array:
    if len(places) <= limit:
        return places
    if limit == 1:
        return places[-1:]
    at = np.unique(np.linspace(0, len(places) - 1, limit).round().astype(np.int64))
    thinned: Array = places[at]
    return thinned


def _read(
    metadata: MetadataStore, metrics: MetricStore, runs: Collection[str], keys: Sequence[str]
) -> Iterator[_Series]:
    ids = metadata.run_ids(runs)
    by_project: dict[int, dict[int, str]] = {}
    for run_key, (number, project) in ids.items():
        by_project.setdefault(project, {})[number] = run_key
    order_run = {run_key: place for place, run_key in enumerate(runs)}
    order_key = {key: place for place, key in enumerate(keys)}
    found: list[_Series] = []
    for project, mine in by_project.items():
        known = metadata.find_keys(project, "metric", list(keys))
        if known:
            found += _of_project(metadata, metrics, project, mine, {number: key for key, number in known.items()})
    yield from sorted(found, key=lambda series: (order_run[series.run], order_key[series.key]))


def _of_project(
    metadata: MetadataStore, metrics: MetricStore, project: int, runs: dict[int, str], keys: dict[int, str]
) -> Iterator[_Series]:
    with metrics.view(project) as view:
        items = view.items(ints(keys), ints(runs))
        lineage = metadata.lineage(list(runs))
    items = items.take(np.array([kind not in _NO_MEDIA for kind in items.kind.tolist()], np.bool_))
    writers = {s.writer_id: s.writer for s in metadata.segments_of(list(runs))} if len(items) else {}
    for run, run_key in runs.items():
        mine = latest_items(items.take(items.run == run), lineage)
        borders = [*starts_of(mine.key).tolist(), len(mine)]
        for begin, end in pairwise(borders):
            yield _Series(run_key, keys[int(mine.key[begin])], mine.take(slice(begin, end)), writers)
