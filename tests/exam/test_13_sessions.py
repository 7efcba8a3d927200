"""EXAM 13: a session ends with what it stood on, streams and all, and nobody can plant one in another's browser."""

from __future__ import annotations

import http.client
import time

import pytest

from server.team import OURS, PASSWORD, TEST, Caller, Clock, cheap_passwords, cookie_of, team
from treering.limits import SIGN_IN_IDLE_S, SIGN_IN_MAX_S, USER_SESSIONS_MAX
from treering.server.accounts import Accounts, accounts_file
from treering.server.permissions import Role

NEW = "another good password"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def world(tmp_path, clock):
    with team(tmp_path, clock=clock) as made:
        yield made


class Stream:
    """An open live stream of our project."""

    def __init__(self, caller: Caller) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", caller.server.port, timeout=5)
        headers = {"Cookie": caller.cookie} if caller.cookie else {"Authorization": f"Bearer {caller.token}"}
        self._connection.request("GET", "/api/1/live?entity=ada&project=digits&since=0", headers=headers)
        self._response = self._connection.getresponse()
        assert self._response.status == 200
        assert self._response.readline() == b": open\n"

    def ends_within_5_s(self) -> bool:
        begin = time.monotonic()
        try:
            while self._response.readline():
                pass
        except TimeoutError:
            return False
        finally:
            self._connection.close()
            self._response.close()
        return time.monotonic() - begin < 5


def is_in(caller: Caller) -> bool:
    return caller.call("GET", "/session").status == 200


def end_by_password(world, mine):
    assert mine.call("PATCH", "/me", {"password": {"old": PASSWORD, "new": NEW}}).status == 200


def end_by_role(world, mine):
    assert world.browser("ada").call("PUT", "/projects/ada/digits/members/max", {"role": "viewer"}).status == 200


def end_by_removal(world, mine):
    assert world.browser("ada").call("DELETE", "/projects/ada/digits/members/max").status == 200


def end_by_disabling(world, mine):
    assert world.browser("rob").call("PATCH", "/users/max", {"disabled": True}).status == 200


def end_by_admin_mark(world, mine):
    assert world.browser("rob").call("PATCH", "/users/max", {"admin": True}).status == 200


def end_everywhere(world, mine):
    assert mine.call("DELETE", "/session?everywhere=true").status == 200


def end_by_invite(world, mine):
    code = world.browser("rob").call("POST", "/users/max/invite", {}).json["path"].removeprefix("#invite=")
    assert world.nobody().call("POST", "/invites/accept", {"code": code, "password": NEW}).status == 200


def end_by_command_line(world, mine):
    accounts = Accounts(accounts_file(world.server.app.api.state.settings.data_dir), passwords=cheap_passwords())
    accounts.users.change("max", {"disabled": True}, TEST)
    accounts.close()


@pytest.mark.parametrize(
    "end",
    [
        end_by_password,
        end_by_role,
        end_by_removal,
        end_by_disabling,
        end_by_admin_mark,
        end_everywhere,
        end_by_invite,
        end_by_command_line,
    ],
    ids=lambda end: end.__name__,
)
def test_all_other_sessions_and_their_streams_end_within_five_seconds(world, end):
    mine, other = world.browser("max"), world.browser("max")
    assert is_in(other)
    stream = Stream(other)
    end(world, mine)

    assert stream.ends_within_5_s()
    assert not is_in(other)
    assert is_in(mine) == (end is end_by_password)


def test_signing_out_ends_this_session_and_its_stream_and_no_other(world):
    mine, other = world.browser("max"), world.browser("max")
    stream = Stream(mine)
    reply = mine.call("DELETE", "/session")

    assert reply.json == {"ended": 1}
    assert "Max-Age=0" in reply.headers["set-cookie"]
    assert stream.ends_within_5_s()
    assert (is_in(mine), is_in(other)) == (False, True)


def test_a_disabled_users_keys_links_and_streams_end_too(world):
    key, link = world.key("ada"), world.share()
    streams = [Stream(key), Stream(link)]
    world.accounts.users.change("ada", {"disabled": True}, TEST)
    world.server.app.hub.wake()

    assert [stream.ends_within_5_s() for stream in streams] == [True, True]
    assert (is_in(key), is_in(link)) == (False, False)
    world.accounts.users.change("ada", {"disabled": False}, TEST)
    assert (is_in(key), is_in(link)) == (True, True)


def test_a_revoked_keys_stream_ends(world):
    secret, key_id = world.new_key("max")
    stream = Stream(Caller(world.server, secret))
    assert world.browser("max").call("DELETE", f"/me/keys/{key_id}").status == 200

    assert stream.ends_within_5_s()


def test_each_sign_in_is_a_new_session_and_ends_the_browsers_last_one(world):
    first = cookie_of(world.sign_in("ada"))
    second = cookie_of(world.sign_in("ada", Cookie=first))

    assert first != second
    assert not is_in(Caller(world.server, cookie=first))
    assert is_in(Caller(world.server, cookie=second))


def test_a_session_that_somebody_planted_does_not_become_the_victims(world):
    planted = cookie_of(world.sign_in("bob"))
    made_up = "treering_session=trs_" + "x" * 43
    for cookie in (planted, made_up):
        victims = cookie_of(world.sign_in("ada", Cookie=cookie))
        assert victims != cookie
        attacker = Caller(world.server, cookie=cookie).call("GET", "/session")
        assert attacker.status == 401


