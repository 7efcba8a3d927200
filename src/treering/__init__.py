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
from .sdk.arguments import remember_arguments
from .sdk.settings import Settings

if TYPE_CHECKING:
    from .sdk import saved_views as views
    from .sdk.alerts import AlertLevel
    from .sdk.api import Api
    from .sdk.artifacts.artifact import Artifact
    from .sdk.artifacts.keep import Keep
    from .sdk.config import Config, Summary
    from .sdk.disabled import DisabledRun
    from .sdk.media import plot
    from .sdk.media.audio import Audio
    from .sdk.media.graph import Graph
    from .sdk.media.histogram import Histogram
    from .sdk.media.html import Html
    from .sdk.media.image import Classes, Image
    from .sdk.media.molecule import Molecule
    from .sdk.media.object3d import Object3D, box3d
    from .sdk.media.plot import plot_table
    from .sdk.media.plotly import Plotly
    from .sdk.media.table import Table
    from .sdk.media.vega import VegaLite
    from .sdk.media.video import Video
    from .sdk.reports import Report
    from .sdk.run import Run

    run: Run | DisabledRun | None
    config: Config
    summary: Summary

__all__ = [
    "AlertLevel",
    "Api",
    "Artifact",
    "Audio",
    "Classes",
    "Graph",
    "Histogram",
    "Html",
    "Image",
    "Keep",
    "Molecule",
    "Object3D",
    "Plotly",
    "Report",
    "Run",
    "Settings",
    "Table",
    "VegaLite",
    "Video",
    "__version__",
    "alert",
    "box3d",
    "config",
    "define_metric",
    "errors",
    "finish",
    "init",
    "log",
    "log_artifact",
    "login",
    "plot",
    "plot_table",
    "run",
    "save",
    "stamp",
    "summary",
    "unwatch",
    "use_artifact",
    "views",
    "watch",
]


remember_arguments()


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


def save(glob_str: Any, base_path: Any = None, policy: str = "live", stamp: bool = False) -> list[str]:
    """``save`` of the active run. Raises UsageError before ``init()``."""
    return _active("save").save(glob_str, base_path, policy, stamp)


def stamp(path: Any) -> bool:
    """``stamp`` of the active run. Raises UsageError before ``init()``."""
    return _active("stamp").stamp(path)


def log_artifact(artifact_or_path: Any, *args: Any, **kwargs: Any) -> Any:
    """``log_artifact`` of the active run. Raises UsageError before ``init()``."""
    return _active("log_artifact").log_artifact(artifact_or_path, *args, **kwargs)


def use_artifact(artifact_or_name: Any, *args: Any, **kwargs: Any) -> Any:
    """``use_artifact`` of the active run. Raises UsageError before ``init()``."""
    return _active("use_artifact").use_artifact(artifact_or_name, *args, **kwargs)


def watch(models: Any, *args: Any, **kwargs: Any) -> None:
    """``watch`` of the active run. Raises UsageError before ``init()``."""
    _active("watch").watch(models, *args, **kwargs)


def unwatch(models: Any = None) -> None:
    """``unwatch`` of the active run. Raises UsageError before ``init()``."""
    _active("unwatch").unwatch(models)


def alert(title: str, text: str = "", level: Any = "INFO", wait_duration: Any = None) -> None:
    """``alert`` of the active run. Raises UsageError before ``init()``."""
    _active("alert").alert(title, text, level, wait_duration)


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


# Rich values, each in a module that is loaded when its name is first used.
_MEDIA = {
    "Audio": "audio",
    "Classes": "image",
    "Graph": "graph",
    "Histogram": "histogram",
    "Html": "html",
    "Image": "image",
    "Molecule": "molecule",
    "Object3D": "object3d",
    "Plotly": "plotly",
    "Table": "table",
    "VegaLite": "vega",
    "Video": "video",
    "box3d": "object3d",
    "plot_table": "plot",
}


def __getattr__(name: str) -> Any:
    """Names whose value changes (the active run) or whose module not everybody needs."""
    if name in _MEDIA:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.sdk.media.{_MEDIA[name]}"), name)
    if name == "plot":
        from .sdk.media import plot

        return plot
    if name == "views":
        from .sdk import saved_views

        return saved_views
    if name == "run":
        return _lifecycle().active_run()
    if name in ("config", "summary"):
        return getattr(_active(name), name)
    if name == "Run":
        from .sdk.run import Run

        return Run
    if name == "Report":
        from .sdk.reports import Report

        return Report
    if name == "AlertLevel":
        from .sdk.alerts import AlertLevel

        return AlertLevel
    if name == "Artifact":
        from .sdk.artifacts.artifact import Artifact

        return Artifact
    if name == "Keep":
        from .sdk.artifacts.keep import Keep

        return Keep
    if name == "Api":
        from .sdk.api import Api

        return Api
    raise AttributeError(f"module 'treering' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
