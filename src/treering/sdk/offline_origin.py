"""Where a file comes from, told by the run logs of a folder alone: no server, no index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from treering.errors import InvalidValue, TreeringError
from treering.runlog import records
from treering.runlog.file_parts import read_digests
from treering.runlog.reader import SegmentReader

__all__ = ["OfflineRuns"]

_PURPOSES: Final = ("saved", "artifact", "media")
_VALUES_MAX: Final = 1_000


class OfflineRuns:
    """
    The run logs of a data folder, or of one run's folder.

    Raises:
        InvalidValue: there are none.
    """

    def __init__(self, folder: Path) -> None:
        if any(folder.glob("*.trl")):
            self._runs = [folder]
        else:
            self._runs = sorted(path for path in (folder / "runs").glob("*") if any(path.glob("*.trl")))
        if not self._runs:
            raise InvalidValue(f"{str(folder)!r} is neither a data folder with runs nor the folder of a run.")

    def by_hash(self, sha256: str) -> list[dict[str, Any]]:
        """Return the runs that saved a file, the earliest first."""
        found = [
            _origin(folder, file, 1.0) for folder in self._runs for file in _files(folder) if file.sha256 == sha256
        ]
        return sorted(found, key=lambda one: float(one["file"]["saved_at"]))

    def by_parts(self, digests: Sequence[str]) -> list[dict[str, Any]]:
        """Return the runs that saved files with some of these parts, those that share most first."""
        asked, found = Counter(digests), []
        for folder in self._runs:
            for file in _files(folder):
                shared = sum((Counter(read_digests(file.about.get("parts"))) & asked).values())
                if shared:
                    found.append(_origin(folder, file, shared / len(digests)))
        return sorted(found, key=lambda one: (-float(one["file"]["share"]), float(one["file"]["saved_at"])))

    def run(self, run_key: str) -> dict[str, Any] | None:
        """Return what a run says of itself, as the API has it; None if it is not here."""
        for folder in self._runs:
            if folder.name == run_key:
                said = _Said(folder, None)
                return {**said.about(), "name": said.name, "meta": {**said.meta, "git": said.facts.get("git")}}
        return None


class _Said:
    """What a run said, up to a time (nanoseconds)."""

    def __init__(self, folder: Path, until_ns: int | None) -> None:
        self.run: dict[str, Any] = {}
        self.meta: dict[str, Any] = {}
        self.config: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}
        self.values: dict[str, tuple[int, float]] = {}
        self.created_ns = 0
        self.state = "running"
        self.has_changes = False
        for kind, value in _records(folder):
            self._take(kind, value, until_ns)

    def _take(self, kind: int, value: Any, until_ns: int | None) -> None:
        if kind == records.LIFE and isinstance(value, dict):
            self.run = self.run or value.get("run") or {}
            self.meta = {**(value.get("meta") or {}), **self.meta}
            self.created_ns = min(self.created_ns or value.get("created_ns", 0), value.get("created_ns", 0))
        elif kind == records.CONFIG and value.mode == "merge":
            self.config.update(value.data)
        elif kind == records.FACTS:
            self.facts.update(value.data)
        elif kind == records.END:
            self.state = str(value.data.get("state") or self.state)
        elif kind == records.FILE:
            self.has_changes = self.has_changes or value.about.get("purpose") == "patch"
        elif kind in (records.ROW, records.ROW_RELATIVE) and (until_ns is None or value.time_ns <= until_ns):
            for key, number in value.data.items():
                if isinstance(number, (int, float)) and not isinstance(number, bool):
                    self.values[key] = (value.step, float(number))

    @property
    def name(self) -> str:
        return str(self.meta.get("name") or self.run.get("id") or "")

    def about(self) -> dict[str, Any]:
        git = self.facts.get("git")
        git = git if isinstance(git, dict) else {}
        inputs = self.facts.get("inputs")
        return {
            "run_key": str(self.run.get("key") or ""),
            "run_id": str(self.run.get("id") or ""),
            "run_name": self.name,
            "entity": str(self.run.get("entity") or ""),
            "project": str(self.run.get("project") or ""),
            "state": self.state,
            "created_at": self.created_ns / 1e9,
            "author": str(self.meta.get("user") or ""),
            "command": str(self.meta.get("command") or ""),
            "commit": git.get("commit"),
            "remote": git.get("remote"),
            "has_changes": self.has_changes,
            "config": self.config,
            "inputs": inputs if isinstance(inputs, list) else [],
            "values": dict(sorted(self.values.items())[:_VALUES_MAX]),
        }


def _files(folder: Path) -> Iterator[records.File]:
    for kind, value in _records(folder):
        if kind == records.FILE and value.about.get("purpose") in _PURPOSES:
            yield value


def _origin(folder: Path, file: records.File, share: float) -> dict[str, Any]:
    return {
        **_Said(folder, file.time_ns).about(),
        "file": {
            "sha256": file.sha256,
            "path": file.path,
            "purpose": file.about.get("purpose"),
            "bytes": file.bytes,
            "saved_at": file.time_ns / 1e9,
            "share": share,
            "is_held": (folder.parent.parent / "blobs" / file.sha256[:2] / file.sha256).is_file(),
        },
    }


def _records(folder: Path) -> Iterator[tuple[int, Any]]:
    """Yield kind and value of each record of a run; what cannot be read is passed over."""
    for path in sorted(folder.glob("*.trl"), key=lambda one: one.stat().st_mtime_ns):
        try:
            with SegmentReader(path) as reader:
                while frames := reader.read(whole=True):
                    for frame in frames:
                        try:
                            for value in records.decode(frame):
                                yield frame.kind, value
                        except TreeringError:
                            continue
        except (TreeringError, OSError):
            continue
