"""
The ledger: records about the whole store, in segments of their own.

It holds the ordinal number of each run in its project (the number picks the run's colour, so it has to be the same
after a rebuild, whatever order the files are found in) and which segments came over the network, from whom.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from treering._version import __version__
from treering.errors import TreeringError
from treering.ids import new_life_id
from treering.runlog import records
from treering.runlog.writer import Writer

from .liveness import this_machine
from .metadata import ProjectRef
from .receiver import Receipt
from .segments import LEDGER, SegmentStore

_decode = msgspec.msgpack.Decoder().decode


class Ledger:
    """Reads all ledger segments at the start; appends to one that it begins when there is something to say."""

    def __init__(self, segments: SegmentStore) -> None:
        self._segments = segments
        self._writer: Writer | None = None
        self._lock = threading.Lock()  # the ingest thread and the committer both write
        self._synced: set[str] = set()  # segments of ours whose names are durable
        self.received: dict[str, Receipt] = {}
        self.places: dict[str, tuple[str, str]] = {}  # run key → entity and project of received runs
        self.first_seen_ns: dict[str, int] = {}  # life → when its first bytes came, by our clock
        self.numbers: dict[str, int] = {}
        self._highest: dict[tuple[str, str], int] = {}
        for ref in segments.segments(LEDGER):
            try:
                with segments.open(ref) as reader:
                    while frames := reader.read(whole=True):
                        for frame in frames:
                            if frame.kind == records.REGISTER:
                                self._read(_decode(records.inflate(frame)))
                            elif frame.kind == records.RECEIVED:
                                self._read_receipt(_decode(records.inflate(frame)))
            except (TreeringError, OSError):
                continue  # a damaged ledger costs numbers, not runs

    def _read(self, value: Any) -> None:
        if isinstance(value, list) and len(value) >= 2 and isinstance(value[1], dict):
            body = value[1]
            if isinstance(body.get("run_key"), str) and isinstance(body.get("number"), int):
                self.numbers.setdefault(body["run_key"], body["number"])  # the first one given holds
                self._note(str(body.get("entity")), str(body.get("project")), body["number"])

    def _read_receipt(self, value: Any) -> None:
        if isinstance(value, list) and len(value) >= 2 and isinstance(value[1], dict):
            fields = {name: field for name in Receipt._fields if isinstance(field := value[1].get(name), str)}
            if isinstance(value[0], int) and len(fields) == len(Receipt._fields) - 1:
                self._keep(Receipt(**fields, time_ns=value[0]))

    def _keep(self, receipt: Receipt) -> None:
        if receipt.segment not in self.received:
            self.received[receipt.segment] = receipt
            self.places[receipt.run_key] = (receipt.entity, receipt.project)
            first_ns = self.first_seen_ns.get(receipt.life, receipt.time_ns)
            self.first_seen_ns[receipt.life] = min(first_ns, receipt.time_ns)

    def _note(self, entity: str, project: str, number: int) -> None:
        self._highest[entity, project] = max(number, self._highest.get((entity, project), 0))

    def next_number(self, project: ProjectRef) -> int:
        """Return the lowest number above all that were ever given in *project*."""
        return self._highest.get((project.entity, project.name), 0) + 1

    def register(self, run_key: str, project: ProjectRef, number: int) -> None:
        """Give *run_key* its number, for good."""
        body = {"run_key": run_key, "number": number, "entity": project.entity, "project": project.name}
        self._open().append(records.REGISTER, [time.time_ns(), body])
        self.numbers[run_key] = number
        self._note(project.entity, project.name, number)

    def receive(self, receipts: Sequence[Receipt]) -> None:
        """
        Note that segments come over the network; when this returns, that survives a power cut.

        Raises:
            OSError: the disk refused. Nothing of it may be relied on.
        """
        writer = self._open()
        for receipt in receipts:
            body = receipt._asdict()
            writer.append(records.RECEIVED, [body.pop("time_ns"), body])
        if writer.disk_error is not None:
            raise OSError(writer.disk_error.errno or errno.EIO, writer.disk_error.strerror or "the ledger is refused")
        for name in [*(name for name in writer.segments if name not in self._synced), writer.segment_id]:
            # By its name, from outside: what counts is that the file holds it, whatever maps it at present.
            self._sync(writer, name)
        for receipt in receipts:
            self._keep(receipt)

    def _sync(self, writer: Writer, name: str) -> None:
        fd = os.open(writer.folder / f"{name}.trl", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        if name not in self._synced:
            for folder in (writer.folder, writer.folder.parent):
                fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
            self._synced.add(name)

    def _open(self) -> Writer:
        with self._lock:
            if self._writer is None:
                self._writer = self._segments.writer(LEDGER, server_life(None))
            return self._writer

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
