"""What the training process tells its uploader to record of how the run came about."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from .settings import Settings, current_folder

__all__ = ["Plan"]


class Plan(msgspec.Struct, frozen=True):
    """
    What the training process knows of itself, and what its user wants recorded.

    Attributes:
        program: the script; empty in a notebook or an interactive session.
        cwd: the folder it runs in.
        data_dir: the data folder, which is no part of the code.
        path: ``sys.path``.
        modules: files of loaded modules that are of no installed package.
        git, code: whether the repository is looked at, and whether changes and files are recorded.
        everything: record all source files, also where git has them.
        variables: names of environment variables to record beside the usual ones.
    """

    program: str = ""
    cwd: str = ""
    data_dir: str = ""
    path: list[str] = []
    modules: list[str] = []
    git: bool = True
    code: bool = True
    everything: bool = False
    variables: list[str] = []

    @classmethod
    def here(cls, settings: Settings, data_dir: Path, argv: Sequence[str]) -> Plan:
        """Return the plan of this process."""
        program = argv[0] if argv and os.path.isfile(argv[0]) else ""
        cwd = str(current_folder())
        return cls(
            program=os.path.abspath(program) if program else "",
            cwd=cwd,
            data_dir=str(data_dir),
            path=[os.path.join(cwd, entry) for entry in sys.path if isinstance(entry, str)],
            modules=[] if settings.disable_code else _local_modules(),
            git=not settings.disable_git,
            code=not settings.disable_code,
            everything=settings.save_code,
            variables=list(settings.capture_environment),
        )


def _file_of(module: Any) -> Any:
    """Return where a module is from. It is not asked itself: it might load when it is, or raise."""
    try:
        return object.__getattribute__(module, "__dict__").get("__file__")
    except Exception:  # something else that stands among the modules
        return None


def _local_modules() -> list[str]:
    """Return the files of the modules that are loaded and belong neither to Python nor to an installed package."""
    installed = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
    paths = [_file_of(module) for module in list(sys.modules.values())]
    return [
        path
        for path in paths
        if isinstance(path, str)
        and path.endswith(".py")
        and not path.startswith(installed)
        and f"{os.sep}site-packages{os.sep}" not in path
        and f"{os.sep}treering{os.sep}" not in path
    ]
