"""``treering key`` and ``treering user``: accounts of a folder from the command line, with and without a server."""

from __future__ import annotations

import json
import stat
import subprocess

import pytest

from treering.server.accounts import Accounts, accounts_file
from treering.server.accounts.apikeys import parse_key
from treering.server.osuser import os_user

from .conftest import TREERING


@pytest.fixture
def command(tmp_path):
    def run(*arguments: str, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        words = [*TREERING, *arguments, "--data", str(tmp_path / "data")]
        done = subprocess.run(words, capture_output=True, text=True, input=stdin, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def test_the_first_key_makes_the_first_admin_and_the_next_one_does_not(command, tmp_path):
    first = command("key", "new")
    second = json.loads(command("key", "new", "--json", "--scope", "ingest", "--days", "7").stdout)
    users = json.loads(command("user", "ls", "--json").stdout)

    assert parse_key(first.stdout.strip()) is not None
    assert [(user["name"], user["is_admin"], user["has_password"]) for user in users] == [(os_user(), True, False)]
    assert second["scopes"] == ["ingest"]
    assert second["expires_at"] - second["created_at"] == pytest.approx(7 * 86_400)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "accounts.db").stat().st_mode) == 0o600


def test_a_key_is_for_somebody_who_exists(command):
    command("user", "add", "ada", "--admin")

    assert "--user NAME" in command("key", "new", code=2).stderr
    assert "'nobody'" in command("key", "new", "--user", "nobody", code=3).stderr
    made = command("key", "new", "--user", "ada")
    assert made.stdout.startswith("trk_")
    assert "TREERING_ENTITY=ada" in made.stderr  # else it is "root" for everybody in a container
    assert "entity/project" in command("key", "new", "--user", "ada", "--project", "digits", code=2).stderr


def test_keys_are_listed_without_the_keys_and_revoked_by_id_or_as_they_are(command):
    keys = [command("key", "new").stdout.strip() for _ in range(2)]
    ids = [key[4:12] for key in keys]
    listed = command("key", "ls").stdout
    assert all(key_id in listed for key_id in ids)
    assert not any(key in listed for key in keys)
    command("key", "revoke", ids[0])
    command("key", "revoke", keys[1])

    assert command("key", "ls").stdout.count("revoked") == 2
    assert "no key" in command("key", "revoke", "00000000", code=3).stderr


def test_a_new_user_gets_a_link_that_works_once_on_stdout(command, tmp_path):
    done = command("user", "add", "ada", "--admin", "--display-name", "Ada L.")
    assert done.stdout.startswith("#invite=tro_")
    assert "once" in done.stderr
    newer = json.loads(command("user", "password", "ada", "--json").stdout)["link"]
    accounts = Accounts(accounts_file(tmp_path / "data"))
    try:
        assert accounts.codes.invited(done.stdout.strip().removeprefix("#invite=")) is None
        assert accounts.codes.invited(newer.removeprefix("#invite=")) is not None
    finally:
        accounts.close()


def test_a_password_comes_from_stdin_and_never_from_the_command_line(command, tmp_path):
    command("user", "add", "ada", "--admin", "--stdin", stdin="correct horse battery\n")
    accounts = Accounts(accounts_file(tmp_path / "data"))
    try:
        stored = accounts.users.password_of("ada")[1]
        assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert accounts.passwords.matches("correct horse battery", stored)
    finally:
        accounts.close()
    assert "10 to 256" in command("user", "add", "max", "--stdin", code=2, stdin="short\n").stderr
    assert [user["name"] for user in json.loads(command("user", "ls", "--json").stdout)] == ["ada"]
    assert "10 to 256 characters" in command("user", "password", "ada", "--stdin", code=2, stdin="short\n").stderr


def test_an_account_is_shut_and_opened_again(command):
    command("user", "add", "rob", "--admin")
    command("user", "add", "ada")
    command("user", "disable", "ada")
    assert "disabled" in command("user", "ls").stdout
    command("user", "disable", "ada", "--undo")

    assert "disabled" not in command("user", "ls").stdout
    assert "only admin" in command("user", "disable", "rob", code=2).stderr
    assert "no user" in command("user", "disable", "nobody", code=3).stderr
