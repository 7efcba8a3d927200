"""One-time codes, sessions and the files that guard them."""

from __future__ import annotations

import stat

import pytest

from treering.errors import AccessDenied
from treering.limits import ONE_TIME_CODE_S, ONE_TIME_CODES_MAX, SESSIONS_MAX
from treering.server.permissions import Principal
from treering.server.tokens import Tokens

DAY_S = 86_400


class Clock:
    """A clock that stands until it is moved."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tokens(tmp_path, clock):
    return Tokens(tmp_path, clock)


def test_the_folder_token_is_new_at_each_start(tmp_path):
    first, second = Tokens(tmp_path), Tokens(tmp_path)

    assert first.authenticate(first.folder_token) == Principal("folder", "folder")
    assert second.authenticate(first.folder_token) is None


def test_a_code_is_good_once(tokens):
    code = tokens.new_code()
    token, session = tokens.exchange(code)

    assert tokens.authenticate(token) == Principal("session", session.id)
    assert tokens.exchange(code) is None
    assert tokens.authenticate(code) is None


def test_a_code_ends_after_ten_minutes(tokens, clock):
    code = tokens.new_code()
    clock.now += ONE_TIME_CODE_S

    assert tokens.exchange(code) is None


def test_only_so_many_codes_are_open_and_the_oldest_goes(tokens):
    codes = [tokens.new_code() for _ in range(ONE_TIME_CODES_MAX + 1)]

    assert tokens.exchange(codes[0]) is None
    assert tokens.exchange(codes[1]) is not None


def test_a_session_ends_after_thirty_days(tokens, clock):
    token, _ = tokens.exchange(tokens.new_code())
    clock.now += 30 * DAY_S - 1
    assert tokens.authenticate(token) is not None

    clock.now += 1
    assert tokens.authenticate(token) is None


def test_sessions_survive_a_restart_and_the_file_has_no_token(tokens, tmp_path, clock):
    token, session = tokens.exchange(tokens.new_code())
    content = (tmp_path / "sessions.json").read_text()

    assert token not in content
    assert token.removeprefix("trs_") not in content
    assert Tokens(tmp_path, clock).authenticate(token) == Principal("session", session.id)


def test_a_revoked_session_is_refused_at_once_and_after_a_restart(tokens, tmp_path, clock):
    token, session = tokens.exchange(tokens.new_code())
    other, _ = tokens.exchange(tokens.new_code())

    assert tokens.revoke(session.id) == 1
    assert tokens.authenticate(token) is None
    assert not tokens.is_live(Principal("session", session.id))
    assert Tokens(tmp_path, clock).authenticate(token) is None
    assert tokens.authenticate(other) is not None


def test_all_sessions_can_be_revoked(tokens):
    sessions = [tokens.exchange(tokens.new_code())[0] for _ in range(3)]

    assert tokens.revoke() == 3
    assert [tokens.authenticate(token) for token in sessions] == [None, None, None]


def test_the_oldest_session_goes_when_there_are_too_many(tokens, clock, monkeypatch):
    monkeypatch.setattr("treering.server.tokens.SESSIONS_MAX", 3)
    made = []
    for _ in range(4):
        clock.now += 1
        made.append(tokens.exchange(tokens.new_code())[0])

    assert [tokens.authenticate(token) is not None for token in made] == [False, True, True, True]
    assert SESSIONS_MAX >= 100


def test_the_sessions_file_is_private(tokens, tmp_path):
    tokens.exchange(tokens.new_code())

    assert stat.S_IMODE((tmp_path / "sessions.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o660, 0o666, 0o611])
def test_a_sessions_file_that_others_can_touch_is_refused(tokens, tmp_path, mode):
    tokens.exchange(tokens.new_code())
    (tmp_path / "sessions.json").chmod(mode)

    with pytest.raises(AccessDenied, match="chmod 600"):
        Tokens(tmp_path)


def test_a_link_in_place_of_the_sessions_file_is_refused(tmp_path):
    (tmp_path / "elsewhere").write_text('{"sessions": []}')
    (tmp_path / "sessions.json").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(AccessDenied):
        Tokens(tmp_path)


def test_a_sessions_file_that_is_not_ours_is_refused_and_named(tmp_path):
    (tmp_path / "sessions.json").write_text("[")
    (tmp_path / "sessions.json").chmod(0o600)

    with pytest.raises(AccessDenied, match=r"sessions\.json is not a list of sessions"):
        Tokens(tmp_path)
