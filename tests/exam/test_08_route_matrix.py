"""
EXAM 8: every route of the API, asked by every kind of caller, answers as ``route_matrix.txt`` says.

A route that is not in the table fails here, and one that declares no permission keeps the server from starting.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

import treering.server.app as app_module
from server.alert_samples import alerts_of
from server.run_logs import write_run
from server.sample_requests import ENDLESS, OUR_RECORD, TABLE_SHA256, every_route, sample
from server.team import OURS, TEST, Caller, Team, team
from treering.server.accounts.guessing import Attempts
from treering.server.app import create_app
from treering.server.context import new_router
from treering.server.permissions import Role
from treering.server.settings import Settings
from treering.store.comments import Target
from treering.store.correction_rules import parse_rule

TABLE = Path(__file__).parent / "route_matrix.txt"


def anonymous(world: Team) -> Caller:
    return world.nobody()


def viewer(world: Team) -> Caller:
    return world.browser("vera")


def member(world: Team) -> Caller:
    return world.browser("max")


def admin(world: Team) -> Caller:
    return world.browser("ada")


def foreign(world: Team) -> Caller:
    return world.browser("bob")


@functools.cache  # a user may have a hundred keys, and no more
def ingest_key(world: Team) -> Caller:
    return world.key("max", "ingest")


@functools.cache
def key(world: Team) -> Caller:
    return world.key("max")


def share(world: Team) -> Caller:
    return world.share()


def run_share(world: Team) -> Caller:
    return world.share(world.run)


def revoked_key(world: Team) -> Caller:
    secret, key_id = world.new_key("ada", "ingest", "read", "write", "admin")
    world.accounts.keys.revoke(key_id, TEST)
    return Caller(world.server, secret)


def operator(world: Team) -> Caller:
    return world.browser("rob")


CALLERS: list[Callable[[Team], Caller]] = [
    anonymous,
    viewer,
    member,
    admin,
    foreign,
    ingest_key,
    key,
    share,
    run_share,
    revoked_key,
    operator,
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with team(tmp_path_factory.mktemp("team")) as made:
        made.elsewhere = tmp_path_factory.mktemp("elsewhere") / "runs" / "none"
        yield made


def names(world: Team, route: str, count: int) -> dict[str, str]:
    """Return what a route's placeholders stand for: things of our project, and a key, a session and a link of max."""
    found = {"entity": OURS[0], "project": OURS[1], "run_key": world.run, "run": world.run}
    found |= {"user": "guest", "new": f"new-{count}"}
    world.accounts.projects.set_role(*OURS, world.user("guest"), Role.VIEWER, TEST)
    found["segment"], found["sha256"] = "0" * 32, TABLE_SHA256
    if "{segment}" in route:  # the first of a run that was written on another machine
        key = write_run(world.elsewhere.parents[1], f"run-{count}", entity=OURS[0], project=OURS[1])
        world.elsewhere = world.elsewhere.parent / key
        found["segment"] = next(world.elsewhere.glob("*.trl")).stem
    if "{key_id}" in route:
        found["key_id"] = world.new_key("max")[1]
    if "{session_id}" in route:
        world.browser("max")
        found["session_id"] = world.accounts.sessions.of(world.user("max").id)[0]["id"]
    if "{share_id}" in route:
        found["share_id"] = world.accounts.shares.create(world.user("max").id, *OURS, None, 1, TEST)[1].id
    if "{correction_id}" in route:
        corrections = world.server.app.api.state.store.corrections
        rule = parse_rule({"kind": "hide", "keys": f"nothing {count}"})
        found["correction_id"] = corrections.create(*OURS, rule, "max").id
    store = world.server.app.api.state.store
    if store.locks.is_locked(world.run):
        store.locks.unlock(world.run, "max")
    if route == "DELETE /api/1/runs/{run_key}/lock":
        store.lock_run(world.run, "max")
    if "alert" in route:
        found |= alerts_of(world, *OURS, "max", count)
    if "{report_id}" in route:
        reports = world.server.app.api.state.store.reports
        report = reports.create(*OURS, f"report {count}", "# {{ n(loss) }}", "max", published=True)
        if route.endswith(("/frozen", "/changes")):
            reports.freeze(report.id, "max", 1, lambda entity, project: True)
        found["report_id"] = report.id
    if "{comment_id}" in route:
        about = Target("panel", "loss")
        found["comment_id"] = world.server.app.api.state.store.comments.create(*OURS, about, "a comment", "max").id
    if "/artifacts" in route or "/models" in route:
        found |= {"name": "data", "version": "v0", "record": OUR_RECORD}
    if "{model_id}" in route:
        artifacts = world.server.app.api.state.store.artifacts
        model = artifacts.models.create(*OURS, f"model {count}", "", [], [], "max")
        if "{number}" in route or route.endswith("/promotions"):
            artifacts.models.link(model.id, *artifacts.find((*OURS, "data"), "v0"), "", "max")
        found |= {"model_id": model.id, "number": "1"}
    if "{view_id}" in route:
        views = world.server.app.api.state.store.views
        found["view_id"] = views.create(*OURS, f"view {count}", True, {}, "max").id
    return found


