"""
EXAM 1: a page that rebinds its own name to 127.0.0.1 reaches no handler, whatever it asks and however it is spelled.
"""

from __future__ import annotations

import json
import socket
import time

import pytest

REFUSED = [
    "evil.example:{port}",
    "127.0.0.1.evil.example",
    "localhost.:{port}",
    "127.0.0.1.",
    "0.0.0.0:{port}",
    "[::]:{port}",
]
ANSWERED = ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}", "localhost:8888", "127.0.0.1"]


def headers_for(world, host: str) -> dict[str, str]:
    return {
        "Host": host.format(port=world.server.port),
        "Authorization": f"Bearer {world.server.token}",
        "Content-Type": "application/json",
    }


def ask(world, host, method, path, body):
    content = None if body is None else json.dumps(body).encode()
    return world.server.send(method, f"/api/1{path}", headers_for(world, host), content)


@pytest.mark.parametrize("host", REFUSED)
def test_a_foreign_name_reaches_no_handler_and_is_told_which_setting_would_allow_it(world, host):
    world.calls.clear()
    for method, path, body in world.requests():
        begin = time.perf_counter()
        reply = ask(world, host, method, path, body)
        took_s = time.perf_counter() - begin

        assert reply.status == 421
        assert "--allowed-host" in reply.body.decode()
        assert took_s < 0.05
    assert world.calls == []


@pytest.mark.parametrize("host", ANSWERED)
def test_this_machine_under_its_own_names_is_answered_on_any_port(world, host):
    for method, path, body in world.requests():
        assert ask(world, host, method, path, body).status == 200


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", "evil.example"]])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_no_host_and_two_hosts_are_400(world, hosts, version):
    world.calls.clear()
    lines = [f"Host: {host}" for host in hosts] + [f"Authorization: Bearer {world.server.token}", "Connection: close"]
    with socket.create_connection(("127.0.0.1", world.server.port), timeout=5) as connection:
        connection.sendall("\r\n".join([f"GET /api/1/projects HTTP/{version}", *lines, "", ""]).encode())
        answer = connection.recv(65536)

    assert answer.split(b" ", 2)[1] == b"400"
    assert world.calls == []
