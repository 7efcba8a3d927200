"""A disk in memory: what was not synced may be lost or torn by a power cut, a sector at a time; kill -9 loses nothing."""

from __future__ import annotations

import random

SECTOR = 64  # small, as the files are


class Crash(Exception):
    """The process that was writing is gone, in the middle of its write."""


class Disk:
    """Files by name. ``crash_in`` writes, the one that is next to happen is done half and raises Crash."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.files: dict[str, bytearray] = {}
        self.durable: dict[str, bytes] = {}
        self.crash_in = 0

    def size(self, name: str) -> int:
        return len(self.files[name])

    def exists(self, name: str) -> bool:
        return name in self.files

    def pread(self, name: str, length: int, offset: int) -> bytes:
        try:
            return bytes(self.files[name][offset : offset + length])
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", name) from None

    def write(self, name: str, data: bytes, offset: int) -> None:
        file = self.files.setdefault(name, bytearray())
        if self.crash_in == 1:
            data = data[: self.chance.randrange(len(data) + 1)]
        if len(file) < offset:
            file += bytes(offset - len(file))
        file[offset : offset + len(data)] = data
        if self.crash_in:
            self.crash_in -= 1
            if self.crash_in == 0:
                raise Crash

    def truncate(self, name: str, length: int) -> None:
        del self.files[name][length:]

    def sync(self, name: str) -> None:
        self.durable[name] = bytes(self.files[name])

    def power_cut(self) -> None:
        """Keep what was synced; of each sector that was not, either state."""
        self.crash_in = 0
        for name, now in list(self.files.items()):
            before = self.durable.get(name, b"")
            if bytes(now) == before:
                continue
            if not before and self.chance.random() < 0.2:
                del self.files[name]  # not even its name had reached the disk
                continue
            kept = bytearray()
            size = self.chance.choice([len(before), len(now), self.chance.randint(0, max(len(now), len(before)))])
            lossy = self.chance.random() < 0.7
            for at in range(0, max(size, len(before)), SECTOR):
                old, new = before[at : at + SECTOR], bytes(now[at : at + SECTOR])
                if old == new or at >= len(now):
                    kept += old
                elif at >= size or (lossy and self.chance.random() < 0.4):
                    kept += old + bytes(max(len(new) - len(old), 0)) if at < size else old
                else:
                    kept += new
            self.files[name] = kept
            self.durable[name] = bytes(kept)
