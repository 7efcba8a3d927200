"""Compression: never on loopback, where it costs more than it saves; for readers on other machines if they take it."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from starlette.responses import Response

from treering.server.compression import CompressRemote

BODY = b"x" * 5_000


def ask(client, accept_encoding: bytes = b"gzip", body: bytes = BODY) -> tuple[dict[str, str], bytes]:
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [(b"accept-encoding", accept_encoding)],
        "client": client,
    }
    asyncio.run(CompressRemote(Response(body))(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return headers, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("client", [("127.0.0.1", 1), ("127.8.8.8", 1), ("::1", 1), ("", 0), None])
def test_near_readers_get_the_bytes_as_they_are(client):
    headers, body = ask(client)

    assert "content-encoding" not in headers
    assert body == BODY


def test_far_readers_get_gzip_if_they_take_it():
    headers, body = ask(("10.0.0.7", 1))

    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == BODY
    assert "content-encoding" not in ask(("10.0.0.7", 1), b"identity")[0]
    assert "content-encoding" not in ask(("10.0.0.7", 1), body=b"short")[0]
