"""
treering: track machine-learning runs. This is the one public door; everything else is reached through it.

::

    import treering as tr

    with tr.init(project="digits", config={"lr": 0.1}) as run:
        for step in range(100):
            run.log({"loss": train_step()})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import errors
from ._version import __version__
from .sdk.settings import Settings

if TYPE_CHECKING:
    from .sdk.api import Api
    from .sdk.config import Config, Summary
    from .sdk.disabled import DisabledRun
    from .sdk.run import Run

    run: Run | DisabledRun | None
    config: Config
    summary: Summary

__all__ = [
    "Api",
    "Run",
    "Settings",
    "__version__",
    "config",
    "define_metric",
    "errors",
    "finish",
    "init",
    "log",
    "login",
    "run",
    "summary",
]


def init(*args: Any, **kwargs: Any) -> Run | DisabledRun:
    """Begin a run and make it the active one. See :func:`treering.sdk.lifecycle.init` for every argument."""
    begun: Run | DisabledRun = _lifecycle().init(*args, **kwargs)
    return begun


def log(data: Any, step: int | None = None, commit: bool | None = None, sync: bool | None = None) -> None:
    """``log`` of the active run. Raises UsageError before ``init()``."""
    _active("log").log(data, step, commit, sync)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """Finish the active run; without one, do nothing."""
    _lifecycle().finish(exit_code, quiet)


def define_metric(name: str, *args: Any, **kwargs: Any) -> Any:
    """``define_metric`` of the active run. Raises UsageError before ``init()``."""
    return _active("define_metric").define_metric(name, *args, **kwargs)


def login(*args: Any, **kwargs: Any) -> bool:
    """Return True: a local folder needs no account. Kept for scripts of other trackers."""
    return True


def _lifecycle() -> Any:
    from .sdk import lifecycle

    return lifecycle


def _active(what: str) -> Run | DisabledRun:
    active: Run | DisabledRun | None = _lifecycle().active_run()
    if active is None:
        raise errors.UsageError(f"treering.{what}: no run is active. Call treering.init() first.")
    return active


def __getattr__(name: str) -> Any:
    """Names whose value changes (the active run) or whose module not everybody needs."""
    if name == "run":
        return _lifecycle().active_run()
    if name in ("config", "summary"):
        return getattr(_active(name), name)
    if name == "Run":
        from .sdk.run import Run

        return Run
    if name == "Api":
        from .sdk.api import Api

        return Api
    raise AttributeError(f"module 'treering' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
