"""The sockets that a server listens on."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from treering.server.sockets import bind_address, bind_loopback


@pytest.mark.parametrize("bind", [lambda folder: bind_loopback(0, folder), lambda folder: bind_address("localhost", 0)])
def test_small_replies_are_sent_at_once(tmp_path: Path, bind):
    """Else the second part of a reply waits until the first is acknowledged, which takes a client up to 40 ms."""
    sockets, port = bind(tmp_path)

    async def accepted() -> int:
        seen = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(serve, sock=sockets[0]):
            _, writer = await asyncio.open_connection(sockets[0].getsockname()[0], port)
            found = await asyncio.wait_for(seen, 5)
            writer.close()
        return int(found)

    assert asyncio.run(accepted()) == 1
    for other in sockets[1:]:
        other.close()
