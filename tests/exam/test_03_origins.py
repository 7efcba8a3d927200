"""EXAM 3: null and look-alike origins are refused, with and without a cookie."""

from __future__ import annotations

import pytest

ORIGINS = [
    "null",
    "http://localhost.evil.example",
    "http://127.0.0.1:{port}.evil.example",
    "http://evil.example/?127.0.0.1:{port}",
    "http://127.0.0.1:{port}@evil.example",
    "file://",
    "https://127.0.0.1:{port}",
    "http://localhost:{port}",
    "http://127.0.0.1",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port} ",
    "",
]


@pytest.mark.parametrize("cookie", [None, "session=anything"])
@pytest.mark.parametrize("origin", ORIGINS)
def test_an_origin_that_is_not_ours_is_refused(world, origin, cookie):
    world.calls.clear()
    port = world.server.port
    extra = {"Cookie": cookie} if cookie else {}
    headers = {"Host": f"127.0.0.1:{port}", "Origin": origin.format(port=port), **extra}
    reply = world.server.call("GET", "/projects", **headers)

    # A trailing space is not part of a header's value, so that one is our own origin.
    assert reply.status == (200 if origin.endswith(" ") else 403)
    assert world.calls == (["projects"] if origin.endswith(" ") else [])


def test_our_own_origin_is_answered(world):
    port = world.server.port

    assert (
        world.server.call("GET", "/projects", Host=f"localhost:{port}", Origin=f"http://localhost:{port}").status == 200
    )
