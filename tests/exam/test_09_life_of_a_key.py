"""EXAM 9: a key works from the moment it is made until it is revoked or too old, and in no other form."""

from __future__ import annotations

import base64
import re
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server.team import PASSWORD, TEST, Caller, Clock, cheap_passwords, team
from treering.server.accounts import Accounts, accounts_file
from treering.server.accounts.apikeys import make_key, parse_key

DAY_S = 86_400
BENCHES = Path(__file__).parents[2] / "bench" / "all.py"  # installs the official client, to measure beside it


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def world(tmp_path, clock):
    with team(tmp_path, clock=clock) as made:
        yield made


def status(world, key: str) -> int:
    return Caller(world.server, key).call("GET", "/projects").status


def with_new_checksum(body: str) -> str:
    """Return a key whose checksum is right for what it was changed to."""
    from treering.server.accounts import apikeys

    return body + apikeys._checksum(body)


def test_a_key_made_in_the_browser_works_until_it_is_revoked_there(world):
    ada = world.browser("ada")
    made = ada.call("POST", "/me/keys", {"name": "laptop"}).json
    key = made["key"]

    assert status(world, key) == 200
    assert ada.call("GET", "/me/keys").json["keys"][0]["id"] == made["id"]
    assert "key" not in ada.call("GET", "/me/keys").json["keys"][0]
    assert ada.call("DELETE", f"/me/keys/{made['id']}").json["revoked_at"] is not None
    assert status(world, key) == 401


def test_a_key_that_another_process_revokes_is_refused_within_five_seconds(world, tmp_path):
    key, key_id = world.new_key("ada")
    assert status(world, key) == 200  # and is remembered from here on
    command_line = Accounts(accounts_file(tmp_path), passwords=cheap_passwords())
    command_line.keys.revoke(key_id, TEST)
    command_line.close()

    begin = time.monotonic()
    while status(world, key) != 401:
        assert time.monotonic() - begin < 5
        time.sleep(0.05)


def test_a_key_ends_on_its_day(world, clock):
    key, _ = world.new_key("ada", days=30)
    clock.ahead_s = 30 * DAY_S - 60
    assert status(world, key) == 200
    clock.ahead_s = 30 * DAY_S

    assert status(world, key) == 401


def test_by_default_a_key_lives_for_a_year(world):
    made = world.browser("ada").call("POST", "/me/keys", {"name": "laptop"}).json

    assert (made["expires_at"] - made["created_at"]) / DAY_S == pytest.approx(365)


def test_no_changed_key_opens_anything(world):
    key, _ = world.new_key("ada")
    other, _ = world.new_key("max")
    swapped = key[: len("trk_12345678")] + other[len("trk_12345678") : -6]
    changed = [key[:i] + ("A" if key[i] != "A" else "B") + key[i + 1 :] for i in range(len(key))]
    changed += [key[:-1], key + "A", key.lower(), key.replace("trk_", "trs_"), "", "trk_"]
    changed += [with_new_checksum(swapped), with_new_checksum(key[:-7] + "A" if key[-7] != "A" else key[:-7] + "B")]

    assert {status(world, one) for one in changed} == {401}
    assert status(world, key) == status(world, other) == 200


def test_a_wrong_checksum_is_refused_without_a_look_into_the_database(world, monkeypatch):
    key, _ = world.new_key("ada")
    asked = []
    monkeypatch.setattr(world.accounts, "_load_key", lambda *a: asked.append(a))
    status(world, key[:-1] + ("A" if key[-1] != "A" else "B"))

    assert asked == []


def test_a_key_comes_as_bearer_or_as_the_password_of_the_user_api(world):
    key, _ = world.new_key("ada")

    def basic(user: str) -> int:
        credentials = base64.b64encode(f"{user}:{key}".encode()).decode()
        return Caller(world.server).call("GET", "/projects", Authorization=f"Basic {credentials}").status

    assert (status(world, key), basic("api"), basic("ada"), basic("")) == (200, 200, 401, 401)
    assert Caller(world.server, cookie=f"treering_session={key}").call("GET", "/projects").status == 401


def test_no_secret_is_in_any_file(world, tmp_path):
    secrets = [world.new_key("ada")[0], PASSWORD, world.share().token]
    secrets.append(world.accounts.sessions.start(world.user("ada"), TEST))
    secrets.append(world.accounts.codes.new_invite(world.user("ada"), TEST))
    for secret in secrets:
        status(world, secret)
    world.sign_in("ada", "a wrong password")
    world.accounts.write_last_use()
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert world.server.port > 0
    for secret in [*secrets, "a wrong password"]:
        assert secret.encode() not in content
        assert secret[4:].encode() not in content


def test_its_last_use_is_known_to_the_minute_and_not_written_by_requests(world):
    key, key_id = world.new_key("ada")
    status(world, key)
    assert world.accounts.keys.of()[0].used_at is None
    world.accounts.write_last_use()

    assert next(row for row in world.accounts.keys.of() if row.id == key_id).used_at == pytest.approx(
        time.time(), abs=60
    )


def test_a_key_does_what_its_scopes_say_in_the_projects_that_it_was_made_for(world):
    reader = world.key("ada", "read")
    elsewhere = world.key("ada", projects=[("ada", "other")])
    run = f"/runs/{world.run}"

    assert (reader.call("GET", run).status, reader.call("PATCH", run, {"name": "x"}).status) == (200, 403)
    assert elsewhere.call("GET", run).status == 404
    assert elsewhere.call("GET", "/projects").json == {"projects": []}


def wandb_takes(key: str) -> bool:
    """The rule of wandb's client for keys, restated: cut at the first dash, then 40 characters of [A-Za-z0-9_-]."""
    parts = key.split("-", 1)
    return re.fullmatch(r"[\w-]{40,}", parts[-1], re.ASCII) is not None


def test_tools_made_for_wandb_keys_take_ours():
    keys = [make_key()[0] for _ in range(200)]

    assert all(wandb_takes(key) and parse_key(key) is not None and "-" not in key for key in keys)


@pytest.mark.exam
def test_the_official_client_takes_our_keys():
    benches = runpy.run_path(str(BENCHES))
    python = benches["rival_python"]("wandb", benches["WANDB"])
    keys = [make_key()[0] for _ in range(20)]
    script = "import sys; from wandb.sdk.lib.wbauth.validation import check_api_key as c; print([c(k) for k in sys.argv[1:]])"
    done = subprocess.run([python, "-c", script, *keys], capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == str([None] * 20), done.stderr


def test_a_script_can_take_the_first_key_from_the_command_line(tmp_path):
    command = [sys.executable, "-m", "treering.cli", "key", "new", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert parse_key(done.stdout.removesuffix("\n")) is not None
    assert "first admin" in done.stderr
    assert done.stdout.strip() not in done.stderr
