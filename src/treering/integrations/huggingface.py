"""
Hugging Face transformers::

    trainer = Trainer(..., callbacks=[TreeringCallback()])

It needs no ``report_to``; ``TrainingArguments(report_to="none")`` keeps other trackers away.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .attached import AnyRun, attach, missing

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise missing("huggingface", "transformers", "transformers") from error

__all__ = ["TreeringCallback"]

# What Trainer says once, at its end: of the run, not of a step.
_OF_THE_RUN: Final = frozenset(
    {"train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss", "total_flos"}
)


class TreeringCallback(TrainerCallback):
    """
    Records arguments, the model's own configuration, metrics, and on request gradients and checkpoints.

    Metrics are called ``train/loss``, ``eval/loss``, ``test/…`` and stand at the trainer's global step.

    Args:
        run: where to; by default the active run, else one that is begun when the training begins.
        watch: ``gradients``, ``parameters``, ``all``, or None: what of the model to record as histograms.
        save_checkpoints: store each checkpoint's files with the run.
        settings: arguments of ``treering.init`` for a run that is begun.
    """

    def __init__(
        self, run: AnyRun | None = None, *, watch: str | None = None, save_checkpoints: bool = False, **settings: Any
    ) -> None:
        self._run, self._settings = run, settings
        self._watch, self._save_checkpoints = watch, save_checkpoints
        self._begun = False

    @property
    def run(self) -> AnyRun | None:
        """The run that is written to; None before the training."""
        return self._run

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        if not state.is_world_process_zero:
            return
        if state.is_hyper_param_search and self._begun and self._run is not None:  # each trial is a run
            self._run.finish()
            self._run, self._begun = None, False
        if not self._begun:
            self._begin(args, state, model)

    def _begin(self, args: Any, state: Any, model: Any) -> None:
        self._begun = True
        settings = dict(self._settings)
        if state.trial_name:
            settings.setdefault("name", state.trial_name)
        elif args.run_name and args.run_name != args.output_dir:
            settings.setdefault("name", args.run_name)
        self._run = run = attach(self._run, settings)
        config: dict[str, Any] = args.to_sanitized_dict()
        own = getattr(model, "config", None)
        if own is not None:
            config["model"] = dict(own) if isinstance(own, Mapping) else own.to_dict()
        adapter = getattr(model, "peft_config", None)
        if adapter is not None:
            config["peft"] = {name: value.to_dict() for name, value in adapter.items()}
        run.config.update({**state.trial_params, **config} if state.trial_params else config)
        if model is not None:
            run.watch(model, log=self._watch, log_freq=max(100, args.logging_steps))  # None: only what it is

    def on_log(self, args: Any, state: Any, control: Any, model: Any = None, logs: Any = None, **kwargs: Any) -> None:
        if not state.is_world_process_zero or not logs:
            return
        if not self._begun:  # Trainer.evaluate() without a training
            self._begin(args, state, model)
        assert self._run is not None
        ended = {name: value for name, value in logs.items() if name in _OF_THE_RUN}
        self._run.summary.update(ended)
        row = {_key(name): value for name, value in logs.items() if name not in _OF_THE_RUN}
        if row:
            self._run.log(row, step=state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._save_checkpoints and self._run is not None and state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            self._run.save(folder, base_path=folder.parent, policy="now")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._run is not None and state.is_world_process_zero and state.best_metric is not None:
            best = {"best_metric": state.best_metric, "best_checkpoint": state.best_model_checkpoint or ""}
            self._run.summary.update(best)


def _key(name: str) -> str:
    for part in ("eval", "test"):
        if name.startswith(f"{part}_"):
            return f"{part}/{name[5:]}"
    return f"train/{name}"
