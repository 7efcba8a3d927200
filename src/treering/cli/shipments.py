"""What ``sync`` and ``relay`` share: which server, and how shipping is reported."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from treering.errors import RemoteError, ServerUnavailable, UsageError
from treering.sdk.credentials import Credentials, plain_url
from treering.sdk.remote import RemoteServer
from treering.sdk.segment_files import SegmentFiles
from treering.sdk.shipping import SegmentStatus, Shipper
from treering.sdk.transport import Address, Trust

from .output import human_duration

__all__ = ["Report", "Screen", "connect", "report", "ship_for", "unreachable"]


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
    forks: int = 0
    unsent_runs: dict[str, str] = field(default_factory=dict)


def report(status: Iterable[SegmentStatus], files: SegmentFiles, sent_bytes: int) -> Report:
    """Sum up how far each segment is."""
    found = Report(sent_bytes=sent_bytes)
    runs: set[str] = set()
    for one in status:
        key = files.run_of(one.segment)
        runs.add(key)
        found.segments += 1
        found.held_bytes += one.held
        found.forks += one.target != one.segment
        if one.error or not one.done:
            found.unsent_runs.setdefault(key, one.error or "not everything is there yet")
            found.left_bytes += max(one.ours - one.held, 0)
    found.runs = len(runs)
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


def ship_for(shipper: Shipper, screen: Screen, began: float) -> float:
    """
    Make one step and show how far it is. Returns how long to wait before the next.

    Raises:
        RemoteError: the key or the address is wrong, so that nothing would ever be sent.
    """
    due = shipper.step()
    if shipper.refusal is not None:
        raise RemoteError(str(shipper.refusal), shipper.refusal.code, "", shipper.refusal.status)
    screen.trouble(shipper.error)
    took_s = max(time.monotonic() - began, 0.001)
    sent = shipper.acknowledged_bytes
    screen.show(f"{sent / 1e6:,.1f} MB sent, {sent / took_s / 1e6:.1f} MB/s, {human_duration(took_s)}")
    return max(0.0, due - time.monotonic())


def unreachable(server: RemoteServer, reason: str) -> ServerUnavailable:
    """Return the error for a server that was waited for in vain."""
    return ServerUnavailable(f"{reason or server.url + ' does not answer'}. Nothing is lost; run the command again.")
