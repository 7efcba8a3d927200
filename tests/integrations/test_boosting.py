"""XGBoost and LightGBM on the digits that scikit-learn ships."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]


def digits() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x[:600], (y[:600] > 4).astype(int)


def test_xgboost_is_recorded_round_by_round(recorded: Any) -> None:
    import xgboost

    from treering.integrations.xgboost import TreeringCallback

    x, y = digits()
    train, valid = xgboost.DMatrix(x[:400], y[:400]), xgboost.DMatrix(x[400:], y[400:])
    seen: dict[str, Any] = {}
    parameters = {"objective": "binary:logistic", "max_depth": 2, "eta": 0.3}
    callback = TreeringCallback(project="digits")
    xgboost.train(
        parameters,
        train,
        8,
        evals=[(train, "train"), (valid, "valid")],
        evals_result=seen,
        verbose_eval=False,
        early_stopping_rounds=5,
        callbacks=[callback],
    )
    run = recorded()

    assert run.series("valid/logloss") == list(enumerate(seen["valid"]["logloss"]))
    assert run.series("train/logloss") == list(enumerate(seen["train"]["logloss"]))
    assert run.config["xgboost"]["objective"]["name"] == "binary:logistic"
    assert run.summary["best_iteration"] == 7
    ((_, chart),) = run.series("feature_importance")
    assert chart["preset"] == "bar"
    assert 1 < chart["table"]["nrows"] <= 64


def test_xgboost_cross_validation_and_the_api_of_scikit_learn(recorded: Any) -> None:
    import xgboost

    import treering as tr
    from treering.integrations.xgboost import TreeringCallback

    x, y = digits()
    with tr.init(project="digits", name="cv"):
        xgboost.cv({"objective": "binary:logistic"}, xgboost.DMatrix(x, y), 4, nfold=3, callbacks=[TreeringCallback()])
    with tr.init(project="digits", name="sklearn"):
        model = xgboost.XGBClassifier(n_estimators=5, callbacks=[TreeringCallback()])
        model.fit(x[:400], y[:400], eval_set=[(x[400:], y[400:])], verbose=False)

    run = recorded(name="cv")
    assert run.steps("test/logloss") == [0, 1, 2, 3]
    assert all(value > 0 for _, value in run.series("test/logloss_std"))
    assert recorded(name="sklearn").steps("validation_0/logloss") == [0, 1, 2, 3, 4]


def test_lightgbm_is_recorded_round_by_round_also_when_it_stops_early(recorded: Any) -> None:
    import lightgbm

    from treering.integrations.lightgbm import TreeringCallback, log_summary

    x, y = digits()
    train = lightgbm.Dataset(x[:400], y[:400])
    valid = lightgbm.Dataset(x[400:], y[400:], reference=train)
    seen: dict[str, Any] = {}
    callbacks = [TreeringCallback(project="digits"), lightgbm.early_stopping(3, verbose=False)]
    booster = lightgbm.train(
        {"objective": "binary", "verbose": -1, "learning_rate": 0.8, "num_threads": 1},
        train,
        60,
        valid_sets=[valid],
        valid_names=["valid"],
        callbacks=[*callbacks, lightgbm.record_evaluation(seen)],
    )
    log_summary(booster)
    run = recorded()

    assert run.series("valid/binary_logloss")[: len(seen["valid"]["binary_logloss"])] == list(
        enumerate(seen["valid"]["binary_logloss"])
    )
    assert len(run.series("valid/binary_logloss")) < 60
    assert run.config["lightgbm"]["learning_rate"] == 0.8
    assert run.summary["best_iteration"] == booster.best_iteration
    assert run.series("feature_importance")[0][1]["table"]["nrows"] == 64


def test_lightgbm_through_the_api_of_scikit_learn_and_cross_validation(recorded: Any) -> None:
    import lightgbm

    import treering as tr
    from treering.integrations.lightgbm import TreeringCallback, log_summary

    x, y = digits()
    with tr.init(project="digits", name="sklearn"):
        model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1)
        model.fit(x[:400], y[:400], eval_set=[(x[400:], y[400:])], callbacks=[TreeringCallback()])
        log_summary(model)
    with tr.init(project="digits", name="cv"):
        data = lightgbm.Dataset(x, y)
        lightgbm.cv({"objective": "binary", "verbose": -1}, data, 3, nfold=3, callbacks=[TreeringCallback()])

    assert recorded(name="sklearn").steps("valid_0/binary_logloss") == [0, 1, 2, 3, 4]
    run = recorded(name="cv")
    assert run.steps("valid/binary_logloss") == [0, 1, 2]
    assert all(value > 0 for _, value in run.series("valid/binary_logloss_std"))
