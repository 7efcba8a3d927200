"""A few runs side by side: what went in, what came out, and around what."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from treering.errors import InvalidValue, NotFound
from treering.limits import COMPARE_MAX_ROWS, COMPARE_MAX_RUNS, DIFF_MAX_BYTES

from .attrs import flatten
from .blobs import FileBlobs
from .files import list_files
from .metadata import MetadataStore
from .model import FileEntry, Run
from .run_groups import hashable
from .state import RunState

__all__ = ["SECTIONS", "ComparedRow", "ComparedRun", "ComparedSection", "Comparison", "Inputs", "compare_runs"]

SECTIONS: Final = ("config", "summary", "packages", "hardware", "command", "code", "inputs", "environment")

_COMMAND: Final = ("command", "program", "args", "arguments", "cwd", "notebook", "colab", "kaggle")
_ENVIRONMENT: Final = ("python", "os", "executable", "scheduler", "job", "slurm", "container")
_PACKAGE: Final = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)(?:\s+#\s*(.*))?$")


class ComparedRun(msgspec.Struct, frozen=True):
    """A column of a comparison."""

    run_key: str
    run_id: str
    name: str
    number: int
    state: str
    created_at: float
    ended_at: float | None
    runtime_s: float
    entity: str
    project: str
    group: str | None
    job_type: str | None
    tags: list[str]


class ComparedRow(msgspec.Struct, frozen=True):
    """One key over the runs: a run without it has None and is not ``present``."""

    key: str
    values: list[Any]
    present: list[bool]
    differs: bool


class ComparedSection(msgspec.Struct, frozen=True):
    """Rows by key. ``same`` counts those that do not differ. ``cut``: there were more; those that differ are here."""

    section: str
    rows: list[ComparedRow]
    same: int
    cut: bool


class Comparison(msgspec.Struct, frozen=True):
    """Runs side by side, in the order asked for."""

    runs: list[ComparedRun]
    sections: list[ComparedSection]


class Inputs:
    """What went into one run, by section, flat; read when it is asked for."""

    def __init__(self, metadata: MetadataStore, blobs: FileBlobs, state: RunState) -> None:
        self._metadata = metadata
        self._blobs = blobs
        self._state = state

    def section(self, name: str) -> dict[str, Any]:
        """Return key → value of a section other than the summary."""
        return _READERS[name](self)

    def _config(self) -> dict[str, Any]:
        return flatten(self._state.config)

    def _packages(self) -> dict[str, Any]:
        found = list_files(self._metadata, self._blobs, self._state, ("packages",), limit=1).files
        return packages(read_text(self._blobs, found[0]) or "") if found else {}

    def _hardware(self) -> dict[str, Any]:
        hosts = [life.host for life in self._state.lives.values() if life.writer == "" and life.host]
        host = {"host": hosts[-1]} if hosts else {}
        return host | _flat(self._state.facts.get("hardware"))

    def _command(self) -> dict[str, Any]:
        return self._about(_COMMAND)

    def _environment(self) -> dict[str, Any]:
        return self._about(_ENVIRONMENT) | _flat(self._state.facts.get("environment"))

    def _about(self, names: Sequence[str]) -> dict[str, Any]:
        both = {**self._state.meta, **self._state.facts}
        return flatten({name: _mapped(both[name]) for name in names if name in both})

    def _code(self) -> dict[str, Any]:
        found = {f"git.{key}": value for key, value in _flat(self._state.facts.get("git")).items()}
        files = list_files(self._metadata, self._blobs, self._state, ("patch", "code"), limit=COMPARE_MAX_ROWS).files
        for file in files:
            found["uncommitted changes" if file.purpose == "patch" else file.path] = file.sha256[:16]
        return found

    def _inputs(self) -> dict[str, Any]:
        listed = self._state.facts.get("inputs")
        found: dict[str, Any] = {}
        for entry in listed if isinstance(listed, list) else []:
            if isinstance(entry, dict):
                name = str(entry.get("name", ""))
                found |= {f"{name}.{key}": value for key, value in entry.items() if key != "name"}
        return found


_READERS: Final[dict[str, Callable[[Inputs], dict[str, Any]]]] = {
    "config": Inputs._config,
    "packages": Inputs._packages,
    "hardware": Inputs._hardware,
    "command": Inputs._command,
    "code": Inputs._code,
    "inputs": Inputs._inputs,
    "environment": Inputs._environment,
}


def compare_runs(runs: Sequence[Run], inputs: Sequence[Inputs], sections: Sequence[str] | None) -> Comparison:
    """
    Return the runs side by side, all sections or those that are named.

    Raises:
        InvalidValue: fewer than two runs, or more than ``COMPARE_MAX_RUNS``, or a section that does not exist.
    """
    if not 2 <= len(runs) <= COMPARE_MAX_RUNS:
        raise InvalidValue(f"2 to {COMPARE_MAX_RUNS} runs are compared, got {len(runs)}.")
    wanted = list(dict.fromkeys(SECTIONS if sections is None else sections))
    unknown = [name for name in wanted if name not in SECTIONS]
    if unknown:
        raise InvalidValue(f"there is no section {unknown[0]!r}; there are {', '.join(SECTIONS)}.")
    found = []
    for name in wanted:
        columns = [flatten(run.summary) for run in runs] if name == "summary" else [one.section(name) for one in inputs]
        found.append(_section(name, columns))
    return Comparison([_head(run) for run in runs], found)


def _head(run: Run) -> ComparedRun:
    return ComparedRun(**{name: getattr(run, name) for name in ComparedRun.__struct_fields__})


def _section(name: str, columns: list[dict[str, Any]]) -> ComparedSection:
    rows: list[ComparedRow] = []
    for key in sorted({key for column in columns for key in column}):
        present = [key in column for column in columns]
        values = [column.get(key) for column in columns]
        differs = not all(present) or len({hashable(value) for value in values}) > 1
        rows.append(ComparedRow(key, values, present, differs))
    same = sum(not row.differs for row in rows)
    cut = len(rows) > COMPARE_MAX_ROWS
    if cut:
        kept = sorted(rows, key=lambda row: not row.differs)[:COMPARE_MAX_ROWS]
        rows = sorted(kept, key=lambda row: row.key)
    return ComparedSection(name, rows, same, cut)


# ── what was recorded ────────────────────────────────────────────────────────────────────────────────────────────
def packages(requirements: str) -> dict[str, Any]:
    """Return name → version (with where it came from, if that is said) of the lines of a requirements file."""
    found: dict[str, Any] = {}
    for line in requirements.splitlines():
        match = _PACKAGE.match(line.strip())
        if match is not None:
            name, version, origin = match.groups()
            found[name.lower()] = f"{version} ({origin})" if origin else version
    return found


def read_text(blobs: FileBlobs, file: FileEntry, most_bytes: int = DIFF_MAX_BYTES) -> str | None:
    """Return the text of a file of a run; None if it is not here, too large or no text."""
    if not file.held or file.bytes > most_bytes:
        return None
    try:
        content = blobs.range(file.sha256, 0, file.bytes)
    except (OSError, NotFound):  # gone since it was listed
        return None
    if b"\0" in content[:8_192]:
        return None
    return content.decode("utf-8", "replace")


def _flat(value: Any) -> dict[str, Any]:
    mapped = _mapped(value)
    return flatten(mapped) if isinstance(mapped, dict) else {}


def _mapped(value: Any) -> Any:
    """Return lists of maps as maps by place, so that each of their values has a row."""
    if isinstance(value, dict):
        return {str(key): _mapped(item) for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return {str(place): _mapped(item) for place, item in enumerate(value)}
    return value
