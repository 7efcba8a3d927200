"""The file of accounts: private, copied before it is changed, left alone when it is newer, shared by two processes."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest
import sqlalchemy as sa

from treering.errors import (
    AccessDenied,
    InvalidName,
    InvalidValue,
    KeyNotFound,
    NewerFormat,
    StorageError,
    StorageFull,
    UserNotFound,
)
from treering.limits import INVITE_S, KEY_DAYS_MAX, PASSWORD_MIN_CHARS, SETUP_CODE_S, USER_KEYS_MAX
from treering.server.accounts import Accounts, By, Visibility, check_password
from treering.server.accounts import database as database_module
from treering.server.accounts import tables as t
from treering.server.permissions import Role

from .team import cheap_passwords

BY = By("ada", "10.0.0.1")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "accounts.db"


@pytest.fixture
def open_accounts(path):
    opened = []

    def make():
        opened.append(Accounts(path, passwords=cheap_passwords()))
        return opened[-1]

    yield make
    for accounts in opened:
        accounts.close()


@pytest.fixture
def accounts(open_accounts):
    return open_accounts()


def test_only_its_owner_can_read_the_file_and_what_lies_beside_it(accounts, path):
    accounts.users.add("ada", "", True, BY)

    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_touch_is_refused(open_accounts, path, mode):
    open_accounts().close()
    path.chmod(mode)

    with pytest.raises(AccessDenied, match="chmod 600"):
        open_accounts()


def test_a_link_in_its_place_is_refused(open_accounts, path, tmp_path):
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(AccessDenied):
        open_accounts()
    assert not (tmp_path / "elsewhere").exists()


def test_something_else_in_its_place_is_refused(open_accounts, path):
    path.touch(0o600)
    path.write_bytes(b"not a database" * 100)

    with pytest.raises(StorageError, match="cannot be opened"):
        open_accounts()


def test_a_newer_file_is_left_as_it_is(open_accounts, path):
    open_accounts().close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"pragma user_version = {t.VERSION + 1}")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(NewerFormat, match="left untouched"):
        open_accounts()
    assert path.read_bytes() == before


def test_an_older_file_is_copied_before_it_is_brought_up_to_date(open_accounts, path, monkeypatch):
    first = open_accounts()
    first.users.add("ada", "", True, BY)
    first.close()

    def step(connection):
        connection.exec_driver_sql("alter table users add column motto text")

    monkeypatch.setattr(t, "VERSION", 2)
    monkeypatch.setattr(database_module, "MIGRATIONS", {1: step})
    second = open_accounts()
    copy = path.with_name("accounts.db.v1")

    assert [user.name for user in second.users.all()] == ["ada"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with sqlite3.connect(copy) as connection:
        assert connection.execute("select name from users").fetchall() == [("ada",)]
        assert "motto" not in [row[1] for row in connection.execute("pragma table_info(users)")]
    connection.close()


def test_a_migration_that_fails_changes_nothing(open_accounts, path, monkeypatch):
    open_accounts().close()

    def step(connection):
        connection.exec_driver_sql("alter table users add column motto text")
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as changed:
        changed.setattr(t, "VERSION", 2)
        changed.setattr(database_module, "MIGRATIONS", {1: step})
        with pytest.raises(RuntimeError):
            open_accounts()

    assert open_accounts().users.count() == 0


@pytest.mark.parametrize("statement", ["update audit set actor = 'eve'", "delete from audit"])
def test_nothing_can_change_the_audit_trail(accounts, path, statement):
    accounts.users.add("ada", "", True, BY)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        connection.execute(statement)
    connection.close()

    assert [line["actor"] for line in accounts.trail.page(None, 10)] == ["ada"]


def test_each_change_leaves_its_line(accounts):
    ada = accounts.users.add("ada", "", True, BY)
    max_ = accounts.users.add("max", "", False, BY)
    _, key = accounts.keys.create(ada, "laptop", BY)
    accounts.keys.revoke(key.id, BY)
    accounts.projects.create("ada", "digits", ada.id, BY)
    accounts.projects.set_role("ada", "digits", max_, Role.MEMBER, BY)
    accounts.projects.set_visibility("ada", "digits", Visibility.INTERNAL, BY)
    _, share = accounts.shares.create(ada.id, "ada", "digits", None, 30, BY)
    accounts.shares.revoke(share.id, BY)
    accounts.users.set_password(ada.id, "hash", BY)
    accounts.sessions.start(ada, BY)
    accounts.sessions.end(ada.id, None, BY)
    accounts.codes.new_invite(max_, BY)
    accounts.users.change("max", {"disabled": True}, BY)
    lines = accounts.trail.page(None, 100)

    assert {(line["actor"], line["peer"]) for line in lines} == {("ada", "10.0.0.1")}
    assert [line["action"] for line in reversed(lines)] == [
        "user.add",
        "user.add",
        "key.create",
        "key.revoke",
        "project.create",
        "project.member",
        "project.visibility",
        "share.create",
        "share.revoke",
        "user.password",
        "session.start",
        "session.end",
        "user.invite",
        "user.change",
    ]
    assert accounts.trail.page(lines[-2]["id"], 100) == lines[-1:]


def test_what_another_process_does_is_seen(open_accounts):
    server, command_line = open_accounts(), open_accounts()
    command_line.users.add("ada", "", True, BY)

    assert server.users.count() == 1


def test_the_first_admins_link_works_once_and_not_beside_other_accounts(accounts):
    code = accounts.codes.new_setup()
    assert accounts.codes.is_setup(code)
    assert not accounts.codes.is_setup(code + "x")
    newer = accounts.codes.new_setup()
    assert not accounts.codes.is_setup(code)  # a server that starts again prints another

    assert accounts.codes.use_setup(newer, "ada", "", "hash", "here") is not None
    assert accounts.codes.use_setup(newer, "eve", "", "hash", "here") is None
    assert accounts.codes.new_setup() is None
    assert [user.name for user in accounts.users.all()] == ["ada"]


def test_a_set_up_link_is_worth_nothing_once_there_is_an_account(accounts):
    code = accounts.codes.new_setup()
    accounts.users.add("ada", "", True, BY)

    assert not accounts.codes.is_setup(code)
    assert accounts.codes.use_setup(code, "eve", "", "hash", "here") is None


def test_an_invite_works_once_until_a_newer_one_and_not_for_a_disabled_account(accounts):
    accounts.users.add("rob", "", True, BY)
    max_ = accounts.users.add("max", "", False, BY)
    first, second = accounts.codes.new_invite(max_, BY), accounts.codes.new_invite(max_, BY)
    assert accounts.codes.invited(first) is None
    assert accounts.codes.invited(second) == max_.id
    assert accounts.codes.use_invite(second, "hash", "here") == max_.id
    assert accounts.codes.use_invite(second, "other", "here") is None
    third = accounts.codes.new_invite(max_, BY)
    accounts.users.change("max", {"disabled": True}, BY)

    assert accounts.codes.use_invite(third, "hash", "here") is None


def test_an_invite_is_not_a_set_up_link_nor_the_other_way_round(accounts):
    setup = accounts.codes.new_setup()
    assert accounts.codes.invited(setup) is None
    invite = accounts.codes.new_invite(accounts.users.add("ada", "", True, BY), BY)

    assert not accounts.codes.is_setup(invite)


def test_names_that_differ_in_case_only_are_one_person(accounts):
    accounts.users.add("Ada", "", True, BY)

    with pytest.raises(InvalidValue, match="already"):
        accounts.users.add("ADA", "", False, BY)
    assert accounts.users.get("ada").name == "Ada"


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "api", "x\n", "n" * 129])
def test_a_name_that_no_entity_may_have_is_refused(accounts, name):
    with pytest.raises(InvalidName):
        accounts.users.add(name, "", True, BY)


def test_nobody_can_leave_the_server_or_a_project_without_an_admin(accounts):
    ada, max_ = accounts.users.add("ada", "", True, BY), accounts.users.add("max", "", False, BY)
    accounts.projects.create("ada", "digits", max_.id, BY)
    for change in ({"is_admin": False}, {"disabled": True}):
        with pytest.raises(InvalidValue, match="only admin"):
            accounts.users.change("ada", change, BY)
    for role in (Role.MEMBER, None):
        with pytest.raises(InvalidValue, match="only admin"):
            accounts.projects.set_role("ada", "digits", max_, role, BY)

    accounts.projects.set_role("ada", "digits", ada, Role.ADMIN, BY)
    accounts.projects.set_role("ada", "digits", max_, None, BY)
    assert [row["user"] for row in accounts.projects.members("ada", "digits")] == ["ada"]


def test_what_a_key_may_be_is_bounded(accounts, monkeypatch):
    monkeypatch.setattr("treering.server.accounts.keys.USER_KEYS_MAX", 2)
    ada = accounts.users.add("ada", "", True, BY)
    for wrong in (
        {"scopes": ["everything"]},
        {"scopes": []},
        {"days": 0},
        {"days": KEY_DAYS_MAX + 1},
        {"projects": []},
        {"projects": [("a", "b")] * 101},
    ):
        with pytest.raises(InvalidValue):
            accounts.keys.create(ada, "x", BY, **wrong)
    with pytest.raises(InvalidName):
        accounts.keys.create(ada, "x", BY, projects=[("a/b", "c")])
    for _ in range(2):
        accounts.keys.create(ada, "x", BY)

    with pytest.raises(InvalidValue, match="Revoke one first"):
        accounts.keys.create(ada, "x", BY)
    assert USER_KEYS_MAX > 2


def test_a_key_or_user_that_is_not_there_is_said_to_be_so(accounts):
    with pytest.raises(KeyNotFound):
        accounts.keys.revoke("abcdefgh", BY)
    with pytest.raises(UserNotFound):
        accounts.users.get("nobody")


def test_a_password_has_a_least_and_a_greatest_length(accounts):
    for password in ("x" * (PASSWORD_MIN_CHARS - 1), "x" * 257, "\ud800" * 12):
        with pytest.raises(InvalidValue):
            check_password(password)
    assert check_password("пароль из слов") == "пароль из слов"


def test_a_hash_made_with_weaker_settings_is_made_again_at_the_next_sign_in(accounts):
    ada = accounts.users.add("ada", "", True, BY)
    weak = accounts.passwords.hash("correct horse battery")
    accounts.users.set_password(ada.id, weak, BY)

    from treering.server.accounts import Passwords

    assert not accounts.passwords.is_outdated(weak)
    assert Passwords().is_outdated(weak)
    accounts.users.rehash(ada.id, "not what is stored", "newer")
    assert accounts.users.password_of("ada")[1] == weak
    accounts.users.rehash(ada.id, weak, "newer")
    assert accounts.users.password_of("ada")[1] == "newer"


def test_the_table_for_single_sign_on_holds_one_person_for_one_number_of_one_issuer(accounts, path):
    ada = accounts.users.add("ada", "", True, BY)
    connection = sqlite3.connect(path)
    row = sa.insert(t.identities).values(issuer="https://a", sub="1", user_id=ada.id)
    statement = str(row.compile(compile_kwargs={"literal_binds": True}))
    connection.execute(statement)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()


def test_one_time_links_end_by_themselves(path):
    now_s = [1_000_000.0]
    accounts = Accounts(path, clock=lambda: now_s[0], passwords=cheap_passwords())
    try:
        setup = accounts.codes.new_setup()
        now_s[0] += SETUP_CODE_S - 1
        assert accounts.codes.is_setup(setup)
        now_s[0] += 1
        assert not accounts.codes.is_setup(setup)
        assert accounts.codes.use_setup(setup, "eve", "", "hash", "here") is None
        invite = accounts.codes.new_invite(accounts.users.add("ada", "", True, BY), BY)
        now_s[0] += INVITE_S - 1
        assert accounts.codes.invited(invite) is not None
        now_s[0] += 1
        assert accounts.codes.use_invite(invite, "hash", "here") is None
    finally:
        accounts.close()


def test_accounts_that_are_there_are_opened_without_writing_so_that_a_server_starts_on_a_full_disk(open_accounts, path):
    open_accounts().users.add("ada", "", True, BY)
    with closing(sqlite3.connect(path)) as other:
        before = other.execute("pragma data_version").fetchone()

        assert open_accounts().codes.new_setup() is None

        assert other.execute("pragma data_version").fetchone() == before


def test_a_full_disk_is_called_that_and_no_path_is_told(accounts, path):
    with accounts._database._engine.connect() as connection:
        connection.exec_driver_sql("pragma max_page_count = 1")  # SQLite: no more than there are now

    def add_many():
        for number in range(1_000):
            accounts.users.add(f"user{number}", "u" * 200, True, BY)

    with pytest.raises(StorageFull, match="disk that holds the accounts is full") as told:
        add_many()

    assert str(path) not in str(told.value)
