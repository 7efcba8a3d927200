"""A server that means harm, or a proxy that means well: the client is bounded, gives its key to nobody, and trains on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from server.run_logs import write_run
from treering.limits import SHIP_REPLY_MAX_BYTES
from treering.sdk.destination import Refused, Unreachable
from treering.sdk.remote import RemoteServer
from treering.sdk.segment_files import SegmentFiles
from treering.sdk.shipping import Shipper
from treering.sdk.transport import Trust

KEY = "trk_abcdefgh_" + "s3cr3t" * 8
Answer = Callable[[socket.socket, bytes], None]


class Hostile:
    """Answers every request with one function; remembers what it was sent."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near:
            try:
                while request := self._read(near):
                    self.heads.append(request)
                    self.answer(near, request)
            except OSError:
                pass

    @staticmethod
    def _read(near: socket.socket) -> bytes:
        text = b""
        while b"\r\n\r\n" not in text:
            piece = near.recv(65536)
            if not piece:
                return b""
            text += piece
        head, _, body = text.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += near.recv(65536)
        return head


def reply(status: str, body: bytes, kind: str = "application/json", *more: str) -> Answer:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more])
    return lambda near, _: near.sendall(head.encode() + b"\r\n\r\n" + body)


def endless(near: socket.socket, _: bytes) -> None:
    near.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        near.sendall(b"[" * 65536)


def endless_head(near: socket.socket, _: bytes) -> None:
    near.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        near.sendall(b"X-More: " + b"x" * 60_000 + b"\r\n")


def error(status: str, code: str, message: str) -> Answer:
    return reply(status, json.dumps({"error": {"code": code, "message": message, "hint": "os.system"}}).encode())


def held(**values: object) -> Answer:
    whole = {
        "length": 0,
        "chain": 0,
        "sealed": False,
        "indexed": 0,
        "store_id": "s",
        "restores": 0,
        "stop": False,
        "every_s": 1,
    }
    whole |= values

    def answer(near: socket.socket, head: bytes) -> None:
        body = {"store_id": "s", "restores": 0, "segments": {}} if b"/query" in head.split(b"\r\n")[0] else whole
        reply("200 OK", json.dumps(body).encode())(near, head)

    return answer


LIES: dict[str, Answer] = {
    "an endless body": endless,
    "an endless head": endless_head,
    "a proxy's page": reply("502 Bad Gateway", b"<html><script>alert(1)</script></html>", "text/html"),
    "a sign-in page": reply("200 OK", b"<html>sign in</html>", "text/html"),
    "deep nesting": reply("200 OK", b"[" * 1_000_000),
    "the name of a class": error("500 Internal Server Error", "subprocess.Popen", "treering.errors.RunNotFound"),
    "controls for the terminal": error("400 Bad Request", "bad", "\x1b]0;owned\x07\x1b[2J" + "x" * 100_000),
    "a negative length": held(length=-5),
    "an enormous length": held(length=10**18, chain=7),
    "a length of another type": held(length="../../etc/passwd"),
    "more than was sent": held(length=100_000, chain=1, sealed=True),
    "always a gap": reply(
        "409 Conflict",
        json.dumps(
            {"error": {"code": "segment_gap", "message": ""}, "held": {"length": 48, "chain": 9, "sealed": False}}
        ).encode(),
    ),
    "always other bytes": reply(
        "409 Conflict",
        json.dumps(
            {"error": {"code": "segment_diverged", "message": ""}, "held": {"length": 200, "chain": 9, "sealed": False}}
        ).encode(),
    ),
    "a pause of a century": reply("429 Too Many Requests", b"{}", "application/json", "Retry-After: 999999"),
    "nothing at all": lambda near, _: near.close(),
}


@pytest.fixture
def hostile() -> Iterator[Callable[[Answer], Hostile]]:
    made: list[Hostile] = []

    def make(answer: Answer) -> Hostile:
        made.append(Hostile(answer))
        return made[-1]

    yield make
    for one in made:
        one.close()


# Each is watched for seconds; the others need not be tried each time.
OFTEN = ("an endless body", "an endless head", "always a gap", "controls for the terminal", "deep nesting")


@pytest.mark.parametrize(
    "answer",
    [pytest.param(lie, id=name, marks=() if name in OFTEN else pytest.mark.exam) for name, lie in LIES.items()],
)
def test_whatever_it_answers_the_shipper_stays_small_calm_and_inside_its_folder(
    tmp_path: Path, hostile: Callable[[Answer], Hostile], answer: Answer
) -> None:
    server = hostile(answer)
    write_run(tmp_path / "data", "r1", [{"loss": step} for step in range(500)])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    memory_before = psutil.Process().memory_info().rss
    remote = RemoteServer(server.url, KEY, Trust(), {})
    shipper = Shipper(SegmentFiles(tmp_path / "data", None, time.monotonic), remote, time.monotonic)
    limit = time.monotonic() + 3
    while time.monotonic() < limit:
        due = shipper.step()
        time.sleep(min(max(due - time.monotonic(), 0), max(limit - time.monotonic(), 0)))
    remote.close()

    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert psutil.Process().memory_info().rss - memory_before < 10 * SHIP_REPLY_MAX_BYTES + 50_000_000
    assert len(server.heads) < 40, "it goes on asking at once"
    said = shipper.error + "".join(status.error for status in shipper.status())
    assert "\x1b" not in said
    assert "<" not in said
    assert KEY not in said
    assert len(said) < 4_000


def test_a_redirect_is_not_followed_and_the_key_stays_here(hostile: Callable[[Answer], Hostile]) -> None:
    thief = hostile(reply("200 OK", b"{}"))
    for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"):
        server = hostile(reply(status, b"", "text/html", f"Location: {thief.url}/prefix/api/1/segments/query"))
        remote = RemoteServer(server.url, KEY, Trust(), {})
        with pytest.raises(Refused) as refused:
            remote.query([])
        remote.close()

        assert refused.value.everything
        assert f"TREERING_BASE_URL={thief.url}/prefix" in str(refused.value)
    assert thief.heads == []


def test_a_reply_that_drips_ends_with_the_requests_time(
    hostile: Callable[[Answer], Hostile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("treering.sdk.remote.REPLY_TIMEOUT_S", 1.0)

    def drip(near: socket.socket, _: bytes) -> None:
        near.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1_000):
            near.sendall(b" ")
            time.sleep(0.05)

    remote = RemoteServer(hostile(drip).url, KEY, Trust(), {})
    began = time.monotonic()
    with pytest.raises(Unreachable, match="does not answer"):
        remote.query([])

    assert time.monotonic() - began < 10
    remote.close()


@pytest.mark.parametrize("lie", ["an endless body", "a proxy's page", "always other bytes", "nothing at all"])
def test_a_training_is_not_harmed(tmp_path: Path, hostile: Callable[[Answer], Hostile], lie: str) -> None:
    server = hostile(LIES[lie])
    text = """
import os, time, treering as tr
run = tr.init(project="p", entity="ada", settings={"finish_timeout_s": 1, "sample_s": 0})
for i in range(2_000): run.log({"loss": i})
run.finish()
print("trained")
"""
    environ = {
        **os.environ,
        "TREERING_DIR": str(tmp_path / "data"),
        "TREERING_BASE_URL": server.url,
        "TREERING_API_KEY": KEY,
        "HOME": str(tmp_path),
    }
    done = subprocess.run([sys.executable, "-c", text], env=environ, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    assert "not everything is uploaded yet" in done.stderr
    assert KEY not in done.stderr
    assert not [path for path in tmp_path.iterdir() if path.name != "data"]
