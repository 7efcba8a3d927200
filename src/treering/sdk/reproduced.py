"""A run that is begun to reproduce another one: ``treering reproduce`` starts its command again and says so here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from treering.ids import RUN_KEY, new_run_id, run_key
from treering.limits import NAME_MAX_CHARS

from .settings import Settings

__all__ = ["VARIABLE", "apart_from_original", "reproduced_run"]

VARIABLE: Final = "TREERING_REPRODUCES"


def reproduced_run(environ: Mapping[str, str]) -> str | None:
    """Return the key of the run that this process reproduces; None if none."""
    key = environ.get(VARIABLE, "")
    return key if RUN_KEY.fullmatch(key) else None


def apart_from_original(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """
    Return settings under which the run is another one than the one that it reproduces.

    A script that names its run would otherwise go on in the original, or begin it anew.
    """
    original = reproduced_run(environ)
    if original is None:
        return settings
    settings = msgspec.structs.replace(settings, resume="")
    if settings.run_id and run_key(settings.entity, settings.project, settings.run_id) == original:
        again = f"-again-{new_run_id()}"
        return msgspec.structs.replace(settings, run_id=settings.run_id[: NAME_MAX_CHARS - len(again)] + again)
    return settings
