"""EXAM 4: no CORS header comes back from any route to any origin, for preflights and for plain requests."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
def test_no_route_ever_answers_with_a_cors_header(world, origin):
    world.calls.clear()
    pages = [("GET", path, None) for path in ("/", "/ada/digits", "/healthz", "/assets/x.js")]
    api = [(method, f"/api/1{path}", body) for method, path, body in world.requests()]
    for method, path, body in pages + api:
        preflight = {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Private-Network": "true",
        }
        content = None if body is None else json.dumps(body).encode()
        replies = [
            world.server.send("OPTIONS", path, preflight),
            world.server.send(method, path, {"Origin": origin, "Content-Type": "application/json"}, content),
        ]
        for reply in replies:
            assert reply.status == 403
            assert not [name for name in reply.headers if name.startswith("access-control-")]
    assert world.calls == []
