"""Charts from tables; the curves are those of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

import treering as tr
from treering.sdk.media import plot

from .conftest import Folder
from .media import Logged

RANDOM = np.random.default_rng(0)


def rows_of(chart: plot.Plot, name: str) -> Any:
    """Both columns of one class as an array."""
    assert chart.table is not None, chart.problem
    return np.array([row[1:] for row in chart.table.data if row[0] == name])


def test_charts_through_the_log(folder: Folder) -> None:
    table = tr.Table(columns=["a", "b", "c"], data=[[1, 2.0, "x"], [2, 3.0, "y"]])
    with tr.init(project="p") as run:
        run.log(
            {
                "line": tr.plot.line(table, "a", "b", stroke="c", title="t"),
                "bar": tr.plot.bar(table, "c", "b"),
                "scatter": tr.plot.scatter(table, "a", "b", title="t"),
                "histogram": tr.plot.histogram(table, "b"),
                "series": tr.plot.line_series([0, 1], [[1, 2], [3, 4]], keys=["u", "v"], xname="s"),
                "matrix": tr.plot.confusion_matrix(y_true=[0, 1], preds=[1, 1]),
                "named": tr.plot_table("wandb/line/v0", table, {"x": "a", "y": "b"}, {"title": "t"}),
            }
        )

    logged = Logged(folder)
    value = logged.one("line")
    assert (value["_type"], value["preset"], value["title"]) == ("plot", "line", "t")
    assert value["fields"] == {"x": "a", "y": "b", "stroke": "c"}
    assert value["strings"] == {"title": "t"}
    assert value["table"]["_type"] == "table-file"
    assert logged.table(value["table"]) == [(1, 2.0, "x"), (2, 3.0, "y")]
    assert logged.one("bar")["fields"] == {"label": "c", "value": "b"}
    assert logged.one("histogram")["fields"] == {"value": "b"}
    assert logged.table(logged.one("series")["table"]) == [(0, "u", 1), (1, "u", 2), (0, "v", 3), (1, "v", 4)]
    assert logged.one("named")["preset"] == "line"
    assert logged.table(logged.one("matrix")["table"])[1] == ("Class_1", "Class_2", 1)


@pytest.mark.parametrize("samples", [4, 60, 3_000])
@pytest.mark.parametrize("ties", [False, True])
def test_curves_are_those_of_scikit_learn(samples: int, ties: bool) -> None:
    truth = RANDOM.integers(0, 3, samples)
    truth[:3] = [0, 1, 2]
    scores = RANDOM.random((samples, 3)) + np.eye(3)[truth] * 0.4
    scores = np.round(scores, 1) if ties else scores
    names = ["a", "b", "c"]
    roc, pr = tr.plot.roc_curve(truth, scores, labels=names), tr.plot.pr_curve(truth, scores, labels=names)

    for number, name in enumerate(names):
        fpr, tpr, _ = metrics.roc_curve(truth == number, scores[:, number])
        precision, recall, _ = metrics.precision_recall_curve(truth == number, scores[:, number])
        ours, theirs = rows_of(roc, name), rows_of(pr, name)
        if len(fpr) <= 1_000:
            assert np.allclose(ours, np.stack([fpr, tpr], 1))
        if len(precision) <= 1_000:
            assert np.allclose(theirs, np.stack([precision, recall], 1)[::-1])
        assert len(ours) <= 1_000
        assert len(theirs) <= 1_000
        assert metrics.auc(ours[:, 0], ours[:, 1]) == pytest.approx(metrics.auc(fpr, tpr), abs=3e-4)
        assert metrics.auc(theirs[:, 1], theirs[:, 0]) == pytest.approx(metrics.auc(recall, precision), abs=3e-4)
        assert ours[0].tolist() == [0, 0]
        assert ours[-1].tolist() == [1, 1]


def test_a_hundred_thousand_samples_are_thinned_without_changing_the_area() -> None:
    truth = RANDOM.integers(0, 2, 100_000)
    scores = RANDOM.random(100_000) + truth * 0.3
    fpr, tpr, _ = metrics.roc_curve(truth, scores)
    precision, recall, _ = metrics.precision_recall_curve(truth, scores)

    ours, theirs = rows_of(tr.plot.roc_curve(truth, scores), "1"), rows_of(tr.plot.pr_curve(truth, scores), "1")
    assert 500 < len(ours) <= 1_000
    assert 500 < len(theirs) <= 1_000
    assert metrics.auc(ours[:, 0], ours[:, 1]) == pytest.approx(metrics.auc(fpr, tpr), abs=1e-4)
    assert metrics.auc(theirs[:, 1], theirs[:, 0]) == pytest.approx(metrics.auc(recall, precision), abs=1e-4)


def test_a_class_that_no_sample_has_does_not_shift_the_others() -> None:
    truth = np.array([0, 2, 0, 2, 2])
    scores = RANDOM.random((5, 3))
    chart = tr.plot.roc_curve(truth, scores)

    assert {row[0] for row in chart.table.data} == {"0", "2"}
    fpr, tpr, _ = metrics.roc_curve(truth == 2, scores[:, 2])
    assert np.allclose(rows_of(chart, "2"), np.stack([fpr, tpr], 1))


def test_texts_as_classes_and_only_some_of_them() -> None:
    truth = ["cat", "dog", "cat", "ant"]
    scores = RANDOM.random((4, 3))
    chart = tr.plot.pr_curve(truth, scores, classes_to_plot=["dog"])

    precision, recall, _ = metrics.precision_recall_curve(np.array(truth) == "dog", scores[:, 2])
    assert np.allclose(rows_of(chart, "dog"), np.stack([precision, recall], 1)[::-1])
    assert {row[0] for row in chart.table.data} == {"dog"}


@pytest.mark.parametrize("names", [None, ["a", "b", "c", "d"]])
def test_a_confusion_matrix_is_that_of_scikit_learn(names: list[str] | None) -> None:
    truth, scores = RANDOM.integers(0, 4, 200), RANDOM.random((200, 4))
    chart = tr.plot.confusion_matrix(probs=scores, y_true=truth, class_names=names)

    expected = metrics.confusion_matrix(truth, scores.argmax(1))
    assert [row[2] for row in chart.table.data] == expected.ravel().tolist()
    assert [row[0] for row in chart.table.data[::4]] == (names or ["Class_1", "Class_2", "Class_3", "Class_4"])


def test_a_confusion_matrix_of_texts_stands_in_the_order_of_the_names() -> None:
    chart = tr.plot.confusion_matrix(y_true=["b", "a"], preds=["b", "c"], class_names=["c", "b", "a"])

    assert [row for row in chart.table.data if row[2]] == [["b", "b", 1], ["a", "c", 1]]


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda: tr.plot.line(tr.Table(columns=["a"]), "a", "b"), "no column 'b'; it has a"),
        (lambda: tr.plot.line_series([0, 1], [[1]]), "2 xs and 1 ys"),
        (lambda: tr.plot.line_series([[0]], [[1], [2]]), "1 xs, 2 ys and 2 keys"),
        (lambda: tr.plot.confusion_matrix(y_true=[0, 1], preds=[1]), "2 right classes and 1 predicted"),
        (lambda: tr.plot.confusion_matrix(y_true=[0]), "either probs or preds"),
        (lambda: tr.plot.confusion_matrix(y_true=[0, 5], preds=[0, 0], class_names=["a"]), "the class 5 has no name"),
        (lambda: tr.plot.roc_curve([0, 1], [[0.1]]), "2 classes and scores of shape 1×1"),
        (lambda: tr.plot.roc_curve([0, 1], [0.1, np.nan]), "NaN or infinite"),
        (lambda: tr.plot.roc_curve([0, 1, 2], [0.1, 0.2, 0.3]), "3 classes"),
        (lambda: tr.plot.pr_curve(None, [0.1]), "needs y_true and y_probas"),
    ],
)
def test_what_is_no_chart(made: Any, problem: str) -> None:
    assert problem in made().problem


def test_one_class_alone_has_no_rate_of_the_other(folder: Folder) -> None:
    with tr.init(project="p") as run:
        run.log({"r": tr.plot.roc_curve([1, 1, 1], [0.1, 0.2, 0.3])})

    logged = Logged(folder)
    assert logged.one("r")["table"]["nrows"] > 0
