"""
Hugging Face Accelerate::

    accelerator = Accelerator(log_with=TreeringTracker(project="digits"))
    accelerator.init_trackers("digits", config={"lr": 0.1})
    accelerator.log({"loss": 0.3}, step=1)
    accelerator.end_training()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treering.sdk.media.image import Image
from treering.sdk.media.table import Table

from .attached import AnyRun, attach, missing

try:
    from accelerate.tracking import GeneralTracker, on_main_process
except ImportError as error:
    raise missing("accelerate", "Accelerate", "accelerate") from error

__all__ = ["TreeringTracker"]


class TreeringTracker(GeneralTracker):
    """
    A tracker for ``Accelerator(log_with=…)``; only the main process writes.

    Args:
        run: where to; by default the active run, else one that ``init_trackers`` begins.
        settings: arguments of ``treering.init`` for a run that is begun.
    """

    name = "treering"
    requires_logging_directory = False
    main_process_only = True

    def __init__(self, run: AnyRun | None = None, **settings: Any) -> None:
        super().__init__()
        self._run, self._settings = run, settings

    @property
    def tracker(self) -> AnyRun | None:
        """The run."""
        return self._run

    @on_main_process
    def start(self) -> None:
        self._run = attach(self._run, self._settings)

    def _begun(self) -> AnyRun:
        self._run = attach(self._run, self._settings)  # older versions of Accelerate do not call start()
        return self._run

    @on_main_process
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        self._begun().config.update(dict(values))

    @on_main_process
    def log(self, values: Mapping[str, Any], step: int | None = None, **kwargs: Any) -> None:
        self._begun().log(values, step=step, **kwargs)

    @on_main_process
    def log_images(self, values: Mapping[str, Any], step: int | None = None, **kwargs: Any) -> None:
        """Record lists of pictures; *kwargs* are arguments of ``tr.Image``."""
        self._begun().log({key: [Image(each, **kwargs) for each in images] for key, images in values.items()}, step)

    @on_main_process
    def log_table(
        self,
        table_name: str,
        columns: Sequence[str] | None = None,
        data: Any = None,
        dataframe: Any = None,
        step: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Record a table; *kwargs* are arguments of ``tr.Table``."""
        self._begun().log({table_name: Table(columns=columns, data=data, dataframe=dataframe, **kwargs)}, step)

    @on_main_process
    def finish(self) -> None:
        if self._run is not None:
            self._run.finish()
