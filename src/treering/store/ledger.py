"""
The ledger: records about the whole store, in segments of their own.

It holds the ordinal number of each run in its project (the number picks the run's colour, so it has to be the same
after a rebuild, whatever order the files are found in), which segments came over the network, from whom, which runs
were moved to another project or removed for good, and every version of what people made that belongs to no run.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from treering._version import __version__
from treering.errors import FormatError, TreeringError
from treering.ids import new_life_id
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, Frame, decode_frame_header, seed
from treering.runlog.writer import Writer

from .alert_log import AlertLog
from .artifact_book import ArtifactBook
from .documents import Documents, Place
from .liveness import this_machine
from .metadata import ProjectRef
from .receiver import Receipt
from .segments import LEDGER, SegmentRef, SegmentStore

_decode = msgspec.msgpack.Decoder().decode

_KINDS = frozenset(
    {
        records.REGISTER,
        records.RECEIVED,
        records.DOCUMENT,
        records.PLACE,
        records.PURGE,
        records.VERSION,
        records.ARTIFACT_ACT,
        records.ALERT,
        records.ALERT_NOTE,
    }
)


class Moved(NamedTuple):
    """Where a run is filed since ``time_ns``, and where its own life records say that it belongs."""

    time_ns: int
    entity: str
    project: str
    from_entity: str
    from_project: str


_PLACE = Moved._fields[1:]


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
        self.moved: dict[str, Moved] = {}
        self.purged: dict[str, int] = {}  # run key → when it was removed for good
        self._removed: dict[str, set[str]] = {}  # and with which segments
        self.documents = Documents(self._append_document, self._payload)
        self.alerts = AlertLog(self._append_all_durably)
        # Whether a file came to a run after it was locked; who keeps the locks says so.
        self.locks_out: Callable[[SegmentRef], bool] = lambda ref: False
        self.artifacts = ArtifactBook(self._append_durably)
        for ref in segments.segments(LEDGER):
            try:
                with segments.open(ref) as reader:
                    while frames := reader.read(whole=True):
                        for frame in frames:
                            self._read(ref.segment, frame)
            except (TreeringError, OSError):
                continue  # a damaged ledger costs numbers, not runs
        self.artifacts.begin()

    def _read(self, segment: str, frame: Frame) -> None:
        if frame.kind not in _KINDS:
            return
        value = _decode(records.inflate(frame))
        if frame.kind == records.REGISTER:
            self._read_number(value)
        elif frame.kind == records.RECEIVED:
            self._read_receipt(value)
        elif frame.kind == records.DOCUMENT:
            self.documents.note(value, Place(segment, frame.offset, frame.end - frame.offset))
        elif frame.kind in (records.ALERT, records.ALERT_NOTE):
            self.alerts.note(frame.kind, value)
        elif frame.kind in (records.VERSION, records.ARTIFACT_ACT):
            self.artifacts.note(frame.kind, value)
        else:
            self._read_removal(frame.kind, value)

    def _read_removal(self, kind: int, value: Any) -> None:
        if not (isinstance(value, list) and len(value) >= 2 and isinstance(value[0], int)):
            return
        time_ns, body = value[0], value[1]
        if not (isinstance(body, dict) and isinstance(body.get("run_key"), str)):
            return
        if kind == records.PURGE:
            self._note_purge(body["run_key"], time_ns, body.get("segments"))
        else:
            self._note_move(Moved(time_ns, *(str(body.get(name)) for name in _PLACE)), body["run_key"])

    def _note_purge(self, run_key: str, time_ns: int, segments: object) -> None:
        """Note a removal. Where the run was filed says nothing of one that is begun later under the same id."""
        self.purged[run_key] = max(time_ns, self.purged.get(run_key, 0))
        removed = self._removed.setdefault(run_key, set())
        removed.update(str(name) for name in (segments if isinstance(segments, list) else ()))
        moved = self.moved.get(run_key)
        if moved is not None and moved.time_ns <= self.purged[run_key]:
            del self.moved[run_key]

    def _note_move(self, moved: Moved, run_key: str) -> None:
        if moved.time_ns <= self.purged.get(run_key, -1):
            return
        before = self.moved.get(run_key)
        if before is None or moved.time_ns >= before.time_ns:
            self.moved[run_key] = moved

    def _read_number(self, value: Any) -> None:
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
        self._sync_all(writer)
        for receipt in receipts:
            self._keep(receipt)

    def move(self, run_key: str, to: tuple[str, str], now: tuple[str, str], author: str, time_ns: int) -> None:
        """File a run that is at *now* under another entity and project, durably. Raises OSError."""
        before = self.moved.get(run_key)
        origin = now if before is None else (before.from_entity, before.from_project)
        after_ns = max(before.time_ns if before else -1, self.purged.get(run_key, -1))
        moved = Moved(max(time_ns, after_ns + 1), *to, *origin)
        body = dict(zip(_PLACE, moved[1:], strict=True))
        self._append_durably(records.PLACE, [moved.time_ns, {"run_key": run_key, **body, "author": author}])
        self._note_move(moved, run_key)

    def moved_to(self, entity: str, project: str) -> set[str]:
        """Return the keys of runs that were moved and are now filed in a project."""
        there = (entity, project)
        return {key for key, moved in list(self.moved.items()) if (moved.entity, moved.project) == there}

    def is_removed(self, ref: SegmentRef) -> bool:
        """
        Return whether a segment is of a run that was removed for good.

        A training that is begun later under the same id, in the same folder, is another run: nothing of it is gone.
        """
        return ref.segment in self._removed.get(ref.run_key, ()) or (
            ref.run_key in self.purged and ref.segment in self.received
        )

    def purge(self, run_key: str, segments: Sequence[str], author: str, time_ns: int) -> None:
        """Note that a run is removed for good, with all of its segments, durably, before it is. Raises OSError."""
        before = self.moved.get(run_key)
        time_ns = max(time_ns, before.time_ns if before else 0)
        self._append_durably(
            records.PURGE, [time_ns, {"run_key": run_key, "author": author, "segments": list(segments)}]
        )
        self._note_purge(run_key, time_ns, list(segments))

    def _append_durably(self, kind: int, record: list[Any]) -> Place:
        """Append a record; when this returns, it survives a power cut. Returns where it stands."""
        writer = self._open()
        with writer.lock:
            writer.append_locked(kind, record)
            end, segment = writer.position, writer.segment_id
        if writer.disk_error is not None:
            raise OSError(writer.disk_error.errno or errno.EIO, writer.disk_error.strerror or "the ledger is refused")
        self._sync_all(writer)
        length = FRAME_HEADER_BYTES + len(records.encode(record))
        return Place(segment, end - length, length)

    def _append_all_durably(self, kind: int, some: Sequence[list[Any]]) -> None:
        """Append records of one kind; when this returns, they survive a power cut: it is waited for once."""
        writer = self._open()
        for record in some:
            writer.append(kind, record)
        if writer.disk_error is not None:
            raise OSError(writer.disk_error.errno or errno.EIO, writer.disk_error.strerror or "the ledger is refused")
        self._sync_all(writer)

    def _append_document(self, record: list[Any]) -> Place:
        return self._append_durably(records.DOCUMENT, record)

    def _payload(self, place: Place) -> bytes:
        data = self._segments.pread(SegmentRef(LEDGER, place.segment), place.length, place.offset)
        head = decode_frame_header(data, 0, seed(place.segment)) if len(data) == place.length else None
        payload = data[FRAME_HEADER_BYTES:]
        if head is None or zlib.crc32(payload) != head.payload_crc:
            raise FormatError(f"ledger/{place.segment}.trl is damaged at byte {place.offset:,}: no whole record there.")
        return payload

    def _sync_all(self, writer: Writer) -> None:
        for name in [*(name for name in writer.segments if name not in self._synced), writer.segment_id]:
            # By its name, from outside: what counts is that the file holds it, whatever maps it at present.
            self._sync(writer, name)

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
