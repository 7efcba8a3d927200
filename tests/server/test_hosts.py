"""Which names the server answers to, without a server."""

from __future__ import annotations

import pytest

from treering.errors import InvalidValue
from treering.server.hosts import AllowedHosts, Host, parse_host, parse_origin


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("localhost", Host("localhost", None)),
        ("LOCALHOST:6464", Host("localhost", 6464)),
        ("127.0.0.1:1", Host("127.0.0.1", 1)),
        ("[::1]:6464", Host("::1", 6464)),
        ("lab-7.example", Host("lab-7.example", None)),
    ],
)
def test_a_plain_host_is_parsed(text, host):
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost.",
        "localhost.:6464",
        "localhost:0",
        "localhost:65536",
        "localhost:",
        "localhost:80:80",
        "user@localhost",
        "localhost/",
        "localhost#",
        "local host",
        "loc\tal",
        "::1",
        "[::1",
        "[::1]extra",
        "%6cocalhost",
        "localhost,evil",
        "localhost\u2024",
        "ⓛocalhost",
        "١27.0.0.1",
    ],
)
def test_anything_else_is_no_host(text):
    assert parse_host(text) is None


@pytest.mark.parametrize(
    "text", ["null", "", "file://", "ftp://localhost", "http://", "http://localhost/", "localhost"]
)
def test_what_is_not_a_web_origin_is_none(text):
    assert parse_origin(text) is None


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_loopback_is_allowed_on_any_port(name):
    assert AllowedHosts().allows(Host(name, 1))
    assert AllowedHosts().allows(Host(name, None))


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "127.0.0.2"]
)
def test_other_names_are_not(name):
    assert not AllowedHosts().allows(Host(name, 6464))


def test_an_allowed_host_without_a_port_is_allowed_on_every_port_and_with_one_on_that():
    hosts = AllowedHosts.parse(["lab.example", "other.example:8080"])

    assert hosts.allows(Host("lab.example", 1))
    assert hosts.allows(Host("other.example", 8080))
    assert not hosts.allows(Host("other.example", 80))
    assert not hosts.allows(Host("sub.lab.example", 1))


@pytest.mark.parametrize("text", ["*", "*.example", "lab.example/", "ftp://lab.example", "http://lab.example/x", ""])
def test_patterns_and_paths_are_refused_as_allowed_hosts(text):
    with pytest.raises(InvalidValue, match="is not a host"):
        AllowedHosts.parse([text])


@pytest.mark.parametrize(
    ("host", "origin", "same"),
    [
        ("localhost:6464", "http://localhost:6464", True),
        ("localhost:6464", "http://LOCALHOST:6464", True),
        ("localhost", "http://localhost:80", True),
        ("[::1]:6464", "http://[::1]:6464", True),
        ("localhost:6464", "https://localhost:6464", False),
        ("localhost:6464", "http://localhost:3000", False),
        ("localhost:6464", "http://127.0.0.1:6464", False),
        ("localhost:6464", "http://localhost.evil.example:6464", False),
        ("localhost:6464", "http://localhost:6464.evil.example", False),
        ("localhost:6464", "http://localhost:6464@evil.example", False),
        ("localhost:6464", "null", False),
        ("localhost:6464", "file://", False),
        ("localhost:6464", "", False),
        ("lab.example", "https://lab.example", True),
        ("lab.example", "http://lab.example", True),
        ("tls.example", "https://tls.example", True),
        ("tls.example", "http://tls.example", False),
    ],
)
def test_an_origin_must_be_the_server_that_the_host_names(host, origin, same):
    hosts = AllowedHosts.parse(["lab.example", "https://tls.example"])
    parsed = parse_host(host)
    assert parsed is not None

    assert hosts.same_origin("http", parsed, origin) is same
