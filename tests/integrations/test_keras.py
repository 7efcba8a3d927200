"""Keras 3 on torch."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]


def test_epochs_batches_and_the_best_model_are_recorded(recorded: Any) -> None:
    import keras
    import numpy as np

    from treering.integrations.keras import TreeringCallback

    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).random((64, 4))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    callback = TreeringCallback(project="digits", log_freq=4, checkpoint="best.keras")
    seen = model.fit(x, x.sum(1), batch_size=8, epochs=3, validation_split=0.5, verbose=0, callbacks=[callback]).history
    run = recorded()

    assert run.series("train/loss") == [(step, value) for step, value in zip([3, 7, 11], seen["loss"], strict=True)]
    assert run.series("val/mae") == [(step, value) for step, value in zip([3, 7, 11], seen["val_mae"], strict=True)]
    assert run.steps("batch/loss") == [3, 7, 11]
    assert [value for _, value in run.series("train/learning_rate")] == pytest.approx([0.1] * 3)
    assert run.config["epochs"] == 3
    assert run.config["optimizer"]["name"].lower() == "sgd"
    assert run.config["parameters"] == 5
    assert run.summary["best_val_loss"] == min(seen["val_loss"])
    assert run.files() == ["best.keras"]
