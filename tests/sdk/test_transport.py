"""Addresses, proxies and certificates: each mistake is named with what to do about it."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from treering.errors import InvalidValue
from treering.sdk.destination import Refused, Unreachable
from treering.sdk.remote import RemoteServer
from treering.sdk.transport import Address, Trust, proxy_for

_REPLY = json.dumps({"store_id": "s", "restores": 0, "segments": {}}).encode()


class Endpoint:
    """Accepts connections, over TLS if it has a certificate, and answers every request the same."""

    def __init__(self, certificate: Path | None = None, first: bytes = b"") -> None:
        self.heads: list[bytes] = []
        self._first = first  # sent in answer to a CONNECT, before TLS begins
        self._context = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
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
        try:
            if self._first:
                self.heads.append(_head(near))
                near.sendall(self._first)
            if self._context is not None:
                near = self._context.wrap_socket(near, server_side=True)
            while head := _head(near):
                self.heads.append(head)
                near.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(_REPLY) + _REPLY)
        except OSError:
            pass
        finally:
            near.close()


def _head(near: socket.socket) -> bytes:
    text = b""
    while b"\r\n\r\n" not in text:
        piece = near.recv(65536)
        if not piece:
            return b""
        text += piece
    return text.partition(b"\r\n\r\n")[0]


@pytest.fixture
def endpoints() -> Iterator[list[Endpoint]]:
    made: list[Endpoint] = []
    yield made
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, and its key beside it."""
    path = tmp_path_factory.mktemp("tls") / "lab.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-out", str(path), "-keyout", str(path.with_suffix(".key"))),
        ],
        check=True,
        capture_output=True,
    )
    return path


def ask(url: str, trust: Trust = Trust(), **environ: str) -> None:  # noqa: B008 - a named tuple
    server = RemoteServer(url, "trk_key", trust, environ)
    try:
        server.query([])
    finally:
        server.close()


def test_addresses_are_taken_apart_and_put_together() -> None:
    assert Address.parse("HTTPS://Lab.Example/ring/").url == "https://lab.example/ring"
    assert Address.parse("http://[::1]:6464").place == "[::1]:6464"
    assert Address.parse("https://lab:443").origin == "https://lab"
    for wrong in ("lab:6464", "ftp://lab", "https://", "http://lab:99999", "https://lab/?a=b", "https://a b"):
        with pytest.raises(InvalidValue, match="is not an address such as"):
            Address.parse(wrong)
    with pytest.raises(InvalidValue) as refused:
        Address.parse("https://ada:hunter2@lab")
    assert "hunter2" not in str(refused.value)


# ── certificates ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_self_signed_certificate_is_refused_until_it_is_named(endpoints: list[Endpoint], certificate: Path) -> None:
    endpoints.append(Endpoint(certificate))
    url = f"https://localhost:{endpoints[0].port}"
    with pytest.raises(Unreachable) as refused:
        ask(url)
    assert f"the certificate of localhost:{endpoints[0].port} is not trusted (self-signed): TREERING_CA_FILE=" in str(
        refused.value
    )
    assert endpoints[0].heads == [], "the key was not sent"

    ask(url, Trust(ca_file=str(certificate)))
    ask(url, Trust(insecure=True))
    assert len(endpoints[0].heads) == 2


def test_a_certificate_for_another_name_is_told_apart(endpoints: list[Endpoint], certificate: Path) -> None:
    endpoints.append(Endpoint(certificate))
    with pytest.raises(Unreachable, match="is for another name"):
        ask(f"https://127.0.0.1:{endpoints[0].port}", Trust(ca_file=str(certificate)))


def test_a_folder_of_authorities_is_used(tmp_path: Path, endpoints: list[Endpoint], certificate: Path) -> None:
    digest = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", str(certificate)], check=True, capture_output=True, text=True
    )
    (tmp_path / f"{digest.stdout.strip()}.0").write_bytes(certificate.read_bytes())
    endpoints.append(Endpoint(certificate))

    ask(f"https://localhost:{endpoints[0].port}", Trust(ca_dir=str(tmp_path)))


def test_a_missing_or_broken_authority_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="TREERING_CA_FILE='/no/such': there is no such file"):
        ask("https://lab", Trust(ca_file="/no/such"))
    (tmp_path / "broken.pem").write_text("no certificate")
    with pytest.raises(InvalidValue, match="holds no certificate that can be read"):
        ask("https://lab", Trust(ca_file=str(tmp_path / "broken.pem")))


