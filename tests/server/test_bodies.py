"""Bodies that are too large, too deep, too slow or not what they say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time

import pytest

from treering.limits import JSON_BODY_MAX_BYTES, JSON_MAX_DEPTH, JSON_MAX_KEYS
from treering.server.bodies import decode_json, limit_body
from treering.server.errors import ApiError


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nope",
        b"NaN",
        b'{"a": Infinity}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * (JSON_MAX_DEPTH + 1) + b"]" * (JSON_MAX_DEPTH + 1),
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'["\\u0000"]',
        b"\xff\xfe",
    ],
)
def test_what_is_not_sound_json_is_refused(body):
    with pytest.raises(ApiError) as caught:
        decode_json(body)

    assert caught.value.code == "invalid_json"


def test_too_many_keys_are_refused():
    with pytest.raises(ApiError) as caught:
        decode_json(json.dumps({str(n): 1 for n in range(JSON_MAX_KEYS + 1)}).encode())

    assert caught.value.code == "too_large"


def test_the_deepest_allowed_value_is_taken():
    text = "[" * (JSON_MAX_DEPTH - 1) + "1" + "]" * (JSON_MAX_DEPTH - 1)

    assert decode_json(text.encode()) == json.loads(text)


def test_a_number_of_a_million_digits_is_no_crash_and_fast():
    begin = time.perf_counter()
    with contextlib.suppress(ApiError):
        decode_json(b"1" * 1_000_000)

    assert time.perf_counter() - begin < 0.5


def test_a_body_that_says_itself_that_it_is_too_large_is_refused_before_it_comes(server):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    length = str(JSON_BODY_MAX_BYTES + 1)
    reply = server.send("POST", "/api/1/runs/query", {**headers, "Content-Length": length})

    assert (reply.status, reply.code) == (413, "too_large")
    assert reply.headers["connection"] == "close"


def test_a_chunked_body_over_the_limit_is_refused(server):
    head = f"POST /api/1/runs/query HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head.encode())
        answer = b""
        try:
            for _ in range(2 * JSON_BODY_MAX_BYTES // 65536):
                connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        except ConnectionError:
            pass
        try:
            answer = connection.recv(65536)
        except ConnectionError:  # reset, since it closed while more was on its way
            return

    assert answer.startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_come_is_given_up():
    async def silent():
        await asyncio.sleep(10)

    async def wait():
        await limit_body(silent, 10, timeout_s=0.05)()

    with pytest.raises(ApiError) as caught:
        asyncio.run(wait())
    assert caught.value.code == "request_timeout"


def test_a_json_route_takes_json_only(server):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/msgpack"}

    assert server.send("POST", "/api/1/runs/query", headers, b"\x80").status == 415


@pytest.mark.parametrize(
    "change",
    [
        {"limit": 10**9},
        {"limit": -1},
        {"offset": -1},
        {"sort": "name"},
        {"config": "all"},
        {"filter": "x" * 5000},
        {"entity": ""},
        {"entity": "a" * 200},
        {"surprise": 1},
        {"metrics": ["a"] * 2000},
        {"limit": "NaN"},
    ],
)
def test_a_query_out_of_bounds_names_the_field_and_not_the_value(server, change):
    reply = server.call("POST", "/runs/query", {"entity": "ada", "project": "digits", **change})

    assert (reply.status, reply.code) == (422, "invalid_request")
    assert f"body.{next(iter(change))}" in reply.json["error"]["message"]
    assert len(reply.body) < 1000


def test_more_points_than_the_limit_are_refused_before_the_store_is_asked(server):
    server.store.calls.clear()
    runs = [f"{'a' * 22}{a}{b}{c}{d}" for a in "abcdefgh" for b in "abcdefgh" for c in "abcdefgh" for d in "abcdefgh"]
    reply = server.call("POST", "/series", {"runs": runs, "keys": ["loss"], "buckets": 4000})

    assert (reply.status, reply.code) == (413, "too_large")
    assert server.store.calls == []