def test_the_cookie_over_plain_http_stays_with_this_site_and_out_of_scripts(world):
    attributes = world.sign_in("ada").headers["set-cookie"].split("; ")

    assert attributes[0].startswith("treering_session=trs_")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert not [part for part in attributes if part.startswith("Domain")]


def test_behind_a_proxy_that_says_https_the_cookie_is_bound_to_the_host(tmp_path):
    with team(tmp_path, proxies=("127.0.0.1",)) as world:
        https = {"Host": "lab.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "10.1.1.1"}
        reply = world.sign_in("ada", **https, Origin="https://lab.example")
        attributes = reply.headers["set-cookie"].split("; ")

        assert attributes[0].startswith("__Host-treering=trs_")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
        browser = Caller(world.server, cookie=attributes[0], headers=https)
        assert browser.call("GET", "/session", Origin="https://lab.example").status == 200
        assert (
            browser.call("GET", "/me/sessions", Origin="https://lab.example").json["sessions"][0]["peer"] == "10.1.1.1"
        )
        # The same cookie over plain http is under a name that does not count there.
        plain = Caller(world.server, headers={"Cookie": attributes[0]})
        assert plain.call("GET", "/session").status == 401


def test_only_a_named_proxy_can_say_https(world):
    reply = world.sign_in("ada", **{"X-Forwarded-Proto": "https"})

    assert reply.headers["set-cookie"].startswith("treering_session=")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_cookie_changes_something_only_for_our_own_page(world, method):
    path = {"POST": "/me/keys", "PUT": "/projects/ada/digits/members/guest", "PATCH": "/me", "DELETE": "/session"}[
        method
    ]
    body = {"POST": {"name": "x"}, "PUT": {"role": "viewer"}, "PATCH": {"display_name": "x"}}.get(method)
    world.user("guest")
    ada = world.browser("ada")
    cookie = {"Cookie": ada.cookie}
    origin = ada.call("GET", "/session").status == 200 and f"http://127.0.0.1:{world.server.port}"
    nobody = world.nobody()
    refused = [None, "https://evil.example", "null", f"http://localhost:{world.server.port}", "http://127.0.0.1:1"]

    for wrong in refused:
        headers = cookie if wrong is None else {**cookie, "Origin": wrong}
        assert nobody.call(method, path, body, **headers).status == 403
    assert nobody.call(method, path, body, **cookie, Origin=origin).status == 200


def test_two_cookies_of_our_name_are_none(world):
    cookie = world.browser("ada").cookie

    assert world.nobody().call("GET", "/session", Cookie=f"{cookie}; {cookie}").status == 401


def test_a_wrong_token_is_not_made_good_by_a_cookie(world):
    ada = world.browser("ada")

    assert ada.call("GET", "/session", Authorization="Bearer trk_wrong").status == 401


def test_a_session_of_the_same_folder_without_accounts_opens_nothing_here(world):
    token, _ = world.server.app.tokens.exchange(world.server.app.tokens.new_code())

    assert not is_in(Caller(world.server, token))
    assert not is_in(Caller(world.server, cookie=f"treering_session={token}"))
    assert is_in(Caller(world.server, world.server.token))  # the folder's own token, for this machine's command line


def test_a_session_that_is_not_used_ends_after_twelve_hours_and_every_one_after_seven_days(world, clock):
    idle, used = world.browser("ada"), world.browser("ada")
    while clock.ahead_s + SIGN_IN_IDLE_S / 2 < SIGN_IN_MAX_S:
        clock.ahead_s += SIGN_IN_IDLE_S / 2
        assert is_in(used)
        world.accounts.write_last_use()
    assert not is_in(idle)
    clock.ahead_s = SIGN_IN_MAX_S

    assert not is_in(used)


def test_a_user_has_so_many_sessions_and_the_oldest_goes(world, clock):
    browsers = []
    for _ in range(USER_SESSIONS_MAX + 1):
        clock.ahead_s += 1
        browsers.append(world.browser("ada"))

    assert not is_in(browsers[0])
    assert is_in(browsers[1])
    assert is_in(browsers[-1])


def test_another_browser_can_be_signed_out_but_nobody_elses(world):
    ada, other, bob = world.browser("ada"), world.browser("ada"), world.browser("bob")
    rows = ada.call("GET", "/me/sessions").json["sessions"]
    there = next(row["id"] for row in rows if not row["current"])

    assert len(rows) == 2
    assert bob.call("DELETE", f"/me/sessions/{there}").status == 404
    assert ada.call("DELETE", f"/me/sessions/{there}").json == {"ended": 1}
    assert (is_in(ada), is_in(other)) == (True, False)


def test_a_new_password_needs_the_old_one(world):
    ada = world.browser("ada")
    wrong = ada.call("PATCH", "/me", {"password": {"old": "not this one", "new": NEW}})

    weak = ada.call("PATCH", "/me", {"password": {"old": PASSWORD, "new": "short"}})

    assert (wrong.status, weak.status) == (403, 400)
    assert world.sign_in("ada").status == 200


def test_a_first_role_in_a_project_ends_nothing(world):
    bob = world.browser("bob")
    world.accounts.projects.set_role(*OURS, world.user("bob"), Role.VIEWER, TEST)

    assert bob.call("GET", "/projects/ada/digits").status == 200