# ── proxies ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_http_goes_through_the_proxy_with_its_password(endpoints: list[Endpoint]) -> None:
    endpoints.append(Endpoint())
    ask("http://lab.invalid:6464/ring", HTTP_PROXY=f"http://ada:p%40ss@127.0.0.1:{endpoints[0].port}")

    (head,) = endpoints[0].heads
    assert head.startswith(b"POST http://lab.invalid:6464/ring/api/1/segments/query HTTP/1.1\r\n")
    assert b"Host: lab.invalid:6464" in head
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"ada:p@ss") in head


def test_https_is_tunnelled_so_that_the_proxy_never_sees_the_key(endpoints: list[Endpoint], certificate: Path) -> None:
    endpoints.append(Endpoint(certificate, first=b"HTTP/1.1 200 Connection established\r\n\r\n"))
    # The name must be one that is not exempt from proxies, so the certificate does not fit it.
    ask("https://lab.invalid", Trust(insecure=True), https_proxy=f"127.0.0.1:{endpoints[0].port}")

    connect, request = endpoints[0].heads
    assert connect.startswith(b"CONNECT lab.invalid:443 ")
    assert b"trk_key" not in connect
    assert b"Bearer trk_key" in request
    assert request.startswith(b"POST /api/1/segments/query ")


def test_what_a_proxy_does_wrong_is_said_of_the_proxy(endpoints: list[Endpoint]) -> None:
    endpoints.append(Endpoint(first=b"HTTP/1.1 403 Forbidden\r\n\r\n"))
    with pytest.raises(
        Unreachable, match=r"the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) does not let us reach lab.invalid:443"
    ):
        ask("https://lab.invalid", HTTPS_PROXY=f"http://127.0.0.1:{endpoints[0].port}")
    with pytest.raises(Unreachable, match=r"the proxy 127.0.0.1:9 \(HTTP_PROXY\) refuses connections"):
        ask("http://lab.invalid", HTTP_PROXY="http://127.0.0.1:9")
    with pytest.raises(
        Unreachable, match=r"the name no-proxy.invalid is not known here .* check the proxy in ALL_PROXY"
    ):
        ask("http://lab.invalid", ALL_PROXY="http://no-proxy.invalid:3128")
    with pytest.raises(InvalidValue, match="all_proxy names a proxy of kind 'socks5'"):
        ask("http://lab.invalid", all_proxy="socks5://127.0.0.1:1080")


@pytest.mark.parametrize(
    ("url", "no_proxy", "direct"),
    [
        ("http://lab.example", "", False),
        ("http://lab.example", "*", True),
        ("http://lab.example", "other.example, lab.example", True),
        ("http://a.lab.example", ".lab.example", True),
        ("http://a.lab.example", "lab.example", True),
        ("http://notlab.example", "lab.example", False),
        ("http://lab.example:6464", "lab.example:6464", True),
        ("http://lab.example:6465", "lab.example:6464", False),
        ("http://10.1.2.3", "10.0.0.0/8", True),
        ("http://11.1.2.3", "10.0.0.0/8", False),
        ("http://localhost:6464", "", True),
        ("http://127.0.0.1:6464", "", True),
        ("http://[::1]:6464", "", True),
    ],
)
def test_no_proxy_and_loopback_are_direct(url: str, no_proxy: str, direct: bool) -> None:
    found = proxy_for(Address.parse(url), {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy})

    assert (found is None) == direct


@pytest.mark.parametrize("code", ["project_not_found", "segment_not_found"])
def test_what_the_server_will_not_say_of_another_users_project_has_a_way_out(code: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"error": {"code": "%s", "message": "there is none.", "hint": ""}}' % code.encode()
            self.send_response(404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(Refused, match="takes nothing for this project with this key") as refused:
            ask(f"http://127.0.0.1:{server.server_port}")

    assert "TREERING_ENTITY=<your name there>" in str(refused.value)


def test_a_server_that_sends_a_reply_in_two_parts_is_not_waited_for() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_REPLY)

    def serve() -> None:
        near, _ = listener.accept()
        came = b""
        while piece := near.recv(65536):
            came += piece
            if came.endswith(b"}"):  # the request is whole
                came = b""
                # TCP keeps the second part back until the other side has said that the first one came.
                near.sendall(head)
                near.sendall(_REPLY)
        near.close()

    threading.Thread(target=serve, daemon=True).start()
    server = RemoteServer(f"http://127.0.0.1:{listener.getsockname()[1]}", "k", Trust(), {})
    began = time.monotonic()
    for _ in range(30):
        server.query([])
    took_s = time.monotonic() - began
    server.close()
    listener.close()

    assert took_s < 0.6, "30 times 40 ms is 1.2 s"
