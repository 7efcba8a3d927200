"""Whom the server believes about where a request comes from; and how guesses are counted by that."""

from __future__ import annotations

import asyncio

import pytest

from treering.errors import InvalidValue
from treering.limits import ACCOUNT_FAILURES_MAX, PEER_FAILURES_MAX, SIGN_IN_WINDOW_S
from treering.server.accounts.guessing import Attempts
from treering.server.errors import ApiError
from treering.server.hosts import AllowedHosts, Host, own_hosts
from treering.server.proxies import TrustedProxies, parse_proxies


def seen(
    peer: str, *fields: tuple[str, str], proxies: tuple[str, ...] = ("10.0.0.1", "10.0.1.0/24")
) -> tuple[str, str]:
    """Return the address and scheme that the application sees."""
    got = []

    async def app(scope, receive, send):
        got.append((scope["client"][0], scope["scheme"]))

    headers = [(name.lower().encode(), value.encode()) for name, value in fields]
    scope = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": headers}
    asyncio.run(TrustedProxies(app, parse_proxies(proxies))(scope, None, None))
    return got[0]


FOR, PROTO = "X-Forwarded-For", "X-Forwarded-Proto"


@pytest.mark.parametrize(
    ("peer", "fields", "expected"),
    [
        ("1.1.1.1", [(FOR, "9.9.9.9"), (PROTO, "https")], ("1.1.1.1", "http")),
        ("10.0.0.1", [(FOR, "9.9.9.9"), (PROTO, "https")], ("9.9.9.9", "https")),
        ("10.0.0.1", [(FOR, "6.6.6.6, 9.9.9.9, 10.0.1.7")], ("9.9.9.9", "http")),
        ("10.0.0.1", [(FOR, "6.6.6.6"), (FOR, "9.9.9.9")], ("9.9.9.9", "http")),
        ("10.0.0.1", [(FOR, "9.9.9.9, nonsense")], ("10.0.0.1", "http")),
        ("10.0.0.1", [(FOR, "nonsense, 10.0.1.2")], ("10.0.1.2", "http")),
        ("10.0.0.1", [(FOR, "")], ("10.0.0.1", "http")),
        ("10.0.0.1", [(PROTO, "https, http")], ("10.0.0.1", "http")),
        ("::ffff:10.0.0.1", [(FOR, "2001:db8::1")], ("2001:db8::1", "http")),
    ],
)
def test_only_the_entry_that_a_named_proxy_added_counts(peer, fields, expected):
    assert seen(peer, *fields) == expected


@pytest.mark.parametrize("text", ["*", "0.0.0.0/0", "::/0", "proxy.example", ""])
def test_a_proxy_is_named_by_address_and_never_everybody(text):
    with pytest.raises(InvalidValue, match="--trusted-proxy"):
        parse_proxies([text])


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def fail(attempts: Attempts, peer: str, account: str, times: int = 1) -> None:
    for _ in range(times):
        attempts.begin(peer, account)


def test_an_address_may_try_again_when_the_window_has_passed():
    clock = Clock()
    attempts = Attempts(clock)
    fail(attempts, "1.1.1.1", "ada", PEER_FAILURES_MAX)
    with pytest.raises(ApiError) as caught:
        attempts.begin("1.1.1.1", "max")
    assert caught.value.headers["retry-after"] == str(int(SIGN_IN_WINDOW_S) + 1)
    clock.now += SIGN_IN_WINDOW_S

    attempts.begin("1.1.1.1", "ada")


def test_an_ipv6_attacker_is_its_network_and_a_mapped_address_its_ipv4_one():
    attempts = Attempts()
    for n in range(PEER_FAILURES_MAX):
        fail(attempts, f"2001:db8::{n + 1:x}", "ada")
    fail(attempts, "::ffff:1.2.3.4", "ada", PEER_FAILURES_MAX)

    for peer in ("2001:db8::ffff", "1.2.3.4"):
        with pytest.raises(ApiError):
            attempts.begin(peer, "ada")
    attempts.begin("2001:db8:0:1::1", "ada")


def test_the_accounts_limit_is_far_above_an_addresss():
    assert ACCOUNT_FAILURES_MAX >= 10 * PEER_FAILURES_MAX


def test_what_is_remembered_of_attempts_is_bounded(monkeypatch):
    monkeypatch.setattr("treering.server.accounts.guessing.ATTEMPTS_REMEMBERED_MAX", 50)
    attempts = Attempts()
    for n in range(200):
        fail(attempts, f"10.0.0.{n}", f"name {n}")

    assert (len(attempts._peers), len(attempts._accounts)) == (50, 50)


def test_a_server_knows_its_own_address_by_itself():
    named = AllowedHosts(tuple(own_hosts("192.168.1.7", AllowedHosts(), None)))
    secure = AllowedHosts(tuple(own_hosts("gpu01", AllowedHosts(), "https")))
    everywhere = AllowedHosts(tuple(own_hosts("0.0.0.0", AllowedHosts(), None)))

    assert named.allows(Host("192.168.1.7", 6464))
    assert not named.allows(Host("192.168.1.8", 6464))
    assert secure.same_origin("https", Host("gpu01", 6464), "https://gpu01:6464")
    assert not secure.same_origin("https", Host("gpu01", 6464), "http://gpu01:6464")
    assert everywhere.entries
    assert not everywhere.allows(Host("evil.example", 6464))
    assert own_hosts("0.0.0.0", AllowedHosts.parse(["lab.example"]), None) == []
