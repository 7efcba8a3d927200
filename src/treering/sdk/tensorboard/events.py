"""
What the records of event files mean: numbers, texts, pictures, sounds, histograms, curves and hyperparameters.

A value that is broken costs itself and one note; the event's other values are kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

from treering.errors import FormatError, LimitExceeded
from treering.limits import EVENT_DEPTH_MAX, EVENT_TAGS_MAX, MEDIA_LIST_MAX
from treering.sdk.media.histogram import Histogram
from treering.sdk.media.media import Media, Several
from treering.sdk.media.plot import Plot
from treering.sdk.media.table import Table

from .encoded import EncodedPicture, EncodedSound
from .tensors import Tensor, tensor_of
from .wire import double, doubles, fields, floats, raw, signed, text

__all__ = ["Event", "Events"]

_STEP_MAX: Final = (1 << 63) - 1
_TIME_MAX_S: Final = 4e9  # the year 2096
_SESSION_START: Final = 1
_BINS: Final = 64  # as many as tr.Histogram makes
# Plugins whose summaries describe how others are shown, or what cannot be shown here.
_PASSED_OVER: Final = {
    "custom_scalars": "the layout of custom scalars",
    "mesh": "meshes",
    "graph_run_metadata": "the graph",
    "graph_keras_model": "the graph",
    "graph_tagged_run_metadata": "the graph",
    "debugger-v2": "what the debugger recorded",
}


class Event(NamedTuple):
    """One event; ``values`` by tag are numbers, texts and rich values, ``restart`` is where a writer went back to."""

    step: int
    time_ns: int
    values: dict[str, float | str | Media]
    config: dict[str, Any]
    restart: int | None = None


class Events:
    """
    Understands the events of one run.

    Args:
        note: told what is left out: (subject, text); each subject is worth saying once.
    """

    def __init__(self, note: Callable[[str, str], None]) -> None:
        self._note = note
        self._plugins: dict[str, str] = {}  # only the first value of a tag says which plugin it is for
        self._time_ns = 0

    def read(self, record: bytes) -> Event | None:
        """
        Return what a record says; None if it is nothing that a run keeps.

        Raises:
            FormatError, LimitExceeded: the record is no event.
        """
        step = 0
        summary = session = None
        for number, value in fields(memoryview(record)):
            if number == 1:
                seconds = double(value)
                if 0 <= seconds <= _TIME_MAX_S:
                    self._time_ns = int(seconds * 1e9)
            elif number == 2:
                step = signed(value)
            elif number in (4, 9):
                self._note("graph", "the graph of the model is not shown")
            elif number == 5:
                summary = value
            elif number == 7:
                session = value
        if session is not None:
            restart = _restart(session, step)
            return None if restart is None else Event(restart, self._time_ns, {}, {}, restart)
        if summary is None:
            return None
        values: dict[str, float | str | Media] = {}
        config: dict[str, Any] = {}
        for number, value in fields(summary):
            if number == 1:
                self._read_value(value, values, config)
        if not 0 <= step <= _STEP_MAX and values:
            self._note("step", f"values at step {step} were left out")
            values = {}
        return Event(step, self._time_ns, values, config) if values or config else None

    def _read_value(self, data: Any, values: dict[str, float | str | Media], config: dict[str, Any]) -> None:
        tag = ""
        try:
            found = dict(fields(data))
            tag = text(found.get(1, memoryview(b"")))
            if not tag:
                self._note("no tag", "values without a name were left out")
                return
            plugin, content = _plugin(found.get(9))
            if plugin:
                if len(self._plugins) < EVENT_TAGS_MAX:
                    self._plugins[tag] = plugin
            else:
                plugin = self._plugins.get(tag, "")
            if plugin == "hparams":
                config.update(_hyperparameters(content))
                return
            if plugin in _PASSED_OVER:
                self._note(plugin, f"{_PASSED_OVER[plugin]} cannot be shown")
                return
            value = _value(found, plugin)
            if value is None:
                self._note(f"kind {tag}", f"{tag!r} is of a kind that is not known here ({plugin or 'none'})")
            elif isinstance(value, Media) and value.problem:
                self._note(f"tag {tag}", f"{tag!r}: {value.problem}")
            else:
                values[tag.removesuffix("/text_summary") if plugin == "text" else tag] = value
        except (FormatError, LimitExceeded, ValueError, OverflowError) as error:
            self._note(f"tag {tag}", f"{tag!r}: {error}")


def _restart(session: Any, step: int) -> int | None:
    """Return the step from which a writer that begins again takes back what is there."""
    status = dict(fields(session)).get(1, 0)
    return step if status == _SESSION_START and 0 < step <= _STEP_MAX else None


def _plugin(metadata: Any) -> tuple[str, Any]:
    if metadata is None:
        return "", memoryview(b"")
    data = dict(fields(metadata)).get(1)
    if data is None:
        return "", memoryview(b"")
    found = dict(fields(data))
    return text(found.get(1, memoryview(b""))), raw(found.get(2, memoryview(b"")))


def _value(found: Mapping[int, Any], plugin: str) -> float | str | Media | None:
    if 2 in found:
        return next(iter(floats(found[2])), math.nan)
    if 4 in found:
        return _picture(found[4])
    if 5 in found:
        return _histogram(found[5])
    if 6 in found:
        return _sound(found[6])
    if 8 in found:
        return _from_tensor(tensor_of(found[8]), plugin)
    return None


def _picture(data: Any) -> Media:
    found = dict(fields(data))
    return EncodedPicture(raw(found.get(4, memoryview(b""))), signed(found.get(2, 0)), signed(found.get(1, 0)))


def _sound(data: Any) -> Media:
    return EncodedSound(raw(dict(fields(data)).get(4, memoryview(b""))))


def _histogram(data: Any) -> Media:
    about: dict[int, float] = {}  # of all values: 1 least, 2 greatest, 3 how many, 4 their sum, 5 that of their squares
    limits: list[float] = []
    counts: list[float] = []
    for number, value in fields(data):
        if number <= 5:
            about[number] = double(value)
        elif number == 6:
            limits += doubles(value)
        elif number == 7:
            counts += doubles(value)
    if len(limits) != len(counts):
        raise FormatError(f"{len(counts):,} counts and {len(limits):,} limits of buckets")
    least, greatest = about.get(1, math.nan), about.get(2, math.nan)
    filled = [place for place, count in enumerate(counts) if count]
    if not filled:
        return Histogram(np_histogram=([], []))
    first, last = filled[0], filled[-1] + 1
    # The outermost buckets reach to the ends of all floats; what was counted does not.
    low = limits[first - 1] if first else least if least < limits[0] else limits[0] - (abs(limits[0]) * 1e-6 or 1e-6)
    edges = [low, *limits[first:last]]
    if low < least < edges[1]:
        edges[0] = least
    if edges[-2] < greatest < edges[-1]:
        edges[-1] = greatest
    made = _binned(counts[first:last], edges)
    count, total, squares = about.get(3, 0.0), about.get(4, math.nan), about.get(5, math.nan)
    if made._value is not None and count > 0:
        mean = total / count
        known = {"min": least, "max": greatest, "mean": mean, "std": math.sqrt(max(0.0, squares / count - mean * mean))}
        made._value.update({name: number for name, number in known.items() if math.isfinite(number)})
    return made


def _binned(counts: list[float], edges: list[float]) -> Histogram:
    """
    Return a histogram of at most 64 bins.

    Writers make hundreds, most of them around zero and empty. As in TensorBoard's own charts they become bins of equal
    width, and the count of one that lies in several is shared out by how much of it lies in each.
    """
    if len(counts) <= _BINS or not all(map(math.isfinite, edges)):
        return Histogram(np_histogram=(counts, edges))
    import numpy as np

    wanted = np.linspace(edges[0], edges[-1], _BINS + 1)
    below = np.interp(wanted, edges, np.concatenate([[0.0], np.cumsum(counts)]))
    return Histogram(np_histogram=(np.diff(below), wanted))


def _from_tensor(tensor: Tensor, plugin: str) -> float | str | Media | None:
    shape, array, texts = tensor.shape, tensor.array, tensor.texts
    if plugin in ("images", "audio") and array is None:
        if plugin == "audio":
            return _several([EncodedSound(sound) for sound in (texts[::2] if len(shape) == 2 else texts)])
        width, height = (int(bytes(each)) if bytes(each).isdigit() else 0 for each in texts[:2])
        return _several([EncodedPicture(picture, width, height) for picture in texts[2:]])
    if array is None:
        return "\n".join(text(each) for each in texts) if plugin in ("text", "") else None
    if plugin == "histograms" or (not plugin and len(shape) == 2 and shape[1] == 3):
        return _histogram_of_rows(array.astype("f8"))
    if plugin == "pr_curves" and len(shape) == 2 and shape[0] == 6:
        rows = [["", float(precision), float(recall)] for precision, recall in zip(array[4], array[5], strict=True)]
        table = Table(columns=["class", "precision", "recall"], data=rows)
        return Plot("pr_curve", table, {"x": "recall", "y": "precision", "class": "class"})
    if array.size == 1:
        number = array.reshape(-1)[0].item()
        return float(number) if plugin == "scalars" else number
    return None


def _histogram_of_rows(rows: Any) -> Media:
    """Return the histogram of rows of (left, right, count); all the values may be one, between equal edges."""
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise FormatError("a histogram that is no list of (left, right, count)")
    filled = rows[:, 2].nonzero()[0]
    if not len(filled):
        return Histogram(np_histogram=([], []))
    rows = rows[filled[0] : filled[-1] + 1]
    edges = [*rows[:, 0].tolist(), float(rows[-1, 1])]
    if not all(low < high for low, high in pairwise(edges)):
        half = abs(edges[-1]) * 2**-20 or 0.5
        return Histogram(np_histogram=([float(rows[:, 2].sum())], [edges[0] - half, edges[-1] + half]))
    return _binned(rows[:, 2].tolist(), edges)


def _several(values: list[Media]) -> Media | None:  # type: ignore[type-arg, unused-ignore]
    if not values:
        return None
    return values[0] if len(values) == 1 else Several(values[:MEDIA_LIST_MAX])


# ── hyperparameters ──────────────────────────────────────────────────────────────────────────────────────────────


def _hyperparameters(content: Any) -> dict[str, Any]:
    """Return the settings that a session of the hparams plugin began with; other messages of it hold none."""
    config: dict[str, Any] = {}
    for number, session in fields(content):
        if number != 3:
            continue
        for inner, entry in fields(session):
            if inner == 1:
                pair = dict(fields(entry))
                config[text(pair.get(1, memoryview(b"")))] = _setting(pair.get(2, memoryview(b"")), EVENT_DEPTH_MAX)
    return config


def _setting(data: Any, depth: int) -> Any:
    """Return a ``google.protobuf.Value``."""
    if depth == 0:
        raise LimitExceeded(f"a hyperparameter of more than {EVENT_DEPTH_MAX} levels")
    for number, value in fields(data):
        if number == 2:
            setting = double(value)
            return int(setting) if setting.is_integer() and abs(setting) < 2**53 else setting
        if number == 3:
            return text(value)
        if number == 4:
            return bool(value)
        if number == 5:
            pairs = [dict(fields(entry)) for inner, entry in fields(value) if inner == 1]
            empty = memoryview(b"")
            return {text(pair.get(1, empty)): _setting(pair.get(2, empty), depth - 1) for pair in pairs}
        if number == 6:
            return [_setting(each, depth - 1) for inner, each in fields(value) if inner == 1]
    return None
