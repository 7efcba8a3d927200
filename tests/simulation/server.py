"""
The receiving side over a disk in memory: the store's own, and a small one as the protocol describes it, whose rules
can be switched off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from treering.errors import FormatError, SegmentDiverged, SegmentGap
from treering.runlog.shipment import NOTHING, Held, check_frames, measure
from treering.sdk.destination import Diverged, Gap, Refused
from treering.store.receiver import Append, Receipt, Receiver, Uploader
from treering.store.segments import SegmentRef

from .disk import Disk


class ModelServer:
    """
    One folder of received segments.

    Args:
        broken: rules that do not hold: ``offset``, ``chain``, ``sync`` (acknowledge before it), ``cut`` (of a torn
            tail at the start).
    """

    def __init__(self, disk: Disk, broken: frozenset[str] = frozenset()) -> None:
        self.disk = disk
        self.broken = broken
        self.store_id = "s"
        self.restores = 0
        self._held: dict[str, Held] = {}
        self.start()

    def start(self) -> None:
        """As after a crash: find again where each segment stands."""
        self._held = {}
        for name in list(self.disk.files):
            try:
                held = measure(name, lambda length, at, name=name: self.disk.pread(name, length, at))  # type: ignore[misc]
            except FormatError:
                held = NOTHING
            if self.disk.size(name) > held.length:
                if "cut" in self.broken:
                    held = held._replace(length=self.disk.size(name))
                else:
                    self.disk.truncate(name, held.length)
            if "sync" not in self.broken:
                self.disk.sync(name)  # what is whole may never have been synced, and is answered for from now on
            self._held[name] = held

    def held(self, segment: str) -> Held:
        return self._held.get(segment, NOTHING)

    def append(self, segment: str, offset: int, prev: int, body: bytes) -> Held:
        held = self.held(segment)
        try:
            checked = check_frames(segment, body, offset, prev)
        except FormatError as error:
            raise Refused(str(error), "malformed", status=400) from None
        if not checked.frames:
            raise Refused("no whole frame", "malformed", status=400)
        body = body[: checked.used]
        if "offset" in self.broken:
            offset = held.length
        if offset > held.length:
            raise Gap(held)
        if offset == held.length and prev != held.chain and held.length and "chain" not in self.broken:
            raise Diverged(held)
        overlap = min(held.length - offset, len(body))
        same = not self.disk.exists(segment) or self.disk.pread(segment, overlap, offset) == body[:overlap]
        if not same and "chain" not in self.broken:
            raise Diverged(held)
        rest = body[overlap:]
        if rest:
            if offset + overlap == 0 and checked.frames < 2:
                raise Refused("a segment begins with its life", "malformed", status=400)
            self.disk.write(segment, rest, held.length)
            if "sync" not in self.broken:
                self.disk.sync(segment)
            held = self._held[segment] = Held(held.length + len(rest), checked.chain, checked.sealed)
        return held


class _Files:
    """The disk, as the store's receiver wants it."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def exists(self, ref: SegmentRef) -> bool:
        return self._disk.exists(ref.segment)

    def size(self, ref: SegmentRef) -> int:
        return self._disk.size(ref.segment)

    def pread(self, ref: SegmentRef, length: int, offset: int) -> bytes:
        return self._disk.pread(ref.segment, length, offset)

    def pwrite(self, ref: SegmentRef, data: bytes, offset: int) -> None:
        self._disk.write(ref.segment, bytes(data), offset)

    def sync(self, ref: SegmentRef) -> None:
        self._disk.sync(ref.segment)

    def truncate(self, ref: SegmentRef, length: int) -> None:
        self._disk.truncate(ref.segment, length)


class _Register:
    """The ledger's part: written down before the file is made, and synced."""

    def __init__(self) -> None:
        self.receipts: dict[str, Receipt] = {}

    @property
    def received(self) -> Mapping[str, Receipt]:
        return self.receipts

    def receive(self, receipts: Sequence[Receipt]) -> None:
        self.receipts.update({receipt.segment: receipt for receipt in receipts})


class StoreServer:
    """The receiver that a real server runs."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.store_id = "s"
        self.restores = 0
        self._register = _Register()
        self._restored = 0
        self.start()

    def start(self) -> None:
        """A new process: it knows what is on the disk and in the register."""
        if self.restores != self._restored:  # the register comes from the same backup as the files
            self._restored = self.restores
            kept = self._register.receipts
            self._register.receipts = {name: kept[name] for name in self.disk.files if name in kept}
        self._receiver = Receiver(_Files(self.disk), self._register, clock_ns=lambda: 0)

    def held(self, segment: str) -> Held:
        return self._receiver.held(segment) or NOTHING

    def append(self, segment: str, offset: int, prev: int, body: bytes) -> Held:
        (answer,) = self._receiver.commit([Append(segment, offset, prev, body, Uploader("ada", "k"))])
        if isinstance(answer, SegmentGap):
            raise Gap(Held(*answer.held))
        if isinstance(answer, SegmentDiverged):
            raise Diverged(Held(*answer.held))
        if isinstance(answer, FormatError):
            raise Refused(str(answer), "malformed_segment", status=400)
        if isinstance(answer, Exception):
            raise answer
        return answer
