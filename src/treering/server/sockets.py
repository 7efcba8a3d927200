"""Where the server listens: loopback on a port that people can remember, any other address that it is told, and a unix
socket in a private folder."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from pathlib import Path

from treering.errors import InvalidValue, StorageError
from treering.limits import PORT, PORT_TRIES

__all__ = ["bind_address", "bind_loopback", "bind_unix", "remember_port"]

_BACKLOG = 512


def bind_loopback(port: int | None, data_dir: Path) -> tuple[list[socket.socket], int]:
    """
    Return bound sockets on 127.0.0.1 and, where there is IPv6, on ::1, and their common port.

    Args:
        port: None for the folder's last port, then 6464, then the next free ones; 0 for any free port.

    Raises:
        InvalidValue: *port* was named and is taken, or is not a port.
        StorageError: no port of those tried is free.
    """
    if port is not None:
        if not 0 <= port < 65536:
            raise InvalidValue(f"--port {port} is not a port. Give 1 to 65535, or 0 for any free one.")
        sockets = _try_bind(port)
        if sockets is None:
            raise InvalidValue(f"Port {port} is in use. Leave --port out to get the next free one.")
        return sockets, sockets[0].getsockname()[1]
    remembered = _remembered_port(data_dir)
    candidates = range(PORT, PORT + PORT_TRIES)
    for candidate in (*([remembered] if remembered else []), *candidates):
        sockets = _try_bind(candidate)
        if sockets is not None:
            return sockets, candidate
    raise StorageError(f"Ports {PORT} to {candidates[-1]} are all in use. Name a free one with --port.")


def bind_address(host: str, port: int) -> tuple[list[socket.socket], int]:
    """
    Return bound sockets on every address of *host*, and their common port; 0 for any free one.

    Raises:
        InvalidValue: the host has no address, or none of this machine's, or the port is taken or not a port.
    """
    if not 0 <= port < 65536:
        raise InvalidValue(f"--port {port} is not a port. Give 1 to 65535, or 0 for any free one.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise InvalidValue(f"--host {host!r} is not an address of this machine ({error}).") from None
    sockets: list[socket.socket] = []
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            bound = _bind(family, (address[0], sockets[0].getsockname()[1] if sockets else port, *address[2:]))
        except OSError as error:
            for other in sockets:
                other.close()
            raise InvalidValue(f"Cannot listen on {host} port {port}: {error.strerror}.") from None
        sockets.append(bound)
    return sockets, sockets[0].getsockname()[1]


def _bind(family: int, address: tuple[object, ...]) -> socket.socket:
    # By its protocol asyncio sees that what it accepts is TCP, and sends small replies at once (TCP_NODELAY).
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _try_bind(port: int) -> list[socket.socket] | None:
    """Bind one port on both loopback addresses; None if it is taken on either."""
    sockets: list[socket.socket] = []
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            bound = _bind(family, (address, sockets[0].getsockname()[1] if sockets else port))
        except OSError as error:
            # Taken on ::1 only still counts as taken: browsers try ::1 first for "localhost" and would meet a
            # stranger there. A kernel without IPv6 is another matter.
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) and family == socket.AF_INET6:
                continue
            for other in sockets:
                other.close()
            return None
        bound.set_inheritable(False)
        sockets.append(bound)
    return sockets or None


def bind_unix() -> tuple[socket.socket, Path]:
    """
    Return a socket in a new folder that only this user can enter. The path is short: 108 bytes is the most there can
    be.
    """
    parent = os.environ.get("XDG_RUNTIME_DIR") or None
    folder = Path(tempfile.mkdtemp(prefix="treering-", dir=parent if parent and os.access(parent, os.W_OK) else None))
    path = folder / "http"
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    bound.bind(str(path))
    bound.listen(_BACKLOG)
    return bound, path


def _remembered_port(data_dir: Path) -> int | None:
    try:
        port = int((data_dir / "port").read_text()[:5])
    except (OSError, ValueError):
        return None
    return port if 1024 <= port < 65536 else None


def remember_port(data_dir: Path, port: int) -> None:
    """Note the port, so that the next start of this folder has the same address and browsers keep their sessions."""
    try:
        (data_dir / "port").write_text(f"{port}\n")
    except OSError:  # a convenience only
        pass
