"""EXAM 12: to a member of one project, everything of another is what it would be if it had never existed."""

from __future__ import annotations

import functools
import hashlib
import json
import time

import pytest

from server.alert_samples import alerts_of
from server.sample_requests import ENDLESS, every_route, sample
from server.team import OURS, TEST, THEIRS, team
from treering.store.comments import Target
from treering.store.correction_rules import parse_rule

# What a reply might betray of their project: names, tags, config and metrics.
THEIR_FILE = hashlib.sha256(b"their bytes").hexdigest()
WORDS = (
    "their_file",
    THEIR_FILE,
    "their bytes",
    "bob",
    "letters",
    "their-run",
    "their-tag",
    "their_metric",
    "their-view",
    "their-rule",
    "their-alert",
    "their-channel",
    "their-secret",
    "their-report",
    "their words",
    "their-data",
    "their-entry",
    "their-model",
    "secret_of_theirs",
)

MISSING = {
    "entity": "nil",
    "project": "nothing",
    "run_key": "a" * 26,
    "run": "a" * 26,
    "user": "guest",
    "new": "guest",
    "key_id": "00000000",
    "session_id": "1" * 12,
    "share_id": "2" * 12,
    "view_id": "a" * 16,
    "correction_id": "b" * 16,
    "rule_id": "e" * 16,
    "channel_id": "f" * 16,
    "alert_id": "g" * 16,
    "report_id": "c" * 16,
    "comment_id": "d" * 16,
    "name": "none-such",
    "version": "v0",
    "record": "5" * 16,
    "model_id": "h" * 16,
    "number": "1",
    "segment": "3" * 32,
    "sha256": "4" * 64,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with team(tmp_path_factory.mktemp("team")) as made:
        made.user("guest")
        yield made


@pytest.fixture(scope="module")
def theirs(world):
    """Names of things that bob has and max may not see."""
    world.browser("bob")
    return {
        **MISSING,
        "entity": THEIRS[0],
        "project": THEIRS[1],
        "run_key": world.foreign_run,
        "run": world.foreign_run,
        "key_id": world.new_key("bob")[1],
        "session_id": world.accounts.sessions.of(world.user("bob").id)[0]["id"],
        "sha256": THEIR_FILE,
        "segment": next((world.data_dir / "runs" / world.foreign_run).glob("*.trl")).stem,
        "share_id": world.accounts.shares.create(world.user("bob").id, *THEIRS, None, 1, TEST)[1].id,
        "correction_id": world.server.app.api.state.store.corrections.create(
            *THEIRS, parse_rule({"kind": "hide", "keys": "their_metric"}), "bob"
        ).id,
        **alerts_of(world, *THEIRS, "bob"),
        "view_id": world.server.app.api.state.store.views.create(*THEIRS, "their-view", True, {}, "bob").id,
        "report_id": world.server.app.api.state.store.reports.create(
            *THEIRS, "their-report", "their words", "bob", published=True
        ).id,
        "name": "their-data",
        "model_id": world.server.app.api.state.store.artifacts.models.create(
            *THEIRS, "their-model", "", [], [], "bob"
        ).id,
        "comment_id": world.server.app.api.state.store.comments.create(
            *THEIRS, Target("panel", "their_metric"), "their words", "bob"
        ).id,
    }


# Appending to a segment that is held elsewhere is refused and to a new one is not: what gives it away is a random
# number of 128 bits, and who knows that has seen the segment.
APPEND = "POST /api/1/segments/{segment}"


@functools.cache
def programs(world):
    return [world.key("max"), world.key("max", "ingest"), world.share(), world.share(world.run)]


def callers(world):
    # A new browser each time, since one of the routes signs it out.
    return [world.browser("max"), *programs(world)]


def named(body: object, names: dict[str, str]) -> object:
    """Return a sample's body about another project."""
    if isinstance(body, bytes):
        return body
    text = json.dumps(body)
    return json.loads(
        text.replace(f'"{OURS[0]}"', f'"{names["entity"]}"').replace(f'"{OURS[1]}"', f'"{names["project"]}"')
    )


def test_every_route_answers_for_what_is_foreign_as_for_what_never_existed(world, theirs):
    compared = 0
    for route in every_route(world.server.app.api):
        if not route.split(" ")[1].startswith("/api/1/") or route.endswith(ENDLESS) or route == APPEND:
            continue
        for caller in callers(world):
            replies = []
            for names in (theirs, MISSING):
                method, address, body = sample(route, **names)
                address = address.replace(
                    "entity=ada&project=digits", f"entity={names['entity']}&project={names['project']}"
                )
                reply = caller.call(method, address.removeprefix("/api/1"), named(body, names))
                content = reply.body.decode()
                for kind in (
                    "run_key",
                    "key_id",
                    "session_id",
                    "share_id",
                    "view_id",
                    "correction_id",
                    "rule_id",
                    "channel_id",
                    "alert_id",
                    "report_id",
                    "comment_id",
                    "model_id",
                    "name",
                    "segment",
                    "sha256",
                    "entity",
                    "project",
                ):
                    content = content.replace(names[kind], f"<{kind}>")
                replies.append((reply.status, content, sorted(reply.headers)))
            if "{" in route or "entity" in str(sample(route, **MISSING)) or "runs" in route:
                assert replies[0] == replies[1], route
                compared += 1
    assert compared > 50


def test_nothing_that_one_may_ask_for_names_what_is_foreign(world):
    ours = {**MISSING, "entity": OURS[0], "project": OURS[1], "run_key": world.run, "run": world.run}
    for route in every_route(world.server.app.api):
        if not route.startswith(("GET /api/1/", "POST /api/1/runs", "POST /api/1/series")) or route.endswith(ENDLESS):
            continue
        for caller in callers(world):
            method, address, body = sample(route, **ours)
            reply = caller.call(method, address.removeprefix("/api/1"), body).body.decode()
            assert not [word for word in (*WORDS, world.foreign_run) if word in reply], route


def test_mixing_in_a_foreign_run_shows_nothing_of_it(world):
    max_ = world.browser("max")
    both = [world.run, world.foreign_run]
    neither = [world.run, "a" * 26]

    def series(runs: list[str]) -> tuple[int, str]:
        value = {"runs": runs, "groups": [{"id": "g", "runs": runs}], "keys": ["loss", "their_metric"]}
        reply = max_.call("POST", "/series?format=json", value)
        return reply.status, reply.body.decode().replace(runs[1], "<run>")

    compared = [max_.call("POST", "/runs/compare", {"runs": runs}) for runs in (both, neither)]

    assert series(both) == series(neither)
    assert [reply.status for reply in compared] == [404, 404]
    assert compared[0].body.replace(both[1].encode(), b"<run>") == compared[1].body.replace(
        neither[1].encode(), b"<run>"
    )


def test_searching_and_filtering_our_project_finds_nothing_of_theirs(world):
    query = {"entity": OURS[0], "project": OURS[1]}
    for more in ({"search": "their"}, {"search": ".", "regex": True}, {"filter": 'tag = "their-tag"'}, {"config": "*"}):
        reply = world.browser("max").call("POST", "/runs/query", {**query, **more})
        assert reply.status in (200, 400)
        assert not [word for word in (*WORDS, world.foreign_run) if word in reply.body.decode()]


def test_a_foreign_run_cannot_be_shared_and_a_foreign_project_neither(world):
    max_ = world.browser("max")
    asked = [
        {"run_key": world.foreign_run},
        {"run_key": "a" * 26},
        {"project": {"entity": THEIRS[0], "project": THEIRS[1]}},
        {"project": {"entity": "nil", "project": "nothing"}},
    ]

    assert [max_.call("POST", "/shares", body).status for body in asked] == [404] * 4
    assert world.browser("rob").call("POST", "/shares", asked[3]).status == 404  # not even by who may see everything


def test_a_link_shows_what_it_was_made_for_and_nothing_beside(world):
    link = world.share(world.run)

    assert link.call("GET", f"/runs/{world.run}").status == 200
    assert link.call("GET", f"/runs/{world.foreign_run}").status == 404
    assert link.call("GET", "/projects").json == {"projects": []}
    assert link.call("GET", "/projects/ada/digits").status == 404
    assert link.call("GET", "/session").json["user"] is None
    assert [row["project"] for row in world.share().call("GET", "/projects").json["projects"]] == ["digits"]


def test_a_link_dies_when_it_is_revoked_and_when_its_maker_may_not_see_the_run_any_more(world):
    max_ = world.browser("max")
    made = max_.call("POST", "/shares", {"run_key": world.run}).json
    page, _, secret = made["path"].partition("#share=")
    link = type(max_)(world.server, secret)

    assert page == f"r/{world.run}"
    assert link.call("GET", f"/runs/{world.run}").status == 200
    world.accounts.projects.set_role(*OURS, world.user("max"), None, TEST)
    assert link.call("GET", f"/runs/{world.run}").status == 401
    from treering.server.permissions import Role

    world.accounts.projects.set_role(*OURS, world.user("max"), Role.MEMBER, TEST)
    assert link.call("GET", f"/runs/{world.run}").status == 200
    assert world.browser("max").call("DELETE", f"/shares/{made['id']}").status == 200
    assert link.call("GET", f"/runs/{world.run}").status == 401


def test_where_the_server_keeps_its_data_is_told_to_who_runs_it_alone(world):
    told = [caller.call("GET", "/session").json for caller in callers(world)]

    assert {(session["data_dir"], session["hostname"]) for session in told} == {("", "")}
    assert world.browser("rob").call("GET", "/session").json["data_dir"] == str(world.data_dir)


def test_a_link_ends_on_its_day(tmp_path):
    ahead_s = [0.0]
    with team(tmp_path, clock=lambda: time.time() + ahead_s[0]) as world:
        link = world.share()
        ahead_s[0] = 30 * 86_400 - 60
        assert link.call("GET", f"/runs/{world.run}").status == 200
        ahead_s[0] = 30 * 86_400
        assert link.call("GET", f"/runs/{world.run}").status == 401


def test_visibility_opens_a_project_to_the_people_it_names(world):
    bob, max_ = world.browser("bob"), world.browser("max")
    path = f"/projects/{THEIRS[0]}/{THEIRS[1]}"
    assert max_.call("GET", path).status == 404
    assert bob.call("PATCH", f"{path}/visibility", {"visibility": "internal"}).status == 200

    assert max_.call("GET", path).status == 200
    assert max_.call("PATCH", f"/runs/{world.foreign_run}", {"name": "mine"}).status == 403
    assert world.nobody().call("GET", path).status == 401
    assert bob.call("PATCH", f"{path}/visibility", {"visibility": "public"}).status == 400
    assert bob.call("PATCH", f"{path}/visibility", {"visibility": "private"}).status == 200
    assert max_.call("GET", path).status == 404


def test_a_public_project_is_open_to_all_only_where_the_server_says_so(tmp_path):
    with team(tmp_path, public_is_open=True) as world:
        nobody = world.nobody()
        assert (
            world.browser("ada").call("PATCH", "/projects/ada/digits/visibility", {"visibility": "public"}).status
            == 200
        )

        assert [row["project"] for row in nobody.call("GET", "/projects").json["projects"]] == ["digits"]
        assert nobody.call("GET", f"/runs/{world.run}").status == 200
        assert nobody.call("GET", f"/runs/{world.foreign_run}").status == 404
        assert nobody.call("PATCH", f"/runs/{world.run}", {"name": "x"}).status == 401
        assert nobody.call("GET", "/me").status == 401
        assert nobody.call("GET", "/users").status == 401
        for wrong in ("Bearer trk_wrong", "Basic nonsense", "Bearer", "Digest x"):
            assert nobody.call("GET", "/projects", Authorization=wrong).status == 401
