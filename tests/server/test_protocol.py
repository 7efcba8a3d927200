"""Connections that never finish asking."""

from __future__ import annotations

import http.client
import socket
import time

import pytest


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: y"])
def test_a_request_head_that_does_not_end_is_cut_off(make_server, monkeypatch, sent):
    monkeypatch.setattr("treering.server.protocol.HEADERS_TIMEOUT_S", 0.2)
    server = make_server()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(sent)
        begin = time.monotonic()
        try:
            answer = connection.recv(100)
        except ConnectionError:
            answer = b""

    assert answer == b""
    assert time.monotonic() - begin < 2


def test_a_connection_may_ask_again_later(make_server, monkeypatch):
    monkeypatch.setattr("treering.server.protocol.HEADERS_TIMEOUT_S", 0.2)
    server = make_server()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.connect()
    first_socket = connection.sock
    for _ in range(2):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}'
        time.sleep(0.4)

    assert connection.sock is first_socket
    connection.close()
