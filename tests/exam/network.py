"""
A bad network: a proxy between a client and a server that does what networks do.

It understands just enough HTTP to know where a request and its reply end, so that it can lose a reply whose request
arrived, or let one arrive twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass
class Weather:
    """How bad it is now: probabilities for each request, 0 to 1. ``down`` takes connections and never answers."""

    drop: float = 0.0  # the connection is closed before the request goes on
    cut: float = 0.0  # the request is cut after some bytes, or the reply is
    lost_reply: float = 0.0  # the request arrives, its reply does not: reset
    duplicate: float = 0.0  # the request arrives twice
    bad_gateway: float = 0.0  # a page of HTML instead of the reply
    trickle: float = 0.0  # the reply comes a byte at a time
    down: bool = False
    refuse: bool = False  # nobody listens, as far as the client can tell


@dataclass
class Seen:
    """What went through."""

    requests: int = 0
    times: list[float] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    bytes_up: int = 0


class BadNetwork:
    """The proxy, in a thread of its own. ``weather`` may be changed at any time."""

    def __init__(self, port: int, seed: int = 0) -> None:
        self.weather = Weather()
        self.seen = Seen()
        self._upstream = port
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def point_at(self, port: int) -> None:
        """Send what comes from now on to another port: the server came back elsewhere."""
        self._upstream = port

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listener))
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.weather.refuse:
                _reset(writer)
                return
            while True:
                request = await _message(reader)
                if request is None:
                    return
                self.seen.requests += 1
                self.seen.times.append(time.monotonic())
                self.seen.bytes_up += len(request)
                if not await self._forward(request, writer):
                    return
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

    def _strikes(self, name: str) -> bool:
        strikes = self._random.random() < getattr(self.weather, name)
        if strikes:
            self.seen.faults[name] = self.seen.faults.get(name, 0) + 1
        return strikes

    async def _forward(self, request: bytes, writer: asyncio.StreamWriter) -> bool:
        """Pass one request on and its reply back, or fail to; return whether the connection goes on."""
        if self.weather.down:
            while self.weather.down:
                await asyncio.sleep(0.05)
            return False
        if self._strikes("drop"):
            return False
        if self._strikes("bad_gateway"):
            head = f"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: {len(_HTML)}\r\n\r\n"
            writer.write(head.encode() + _HTML)
            await writer.drain()
            return True
        if self._strikes("cut"):
            await self._exchange(request[: self._random.randrange(len(request))], whole=False)
            _reset(writer)
            return False
        reply = await self._exchange(request)
        if reply is None:
            return False
        if self._strikes("duplicate"):
            await self._exchange(request)
        if self._strikes("lost_reply"):
            _reset(writer)
            return False
        if self._strikes("trickle"):
            for byte in reply:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.002)
            return True
        if self.weather.cut and self._strikes("cut"):
            writer.write(reply[: self._random.randrange(len(reply))])
            await writer.drain()
            return False
        writer.write(reply)
        await writer.drain()
        return True

    async def _exchange(self, request: bytes, *, whole: bool = True) -> bytes | None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            return None
        try:
            writer.write(request)
            await writer.drain()
            if not whole:
                return None
            return await _message(reader)
        finally:
            with contextlib.suppress(OSError):
                writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    """Return one HTTP message with its body; None at the end of the connection. Bodies have a Content-Length."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side gets a reset, not an end."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


@contextmanager
def bad_network(port: int, seed: int = 0) -> Iterator[BadNetwork]:
    """A proxy in front of *port* of this machine."""
    network = BadNetwork(port, seed)
    try:
        yield network
    finally:
        network.close()
