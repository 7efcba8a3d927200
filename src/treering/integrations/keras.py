"""
Keras 3, on any of its backends::

    model.fit(..., callbacks=[TreeringCallback(project="digits")])
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from treering.errors import InvalidValue

from .attached import AnyRun, attach, missing

try:
    import keras
except ImportError as error:
    raise missing("keras", "Keras", "keras") from error

__all__ = ["TreeringCallback"]


class TreeringCallback(keras.callbacks.Callback):
    """
    Records metrics, the learning rate, the optimizer's settings, and on request the best model.

    Metrics are called ``train/loss`` and ``val/loss``. An epoch stands at the number of batches seen at its end.

    Args:
        run: where to; by default the active run, else one that is begun when the training begins.
        log_freq: ``epoch``, or every how many batches the running values are recorded, too.
        checkpoint: a file that ends in ``.keras``: written whenever *monitor* is better than before, and stored with
            the run when it ends.
        monitor: a metric as Keras calls it.
        mode: whether less or more of it is better.
        settings: arguments of ``treering.init`` for a run that is begun.
    """

    def __init__(
        self,
        run: AnyRun | None = None,
        *,
        log_freq: Literal["epoch"] | int = "epoch",
        checkpoint: str | os.PathLike[str] | None = None,
        monitor: str = "val_loss",
        mode: Literal["min", "max"] = "min",
        **settings: Any,
    ) -> None:
        super().__init__()
        if log_freq != "epoch" and not (isinstance(log_freq, int) and log_freq > 0):
            raise InvalidValue(f"TreeringCallback: log_freq is 'epoch' or a number of batches, got {log_freq!r}.")
        self.run = run
        self._settings, self._log_freq = settings, log_freq
        self._checkpoint = None if checkpoint is None else Path(checkpoint)
        self._monitor, self._sign = monitor, -1 if mode == "max" else 1
        self._best: float | None = None
        self._step = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self.run = run = attach(self.run, self._settings)
        optimizer = getattr(self.model, "optimizer", None)
        config: dict[str, Any] = {**(self.params or {}), "model": self.model.name}
        config["parameters"] = self.model.count_params() if self.model.built else None
        if optimizer is not None:
            config["optimizer"] = optimizer.get_config()
        run.config.update(config)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step += 1
        if self._log_freq != "epoch" and self._step % self._log_freq == 0 and self.run is not None:
            self.run.log({f"batch/{name}": value for name, value in (logs or {}).items()}, step=self._step - 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.run is None:
            return
        values = dict(logs or {})
        row: dict[str, Any] = {_key(name): value for name, value in values.items()}
        row["epoch"] = epoch
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None and "learning_rate" not in values:
            row["train/learning_rate"] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        self.run.log(row, step=max(0, self._step - 1))
        value = values.get(self._monitor)
        if self._checkpoint is not None and value is not None:
            score = self._sign * float(value)
            if self._best is None or score < self._best:
                self._best = score
                self.model.save(self._checkpoint)
                self.run.summary.update({f"best_{self._monitor}": float(value), "best_epoch": epoch})

    def on_test_end(self, logs: Any = None) -> None:
        if self.run is not None and logs and not self._step:  # evaluate() on its own; fit() has them in its epochs
            self.run.log({f"test/{name}": value for name, value in logs.items()})

    def on_train_end(self, logs: Any = None) -> None:
        if self.run is not None and self._checkpoint is not None and self._checkpoint.exists():
            self.run.save(self._checkpoint, base_path=self._checkpoint.parent, policy="now")


def _key(name: str) -> str:
    return f"val/{name[4:]}" if name.startswith("val_") else f"train/{name}"
