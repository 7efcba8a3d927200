"""``treering doctor``: what works here, what does not, and what to do about it."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from treering._version import __version__
from treering.errors import TreeringError
from treering.limits import GIB

from .capture import show_capture
from .failure import DAMAGED
from .folder import data_folder
from .output import print_json

__all__ = ["run"]

_LOW_SPACE = 0.9  # of the file system, or less than 1 GiB left
_NETWORK_TYPES = frozenset({"nfs", "nfs4", "lustre", "cifs", "smb3", "fuse.sshfs", "gpfs", "beegfs", "ceph", "9p"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``level`` is "ok", "note" or "problem"."""

    topic: str
    level: str
    message: str


def run(arguments: argparse.Namespace) -> int:
    """Check installation and data folder; exit code 5 if there is a problem."""
    folder = data_folder(arguments.data)
    if arguments.capture:
        return show_capture(folder, as_json=arguments.json)
    findings = [finding for check in _CHECKS for finding in check(folder)]
    problem = any(finding.level == "problem" for finding in findings)
    if arguments.json:
        print_json({"ok": not problem, "findings": [asdict(finding) for finding in findings]})
    else:
        marks = {"ok": "ok  ", "note": "note", "problem": "FAIL"}
        for finding in findings:
            print(f"{marks[finding.level]}  {finding.topic:<10} {finding.message}")
    return DAMAGED if problem else 0


def _check_versions(folder: Path) -> Iterator[Finding]:
    yield Finding("version", "ok", f"treering {__version__}, Python {platform.python_version()}, {platform.platform()}")
    missing = [
        name for name in ("duckdb", "sqlalchemy", "fastapi", "uvicorn", "re2") if not importlib.util.find_spec(name)
    ]
    if missing:
        command = "pip install --force-reinstall treering"
        yield Finding(
            "packages", "problem", f"not installed: {', '.join(missing)}. Logging works, the server does not: {command}"
        )
    if sqlite3.sqlite_version_info < (3, 35):
        yield Finding(
            "sqlite", "problem", f"SQLite {sqlite3.sqlite_version} is too old; 3.35 is needed. Use a newer Python."
        )


def _check_folder(folder: Path) -> Iterator[Finding]:
    if not folder.exists():
        yield Finding("folder", "note", f"{folder} does not exist yet; the first run makes it")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            pass
    except OSError as error:
        yield Finding(
            "folder", "problem", f"{folder} cannot be written ({error.strerror}). Set TREERING_DIR to one that can."
        )
    else:
        runs = sum(1 for _ in (folder / "runs").iterdir()) if (folder / "runs").is_dir() else 0
        yield Finding("folder", "ok", f"{folder}, {runs:,} runs")


def _check_space(folder: Path) -> Iterator[Finding]:
    place = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(place)
    text = f"{usage.free / GIB:.1f} of {usage.total / GIB:.1f} GiB free"
    low = usage.used > _LOW_SPACE * usage.total or usage.free < GIB
    yield Finding("space", "problem" if low else "ok", f"{text}; runs go on in memory when it is full" if low else text)


def _check_file_system(folder: Path) -> Iterator[Finding]:
    kind = _file_system(folder)
    if kind in _NETWORK_TYPES and not os.environ.get("TREERING_INDEX_DIR"):
        yield Finding(
            "network", "note", f"{folder} is on {kind}. Keep the index on a local disk: set TREERING_INDEX_DIR."
        )


def _file_system(folder: Path) -> str:
    """Return the type of the file system that holds *folder*, or "" where the kernel does not say."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "replace")
    except OSError:
        return ""
    best, found = "", ""
    for line in mounts.splitlines():
        _, mounted_at, kind, *_ = line.split(" ")
        if Path(mounted_at) in (folder, *folder.parents) and len(mounted_at) >= len(best):
            best, found = mounted_at, kind
    return found


def _check_secrets(folder: Path) -> Iterator[Finding]:
    from treering.server.privatefile import read_private

    for name in ("server.json", "sessions.json", "accounts.db"):
        try:
            read_private(folder / name)
        except TreeringError as error:
            yield Finding("secrets", "problem", str(error))


def _check_server(folder: Path) -> Iterator[Finding]:
    from treering.sdk.connection import running_server

    try:
        connection = running_server(folder)
    except TreeringError as error:
        yield Finding("server", "problem", str(error))
        return
    if connection is None:
        yield Finding("server", "ok", "none is running; `treering ui` starts one")
    else:
        yield Finding("server", "ok", f"answers on {connection.name}")
        connection.close()


def _check_ui(folder: Path) -> Iterator[Finding]:
    from treering.server.settings import STATIC_DIR

    if not (STATIC_DIR / "index.html").is_file():
        yield Finding("ui", "note", "the pages are not built (a source checkout): cd web && npm ci && npm run build")


def _check_terminal(folder: Path) -> Iterator[Finding]:
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        yield Finding(
            "terminal", "note", f"writes {sys.stdout.encoding}; names with other letters may fail. Set PYTHONUTF8=1."
        )


_CHECKS: tuple[Callable[[Path], Iterator[Finding]], ...] = (
    _check_versions,
    _check_folder,
    _check_space,
    _check_file_system,
    _check_secrets,
    _check_server,
    _check_ui,
    _check_terminal,
)
