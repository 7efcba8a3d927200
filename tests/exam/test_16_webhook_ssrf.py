"""EXAM 16: a webhook reaches nothing that its maker could not reach, whatever the address says, and shows no reply."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.team import OURS, Team, team
from treering.errors import InvalidValue
from treering.server import outbound
from treering.server.outbound import Outbound, Outcome, is_public, parse_allowed, parse_target

Answer = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Listener:
    """Counts connections on loopback and answers each with one function."""

    def __init__(self, answer: Answer, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self.hits = 0
        self.requests: list[bytes] = []
        self._answer = answer
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.hits += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                self.requests.append(connection.recv(65_536))
                self._answer(connection)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def canary() -> Iterator[Listener]:
    listener = Listener(lambda connection: connection.sendall(OK))
    yield listener
    listener.close()


@pytest.fixture
def listen() -> Iterator[Callable[[Answer], Listener]]:
    made: list[Listener] = []

    def make(answer: Answer) -> Listener:
        made.append(Listener(answer))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


def urls(port: int) -> list[str]:
    """Return everything that has been used to say 127.0.0.1, and its neighbours."""
    hosts = [
        "127.0.0.1",
        "127.0.0.2",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "localhost.localdomain",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fe80::1%25lo]",
        "[fc00::1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "127.0.0.1%00.example.com",
        "example.com@127.0.0.1",
        "127.0.0.1:80@example.com",
        "",
        "-",
    ]
    shaped = [f"http://{host}:{port}/" for host in hosts] + [f"https://{host}:{port}/" for host in hosts[:4]]
    schemes = [
        "file:///etc/passwd",
        f"gopher://127.0.0.1:{port}/_x",
        f"ftp://127.0.0.1:{port}/",
        "dict://x/",
        "data:,x",
    ]
    tricks = [
        f"http://127.0.0.1:{port}\\@example.com/",
        f"http:\\\\127.0.0.1:{port}/",
        f"http:/127.0.0.1:{port}/",
        f"http:127.0.0.1:{port}/",
        f"//127.0.0.1:{port}/",
        f" http://127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}/\r\nX: y",
        f"http://example.com#@127.0.0.1:{port}/",
        f"http://user:pass@127.0.0.1:{port}/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "javascript:alert(1)",
        "",
    ]
    return shaped + schemes + tricks


def test_no_form_of_an_inner_address_reaches_the_canary(canary: Listener):
    client = Outbound(timeout_s=2.0)
    before = canary.hits
    for url in urls(canary.port):
        outcome = client.post(url, b"{}", {})
        assert outcome.step in ("address", "name"), (url, outcome)
        assert not outcome.is_delivered

    assert canary.hits == before


@pytest.mark.parametrize("family", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.1.2.3"])
def test_a_name_that_has_one_inner_address_is_refused_whatever_else_it_has(canary: Listener, family: str):
    for answers in ([family], ["93.184.216.34", family], [family, "93.184.216.34"]):
        client = Outbound(resolve=lambda host, port, found=answers: found, timeout_s=2.0)
        outcome = client.post(f"http://innocent.example:{canary.port}/", b"{}", {})

        assert (outcome.step, outcome.retry) == ("address", False)
        assert "--allow-webhook" in outcome.text
    assert canary.hits == 0 or all(b"innocent" not in request for request in canary.requests)


def test_a_name_that_becomes_another_one_after_the_check_changes_nothing(
    canary: Listener, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []
    reached: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(outbound.socket, "create_connection", connect)
    before = canary.hits
    outcome = Outbound(resolve=rebinding).post(f"http://rebind.example:{canary.port}/", b"{}", {})

    assert (asked, reached) == (["rebind.example"], ["93.184.216.34"])
    assert outcome == Outcome(
        "connect", f"http://rebind.example:{canary.port} does not answer: connection refused.", retry=True
    )
    assert canary.hits == before


def test_the_addresses_of_this_machine_are_refused_even_if_they_are_public(
    canary: Listener, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outbound, "own_addresses", lambda: {"93.184.216.34"})
    client = Outbound(resolve=lambda host, port: ["93.184.216.34"])

    assert client.post("http://me.example/", b"{}", {}).step == "address"


def test_a_redirect_inward_is_not_followed(canary: Listener, listen: Callable[[Answer], Listener]):
    for status in (301, 302, 303, 307, 308):
        where = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{canary.port}/\r\nContent-Length: 0\r\n\r\n"
        outer = listen(lambda connection, text=where: connection.sendall(text.encode()))
        client = Outbound(parse_allowed([f"127.0.0.1:{outer.port}"]), timeout_s=2.0)
        before = canary.hits
        outcome = client.post(f"http://127.0.0.1:{outer.port}/", b"{}", {})

        assert (outcome.step, outcome.status, outcome.retry) == ("reply", status, False)
        assert (outer.hits, canary.hits) == (1, before)


def test_proxies_of_the_environment_are_not_used(canary: Listener, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    before = canary.hits
    Outbound(resolve=lambda host, port: ["10.0.0.1"]).post("http://x.example/", b"{}", {})

    assert canary.hits == before


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 500 SECRET-REASON\r\nX-Secret: SECRET-HEADER\r\nContent-Length: 11\r\n\r\nSECRET-BODY",
        b"SECRET-BODY and nothing of HTTP\r\n\r\n",
        b"HTTP/1.1 SECRET-STATUS\r\n\r\n",
        b"HTTP/1.1 103 Early\r\nLink: SECRET-HINT\r\n\r\nHTTP/1.1 404 SECRET\r\n\r\nSECRET-BODY",
        b"HTTP/1.1 100 SECRET" * 1_000,
    ],
)
def test_of_a_reply_nothing_but_its_status_is_told(reply: bytes, listen: Callable[[Answer], Listener]):
    inner = listen(lambda connection: connection.sendall(reply))
    client = Outbound(parse_allowed([f"127.0.0.1:{inner.port}"]), timeout_s=2.0)
    outcome = client.post(f"http://127.0.0.1:{inner.port}/", b"{}", {})

    assert not outcome.is_delivered
    assert "SECRET" not in outcome.text
    assert outcome.status in (500, 404, None)


def test_a_server_that_answers_a_byte_a_time_or_never_is_left_in_time(listen: Callable[[Answer], Listener]):
    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK" * 20:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    def endless(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x" * 65_536)

    def go_on(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)

    for answer in (drip, endless, go_on, lambda connection: time.sleep(4)):
        inner = listen(answer)
        client = Outbound(parse_allowed([f"127.0.0.1:{inner.port}"]), timeout_s=1.0)
        begin = time.monotonic()
        outcome = client.post(f"http://127.0.0.1:{inner.port}/", b"{}", {})

        assert outcome.step in ("reply", "done")
        assert time.monotonic() - begin < 2.0


def test_a_resolver_that_hangs_is_left_in_time():
    def hang(host: str, port: int) -> list[str]:
        time.sleep(5)
        return []

    begin = time.monotonic()
    outcome = Outbound(resolve=hang, timeout_s=0.5).post("https://slow.example/", b"{}", {})

    assert (outcome.step, outcome.retry) == ("name", True)
    assert time.monotonic() - begin < 2.0


def test_what_is_allowed_is_reached_with_the_host_that_was_named(listen: Callable[[Answer], Listener]):
    inner = listen(lambda connection: connection.sendall(OK))
    client = Outbound(parse_allowed([f"chat.lab:{inner.port}"]), resolve=lambda host, port: ["127.0.0.1"])
    outcome = client.post(f"http://chat.lab:{inner.port}/hook?x=1", b'{"a":1}', {"X-Treering-Delivery": "1"})

    assert (outcome.step, outcome.status) == ("done", 200)
    head, _, body = inner.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?x=1 HTTP/1.1\r\nHost: chat.lab:")
    assert body == b'{"a":1}'
    assert client.post(f"http://chat.lab:{inner.port + 1}/", b"{}", {}).step == "address"
    assert Outbound(parse_allowed(["chat.lab:1"])).post("http://other.lab:1/", b"", {"X": "a\r\nb"}).step in (
        "name",
        "address",
    )


def test_what_is_public_is_told_by_a_list_that_no_library_changes():
    for inner in (
        "0.0.0.0",
        "100.64.0.1",
        "192.88.99.1",
        "198.18.0.1",
        "240.0.0.1",
        "::",
        "fec0::1",
        "2001::1",
        "ff02::1",
    ):
        assert not is_public(inner), inner
    for outer in ("93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"):
        assert is_public(outer), outer
    assert parse_target("HTTPS://Hooks.Example.COM.:8443/A?b").shown == "https://hooks.example.com:8443"
    for text in ("chat.lab", "chat.lab:", ":80", "chat.lab:0", "chat.lab:99999", "a b:80", "http://x:80"):
        with pytest.raises(InvalidValue):
            parse_allowed([text])


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with team(tmp_path_factory.mktemp("team")) as made:
        yield made


def test_no_channel_of_the_api_reaches_the_canary_or_shows_an_address(world: Team, canary: Listener):
    admin, here = world.browser("ada"), f"/projects/{OURS[0]}/{OURS[1]}/alert-channels"
    before, made = canary.hits, 0
    for url in urls(canary.port):
        for kind in ("webhook", "slack"):
            reply = admin.call("POST", here, {"kind": kind, "name": "x", "url": url})
            if reply.status != 200:
                assert reply.code in ("invalid_value", "invalid_json", "invalid_request"), (url, reply.body)
                continue
            made += 1  # a name: what it leads to is known when it is used
            tested = admin.call("POST", f"{here}/{reply.json['id']}/test", {}).json
            assert tested["step"] in ("address", "name"), (url, tested)
            admin.call("DELETE", f"{here}/{reply.json['id']}")
    assert made
    assert canary.hits == before


def test_the_secret_part_of_an_address_is_never_shown_again_and_stands_in_no_other_file(world: Team):
    admin, here = world.browser("ada"), f"/projects/{OURS[0]}/{OURS[1]}/alert-channels"
    url = "https://hooks.example.com/services/T0/B0/s3cr3t-of-the-hook"
    body = {"kind": "webhook", "name": "chat", "url": url, "secret": "s3cr3t-to-sign"}
    replies = [admin.call("POST", here, body)]
    channel = replies[0].json
    change = {"version": 1, "name": "our chat"}
    replies += [admin.call("PUT", f"{here}/{channel['id']}", change), admin.call("GET", here)]
    replies += [world.browser("max").call("GET", here), world.browser("rob").call("GET", "/audit")]

    assert [reply.status for reply in replies] == [200] * 5
    assert (channel["shown"], channel["is_signed"]) == ("https://hooks.example.com/…", True)
    assert all(b"s3cr3t" not in reply.body for reply in replies)
    holding = [path for path in Path(world.data_dir).rglob("*") if path.is_file() and b"s3cr3t-of" in path.read_bytes()]
    assert [path.name for path in holding] == ["alert-channels.json"]
    assert holding[0].stat().st_mode & 0o077 == 0
    kept = next(c for c in json.loads(holding[0].read_bytes())["channels"] if c["id"] == channel["id"])
    assert (kept["url"], kept["name"]) == (url, "our chat")
