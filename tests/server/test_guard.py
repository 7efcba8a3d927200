"""What reaches a handler and what does not, over real sockets. ``store.calls`` is the spy."""

from __future__ import annotations

import socket

import pytest

from treering.errors import InvalidValue
from treering.server.settings import parse_embedders

from .conftest import Server

PROJECTS = "/api/1/projects"
QUERY = "/api/1/runs/query"


def good(server: Server, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}", **more}


def raw(server: Server, request: str) -> bytes:
    """Send bytes that no HTTP library would and return the whole answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def test_a_good_request_reaches_its_handler(server):
    server.store.calls.clear()
    reply = server.send("GET", PROJECTS, good(server, Host=f"localhost:{server.port}"))

    assert reply.status == 200
    assert server.store.calls == ["projects"]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "LOCALHOST.:1", "[::2]:1", "a b", ""]
)
def test_another_host_is_refused_before_the_token_is_looked_at_and_names_the_setting(server, host):
    server.store.calls.clear()
    reply = server.send("GET", PROJECTS, good(server, Host=host))

    assert reply.status == 421
    assert "--allowed-host" in reply.json["error"]["hint"]
    assert server.store.calls == []


def test_two_hosts_and_no_host_are_malformed(server):
    server.store.calls.clear()
    token = f"Authorization: Bearer {server.token}\r\nConnection: close\r\n"

    assert raw(server, f"GET {PROJECTS} HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n{token}\r\n").startswith(
        b"HTTP/1.1 400"
    )
    assert raw(server, f"GET {PROJECTS} HTTP/1.1\r\n{token}\r\n").startswith(b"HTTP/1.1 400")
    assert b" 400 " in raw(server, f"GET {PROJECTS} HTTP/1.0\r\n{token}\r\n").splitlines()[0]
    assert server.store.calls == []


@pytest.mark.parametrize("name", ["Origin", "Authorization", "Sec-Fetch-Site"])
def test_a_header_that_decides_must_come_once(server, name):
    server.store.calls.clear()
    value = {"Origin": "http://localhost", "Authorization": f"Bearer {server.token}", "Sec-Fetch-Site": "same-origin"}
    head = "".join(f"{key}: {text}\r\n" for key, text in value.items())
    answer = raw(
        server,
        f"GET {PROJECTS} HTTP/1.1\r\nHost: localhost\r\n{head}{name}: {value[name]}\r\nConnection: close\r\n\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 400")
    assert server.store.calls == []


@pytest.mark.parametrize("cookie", [{}, {"Cookie": "session=x"}])
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "file://",
        "http://localhost.evil.example",
        "http://localhost:1",
        "https://localhost",
    ],
)
def test_another_origin_is_refused_with_a_valid_token_and_with_a_cookie(server, origin, cookie):
    server.store.calls.clear()
    reply = server.send("GET", PROJECTS, good(server, Host="localhost", Origin=origin, **cookie))

    assert (reply.status, reply.code) == (403, "origin_refused")
    assert server.store.calls == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "", "surprise"])
def test_fetch_metadata_of_another_site_is_refused(server, site):
    server.store.calls.clear()
    reply = server.send("GET", PROJECTS, good(server, **{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors"}))

    assert reply.status == 403
    assert server.store.calls == []


def test_a_link_to_the_page_works_from_anywhere_but_a_link_into_the_api_does_not(server):
    navigation = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

    assert server.send("GET", "/ada/digits", navigation).status == 200
    assert server.send("GET", PROJECTS, good(server, **navigation)).status == 403
    assert server.send("GET", "/ada/digits", {**navigation, "Sec-Fetch-Dest": "iframe"}).status == 403
    assert (
        server.send("GET", "/ada/digits", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}).status == 403
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "",
    ],
)
def test_a_body_that_a_form_could_send_is_refused(server, content_type):
    server.store.calls.clear()
    headers = good(server, **({"Content-Type": content_type} if content_type else {}))
    reply = server.send("POST", QUERY, headers, b'{"entity":"ada","project":"digits"}')

    assert (reply.status, reply.code) == (415, "unsupported_media_type")
    assert server.store.calls == []


def test_a_compressed_body_is_refused(server):
    headers = good(server, **{"Content-Type": "application/json", "Content-Encoding": "gzip"})

    assert server.send("POST", QUERY, headers, b"\x1f\x8b").status == 415


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x", "Basic x", "Bearer trl_" + "A" * 43, "Bearer \u00e9", "bearer  "]
)
def test_without_a_valid_token_nothing_runs(server, authorization):
    server.store.calls.clear()
    reply = server.send("GET", PROJECTS, {"Authorization": authorization} if authorization else {})

    assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert server.store.calls == []


@pytest.mark.parametrize("place", ["?token={}", "?access_token={}", ""])
def test_a_token_in_the_address_or_a_cookie_is_not_one(server, place):
    reply = server.send("GET", PROJECTS + place.format(server.token), {"Cookie": f"token={server.token}"})

    assert reply.status == 401


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/1", "/api/2/projects", "/api/1/nothing", "/%61pi/1/projects"])
def test_an_unknown_route_of_the_api_says_nothing_without_a_token(server, path):
    assert server.send("GET", path).status == 401


@pytest.mark.parametrize("path", ["//api/1/projects", "/API/1/projects", "/x/../api/1/projects", "/./api/1/projects"])
def test_another_spelling_of_the_api_is_only_ever_the_page(server, path):
    server.store.calls.clear()
    reply = server.send("GET", path)

    assert reply.headers["content-type"].startswith("text/html")
    assert server.store.calls == []


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "DELETE", "TRACE", "PATCH", "PROPFIND"])
def test_the_page_is_for_reading(server, method):
    headers = {"Content-Type": "application/json"}

    assert server.send(method, "/", headers, b"{}").status == 401
    assert server.send(method, "/", good(server, **headers), b"{}").status == 405


def test_more_headers_than_the_limit_are_refused(server):
    reply = server.send("GET", PROJECTS, good(server, **{f"X-{n}": "1" for n in range(150)}))

    assert reply.status == 431


def test_a_websocket_is_not_opened(server):
    head = "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
    answer = raw(server, f"GET /api/1/live HTTP/1.1\r\nHost: localhost\r\n{head}\r\n")

    assert b" 101 " not in answer.splitlines()[0]


def test_a_configured_host_is_answered_with_the_token_and_its_own_origin(make_server):
    server = make_server(allowed_hosts=["https://lab.example"])
    ours = good(server, Host="lab.example", Origin="https://lab.example")

    assert server.send("GET", PROJECTS, ours).status == 200
    assert server.send("GET", PROJECTS, {**ours, "Origin": "http://lab.example"}).status == 403
    assert server.send("GET", PROJECTS, {**ours, "Host": "lab.example:81"}).status == 403
    assert server.send("GET", PROJECTS, {"Host": "lab.example"}).status == 401


@pytest.mark.parametrize("name", ["treering_session", "__Host-treering"])
def test_without_accounts_nothing_in_a_cookie_opens_anything(server, name):
    token, _ = server.app.tokens.exchange(server.app.tokens.new_code())

    for secret in (token, server.token):
        assert server.send("GET", PROJECTS, {"Cookie": f"{name}={secret}"}).status == 401


def test_only_the_pages_of_named_origins_may_show_ours_in_a_frame(make_server):
    embedders = parse_embedders(["http://localhost:8888", "HTTPS://Lab.Example/"])
    server = make_server(embedders=embedders)
    frame = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    reply = server.send("GET", "/", frame)

    assert reply.status == 200
    assert "frame-ancestors http://localhost:8888 https://lab.example" in reply.headers["content-security-policy"]
    assert server.send("GET", "/api/1/projects", frame).status == 403
    closed = make_server()
    assert closed.send("GET", "/", frame).status == 403
    assert "frame-ancestors 'none'" in closed.send("GET", "/").headers["content-security-policy"]


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "localhost",
        "http://*.example",
        "http://a b",
        "javascript:x",
        "http://a/b",
        "null",
        "http://a; script-src *",
    ],
)
def test_what_is_no_origin_may_not_be_named(text):
    with pytest.raises(InvalidValue, match="must be an origin"):
        parse_embedders([text])
