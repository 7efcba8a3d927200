"""A network in memory: it loses, doubles, delays and cuts requests, and loses answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from treering.runlog.shipment import Held, check_frames
from treering.sdk.destination import Answer, Appended, Diverged, Gap, Refused, TooLarge, Unreachable

from .disk import Crash


def _whole_frames(segment: str, body: bytes, offset: int, prev: int) -> int:
    checked = check_frames(segment, body, offset, prev)
    return checked.used if checked.frames >= (1 if offset else 2) else 0


class Receiver(Protocol):
    """The server's logic, whichever is tested. ``append`` raises Gap, Diverged or Refused."""

    store_id: str
    restores: int

    def held(self, segment: str) -> Held: ...
    def append(self, segment: str, offset: int, prev: int, body: bytes) -> Held: ...


class Network:
    """
    A destination for the shipper: the server behind a bad network.

    ``acknowledged`` is told of each answer that reached the client.
    """

    def __init__(
        self,
        server: Receiver,
        chance: random.Random,
        crashed: Callable[[], None],
        acknowledged: Callable[[str, Held], None],
        note: Callable[[str], None],
    ) -> None:
        self.server = server
        self.chance = chance
        self.bad = True
        self.body_max = 1 << 30
        self._crashed = crashed
        self._acknowledged = acknowledged
        self._note = note
        self.late_taken = 0  # copies that the server took long after the client had given them up
        self._late: list[tuple[str, int, int, bytes]] = []  # copies of requests that are still on their way

    def query(self, segments: Sequence[str]) -> Answer:
        self._deliver_late()
        if self.bad and self.chance.random() < 0.15:
            raise Unreachable("lost")
        held = {name: found for name in segments if (found := self.server.held(name)).length}
        if self.bad and self.chance.random() < 0.05:
            raise Unreachable("lost answer")
        return Answer(self.server.store_id, self.server.restores, held)

    def append(self, segment: str, offset: int, prev: int, body: bytes) -> Appended:
        self._deliver_late()
        if len(body) > self.body_max:
            raise TooLarge("too large", "too_large", status=413)
        fate = self.chance.random() if self.bad else 1.0
        if fate < 0.10:
            self._note("request lost")
            raise Unreachable("lost")
        if fate < 0.15:
            self._late.append((segment, offset, prev, body))
            self._note("request delayed, given up")
            raise Unreachable("delayed")
        if fate < 0.20:
            body = body[: self.chance.randrange(len(body))]
            self._note(f"body cut to {len(body)}")
            # HTTP knows that it is not the whole body; what is whole of it may be kept.
            body = body[: _whole_frames(segment, body, offset, prev)]
            if not body:
                raise Unreachable("cut")
        if fate > 0.90 and self.bad:
            self._late.append((segment, offset, prev, body))  # it will come a second time, whenever
        if 0.20 <= fate < 0.25:
            self._note("request doubled")
            self._offer(segment, offset, prev, body)
        try:
            held = self._offer(segment, offset, prev, body)
        except Refused:
            if not 0.15 <= fate < 0.20:
                raise
            raise Unreachable("cut") from None
        if 0.25 <= fate < 0.35:
            self._note("answer lost")
            raise Unreachable("lost answer")
        self._acknowledged(segment, held)
        return Appended(held, None, self.server.store_id, self.server.restores)

    def hang_up(self) -> None:
        """One of the two machines is gone, and with it what was on its way."""
        self._late.clear()

    def _offer(self, segment: str, offset: int, prev: int, body: bytes) -> Held:
        try:
            return self.server.append(segment, offset, prev, body)
        except Crash:
            self._crashed()
            raise Unreachable("the server died") from None

    def _deliver_late(self) -> None:
        while self._late and self.chance.random() < 0.5:
            request = self._late.pop(self.chance.randrange(len(self._late)))
            try:
                self.server.append(*request)
                self.late_taken += 1
                self._note(f"late copy for {request[0][:6]} at {request[1]} taken")
            except (Gap, Diverged, Refused):
                pass
            except Crash:
                self._crashed()
