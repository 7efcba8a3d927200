"""
XGBoost, its own API and that of scikit-learn::

    xgboost.train(params, data, evals=[(data, "train")], callbacks=[TreeringCallback(project="digits")])
"""

from __future__ import annotations

import json
from typing import Any, Literal

from .attached import AnyRun, attach, missing
from .importances import importances

try:
    from xgboost.callback import TrainingCallback
except ImportError as error:
    raise missing("xgboost", "XGBoost", "xgboost") from error

__all__ = ["TreeringCallback"]


class TreeringCallback(TrainingCallback):
    """
    Records every evaluation, the parameters, and at the end which features counted.

    Metrics are called ``<data>/<metric>``, as in ``train/logloss``; of a cross-validation there is the standard
    deviation over the folds too, ``train/logloss_std``.

    Args:
        run: where to; by default the active run, else one that is begun when the training begins.
        importance_type: of the features: ``gain``, ``weight``, ``cover``, ``total_gain`` or ``total_cover``.
        settings: arguments of ``treering.init`` for a run that is begun.
    """

    def __init__(
        self,
        run: AnyRun | None = None,
        *,
        importance_type: Literal["gain", "weight", "cover", "total_gain", "total_cover"] = "gain",
        **settings: Any,
    ) -> None:
        super().__init__()
        self.run, self._settings, self._importance_type = run, settings, importance_type

    def before_training(self, model: Any) -> Any:
        self.run = attach(self.run, self._settings)
        if hasattr(model, "save_config"):
            learner = json.loads(model.save_config())["learner"]
            self.run.config.update({"xgboost": _plain(learner)})
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        row: dict[str, Any] = {}
        for data, metrics in evals_log.items():
            for metric, values in metrics.items():
                last = values[-1]
                if isinstance(last, tuple):  # of a cross-validation: mean and deviation
                    row[f"{data}/{metric}"], row[f"{data}/{metric}_std"] = last
                else:
                    row[f"{data}/{metric}"] = last
        assert self.run is not None
        if row:
            self.run.log(row, step=epoch)
        return False

    def after_training(self, model: Any) -> Any:
        if self.run is not None and hasattr(model, "get_score"):
            try:
                scores = model.get_score(importance_type=self._importance_type)
            except ValueError:  # a linear booster has no trees to count in
                scores = {}
            if scores:
                self.run.log({"feature_importance": importances(scores.keys(), scores.values())}, commit=False)
            best = model.attr("best_iteration")
            if best is not None:
                score = {"best_iteration": int(best), "best_score": float(model.attr("best_score"))}
                self.run.summary.update(score)
        return model


def _plain(config: Any) -> Any:
    """Return XGBoost's configuration with numbers for the texts that it makes of them."""
    if isinstance(config, dict):
        return {name: _plain(value) for name, value in config.items()}
    if not isinstance(config, str):
        return config
    for kind in (int, float):
        try:
            return kind(config)
        except ValueError:
            continue
    return config
