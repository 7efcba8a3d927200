"""A training machine: lives that write segments, and everything that it ever wrote."""

from __future__ import annotations

import random
from typing import Any

from treering.ids import run_key
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, SKIPPABLE, encode_frame, encode_header, seed
from treering.runlog.salvage import find_frame, frame_at

from .disk import Disk

RUN = {"entity": "ada", "project": "digits", "id": "r1", "key": run_key("ada", "digits", "r1")}


class Trainer:
    """
    Writes as the run log's writer does: a new file for each life, frames at the end, a seal if it ends well.

    ``written`` is every byte that was ever put into a segment, in order, whatever became of the disk since.
    """

    def __init__(self, disk: Disk, chance: random.Random) -> None:
        self.disk = disk
        self.chance = chance
        self.written: dict[str, bytearray] = {}
        self.next_id = 0
        self._segment = ""
        self._chain = self._seq = self._seed = 0
        self.lives = 0
        self.edited: set[str] = set()

    def begin(self) -> None:
        """A new life opens a new segment."""
        self.lives += 1
        self._segment = f"{self.chance.getrandbits(128):032x}"
        self._seed, self._seq = seed(self._segment), 0
        header = encode_header(self._segment, self.lives * 1_000)
        self.written[self._segment] = bytearray()
        self._put(header)
        self._chain = int.from_bytes(header[-4:], "little")
        self._frame(records.HEADER, header)
        self._seq = 0
        life: dict[str, Any] = {
            "run": RUN,
            "life_id": f"{self.lives:016x}",
            "writer": "",
            "index": 0,
            "from_step": None,
        }
        self._frame(records.LIFE, records.encode(life))

    def log(self) -> None:
        """One row; its number is its identity."""
        if not self._segment:
            self.begin()
        self._frame(records.ROW, self._row())

    def _row(self) -> bytes:
        self.next_id += 1
        text = "x" * self.chance.choice((0, 10, 60, 150))
        return records.encode([self.next_id, 0, {"id": self.next_id, "t": text}])

    def seal(self) -> None:
        """End well."""
        if self._segment:
            self._frame(records.SEAL, records.encode({"sha256": "", "reason": "finish"}), SKIPPABLE)
            self._segment = ""

    def die(self) -> None:
        """kill -9: nobody appends to this segment again."""
        self._segment = ""

    def sync(self) -> None:
        if self._segment:
            self.disk.sync(self._segment)

    def _frame(self, kind: int, payload: bytes, flags: int = 0) -> None:
        frame = encode_frame(kind, payload, first_seq=self._seq, prev=self._chain, crc_seed=self._seed, flags=flags)
        self._chain = int.from_bytes(frame[FRAME_HEADER_BYTES - 4 : FRAME_HEADER_BYTES], "little")
        self._seq += 1
        self._put(frame)

    def _put(self, data: bytes) -> None:
        stream = self.written[self._segment]
        self.disk.write(self._segment, data, len(stream))
        stream += data

    def edit(self) -> None:
        """Somebody edits a file whose life is over: from some frame on it holds other records, well chained."""
        names = [name for name in self.disk.files if name != self._segment and name not in self.edited]
        if not names:
            return
        name = self.chance.choice(names)
        file = bytes(self.disk.files[name])
        frames = list(_whole(name, file))
        if len(frames) < 3:
            return
        at = self.chance.randrange(2, len(frames))
        offset = frames[at][0]
        edited, chain, seq = bytearray(file[:offset]), frames[at][1].prev, frames[at][1].first_seq
        for _ in range(self.chance.choice((1, len(frames) - at, len(frames) - at + 2))):
            payload = self._row()
            frame = encode_frame(records.ROW, payload, first_seq=seq, prev=chain, crc_seed=seed(name))
            chain, seq = int.from_bytes(frame[FRAME_HEADER_BYTES - 4 : FRAME_HEADER_BYTES], "little"), seq + 1
            edited += frame
        self.disk.files[name] = edited
        self.disk.sync(name)
        self.edited.add(name)

    def readable_ids(self) -> set[int]:
        """Return the identity of every row that can be read from the disk now."""
        found: set[int] = set()
        for name, file in self.disk.files.items():
            found |= set(ids_of(name, bytes(file)))
        return found


def _whole(name: str, data: bytes) -> Any:
    """Yield (offset, header, payload) of every whole frame, holes passed over."""
    at = 48

    def pread(length: int, offset: int) -> bytes:
        return data[offset : offset + length]

    while True:
        found = frame_at(name, pread, at) or find_frame(name, pread, at)
        if found is None:
            return
        yield found.offset, found.head, data[found.offset + FRAME_HEADER_BYTES : found.end]
        at = found.end


def ids_of(name: str, data: bytes) -> list[int]:
    """Return the identities of the rows in a segment's bytes."""
    from msgspec.msgpack import decode

    return [int(decode(payload)[2]["id"]) for _, head, payload in _whole(name, data) if head.kind == records.ROW]
