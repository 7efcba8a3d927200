"""The run of ``mode="disabled"``: the whole interface, and nothing behind it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from treering.ids import new_run_id

from .config import Config, Summary
from .settings import Settings

__all__ = ["DisabledRun"]


class DisabledRun:
    """Accepts everything that :class:`treering.Run` accepts and writes nothing. Config and summary can be read back."""

    def __init__(self, settings: Settings, config: Mapping[str, Any]) -> None:
        self.settings = settings
        self.id = settings.run_id or new_run_id()
        self.name = settings.name or "disabled"
        self.notes = settings.notes
        self.tags = settings.tags
        self.project = settings.project
        self.entity = settings.entity
        self.group = settings.run_group
        self.job_type = settings.job_type
        self.path = f"{self.entity}/{self.project}/{self.id}"
        self.key = ""
        self.dir = ""
        self.url = None
        self.offline = True
        self.disabled = True
        self.resumed = False
        self.starting_step = 0
        self.step = 0
        self._finished = False
        self._values: dict[str, Any] = {}
        self.config = Config(self._keep_config)
        self.config.update(dict(config))
        self.summary = Summary(self._values, dict)

    @staticmethod
    def _keep_config(changes: Mapping[str, Any], removed: str | None) -> dict[str, Any]:
        return {} if removed is not None else dict(changes)

    def log(
        self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, sync: bool | None = None
    ) -> None:
        """Keep the last values for ``summary``; write nothing."""
        self._values.update(data)
        self.step = self.step + 1 if step is None else step + 1

    def define_metric(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""

    def mark_preempting(self) -> None:
        """Do nothing."""

    def save(self, glob_str: Any, base_path: Any = None, policy: str = "live", stamp: bool = False) -> list[str]:
        """Do nothing."""
        return []

    def log_code(self, root: Any = ".", name: Any = None, include_fn: Any = None, exclude_fn: Any = None) -> None:
        """Do nothing."""

    def log_input(self, path_or_object: Any, name: str | None = None, kind: str = "dataset") -> None:
        """Do nothing."""

    def stamp(self, path: Any) -> bool:
        """Do nothing."""
        return False

    def alert(self, title: str, text: str = "", level: Any = "INFO", wait_duration: Any = None) -> None:
        """Do nothing."""

    def watch(self, models: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""

    def unwatch(self, models: Any = None) -> None:
        """Do nothing."""

    def log_artifact(self, artifact_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """Do nothing; return what was given."""
        return artifact_or_path

    def use_artifact(self, artifact_or_name: Any, *args: Any, **kwargs: Any) -> Any:
        """
        Return a version, as a run that records does: a training needs the files that it asks for.

        Raises:
            NotFound, ServerUnavailable: there is none, or nobody answers.
        """
        from .artifact_run import find_artifact

        if not isinstance(artifact_or_name, str):
            return artifact_or_name
        return find_artifact(self.settings, artifact_or_name)

    def log_model(self, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Do nothing; return what was given."""
        return path

    def link_artifact(self, artifact: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""

    def link_model(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """Let the next ``init()`` begin another run."""
        self._finished = True

    def __enter__(self) -> DisabledRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()
