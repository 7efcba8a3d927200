"""What all integrations share: the run that they write to, and the word when their framework is missing."""

from __future__ import annotations

from typing import Any

from treering.errors import MissingExtra
from treering.sdk.disabled import DisabledRun
from treering.sdk.lifecycle import active_run, init
from treering.sdk.run import Run

__all__ = ["AnyRun", "attach", "missing"]

AnyRun = Run | DisabledRun


def attach(run: AnyRun | None, settings: dict[str, Any]) -> AnyRun:
    """Return *run*, else the active one, else a new one that is begun with *settings*: arguments of ``init()``."""
    if run is not None:
        return run
    return active_run() or init(**settings)


def missing(module: str, framework: str, package: str) -> MissingExtra:
    """Return the error of an integration whose framework is not installed."""
    return MissingExtra(f"treering.integrations.{module} needs {framework}: pip install {package}")
