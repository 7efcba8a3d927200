"""Charts of scikit-learn's models, their numbers compared with scikit-learn's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.metrics import confusion_matrix
from sklearn.svm import SVC

import treering as tr
from treering.errors import InvalidValue
from treering.integrations import sklearn as charts


def columns(chart: Any) -> dict[str, list[Any]]:
    assert not chart.problem
    return {name: chart.table.get_column(name) for name in chart.table.columns}


def test_a_classifier_is_shown_whole(recorded: Any) -> None:
    x, y = load_digits(return_X_y=True)
    forest = RandomForestClassifier(10, random_state=0, n_jobs=1).fit(x[:1000], y[:1000])
    with tr.init(project="digits"):
        made = charts.plot_classifier(forest, x[:1000], x[1000:], y[:1000], y[1000:])
    run = recorded()

    assert set(made) == {"confusion_matrix", "roc", "precision_recall", "feature_importances"}
    counts = np.array(columns(made["confusion_matrix"])["nPredictions"]).reshape(10, 10)
    assert (counts == confusion_matrix(y[1000:], forest.predict(x[1000:]))).all()
    assert run.config["model"] == "RandomForestClassifier"
    assert run.config["n_estimators"] == 10
    assert run.summary["test/score"] == forest.score(x[1000:], y[1000:])
    assert {run.series(name)[0][1]["preset"] for name in made} == {"confusion_matrix", "roc_curve", "pr_curve", "bar"}


def test_a_regressor_is_shown_whole_without_a_run() -> None:
    x, y = load_diabetes(return_X_y=True)
    line = LinearRegression().fit(x[:300], y[:300])
    made = charts.plot_regressor(line, x[:300], x[300:], y[:300], y[300:])

    residuals = columns(made["residuals"])
    assert np.allclose(np.add(residuals["predicted"], residuals["residual"]), y[300:])
    assert columns(made["feature_importances"])["importance"][0] == np.abs(line.coef_).max()


def test_classes_may_be_texts_and_probabilities_are_calibrated() -> None:
    truth = ["cat", "dog", "dog", "cat"]
    made = charts.plot_confusion_matrix(truth, ["cat", "dog", "cat", "cat"], key=None)
    assert columns(made) == {
        "Actual": ["cat", "cat", "dog", "dog"],
        "Predicted": ["cat", "dog", "cat", "dog"],
        "nPredictions": [2, 0, 1, 1],
    }

    calibration = charts.plot_calibration_curve([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.2], bins=2)
    assert columns(calibration)["lineVal"] == [0.0, 1.0, 0.0, 1.0]


def test_a_learning_curve_has_a_point_for_each_size() -> None:
    x, y = load_digits(return_X_y=True)
    curve = charts.plot_learning_curve(SVC(), x[:300], y[:300], train_sizes=[0.5, 1.0], cv=3)

    assert columns(curve)["step"] == [100, 200, 100, 200]
    assert columns(curve)["lineKey"] == ["train", "train", "test", "test"]


def test_a_model_without_importances_says_so() -> None:
    x, y = load_digits(return_X_y=True)
    with pytest.raises(InvalidValue, match="a SVC says nothing"):
        charts.plot_feature_importances(SVC().fit(x[:50], y[:50]))
