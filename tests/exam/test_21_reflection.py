"""
EXAM 21: hostile paths and headers come back as JSON errors, split no header, and leave a log of one JSON object a
line.
"""

from __future__ import annotations

import json
import random
import socket

from server.conftest import start_server
from server.memory_store import MemoryStore
from treering.server.log import log_to
from treering.server.settings import Settings

MARKS = [
    "<script>alert(1)</script>",
    "\x1b[31m",
    "%0d%0aX-Split:%20yes",
    "%00",
    "%1b]8;;evil%07",
    "\u2028",
    "';--",
    "a" * 3000,
]


def raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionError:
            pass
        return answer


def test_nothing_is_reflected_and_the_log_stays_whole(tmp_path):
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    store = MemoryStore()
    with log_to(tmp_path / "server.log"):
        server = start_server(store, Settings(tmp_path))
        secrets = [server.token, server.app.tokens.new_code()]
        for turn in range(200):
            mark = chance.choice(MARKS)
            store.fail_with = RuntimeError(f"boom {server.token} {mark}") if turn % 5 == 0 else None
            path = chance.choice(["/api/1/projects", "/api/1/runs/" + mark, "/" + mark, "/api/1/" + mark])
            names = ["Content-Type", "X-Any", "Accept", "Cookie", "User-Agent", "Origin", "Referer"]
            lines = [
                f"{chance.choice(['GET', 'POST', 'PUT', 'BREW'])} {path.replace(' ', '%20')} HTTP/1.1",
                "Host: localhost",
                f"Authorization: Bearer {chance.choice([*secrets, mark])}",
                f"{chance.choice(names)}: {mark}",
                "Content-Length: 0",
                "Connection: close",
            ]
            answer = raw(server.port, "\r\n".join([*lines, "", ""]).encode())
            head, _, body = answer.partition(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])

            assert b"x-split" not in head.lower()
            assert b"\x1b" not in answer
            if status >= 400:
                assert b"<" not in body
                if b"application/json" in head:
                    assert json.loads(body)["error"]["code"]
                else:  # h11 refused it before it was a request
                    assert body == b"Invalid HTTP request received."
        store.fail_with = RuntimeError(f"boom {server.token}")
        assert server.call("GET", "/projects").status == 500
        server.stop()
    text = (tmp_path / "server.log").read_text("ascii")
    lines = [json.loads(line) for line in text.splitlines()]

    assert any("traceback" in line for line in lines)
    assert all(isinstance(line, dict) for line in lines)
    assert not [secret for secret in secrets if secret in text or secret[4:] in text]
    assert "\x1b" not in text
