"""A real server for runs of other machines, and a bad network in front of it."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from server.conftest import Server, start_server
from treering.server.ownerfile import OwnerFile
from treering.server.settings import Settings
from treering.store import Store


class Receiving:
    """A server over a folder of its own. Its folder's token is the key."""

    def __init__(self, data_dir: Path, server: Server, store: Store) -> None:
        self.data_dir = data_dir
        self.server = server
        self.store = store
        self.key = server.token
        self.url = f"http://127.0.0.1:{server.port}"

    def segments(self) -> dict[str, bytes]:
        """The bytes of all received segments, by id."""
        return segments_of(self.data_dir)

    def run(self, run_key: str) -> Any:
        """What the run's page knows."""
        reply = self.server.call("GET", f"/runs/{run_key}")
        assert reply.status == 200, reply.body
        return reply.json


def segments_of(data_dir: Path) -> dict[str, bytes]:
    """Return the bytes of every segment of the runs in a data folder."""
    return {path.stem: path.read_bytes() for path in (data_dir / "runs").glob("*/*.trl")}


def same_bytes(ours: dict[str, bytes], theirs: dict[str, bytes]) -> bool:
    """Return whether everything of ours is there, byte for byte, by hash."""
    return all(_hash(theirs.get(name, b"")) == _hash(data) for name, data in ours.items())


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def receiving(data_dir: Path) -> Iterator[Receiving]:
    """Serve a folder until the block ends."""
    data_dir.mkdir(exist_ok=True)
    store = Store.open(data_dir)
    server = start_server(store, Settings(data_dir, static_dir=Path("/nonexistent")))
    try:
        store.start()
        yield Receiving(data_dir, server, store)
    finally:
        server.stop()
        store.close()


@contextmanager
def followed(folder: Path) -> Iterator[Server]:
    """Follow a folder that runs here write, and serve it so that readers find its server as they find `treering ui`."""
    store = Store.open(folder)
    served = start_server(store, Settings(folder, static_dir=Path("/nonexistent")))
    try:
        store.start()
        OwnerFile(os.getpid(), socket.gethostname(), served.port, None, None, served.token).write(folder)
        yield served
    finally:
        OwnerFile.remove(folder)
        served.stop()
        store.close()


class Wire:
    """
    A TCP proxy that misbehaves on demand.

    ``mode``: ``pass``; ``hole`` takes connections and never answers; ``refuse`` closes them at once; ``html`` answers
    every request with a proxy's error page.
    """

    def __init__(self, target_port: int, mode: str = "pass") -> None:
        self.target_port = target_port
        self.mode = mode
        self.connections = 0
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._sockets: list[socket.socket] = []
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def become(self, mode: str) -> None:
        """Change how it behaves, and drop what is open."""
        self.mode = mode
        self._drop()

    def close(self) -> None:
        self._open = False
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # an accept() that waits takes nobody any more
        except OSError:
            pass
        self._listener.close()
        self._drop()

    def _drop(self) -> None:
        sockets, self._sockets = self._sockets, []
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _accept(self) -> None:
        while self._open:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                near.close()
                return
            self.connections += 1
            self._sockets.append(near)
            threading.Thread(target=self._serve, args=(near, self.mode), daemon=True).start()

    def _serve(self, near: socket.socket, mode: str) -> None:
        try:
            if mode == "refuse":
                near.close()
            elif mode == "html":
                near.recv(65536)
                self.requests += 1
                page = b"<html><script>alert(1)</script><h1>502 Bad Gateway</h1></html>"
                near.sendall(
                    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
                )
                near.sendall(page)
                near.close()
            elif mode == "hole":
                while near.recv(65536):
                    pass
            else:
                far = socket.create_connection(("127.0.0.1", self.target_port))
                self._sockets.append(far)
                back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                back.start()
                _copy(near, far)
                back.join()
                far.close()
        except OSError:
            pass
        finally:
            near.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, sink):
            try:
                one.close()
            except OSError:
                pass
