"""Live streams: what comes, when, and when they end."""

from __future__ import annotations

import http.client
import time

import pytest

ADDRESS = "/api/1/live?entity=ada&project=digits"


class Stream:
    """An open stream and the events that came."""

    def __init__(self, server, token, path=ADDRESS, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {token}", **headers})
        self.response = self.connection.getresponse()

    def event(self) -> list[str]:
        lines = []
        while (line := self.response.readline().decode().rstrip("\n")) or not lines:
            if not line and self.response.isclosed():
                return ["end"]
            lines.append(line)
        return lines

    def close(self) -> None:
        self.connection.close()
        self.response.close()


@pytest.fixture
def open_stream():
    streams = []

    def make(*args, **kwargs):
        streams.append(Stream(*args, **kwargs))
        return streams[-1]

    yield make
    for stream in streams:
        stream.close()


def wait_for(condition) -> None:
    limit = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_change_is_told_at_once(make_server, open_stream):
    server = make_server()
    stream = open_stream(server, server.token, ADDRESS + "&since=1")
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    assert stream.response.headers["x-accel-buffering"] == "no"
    assert stream.event() == [": open"]
    begin = time.perf_counter()
    server.store.change()
    name, data = stream.event()

    assert time.perf_counter() - begin < 0.5
    assert name == "event: change"
    assert data.startswith('data: {"seq":2,"runs":[{"run_key":')


def test_a_reader_that_is_behind_is_told_first(make_server, open_stream):
    server = make_server()
    stream = open_stream(server, server.token, ADDRESS + "&since=0")
    stream.event()

    assert stream.event()[0] == "event: change"


def test_silence_is_filled_with_pings(make_server, open_stream):
    server = make_server()
    server.app.hub._ping_every_s = 0.05
    stream = open_stream(server, server.token, ADDRESS + "&since=1")
    stream.event()

    assert [stream.event() for _ in range(2)] == [["event: ping", "data: {}"]] * 2


def test_a_stream_ends_when_its_session_does(make_server, open_stream):
    server = make_server()
    token, _ = server.app.tokens.exchange(server.app.tokens.new_code())
    stream = open_stream(server, token, ADDRESS + "&since=1")
    stream.event()
    server.send("DELETE", "/api/1/session", {"Authorization": f"Bearer {token}"})

    wait_for(lambda: server.app.hub.open_streams == 0)


def test_a_reader_that_went_away_is_forgotten(make_server, open_stream):
    server = make_server()
    stream = open_stream(server, server.token)
    wait_for(lambda: server.app.hub.open_streams == 1)
    stream.close()
    wait_for(lambda: server.app.hub.open_streams == 0)


def test_too_many_streams_are_refused(make_server, open_stream, monkeypatch):
    monkeypatch.setattr("treering.server.live.STREAMS_MAX", 1)
    server = make_server()
    open_stream(server, server.token).event()

    assert open_stream(server, server.token).response.status == 503


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer trs_x"},
        {"Origin": "https://evil.example"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_stranger_gets_no_byte_of_a_stream(make_server, open_stream, headers):
    server = make_server()
    stream = open_stream(server, server.token, **headers)

    assert stream.response.status in (401, 403, 421)
    assert b"run_key" not in stream.response.read()
    assert server.store.calls == []


def test_an_unknown_project_is_a_404(make_server, open_stream):
    server = make_server()

    assert open_stream(server, server.token, "/api/1/live?entity=ada&project=none").response.status == 404
