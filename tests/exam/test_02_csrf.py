"""EXAM 2: what a form on another site can send changes nothing, with a valid session and with a cookie."""

from __future__ import annotations

import json

import pytest

TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    None,
    "text/plain;application/json",
]


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("origin", ["https://evil.example", None])
@pytest.mark.parametrize("credentials", ["session", "cookie"])
def test_a_simple_request_runs_no_handler(world, content_type, origin, credentials):
    world.calls.clear()
    before = world.log_hash()
    token, _ = world.server.app.tokens.exchange(world.server.app.tokens.new_code())
    headers = {"Authorization": f"Bearer {token}"} if credentials == "session" else {"Cookie": f"session={token}"}
    if origin is not None:
        headers["Origin"] = origin
    if content_type is not None:
        headers["Content-Type"] = content_type
    for method, path, body in world.requests():
        if method != "GET":
            for verb in (method, "POST"):
                reply = world.server.send(verb, f"/api/1{path}", headers, json.dumps(body).encode())
                assert reply.status in (403, 415)

    assert world.calls == []
    assert world.log_hash() == before
