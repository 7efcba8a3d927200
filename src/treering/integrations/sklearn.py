"""
scikit-learn: charts of a fitted model::

    from treering.integrations import sklearn as charts

    charts.plot_confusion_matrix(y_true, model.predict(x))
    charts.plot_classifier(model, x_train, x_test, y_train, y_test)

Each function returns a chart, and logs it under its own name if a run is active and *key* is not None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treering.errors import InvalidValue
from treering.sdk.lifecycle import active_run
from treering.sdk.media import plot
from treering.sdk.media.plot import Plot
from treering.sdk.media.table import Table

from .attached import missing
from .importances import importances

try:
    import sklearn
    import sklearn.calibration
    import sklearn.model_selection
except ImportError as error:
    raise missing("sklearn", "scikit-learn", "scikit-learn") from error

__all__ = [
    "plot_calibration_curve",
    "plot_classifier",
    "plot_confusion_matrix",
    "plot_feature_importances",
    "plot_learning_curve",
    "plot_precision_recall",
    "plot_regressor",
    "plot_residuals",
    "plot_roc",
]


def plot_confusion_matrix(
    y_true: Any, y_pred: Any, labels: Sequence[str] | None = None, key: str | None = "confusion_matrix"
) -> Plot:
    """Return how often each class was taken for each other; *labels* name the classes in sorted order."""
    names = [str(name) for name in labels] if labels is not None else None
    classes = np.unique(np.concatenate([np.asarray(y_true).ravel(), np.asarray(y_pred).ravel()]))
    place = {each: number for number, each in enumerate(classes.tolist())}
    names = names or [str(each) for each in classes.tolist()]
    truth, guess = ([place[each] for each in np.asarray(values).ravel().tolist()] for values in (y_true, y_pred))
    return _logged(key, plot.confusion_matrix(y_true=truth, preds=guess, class_names=names, title="Confusion matrix"))


def plot_roc(y_true: Any, y_probas: Any, labels: Sequence[str] | None = None, key: str | None = "roc") -> Plot:
    """Return the rate of true positives over that of false ones, one curve for each class."""
    return _logged(key, plot.roc_curve(y_true, y_probas, labels))


def plot_precision_recall(
    y_true: Any, y_probas: Any, labels: Sequence[str] | None = None, key: str | None = "precision_recall"
) -> Plot:
    """Return precision over recall, one curve for each class."""
    return _logged(key, plot.pr_curve(y_true, y_probas, labels))


def plot_feature_importances(
    model: Any, feature_names: Sequence[str] | None = None, key: str | None = "feature_importances"
) -> Plot:
    """
    Return which features counted: ``feature_importances_`` of trees, or the size of ``coef_`` of a linear model.

    Raises:
        InvalidValue: the model has neither, or another number of features than *feature_names*.
    """
    values = getattr(model, "feature_importances_", None)
    if values is None and getattr(model, "coef_", None) is not None:
        values = np.abs(np.atleast_2d(model.coef_)).mean(axis=0)
    if values is None:
        raise InvalidValue(f"plot_feature_importances(): a {type(model).__name__} says nothing of its features.")
    known = feature_names if feature_names is not None else getattr(model, "feature_names_in_", None)
    names = [f"feature {number}" for number in range(len(values))] if known is None else list(known)
    if len(names) != len(values):
        raise InvalidValue(f"plot_feature_importances(): {len(names)} names for {len(values)} features.")
    return _logged(key, importances(names, values))


def plot_calibration_curve(
    y_true: Any, y_probas: Any, name: str = "model", bins: int = 10, key: str | None = "calibration"
) -> Plot:
    """Return how often what was predicted with a probability happened; *y_probas* of two classes or of the second."""
    probas = np.asarray(y_probas)
    share, predicted = sklearn.calibration.calibration_curve(
        y_true, probas[:, 1] if probas.ndim == 2 else probas, n_bins=bins
    )
    xs, ys = [[0.0, 1.0], predicted.tolist()], [[0.0, 1.0], share.tolist()]
    chart = plot.line_series(xs, ys, ["perfect", name], "Calibration", "predicted probability")
    return _logged(key, chart)


def plot_learning_curve(model: Any, x: Any, y: Any, key: str | None = "learning_curve", **options: Any) -> Plot:
    """Return the score over the number of samples; *options* of ``sklearn.model_selection.learning_curve``."""
    sizes, train, test = sklearn.model_selection.learning_curve(model, x, y, **options)
    ys = [train.mean(axis=1).tolist(), test.mean(axis=1).tolist()]
    return _logged(key, plot.line_series(sizes.tolist(), ys, ["train", "test"], "Learning curve", "samples"))


def plot_residuals(model: Any, x: Any, y: Any, key: str | None = "residuals") -> Plot:
    """Return what a regressor's predictions lack, over the predictions."""
    predicted = np.asarray(model.predict(x), np.float64).ravel()
    rows = np.column_stack([predicted, np.asarray(y, np.float64).ravel() - predicted]).tolist()
    chart = plot.scatter(Table(columns=["predicted", "residual"], data=rows), "predicted", "residual", "Residuals")
    return _logged(key, chart)


def plot_classifier(
    model: Any, x_train: Any, x_test: Any, y_train: Any, y_test: Any, labels: Sequence[str] | None = None
) -> dict[str, Plot]:
    """Return, and log, what there is to see of a fitted classifier, with its settings and its scores."""
    charts = {"confusion_matrix": plot_confusion_matrix(y_test, model.predict(x_test), labels)}
    if hasattr(model, "predict_proba"):
        probas = model.predict_proba(x_test)
        charts |= {"roc": plot_roc(y_test, probas, labels)}
        charts |= {"precision_recall": plot_precision_recall(y_test, probas, labels)}
        if len(np.unique(y_test)) == 2:
            charts |= {"calibration": plot_calibration_curve(y_test, probas, type(model).__name__)}
    return {**charts, **_about(model, x_train, x_test, y_train, y_test)}


def plot_regressor(model: Any, x_train: Any, x_test: Any, y_train: Any, y_test: Any) -> dict[str, Plot]:
    """Return, and log, what there is to see of a fitted regressor, with its settings and its scores."""
    charts = {"residuals": plot_residuals(model, x_test, y_test)}
    return {**charts, **_about(model, x_train, x_test, y_train, y_test)}


def _about(model: Any, x_train: Any, x_test: Any, y_train: Any, y_test: Any) -> dict[str, Plot]:
    run = active_run()
    if run is not None:
        settings = {name: value for name, value in model.get_params().items() if not hasattr(value, "fit")}
        run.config.update({"model": type(model).__name__, **settings})
        run.log({"train/score": model.score(x_train, y_train), "test/score": model.score(x_test, y_test)})
    if hasattr(model, "feature_importances_") or hasattr(model, "coef_"):
        return {"feature_importances": plot_feature_importances(model)}
    return {}


def _logged(key: str | None, chart: Plot) -> Plot:
    run = active_run()
    if run is not None and key is not None:
        run.log({key: chart}, commit=False)
    return chart
