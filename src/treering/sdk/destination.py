"""Where segments go and where they come from: what the shipper needs of each, and how either may fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from treering.errors import RemoteError, ServerUnavailable, TreeringError
from treering.limits import SHIP_EVERY_S
from treering.runlog.shipment import Held

__all__ = [
    "Answer",
    "Appended",
    "Destination",
    "Diverged",
    "Gap",
    "Refused",
    "Source",
    "TooLarge",
    "Unreachable",
]


class Unreachable(ServerUnavailable):
    """Nobody answers, or what answers is too busy, broken or no treering. Everything is tried again later."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Refused(RemoteError):
    """
    The destination answered and does not want this.

    ``everything``: it is no matter of one segment (the key, the address), so nothing else would be taken either.
    """

    def __init__(
        self, message: str, code: str = "error", hint: str = "", status: int = 0, *, everything: bool = False
    ) -> None:
        super().__init__(message, code, hint, status)
        self.everything = everything


class TooLarge(Refused):
    """The body is larger than the destination, or a proxy before it, takes."""


class Gap(TreeringError):
    """The destination holds less than what the bytes would follow."""

    def __init__(self, held: Held) -> None:
        super().__init__(f"The other side holds {held.length:,} bytes.")
        self.held = held


class Diverged(TreeringError):
    """The destination holds other bytes in the place of these."""

    def __init__(self, held: Held) -> None:
        super().__init__(f"The other side holds other bytes up to {held.length:,}.")
        self.held = held


class Answer(NamedTuple):
    """
    What a destination says of segments.

    ``segments`` has those that it knows. ``indexed`` says how many of their bytes can be seen in its pages already; a
    destination without an index leaves it empty.
    """

    store_id: str
    restores: int
    segments: Mapping[str, Held]
    indexed: Mapping[str, int] = {}


class Appended(NamedTuple):
    """What a destination says after it took bytes: what it holds now is on its disk."""

    held: Held
    indexed: int | None = None
    store_id: str | None = None
    restores: int = 0
    stop: str | None = None  # who asked the run to stop
    every_s: float = SHIP_EVERY_S


class Destination(Protocol):
    """Where segments go. Every method raises Unreachable or Refused."""

    def query(self, segments: Sequence[str]) -> Answer:
        """Say what is held of these segments."""

    def append(self, segment: str, offset: int, prev: int, body: bytes) -> Appended:
        """Take whole frames that stand at *offset* behind the chain value *prev*. Raises Gap, Diverged, TooLarge."""


class Source(Protocol):
    """Where segments come from. Reading raises OSError."""

    def segments(self) -> Iterable[str]:
        """Name the segments to ship, the most urgent first. Called about once a second."""

    def pread(self, segment: str, length: int, offset: int) -> bytes:
        """As ``os.pread``."""

    def size(self, segment: str) -> int:
        """The file's size; more than its frames while it is being written."""

    def life(self, segment: str) -> dict[str, Any] | None:
        """A life record of the same run, for a segment whose own is lost."""
