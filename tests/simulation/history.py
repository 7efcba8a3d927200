"""
One simulated history: a trainer, a shipper, a network and a server that fail as the seed says, and what must hold.

The shipper and the checks of frames are the ones that production uses; clock, disks and network are not.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from treering.limits import SHIP_RECHECK_S
from treering.runlog.shipment import Held, check_frames
from treering.sdk.shipping import Shipper

from .disk import Crash, Disk
from .network import Network, Receiver
from .server import ModelServer
from .trainer import RUN, Trainer, ids_of


class Broken(AssertionError):
    """Something that must hold does not; the message has the seed and what happened."""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Files:
    """The trainer's disk as a source."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    def segments(self) -> list[str]:
        return list(self.disk.files)

    def pread(self, segment: str, length: int, offset: int) -> bytes:
        return self.disk.pread(segment, length, offset)

    def size(self, segment: str) -> int:
        return self.disk.size(segment)

    def life(self, segment: str) -> dict[str, Any] | None:
        return {"run": RUN, "life_id": segment[:16], "writer": "salvaged"}


class History:
    """
    The world of one seed.

    Args:
        make_server: makes the receiver over a disk.
        shipper: the class to ship with; one with a rule switched off in tests of the tests.
    """

    def __init__(
        self,
        seed: int,
        make_server: Callable[[Disk], Any] = ModelServer,
        shipper: type[Shipper] = Shipper,
    ) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.log: list[str] = []
        self.clock = Clock()
        self.local = Disk(self.chance)
        self.remote = Disk(self.chance)
        self.trainer = Trainer(self.local, self.chance)
        self.server = make_server(self.remote)
        self.network = Network(self.server, self.chance, self._server_dies, self._acknowledge, self.note)
        self.network.body_max = self.chance.choice((400, 1_000, 4_000, 1 << 30))
        self._shipper_class = shipper
        self.shippers = [self._new_shipper()]
        self.backup: tuple[dict[str, bytes], dict[str, Held]] | None = None
        self.acknowledged: dict[str, Held] = {}
        self.forked: set[str] = set()

    def note(self, text: str) -> None:
        self.log.append(f"{self.clock.now:8.2f}  {text}")

    def _new_shipper(self) -> Shipper:
        return self._shipper_class(Files(self.local), self.network, self.clock, chance=self.chance)

    def _acknowledge(self, segment: str, held: Held) -> None:
        if held.length > self.acknowledged.get(segment, Held(0, 0, False)).length:
            self.acknowledged[segment] = held

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"seed {self.seed}: {what}\n" + "\n".join(self.log[-200:]))

    # ── events ──────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """Let things happen, then let the network be good, then check everything."""
        chance = self.chance
        events: list[tuple[float, Callable[[], None]]] = [
            (30, self._log),
            (8, self.trainer.sync),
            (6, self._seal),
            (5, self._trainer_dies),
            (3, self._trainer_power_cut),
            (40, self._ship),
            (4, self._new_uploader),
            (4, self._server_killed),
            (3, self._server_power_cut),
            (2, self._crash_inside_a_write),
            (2, self._back_up),
            (1.5, self._restore),
            (2, self._edit),
            (1, self._second_shipper),
        ]
        weights = [weight for weight, _ in events]
        doings = [doing for _, doing in events]
        for doing in chance.choices(doings, weights, k=chance.randint(20, 70)):
            doing()
        self._settle()
        self._check_end()

    def _log(self) -> None:
        for _ in range(self.chance.choice((1, 1, 3, 8))):
            self.trainer.log()

    def _seal(self) -> None:
        self.trainer.seal()
        self.note("sealed")

    def _trainer_dies(self) -> None:
        self.trainer.die()
        self.note("trainer killed")

    def _trainer_power_cut(self) -> None:
        self.trainer.die()
        self.local.power_cut()
        self.network.hang_up()
        self.shippers = [self._new_shipper()]
        self.note("trainer's power cut")

    def _new_uploader(self) -> None:
        self.shippers = [self._new_shipper()]
        self.note("uploader killed, another begins")

    def _second_shipper(self) -> None:
        self.shippers.append(self._new_shipper())
        self.note("a second shipper")

    def _edit(self) -> None:
        self.trainer.edit()
        self.note("a file was edited")

    def _ship(self) -> None:
        for _ in range(self.chance.randint(1, 6)):
            self._step(self.chance.choice(self.shippers))

    def _step(self, shipper: Shipper) -> None:
        due = shipper.step()
        self.clock.now = max(self.clock.now + 0.001, min(due, self.clock.now + 100))

    def _server_killed(self) -> None:
        self.note("server killed")
        self.server.start()
        self._check_acknowledged()

    def _server_power_cut(self) -> None:
        self.note("server's power cut")
        self.remote.power_cut()
        self.server.start()
        self._check_acknowledged()

    def _crash_inside_a_write(self) -> None:
        self.remote.crash_in = self.chance.randint(1, 3)

    def _server_dies(self) -> None:
        self.note("server died inside a write")
        if self.chance.random() < 0.5:
            self.remote.power_cut()
        self.remote.crash_in = 0
        self.server.start()
        self._check_acknowledged()

    def _back_up(self) -> None:
        self.backup = ({n: bytes(f) for n, f in self.remote.files.items()}, dict(self.acknowledged))
        self.note("backup made")

    def _restore(self) -> None:
        if self.backup is None:
            return
        files, acknowledged = self.backup
        self.remote.files = {name: bytearray(data) for name, data in files.items()}
        self.remote.durable = dict(files)
        self.remote.crash_in = 0
        self.acknowledged = dict(acknowledged)
        self.network.hang_up()  # what was on its way to the old machine does not reach the new one
        self.server.restores += 1
        self.server.start()
        self.note("backup restored")

    def _settle(self) -> None:
        """The network heals; ship until there is nothing left and an idle check has passed."""
        self.note("── the network heals ──")
        self.network.bad = False
        self.remote.crash_in = 0
        if self.trainer.edited:  # an edit that keeps a file's length is noticed by the next uploader
            self._new_uploader()
        shipper = self.shippers[0]
        over_since = None
        for _ in range(4_000):
            self._step(shipper)
            # Segments that were refused are offered again after ten minutes.
            over = shipper.settled and not any(status.error for status in shipper.status())
            over_since = None if not over else over_since if over_since is not None else self.clock.now
            if over_since is not None and self.clock.now > over_since + 2 * SHIP_RECHECK_S:
                return
        self._require(False, f"does not come to an end: {[s for s in shipper.status() if not s.done]} {shipper.error}")

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────

    def _check_acknowledged(self) -> None:
        for name, held in self.acknowledged.items():
            data = bytes(self.remote.files.get(name, b""))[: held.length]
            self._require(len(data) == held.length, f"{name[:6]}: {held.length} acknowledged, {len(data)} there")
            self._require(self._chain_of(name, data) == held.chain, f"{name[:6]}: acknowledged bytes have changed")

    def _chain_of(self, name: str, data: bytes) -> int:
        try:
            checked = check_frames(name, data, 0, 0)
        except Exception as error:
            self._require(False, f"{name[:6]}: not a segment: {error}")
            raise
        self._require(checked.used == len(data), f"{name[:6]}: {len(data) - checked.used} bytes are no whole frames")
        return checked.chain

    def _edited_ids(self) -> set[int]:
        files = ((name, self.local.files.get(name, b"")) for name in self.trainer.edited)
        return {number for name, file in files for number in ids_of(name, bytes(file))}

    def _check_end(self) -> None:
        self._check_acknowledged()
        counts: dict[int, int] = {}
        for name, file in self.remote.files.items():
            if "." in name:
                continue  # what stood behind damage in a server's copy, put aside
            # A tail that a crash tore may stand behind it until the next append.
            data = bytes(file)[: self.server.held(name).length]
            self._chain_of(name, data)
            for number in ids_of(name, data):
                counts[number] = counts.get(number, 0) + 1
            stream = self.trainer.written.get(name)
            if stream is None:
                self._require(b"fork_of" in data, f"{name[:6]}: the server has a segment that nobody wrote")
                continue
            if name not in self.trainer.edited:
                self._require(bytes(stream[: len(data)]) == data, f"{name[:6]}: not the front of what was written")
                ours = bytes(self.local.files.get(name, b""))
                if ours == bytes(stream):
                    self._require(data == ours, f"{name[:6]}: {len(data)} of {len(ours)} bytes arrived")
        invented = {number for number in counts if not 0 < number <= self.trainer.next_id}
        self._require(not invented, f"records that nobody logged: {invented}")
        twice = {number for number, count in counts.items() if count > 1}
        if self.server.restores or self.network.late_taken:
            # Nobody can know before the answer that a request with the fork of an edited file reaches a store just after
            # it was restored to before that file was ever shipped, or that a copy of a request from before the edit is
            # still on its way: then both versions arrive, and both are kept.
            twice -= self._edited_ids()
        self._require(not twice, f"records that came twice: {sorted(twice)}")
        missing = self.trainer.readable_ids() - set(counts)
        self._require(not missing, f"records that did not arrive: {sorted(missing)}")


def play(seed: int, **options: Any) -> None:
    """Play one history. Raises Broken, with the seed and the log of what happened."""
    history = History(seed, **options)
    try:
        history.run()
    except Crash:
        raise
    except Broken:
        raise
    except Exception as error:
        raise Broken(f"seed {seed}: {type(error).__name__}: {error}\n" + "\n".join(history.log[-200:])) from error


__all__ = ["Broken", "History", "Receiver", "play"]
