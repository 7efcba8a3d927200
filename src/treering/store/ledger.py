"""
The ledger: records about the whole store, in segments of their own.

Today it holds the ordinal number of each run in its project. The number picks the run's colour, so it has to be the
same after a rebuild, whatever order the files are found in.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from treering._version import __version__
from treering.errors import TreeringError
from treering.ids import new_life_id
from treering.runlog import records
from treering.runlog.writer import Writer

from .liveness import this_machine
from .metadata import ProjectRef
from .segments import LEDGER, SegmentStore

_decode = msgspec.msgpack.Decoder().decode


class Ledger:
    """Reads all ledger segments at the start; appends to one that it begins when there is something to say."""

    def __init__(self, segments: SegmentStore) -> None:
        self._segments = segments
        self._writer: Writer | None = None
        self.numbers: dict[str, int] = {}
        self._highest: dict[tuple[str, str], int] = {}
        for ref in segments.segments(LEDGER):
            try:
                with segments.open(ref) as reader:
                    while frames := reader.read(whole=True):
                        for frame in frames:
                            if frame.kind == records.REGISTER:
                                self._read(_decode(records.inflate(frame)))
            except (TreeringError, OSError):
                continue  # a damaged ledger costs numbers, not runs

    def _read(self, value: Any) -> None:
        if isinstance(value, list) and len(value) >= 2 and isinstance(value[1], dict):
            body = value[1]
            if isinstance(body.get("run_key"), str) and isinstance(body.get("number"), int):
                self.numbers.setdefault(body["run_key"], body["number"])  # the first one given holds
                self._note(str(body.get("entity")), str(body.get("project")), body["number"])

    def _note(self, entity: str, project: str, number: int) -> None:
        self._highest[entity, project] = max(number, self._highest.get((entity, project), 0))

    def next_number(self, project: ProjectRef) -> int:
        """Return the lowest number above all that were ever given in *project*."""
        return self._highest.get((project.entity, project.name), 0) + 1

    def register(self, run_key: str, project: ProjectRef, number: int) -> None:
        """Give *run_key* its number, for good."""
        if self._writer is None:
            self._writer = self._segments.writer(LEDGER, server_life(None))
        body = {"run_key": run_key, "number": number, "entity": project.entity, "project": project.name}
        self._writer.append(records.REGISTER, [time.time_ns(), body])
        self.numbers[run_key] = number
        self._note(project.entity, project.name, number)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def server_life(run: dict[str, Any] | None) -> dict[str, Any]:
    """Return the life record of a segment that this process writes."""
    host, boot = this_machine()
    return {
        "run": run,
        "life_id": new_life_id(),
        "writer": "server",
        "from_step": None,
        "resumed": False,
        "process": {"host": host, "boot_id": boot},
        "client": f"treering {__version__}",
    }
