"""EXAM 5: a live stream gives no byte of run data to another origin, another host, or a caller without a token."""

from __future__ import annotations

import pytest

STREAM = "/api/1/live?entity=ada&project=digits&since=0"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Authorization": ""},
        {"Authorization": "Bearer trs_nobody"},
    ],
)
@pytest.mark.parametrize("upgrade", [False, True])
def test_a_stranger_gets_nothing(world, headers, upgrade):
    world.calls.clear()
    sent = {"Authorization": f"Bearer {world.server.token}", "Accept": "text/event-stream", **headers}
    if upgrade:
        sent |= {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAA",
        }
    reply = world.server.send("GET", STREAM, sent)

    assert reply.status in (401, 403, 421)
    assert not any(key.encode() in reply.body for key in world.keys)
    assert world.calls == []
