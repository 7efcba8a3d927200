"""EXAM 11: who guesses passwords is stopped by address, the owner is not, and nothing says which names exist."""

from __future__ import annotations

import gc
import http.client
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from server.team import PASSWORD, cheap_passwords, team
from treering.limits import HASHES_AT_ONCE, PEER_FAILURES_MAX
from treering.server.accounts import Passwords

MIB = 1024 * 1024


def sign_in(world, name: str, password: str, source: str = "127.0.0.1", **headers: str) -> http.client.HTTPResponse:
    """Sign in from an address of this machine; every 127.x.y.z is one."""
    connection = http.client.HTTPConnection("127.0.0.1", world.server.port, timeout=60, source_address=(source, 0))
    body = json.dumps({"name": name, "password": password})
    connection.request("POST", "/api/1/session/sign-in", body, {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    response.content = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def test_a_thousand_guesses_from_one_address_reach_the_hash_a_few_times_and_do_not_lock_the_owner_out(tmp_path):
    with team(tmp_path) as world:
        ada = world.user("ada")
        # From here on as in earnest: 64 MiB a hash.
        world.accounts.passwords = Passwords()
        world.accounts.users.rehash(
            ada.id, world.accounts.users.password_of("ada")[1], world.accounts.passwords.hash(PASSWORD)
        )
        gc.collect()
        before = psutil.Process().memory_info().rss

        def guess(number: int) -> int:
            return sign_in(world, "ada", f"guess {number}", **{"X-Forwarded-For": f"10.0.0.{number % 50}"}).status

        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(guess, range(1_000)))
        rose = psutil.Process().memory_info().rss - before

        assert set(statuses) == {401, 429}
        assert world.accounts.passwords.checked <= PEER_FAILURES_MAX
        assert rose <= 200 * MIB
        assert sign_in(world, "ada", PASSWORD, "127.0.0.2").status == 200
        assert sign_in(world, "ada", PASSWORD).status == 429


def test_the_refusal_says_when_to_come_back(tmp_path):
    with team(tmp_path) as world:
        refused = [sign_in(world, "ada", "guess") for _ in range(PEER_FAILURES_MAX + 1)][-1]

        assert refused.status == 429
        assert 0 < int(refused.headers["retry-after"]) <= 901


def test_an_attackers_own_account_does_not_wipe_the_slate(tmp_path):
    with team(tmp_path) as world:
        for _ in range(PEER_FAILURES_MAX):
            assert sign_in(world, "ada", "guess").status == 401

        assert sign_in(world, "bob", PASSWORD).status == 429


def test_a_trusted_proxy_names_the_address_that_counts(tmp_path):
    with team(tmp_path, proxies=("127.0.0.1",)) as world:
        for _ in range(PEER_FAILURES_MAX + 1):
            last = sign_in(world, "ada", "guess", **{"X-Forwarded-For": "1.2.3.4, 10.0.0.1"})

        assert last.status == 429
        # What the browser itself wrote in front of the proxy's entry does not count; the entry does.
        assert sign_in(world, "ada", "guess", **{"X-Forwarded-For": "9.9.9.9, 10.0.0.1"}).status == 429
        assert sign_in(world, "ada", "guess", **{"X-Forwarded-For": "10.0.0.1, 10.0.0.2"}).status == 401


def test_many_addresses_together_are_stopped_at_the_account(tmp_path, monkeypatch):
    monkeypatch.setattr("treering.server.accounts.guessing.ACCOUNT_FAILURES_MAX", 25)
    with team(tmp_path) as world:
        statuses = [sign_in(world, "ada", "guess", f"127.0.1.{n // 9 + 1}").status for n in range(30)]

        assert statuses == [401] * 25 + [429] * 5


@pytest.mark.parametrize("name", ["nobody", "ada", "ADA", "eve", "gone", "x" * 128, "\u202enobody"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer_for_the_same_work(tmp_path, name):
    with team(tmp_path) as world:
        from server.team import TEST

        world.accounts.users.add("eve", "", False, TEST)  # who never chose a password
        world.user("gone")
        world.accounts.users.change("gone", {"disabled": True}, TEST)
        known = sign_in(world, "max", "guess")
        other = sign_in(world, name, "guess", "127.0.0.2")

        assert (other.status, other.content) == (known.status, known.content)
        assert world.accounts.passwords.checked == 2
        assert sign_in(world, "gone", PASSWORD, "127.0.0.3").status == 401


def test_no_more_than_two_hashes_are_made_at_once_and_a_long_line_is_sent_home(tmp_path, monkeypatch):
    monkeypatch.setattr("treering.server.accounts.guessing.PEER_FAILURES_MAX", 1_000)
    slow = cheap_passwords()
    running, most = [], []
    verify = slow._verify

    def watched(password: str, stored: str) -> bool:
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        return verify(password, stored)

    slow._verify = watched
    with team(tmp_path, passwords=slow) as world, ThreadPoolExecutor(60) as threads:
        statuses = list(threads.map(lambda n: sign_in(world, f"name-{n}", "guess").status, range(60)))

        assert max(most) <= HASHES_AT_ONCE
        assert {401, 503} == set(statuses)
        assert world.nobody().call("GET", "/server").status == 200


@pytest.mark.exam
def test_known_and_unknown_names_take_the_same_time(tmp_path, monkeypatch):
    monkeypatch.setattr("treering.server.accounts.guessing.PEER_FAILURES_MAX", 10_000)
    monkeypatch.setattr("treering.server.accounts.guessing.ACCOUNT_FAILURES_MAX", 10_000)
    with team(tmp_path, passwords=Passwords()) as world:
        took: dict[str, list[float]] = {"ada": [], "nobody": []}
        sign_in(world, "warm", "up")
        for _ in range(200):
            for name, times in took.items():
                begin = time.perf_counter()
                sign_in(world, name, "guess")
                times.append(time.perf_counter() - begin)

        assert statistics.median(took["ada"]) == pytest.approx(statistics.median(took["nobody"]), rel=0.2)


def test_signing_in_rightly_however_often_locks_nobody_out(tmp_path):
    with team(tmp_path) as world:
        assert {sign_in(world, "ada", PASSWORD).status for _ in range(2 * PEER_FAILURES_MAX)} == {200}