def ask(world: Team, who: Callable[[Team], Caller], route: str, count: int) -> int:
    world.accounts.attempts = Attempts()  # one caller's wrong password must not stand in the next one's way
    method, address, body = sample(route, **(about := names(world, route, count)))
    if body == b"":
        body = (world.elsewhere / f"{about['segment']}.trl").read_bytes()
    return who(world).request(method, address, body).status


@contextmanager
def asked_in_a_loop() -> Iterator[list[str]]:
    """Give what databases are asked meanwhile by a thread with an event loop: everybody waits for such an answer."""
    found: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        found.append(" ".join(statement.split())[:200])

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def read_table() -> dict[str, list[int]]:
    lines = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    header, *rows = [line.split() for line in lines]
    assert header == ["METHOD", "ROUTE", *(who.__name__ for who in CALLERS)]
    return {f"{row[0]} {row[1]}": [int(status) for status in row[2:]] for row in rows}


def routes_that_end(world: Team) -> list[str]:
    return [route for route in every_route(world.server.app.api) if not route.endswith(ENDLESS)]


def test_every_route_answers_every_kind_of_caller_as_the_committed_table_says(world):
    expected = read_table()
    assert sorted(expected) == routes_that_end(world), "the table and the application have different routes"
    wrong = []
    for number, route in enumerate(routes_that_end(world)):
        with asked_in_a_loop() as waited_for:
            asked = [ask(world, who, route, number * len(CALLERS) + i) for i, who in enumerate(CALLERS)]
        if asked != expected[route]:
            wrong.append(f"{route:70} {' '.join(map(str, asked))}   (the table has {expected[route]})")
        wrong += [f"{route:70} asks in the event loop: {statement}" for statement in waited_for]

    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("who", [anonymous, foreign, ingest_key, run_share, revoked_key], ids=lambda who: who.__name__)
def test_the_stream_of_a_project_is_not_for_strangers(world, who):
    reply = who(world).call("GET", "/live?entity=ada&project=digits")

    assert reply.status == {anonymous: 401, revoked_key: 401, ingest_key: 403}.get(who, 404)


def test_a_server_with_a_route_that_declares_no_permission_does_not_start(tmp_path, monkeypatch):
    router = new_router("test")
    router.get("/forgotten")(lambda: None)
    monkeypatch.setattr(app_module, "ROUTERS", (*app_module.ROUTERS, router))

    with pytest.raises(RuntimeError, match="/api/1/forgotten declares no permission"):
        create_app(None, Settings(tmp_path))


@pytest.mark.parametrize("name", ["max", "rob"])
def test_whoever_sends_the_first_run_of_a_project_is_its_admin(world, tmp_path, name):
    run = write_run(tmp_path, "first", entity="lab", project=f"of-{name}")
    segment = next((tmp_path / "runs" / run).glob("*.trl"))
    sent = world.key(name, "ingest").call("POST", f"/segments/{segment.stem}?offset=0&prev=0", segment.read_bytes())

    assert sent.status == 200
    members = world.browser(name).call("GET", f"/projects/lab/of-{name}/members").json["members"]
    assert [(row["user"], row["role"]) for row in members] == [(name, "admin")]
