"""
Charts from tables: ``tr.plot.line``, ``bar``, ``scatter``, ``histogram``, ``line_series``, ``confusion_matrix``,
``pr_curve`` and ``roc_curve``.

A chart is a preset, the table, and which of its columns plays which part. What is computed here needs numpy alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from treering.limits import CURVE_POINTS_MAX
from treering.values import clean_text

from .media import Media, Shelf, Unusable
from .payload import Payload
from .table import Table
from .vega import as_table

__all__ = [
    "Plot",
    "bar",
    "confusion_matrix",
    "histogram",
    "line",
    "line_series",
    "plot_table",
    "pr_curve",
    "roc_curve",
    "scatter",
]

# What other trackers call the same charts.
_PRESETS: Final = {
    "wandb/line/v0": "line",
    "wandb/bar/v0": "bar",
    "wandb/scatter/v0": "scatter",
    "wandb/histogram/v0": "histogram",
    "wandb/lineseries/v0": "line_series",
    "wandb/confusion_matrix/v0": "confusion_matrix",
    "wandb/confusion_matrix/v1": "confusion_matrix",
}
_STRINGS: Final = {"x-axis-title": "x", "y-axis-title": "y"}


class Plot(Media):
    """
    A chart of a preset kind. The functions of this module make it.

    Args:
        preset: line, bar, scatter, histogram, line_series, confusion_matrix, pr_curve or roc_curve.
        table: a ``tr.Table`` or a pandas DataFrame.
        fields: part → name of a column.
        strings: ``title`` and what else is written on it.
    """

    kind: ClassVar[str] = "plot"
    accepts: ClassVar[str] = "a table, and the columns that it has"

    def __init__(
        self, preset: str, table: Any, fields: Mapping[str, Any], strings: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.table: Table | None = None
        self._preset = clean_text(str(preset))
        self._fields: dict[str, str] = {}
        self._strings: dict[str, str] = {}
        with self._guarded():
            self._strings = {clean_text(str(name)): clean_text(str(text)) for name, text in (strings or {}).items()}
            self._fields = {clean_text(str(part)): clean_text(str(name)) for part, name in fields.items()}
            table = as_table(table)
            if table.problem:
                raise Unusable(table.problem)
            if missing := [name for name in self._fields.values() if name not in table.columns]:
                raise Unusable(f"the table has no column {missing[0]!r}; it has {', '.join(table.columns)}")
            self.table = table

    def payloads(self) -> Iterable[Payload]:
        return self.table.payloads() if self.table is not None else ()

    def size(self) -> int:
        return self.table.size() if self.table is not None else 0

    def snapshot(self) -> Media:
        copy = Plot.__new__(Plot)
        copy.__dict__.update(self.__dict__, _encoded=None)
        copy.table = self.table.snapshot() if self.table is not None else None  # type: ignore[assignment]
        return copy

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        assert self.table is not None
        return {
            "preset": self._preset,
            "title": self._strings.get("title", ""),
            "fields": self._fields,
            "strings": self._strings,
            "table": {"_type": self.table.kind, **shelf.encode(self.table)},
        }


def plot_table(
    vega_spec_name: str,
    data_table: Any,
    fields: Mapping[str, Any],
    string_fields: Mapping[str, Any] | None = None,
    split_table: bool = False,
) -> Plot:
    """
    Return a chart of a table by the name of its kind.

    Args:
        vega_spec_name: a preset, or what wandb calls one.
        data_table: the table.
        fields: part → column.
        string_fields: texts on it, such as ``title``.
        split_table: accepted for scripts of other trackers; changes nothing.
    """
    preset = _PRESETS.get(vega_spec_name, vega_spec_name)
    if vega_spec_name == "wandb/area-under-curve/v0":
        preset = "roc_curve" if "fpr" in fields.values() else "pr_curve"
    strings = {_STRINGS.get(name, name): text for name, text in (string_fields or {}).items()}
    return Plot(preset, data_table, fields, strings)


def line(table: Any, x: str, y: str, stroke: str | None = None, title: str = "", split_table: bool = False) -> Plot:
    """Return a line through the rows in the order of *x*, one line for each value of the column *stroke*."""
    fields = {"x": x, "y": y, **({"stroke": stroke} if stroke is not None else {})}
    return Plot("line", table, fields, {"title": title})


def bar(table: Any, label: str, value: str, title: str = "", split_table: bool = False) -> Plot:
    """Return bars: one for each row, *value* long, named by *label*."""
    return Plot("bar", table, {"label": label, "value": value}, {"title": title})


def scatter(table: Any, x: str, y: str, title: str = "", split_table: bool = False) -> Plot:
    """Return one dot for each row."""
    return Plot("scatter", table, {"x": x, "y": y}, {"title": title})


def histogram(table: Any, value: str, title: str = "", split_table: bool = False) -> Plot:
    """Return how the values of one column are distributed."""
    return Plot("histogram", table, {"value": value}, {"title": title})


def line_series(
    xs: Iterable[Any],
    ys: Iterable[Iterable[Any]],
    keys: Iterable[str] | None = None,
    title: str = "",
    xname: str = "x",
    split_table: bool = False,
) -> Plot:
    """
    Return several lines.

    Args:
        xs: one sequence for all lines, or one for each.
        ys: one sequence for each line.
        keys: names of the lines; ``line_0``, ``line_1``, … if there are none.
        title, xname: texts.
    """

    def made() -> Table:
        lines = [list(values) for values in ys]
        first = list(xs)
        shared = not first or not hasattr(first[0], "__len__") or isinstance(first[0], str)
        columns = [first] * len(lines) if shared else [list(values) for values in first]
        names = [f"line_{number}" for number in range(len(lines))] if keys is None else [str(key) for key in keys]
        if not len(columns) == len(lines) == len(names):
            raise Unusable(f"{len(columns)} xs, {len(lines)} ys and {len(names)} keys; each line has one of each")
        rows = []
        for number, name in enumerate(names):
            if len(columns[number]) != len(lines[number]):
                raise Unusable(f"{name!r} has {len(columns[number])} xs and {len(lines[number])} ys")
            rows += [[x, name, y] for x, y in zip(columns[number], lines[number], strict=True)]
        return Table(columns=["step", "lineKey", "lineVal"], data=rows)

    fields = {"step": "step", "lineKey": "lineKey", "lineVal": "lineVal"}
    return _computed("line_series", made, fields, {"title": title, "xname": xname})


def confusion_matrix(
    probs: Any = None,
    y_true: Any = None,
    preds: Any = None,
    class_names: Sequence[str] | None = None,
    title: str = "Confusion Matrix Curve",
    split_table: bool = False,
) -> Plot:
    """
    Return how often each class was taken for each other.

    Args:
        probs: (samples, classes); the largest counts. Or *preds* instead.
        y_true: the right classes.
        preds: the predicted classes.
        class_names: names of the classes 0, 1, …; or, where classes are texts, the order in which they stand.
        title: text above it.
    """

    def made() -> Table:
        import numpy as np

        if (probs is None) == (preds is None) or y_true is None:
            raise Unusable("a confusion matrix needs y_true, and either probs or preds")
        truth = np.asarray(y_true).ravel()
        guess = np.asarray(probs).argmax(axis=1) if preds is None else np.asarray(preds).ravel()
        if len(truth) != len(guess):
            raise Unusable(f"{len(truth)} right classes and {len(guess)} predicted ones")
        seen = sorted({*truth.tolist(), *guess.tolist()})
        if class_names is None:
            order: list[Any] = seen
            names = [f"Class_{number + 1}" for number in range(len(seen))]
        else:
            names = [str(name) for name in class_names]
            order = names if seen and isinstance(seen[0], str) else list(range(len(names)))
            if strange := [each for each in seen if each not in set(order)]:
                raise Unusable(f"the class {strange[0]!r} has no name among the {len(names)}")
        place = {each: number for number, each in enumerate(order)}
        counts = np.zeros((len(order), len(order)), np.int64)
        np.add.at(counts, ([place[each] for each in truth.tolist()], [place[each] for each in guess.tolist()]), 1)
        rows = [[names[i], names[j], int(counts[i, j])] for i in range(len(order)) for j in range(len(order))]
        return Table(columns=["Actual", "Predicted", "nPredictions"], data=rows)

    fields = {name: name for name in ("Actual", "Predicted", "nPredictions")}
    return _computed("confusion_matrix", made, fields, {"title": title})


def pr_curve(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    interp_size: int | None = None,
    title: str = "Precision-Recall Curve",
    split_table: bool = False,
) -> Plot:
    """
    Return precision over recall, one curve for each class against all others.

    Args:
        y_true: the right classes.
        y_probas: (samples, classes) scores, the columns in the order of the classes; or (samples,) scores of the
            greater one of two classes.
        labels: names of the classes 0, 1, …
        classes_to_plot: only these.
        interp_size: accepted for scripts of other trackers; every point is kept, up to 1,000 of a curve.
        title: text above it.
    """
    strings = {"title": title, "x": "Recall", "y": "Precision"}

    def made() -> Table:
        return _curves(y_true, y_probas, labels, classes_to_plot, ("class", "precision", "recall"), precision_recall)

    return _computed("pr_curve", made, {"x": "recall", "y": "precision", "class": "class"}, strings)


def roc_curve(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    title: str = "ROC Curve",
    split_table: bool = False,
) -> Plot:
    """Return the rate of true positives over that of false ones; the arguments are those of :func:`pr_curve`."""
    strings = {"title": title, "x": "False positive rate", "y": "True positive rate"}

    def made() -> Table:
        return _curves(y_true, y_probas, labels, classes_to_plot, ("class", "fpr", "tpr"), rates)

    return _computed("roc_curve", made, {"x": "fpr", "y": "tpr", "class": "class"}, strings)


def _computed(preset: str, made: Callable[[], Table], fields: Mapping[str, str], strings: Mapping[str, str]) -> Plot:
    """Return a chart of a table that is computed; what is wrong with the data is said when it is logged."""
    table = Table(columns=list(fields.values()))
    with table._guarded():
        made_table = made()
        if made_table.problem:
            raise Unusable(made_table.problem)
        table = made_table
    return Plot(preset, table, fields, strings)


# ── curves ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _curves(
    y_true: Any,
    y_probas: Any,
    labels: Sequence[str] | None,
    classes_to_plot: Sequence[Any] | None,
    columns: tuple[str, str, str],
    curve: Callable[[Any, Any], tuple[Any, Any]],
) -> Table:
    import numpy as np

    if y_true is None or y_probas is None:
        raise Unusable("a curve needs y_true and y_probas")
    truth, scores = np.asarray(y_true).ravel(), np.asarray(y_probas, dtype=np.float64)
    if len(truth) != len(scores) or scores.ndim > 2:
        raise Unusable(f"{len(truth)} classes and scores of shape {'×'.join(map(str, scores.shape))}")
    if not np.isfinite(scores).all():
        raise Unusable("y_probas holds NaN or infinite scores")
    classes = np.unique(truth)
    wanted = None if classes_to_plot is None else set(np.asarray(classes_to_plot).tolist())
    rows: list[list[Any]] = []
    for number, one in enumerate(classes.tolist()):
        column = _scores_of(one, number, classes, scores)
        if column is None or (wanted is not None and one not in wanted):
            continue
        first, second = curve(truth == one, column)
        keep = _thinned(first, second)
        name = _label(one, labels)
        rows += [[name, a, b] for a, b in zip(first[keep].tolist(), second[keep].tolist(), strict=True)]
    return Table(columns=columns, data=rows)


def _scores_of(one: Any, number: int, classes: Any, scores: Any) -> Any:
    """Return the scores of a class; None for the lesser of two whose greater one alone has scores."""
    if scores.ndim == 1 or scores.shape[1] == 1:
        if len(classes) > 2:
            raise Unusable(f"one score for each sample and {len(classes)} classes")
        return scores.ravel() if number == len(classes) - 1 else None
    # A class that no sample has must not shift the columns of those behind it.
    at = one if isinstance(one, int) and int(classes[0]) >= 0 and int(classes[-1]) < scores.shape[1] else number
    if at >= scores.shape[1]:
        raise Unusable(f"{len(classes)} classes and {scores.shape[1]} columns of scores")
    return scores[:, int(at)]


def _label(one: Any, labels: Sequence[str] | None) -> str:
    if labels is not None and isinstance(one, int) and 0 <= one < len(labels):
        return str(labels[one])
    return str(one)


def _counts(positive: Any, scores: Any) -> tuple[Any, Any]:
    """Return the numbers of true and false positives at each threshold, from the highest score down."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], positive[order].astype(np.float64)
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # equal scores are one threshold
    true = np.cumsum(hits)[ends]
    return true, 1 + ends - true


