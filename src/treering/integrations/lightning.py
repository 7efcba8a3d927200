"""
Lightning, by either of its names::

    trainer = Trainer(logger=TreeringLogger(project="digits"))
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treering.sdk.lifecycle import active_run
from treering.sdk.media.image import Image
from treering.sdk.media.table import Table

from .attached import AnyRun, attach, missing

try:
    # Who imported one of the two needs the classes of that one.
    if "pytorch_lightning" in sys.modules and "lightning" not in sys.modules:
        raise ImportError
    from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
    from lightning.pytorch.utilities import rank_zero_only
except ImportError:
    try:
        from pytorch_lightning.loggers.logger import Logger, rank_zero_experiment
        from pytorch_lightning.utilities import rank_zero_only
    except ImportError as error:
        raise missing("lightning", "Lightning", "lightning") from error

__all__ = ["TreeringLogger"]


class TreeringLogger(Logger):
    """
    A logger for ``Trainer(logger=…)``; only rank 0 writes.

    Args:
        run: where to; by default the active run, else one that is begun with the first thing that is logged.
        prefix: put in front of every key, with a slash between.
        save_checkpoints: ``best`` stores the file of the best checkpoint with the run, ``all`` every one, None none.
        settings: arguments of ``treering.init`` for a run that is begun.
    """

    def __init__(
        self, run: AnyRun | None = None, *, prefix: str = "", save_checkpoints: str | None = "best", **settings: Any
    ) -> None:
        super().__init__()
        self._run, self._settings, self._prefix = run, settings, prefix
        self._save_checkpoints = save_checkpoints
        self._saved: set[str] = set()

    @property
    def name(self) -> str:
        """The project."""
        return self._run.project if self._run is not None else str(self._settings.get("project") or "treering")

    @property
    def version(self) -> str | None:
        """The run's id; None before it has begun."""
        return self._run.id if self._run is not None else self._settings.get("id")

    @property
    def save_dir(self) -> str | None:
        """Where Lightning puts checkpoints if it is told nothing else."""
        return os.getcwd()

    @property
    @rank_zero_experiment
    def experiment(self) -> AnyRun:
        """The run, for whatever this logger has no method for: ``self.logger.experiment.log({"x": tr.Image(x)})``."""
        if self._run is None:
            self._run = attach(None, self._settings)
        return self._run

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        self.experiment.config.update(vars(params) if isinstance(params, Namespace) else dict(params or {}))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        row = {f"{self._prefix}/{name}" if self._prefix else name: value for name, value in metrics.items()}
        self.experiment.log(row, step=step)

    @rank_zero_only
    def log_image(self, key: str, images: Sequence[Any], step: int | None = None, **kwargs: Sequence[Any]) -> None:
        """Record pictures; *kwargs* are lists of arguments of ``tr.Image``, such as ``caption``."""
        each = [{name: values[at] for name, values in kwargs.items()} for at in range(len(images))]
        self.log_metrics({key: [Image(image, **own) for image, own in zip(images, each, strict=True)]}, step)

    @rank_zero_only
    def log_table(
        self, key: str, columns: Any = None, data: Any = None, dataframe: Any = None, step: int | None = None
    ) -> None:
        """Record a table."""
        self.log_metrics({key: Table(columns=columns, data=data, dataframe=dataframe)}, step)

    def watch(self, model: Any, log: str | None = "gradients", log_freq: int = 100, log_graph: bool = False) -> None:
        """See ``run.watch``."""
        self.experiment.watch(model, log=log, log_freq=log_freq, log_graph=log_graph)

    @rank_zero_only
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        best = checkpoint_callback.best_model_path
        if best:
            score = checkpoint_callback.best_model_score
            self.experiment.summary.update({"best_checkpoint": str(best)})
            if score is not None:
                self.experiment.summary.update({"best_score": float(score)})
        if self._save_checkpoints == "all":
            for path in (*checkpoint_callback.best_k_models, best, checkpoint_callback.last_model_path):
                self._save(path)
        self._best = best

    _best: str = ""

    def _save(self, path: str) -> None:
        if path and path not in self._saved and Path(path).exists():
            self._saved.add(path)
            self.experiment.save(path, base_path=Path(path).parent, policy="now")

    @rank_zero_only
    def finalize(self, status: str) -> None:
        # Others may still use the run: a test after the fit, another trainer. It ends with the process, or finish().
        if self._save_checkpoints is not None and self._run is not None:
            self._save(self._best)
            self._best = ""

    def __getstate__(self) -> dict[str, Any]:
        """A process that is started with this logger goes on in the same run."""
        run = self._run or active_run()
        settings = self._settings if run is None else {**self._settings, "id": run.id, "project": run.project}
        return {**self.__dict__, "_run": None, "_settings": {**settings, "resume": "allow"}}
