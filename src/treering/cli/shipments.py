"""What ``sync`` and ``relay`` share: which server, and how shipping is reported."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Final

from treering.errors import RemoteError, ServerUnavailable, UsageError
from treering.limits import SHIP_IDLE_S
from treering.sdk.credentials import Credentials, plain_url
from treering.sdk.file_shipping import FileShipper
from treering.sdk.remote import RemoteServer
from treering.sdk.segment_files import SegmentFiles
from treering.sdk.shipping import Shipper
from treering.sdk.transport import Address, Trust

from .output import human_duration

__all__ = ["Report", "Screen", "Shipment", "connect", "report", "ship_for", "unreachable"]

_LOOK_EVERY_S: Final = 5.0  # for files that new records declare


def connect(arguments: argparse.Namespace) -> RemoteServer:
    """
    Return the server named by ``--to``, ``TREERING_BASE_URL`` or a login, with its key.

    Raises:
        UsageError: none is named.
    """
    credentials = Credentials(os.environ)
    url = arguments.to or os.environ.get("TREERING_BASE_URL") or credentials.default or credentials.single()
    if not url:
        raise UsageError("To which server? --to https://treering.example, or first: treering login https://…")
    url = plain_url(Address.parse(url).url)
    login = credentials.find(url)
    key = os.environ.get("TREERING_API_KEY") or (login.key if login is not None else "")
    trust = Trust.from_environ(os.environ)
    if trust.insecure:
        print(f"treering: WARNING: the certificate of {url} is not checked (TREERING_INSECURE).", file=sys.stderr)
    return RemoteServer(url, key, trust, os.environ)


@dataclass
class Report:
    """What became of the segments: counts of runs, bytes, and what was refused with the reason."""

    runs: int = 0
    segments: int = 0
    held_bytes: int = 0
    sent_bytes: int = 0
    left_bytes: int = 0
    file_bytes: int = 0  # of the sent ones
    forks: int = 0
    unsent_runs: dict[str, str] = field(default_factory=dict)


def report(shipment: Shipment, files: SegmentFiles) -> Report:
    """Sum up how far each segment is, and which files did not get there."""
    found = Report(sent_bytes=shipment.sent_bytes)
    runs: set[str] = set()
    for one in shipment.shipper.status():
        key = files.run_of(one.segment)
        runs.add(key)
        found.segments += 1
        found.held_bytes += one.held
        found.forks += one.target != one.segment
        if one.error or not one.done:
            found.unsent_runs.setdefault(key, one.error or "not everything is there yet")
            found.left_bytes += max(one.ours - one.held, 0)
    found.runs = len(runs)
    found.file_bytes = shipment.contents.sent_bytes
    found.left_bytes += shipment.contents.left[1]
    for key, reason in shipment.contents.failed_runs.items():
        found.unsent_runs.setdefault(key, reason)
    return found


class Screen:
    """A line of progress on a terminal that is rewritten; elsewhere nothing."""

    def __init__(self, quiet: bool) -> None:
        self._on = not quiet and sys.stderr.isatty()
        self._at = 0.0
        self._width = 0
        self._said = ""

    def show(self, text: str, *, now: bool = False) -> None:
        """Show *text*, at most five times a second."""
        moment = time.monotonic()
        if self._on and (now or moment > self._at + 0.2):
            print(f"\r{text:<{self._width}}", end="", file=sys.stderr, flush=True)
            self._at, self._width = moment, len(text)

    def trouble(self, text: str) -> None:
        """Say once what is in the way; say again when it is something else, and when it is over."""
        if text != self._said:
            self._said = text
            self.clear()
            if text:
                print(f"treering: {text}; trying again", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._on and self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)
            self._width = 0


class Shipment:
    """The records and the files of a data folder on their way to a server."""

    def __init__(self, server: RemoteServer, files: SegmentFiles, idle_s: float = SHIP_IDLE_S) -> None:
        self.shipper = Shipper(files, server, time.monotonic, idle_s=idle_s)
        self.contents = FileShipper(files, files.data_dir / "blobs", server, time.monotonic)
        self._look_at = 0.0

    def step(self) -> float:
        """Send records, or a piece of a file if no record waits. Returns when to be called again, by the clock."""
        due = self.shipper.step()
        if due > time.monotonic() and not self.shipper.error:
            if time.monotonic() >= self._look_at or (self.shipper.settled and self.contents.settled):
                self.contents.look(self.shipper.status(), self.shipper.store)
                self._look_at = time.monotonic() + _LOOK_EVERY_S
            due = min(due, self.contents.step())
        return due

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do, as of the last look."""
        return self.shipper.settled and self.contents.settled

    @property
    def sent_bytes(self) -> int:
        """Bytes of records and files that the server confirmed."""
        return self.shipper.acknowledged_bytes + self.contents.sent_bytes

    @property
    def error(self) -> str:
        """What is in the way at present."""
        return self.shipper.error or self.contents.error

    @property
    def progress_at(self) -> float:
        """When bytes were last confirmed."""
        return max(self.shipper.progress_at, self.contents.progress_at)


def ship_for(shipment: Shipment, screen: Screen, began: float) -> float:
    """
    Make one step and show how far it is. Returns how long to wait before the next.

    Raises:
        RemoteError: the key or the address is wrong, so that nothing would ever be sent.
    """
    due = shipment.step()
    refusal = shipment.shipper.refusal
    if refusal is not None:
        raise RemoteError(str(refusal), refusal.code, "", refusal.status)
    screen.trouble(shipment.error)
    took_s = max(time.monotonic() - began, 0.001)
    sent = shipment.sent_bytes
    screen.show(f"{sent / 1e6:,.1f} MB sent, {sent / took_s / 1e6:.1f} MB/s, {human_duration(took_s)}")
    return max(0.0, due - time.monotonic())


def unreachable(server: RemoteServer, reason: str) -> ServerUnavailable:
    """Return the error for a server that was waited for in vain."""
    return ServerUnavailable(f"{reason or server.url + ' does not answer'}. Nothing is lost; run the command again.")
