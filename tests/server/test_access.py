"""The one function that decides, and what asks it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from treering.errors import InvalidName, ProjectNotFound, RunNotFound
from treering.server.access import Access
from treering.server.accounts import Accounts
from treering.server.errors import ApiError
from treering.server.permissions import Action, Principal, Role, can, can_ever, visible_to

from .team import TEST, cheap_passwords

OURS = ("ada", "digits")
IN_A_PROJECT = (Action.READ, Action.INGEST, Action.WRITE, Action.ADMIN)


def with_role(role: Role | None, **more: object) -> Principal:
    return Principal("user", "s", "max", 2, roles={OURS: role} if role else {}, **more)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (None, []),
        (Role.VIEWER, [Action.READ]),
        (Role.MEMBER, [Action.READ, Action.INGEST, Action.WRITE]),
        (Role.ADMIN, list(IN_A_PROJECT)),
    ],
)
def test_a_role_may_do_what_it_says_in_its_project_and_nothing_in_another(role, allowed):
    principal = with_role(role)

    assert [action for action in IN_A_PROJECT if can(principal, action, *OURS)] == allowed
    assert [action for action in Action if can(principal, action, "bob", "letters")] == [
        Action.OPEN,
        Action.ENTER,
        Action.SELF,
    ]
    assert not can_ever(principal, Action.MANAGE)


def test_who_runs_the_server_may_do_everything_everywhere():
    assert all(can(Principal("user", "s", "rob", 1, is_admin=True), action, *OURS) for action in Action)


def test_a_key_may_do_no_more_than_its_owner_nor_than_it_was_made_for():
    scopes = frozenset({Action.READ, Action.ADMIN})
    for principal in (with_role(Role.VIEWER, scopes=scopes), with_role(Role.MEMBER, scopes=scopes)):
        assert [action for action in IN_A_PROJECT if can(principal, action, *OURS)] == [Action.READ]
    elsewhere = with_role(Role.ADMIN, only=frozenset({("ada", "other")}))

    assert [action for action in IN_A_PROJECT if can(elsewhere, action, *OURS)] == []
    admins = Principal("key", "k", "rob", 1, True, frozenset({Action.READ}), frozenset({OURS}))
    assert can(admins, Action.READ, *OURS)
    assert not can(admins, Action.READ, "bob", "letters")
    assert visible_to(admins) == {OURS}
    assert not can_ever(admins, Action.MANAGE)


def test_a_key_or_link_never_acts_as_the_person():
    for kind in ("key", "share", "anyone"):
        assert not can_ever(Principal(kind, "x"), Action.SELF)


def test_without_accounts_the_folders_owner_sees_and_edits_all():
    for kind in ("folder", "session"):
        principal = Principal(kind, "x")
        assert visible_to(principal) is None
        assert all(can(principal, action, *OURS) for action in IN_A_PROJECT)
    assert can_ever(Principal("folder", "x"), Action.MANAGE)
    assert not can_ever(Principal("session", "x"), Action.MANAGE)


class Places:
    """The part of a store that access asks: one run of ours, one of another project."""

    runs: ClassVar = {"a" * 26: OURS, "b" * 26: ("bob", "letters")}

    def origin(self, run_key: str) -> None:
        return None

    def locate(self, run_key: str) -> tuple[str, str]:
        if run_key not in self.runs:
            raise RunNotFound("no such run")
        return self.runs[run_key]

    def has_project(self, entity: str, project: str) -> bool:
        return (entity, project) in self.runs.values()


@pytest.fixture
def accounts(tmp_path):
    made = Accounts(tmp_path / "accounts.db", passwords=cheap_passwords())
    for name in ("rob", "ada", "max"):
        made.users.add(name, "", name == "rob", TEST)
    yield made
    made.close()


def access(accounts: Accounts, name: str, *scopes: str, **options: object) -> Access:
    key, _ = accounts.keys.create(accounts.users.get(name), "k", TEST, scopes or ("ingest", "read", "write"), **options)
    return Access(accounts.authenticate(key), Places(), accounts)


def refusal(call, *arguments) -> tuple[str, str]:
    with pytest.raises((ApiError, RunNotFound, ProjectNotFound)) as caught:
        call(*arguments)
    return type(caught.value).__name__, str(getattr(caught.value, "message", caught.value))


def test_a_foreign_run_or_project_is_refused_in_the_words_for_a_missing_one(accounts):
    mine = access(accounts, "max")

    assert (
        refusal(mine.require_run, "b" * 26, Action.READ)[1].replace("b" * 26, "c" * 26)
        == (refusal(mine.require_run, "c" * 26, Action.READ)[1])
    )
    assert refusal(mine.require_project, "bob", "letters", Action.READ)[0] == "ProjectNotFound"
    assert refusal(mine.require_run, "../x", Action.READ)[0] == "RunNotFound"


def test_what_may_be_read_but_not_done_is_a_403_that_says_so(accounts):
    accounts.projects.set_role(*OURS, accounts.users.get("max"), Role.VIEWER, TEST)
    mine = access(accounts, "max")
    mine.require_run("a" * 26, Action.READ)

    assert refusal(mine.require_run, "a" * 26, Action.WRITE) == (
        "ApiError",
        "You may look at this run, but not change it.",
    )
    assert refusal(mine.require_project, *OURS, Action.INGEST)[0] == "ApiError"
    assert mine.readable(["a" * 26, "b" * 26, "c" * 26]) == ["a" * 26]


def test_the_first_run_of_a_project_makes_it_with_its_owner_as_admin(accounts):
    first = access(accounts, "max", "ingest")
    first.require_ingest("lab", "new")

    assert accounts.projects.members("lab", "new") == [{"user": "max", "display_name": "max", "role": "admin"}]
    assert first.may(Action.INGEST, "lab", "new")
    assert refusal(access(accounts, "ada").require_ingest, "lab", "new")[0] == "ProjectNotFound"


def test_ranks_that_start_together_all_get_in(accounts):
    ranks = [access(accounts, "max", "ingest") for _ in range(8)]  # all let in before the project is there
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda rank: rank.require_ingest("lab", "new"), ranks))

    assert len(accounts.projects.members("lab", "new")) == 1


def test_nobody_files_runs_under_another_users_name_or_into_a_project_that_is_not_theirs(accounts):
    mine = access(accounts, "max")

    assert refusal(mine.require_ingest, "ada", "new") == ("ApiError", "The entity 'ada' belongs to another user.")
    assert refusal(mine.require_ingest, "ADA", "new")[0] == "ApiError"
    assert refusal(mine.require_ingest, "bob", "letters")[0] == "ProjectNotFound"
    with pytest.raises(InvalidName):
        mine.require_ingest("a/b", "new")
    mine.require_ingest("max", "new")


def test_a_key_makes_no_project_beyond_those_it_is_for(accounts):
    mine = access(accounts, "max", projects=[("lab", "one")])

    assert refusal(mine.require_ingest, "lab", "two")[0] == "ProjectNotFound"
    assert not accounts.has_project("lab", "two")
    mine.require_ingest("lab", "one")
    assert refusal(access(accounts, "max", "read").require_ingest, "lab", "one")[0] == "ApiError"


def test_who_runs_the_server_is_a_member_of_what_they_begin(accounts):
    access(accounts, "rob").require_ingest("lab", "new")

    assert [row["user"] for row in accounts.projects.members("lab", "new")] == ["rob"]


def test_the_author_of_an_edit_is_the_keys_owner(accounts):
    assert access(accounts, "max").author == "max"


def test_a_chart_of_ten_thousand_runs_asks_for_each_run_once_and_for_nothing_else(accounts):
    roles = {("lab", f"project-{n}"): Role.VIEWER for n in range(5_000)}
    keys = [f"{'a' * 20}{n:06d}".translate(str.maketrans("0189", "bcde")) for n in range(10_000)]
    asked = []

    class Counting(Places):
        def origin(self, run_key: str) -> None:
            return None

        def locate(self, run_key: str) -> tuple[str, str]:
            asked.append(run_key)
            return OURS

    mine = Access(Principal("user", "s", "max", 2, roles={**roles, OURS: Role.VIEWER}), Counting())

    assert mine.readable(keys) == keys
    assert asked == keys