def rates(positive: Any, scores: Any) -> tuple[Any, Any]:
    """Return the rates of false and of true positives, both from 0 to 1; points inside a straight line are left out."""
    import numpy as np

    true, false = _counts(positive, scores)
    if len(true) > 2:
        corner = np.flatnonzero(np.r_[True, np.logical_or(np.diff(false, 2), np.diff(true, 2)), True])
        true, false = true[corner], false[corner]
    true, false = np.r_[0, true], np.r_[0, false]
    with np.errstate(invalid="ignore"):  # NaN where there are no positives, or no negatives
        return false / false[-1], true / true[-1]


def precision_recall(positive: Any, scores: Any) -> tuple[Any, Any]:
    """Return precision and recall, recall rising from 0, where precision is 1 by definition."""
    import numpy as np

    true, false = _counts(positive, scores)
    with np.errstate(invalid="ignore"):
        precision, recall = true / (true + false), true / true[-1]
    return np.r_[1.0, precision], np.r_[0.0, recall]


def _thinned(first: Any, second: Any) -> Any:
    """Return the places of at most 1,000 points, as even along the curve as its points allow."""
    import numpy as np

    if len(first) <= CURVE_POINTS_MAX:
        return slice(None)
    length = np.append(0.0, np.cumsum(np.abs(np.diff(first)) + np.abs(np.diff(second))))
    if not np.isfinite(length[-1]):
        return np.linspace(0, len(first) - 1, CURVE_POINTS_MAX).astype(int)
    middles = (length[1:] + length[:-1]) / 2  # the nearest point, not the next: that would lie to one side always
    return np.unique(np.searchsorted(middles, np.linspace(0, length[-1], CURVE_POINTS_MAX)))
