"""
LightGBM, its own API and that of scikit-learn::

    booster = lightgbm.train(params, data, valid_sets=[valid], callbacks=[TreeringCallback(project="digits")])
    log_summary(booster)
"""

from __future__ import annotations

from typing import Any, Literal

from treering.errors import UsageError
from treering.sdk.lifecycle import active_run

from .attached import AnyRun, attach, missing
from .importances import importances

try:
    import lightgbm
except ImportError as error:
    raise missing("lightgbm", "LightGBM", "lightgbm") from error

__all__ = ["TreeringCallback", "log_summary"]


class TreeringCallback:
    """
    Records the parameters and every evaluation, ``<data>/<metric>``; of a cross-validation its deviation, too.

    Args:
        run: where to; by default the active run, else one that is begun when the training begins.
        settings: arguments of ``treering.init`` for a run that is begun.
    """

    order = 25  # before early stopping (30), which ends the round by an exception
    before_iteration = False

    def __init__(self, run: AnyRun | None = None, **settings: Any) -> None:
        self.run, self._settings = run, settings
        self._begun = False

    def __call__(self, env: Any) -> None:
        """LightGBM calls this after each iteration."""
        if not self._begun:
            self._begun = True
            self.run = attach(self.run, self._settings)
            self.run.config.update({"lightgbm": env.params})
        assert self.run is not None
        row: dict[str, Any] = {}
        for result in env.evaluation_result_list or ():
            data, metric, value, _, *deviation = result
            key = f"{data}/{metric}"
            row[key] = value
            if deviation and deviation[0] is not None:
                row[f"{key}_std"] = deviation[0]
        if row:
            self.run.log(row, step=env.iteration)


def log_summary(model: Any, run: AnyRun | None = None, *, importance_type: Literal["gain", "split"] = "gain") -> None:
    """
    Record which features counted, and the best iteration.

    Args:
        model: a ``Booster``, or a fitted ``LGBMModel``.
        run: where to; by default the active run.
        importance_type: the gain of all splits by a feature, or their number.

    Raises:
        UsageError: there is no run.
    """
    run = run or active_run()
    if run is None:
        raise UsageError("log_summary(): no run is active. Call treering.init() first.")
    booster = model.booster_ if isinstance(model, lightgbm.LGBMModel) else model
    values = booster.feature_importance(importance_type)
    run.log({"feature_importance": importances(booster.feature_name(), values)}, commit=False)
    if booster.best_iteration > 0:
        run.summary.update({"best_iteration": booster.best_iteration})
        for data, metrics in (booster.best_score or {}).items():
            run.summary.update({f"best_{data}/{metric}": value for metric, value in metrics.items()})
