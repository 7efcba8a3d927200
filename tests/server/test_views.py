"""Saved views over HTTP: who sees and changes which."""

from __future__ import annotations

import pytest

from .team import OURS, Team, team

HERE = f"/projects/{OURS[0]}/{OURS[1]}/views"


@pytest.fixture
def world(tmp_path):
    with team(tmp_path) as made:
        yield made


def saved(world: Team, who: str, name: str, *, shared: bool) -> dict:
    reply = world.browser(who).call("POST", HERE, {"name": name, "shared": shared, "spec": {"by": who}})
    assert reply.status == 200, reply.text
    return reply.json


def names(world: Team, who) -> list[str]:
    return [view["name"] for view in who.call("GET", HERE).json["views"]]


def test_everybody_saves_views_of_their_own_and_members_share_them(world: Team):
    saved(world, "vera", "vera's own", shared=False)
    saved(world, "max", "for all", shared=True)

    assert names(world, world.browser("vera")) == ["for all", "vera's own"]
    assert names(world, world.browser("max")) == ["for all"]
    assert names(world, world.share()) == ["for all"]
    refused = world.browser("vera").call("POST", HERE, {"name": "x", "shared": True, "spec": {}})
    assert (refused.status, refused.json["error"]["code"]) == (403, "forbidden")


def test_a_view_of_a_project_that_one_may_not_see_does_not_exist(world: Team):
    view = saved(world, "ada", "for all", shared=True)

    for who in (world.browser("bob"), world.share(world.run)):
        for method, path, body in (
            ("GET", f"/views/{view['id']}", None),
            ("GET", f"/views/{view['id']}/versions", None),
            ("PUT", f"/views/{view['id']}", {"version": 1, "name": "mine now"}),
            ("DELETE", f"/views/{view['id']}", None),
        ):
            assert who.call(method, path, body).status == 404
    assert world.browser("bob").call("GET", HERE).status == 404
    assert world.browser("bob").call("POST", HERE, {"name": "x", "spec": {}}).status == 404


def test_a_link_shows_views_and_changes_none(world: Team):
    view = saved(world, "ada", "for all", shared=True)
    link = world.share()

    read = link.call("GET", f"/views/{view['id']}")
    assert (read.status, read.json["spec"], read.json["may_edit"]) == (200, {"by": "ada"}, False)
    for method, path, body in (
        ("POST", HERE, {"name": "x", "spec": {}}),
        ("PUT", f"/views/{view['id']}", {"version": 1, "name": "mine now"}),
        ("DELETE", f"/views/{view['id']}", None),
    ):
        assert link.call(method, path, body).status == 403


def test_who_saw_an_older_version_is_told_and_overwrites_nothing(world: Team):
    view = saved(world, "ada", "for all", shared=True)
    first = world.browser("max").call("PUT", f"/views/{view['id']}", {"version": 1, "spec": {"by": "max"}})
    second = world.browser("ada").call("PUT", f"/views/{view['id']}", {"version": 1, "spec": {"by": "ada again"}})

    assert (first.status, first.json["version"]) == (200, 2)
    assert (second.status, second.json["error"]["code"]) == (409, "conflict")
    assert "max" in second.json["error"]["message"]
    assert world.browser("ada").call("GET", f"/views/{view['id']}").json["spec"] == {"by": "max"}
    assert world.browser("ada").call("GET", f"/views/{view['id']}?version=1").json["spec"] == {"by": "ada"}


def test_only_the_owner_of_an_entity_chooses_what_its_new_projects_begin_with(world: Team):
    view = saved(world, "max", "for all", shared=True)

    refused = world.browser("max").call("PUT", f"/views/{view['id']}", {"version": 1, "default": "entity"})
    assert refused.status == 403
    chosen = world.browser("ada").call("PUT", f"/views/{view['id']}", {"version": 1, "default": "entity"})
    assert (chosen.status, chosen.json["default"]) == (200, "entity")
    assert world.browser("vera").call("GET", HERE).json["default"]["id"] == view["id"]


def test_a_shared_view_is_deleted_by_who_made_it_or_an_admin(world: Team):
    view = saved(world, "ada", "for all", shared=True)

    assert world.browser("max").call("DELETE", f"/views/{view['id']}").status == 403
    assert world.browser("ada").call("DELETE", f"/views/{view['id']}").status == 200
    assert names(world, world.browser("ada")) == []


@pytest.mark.parametrize("spec", [None, [], "text", 3])
def test_a_spec_is_an_object(world: Team, spec):
    assert world.browser("ada").call("POST", HERE, {"name": "x", "spec": spec}).status == 422


def test_a_change_of_several_things_is_made_whole_or_not_at_all(world: Team):
    view = saved(world, "max", "for all", shared=True)
    path, who = f"/views/{view['id']}", world.browser("max")
    assert who.call("PUT", path, {"version": 7, "default": "project"}).status == 409
    assert who.call("PUT", path, {"version": 1, "default": "project"}).json["default"] == "project"

    both = who.call("PUT", path, {"version": 1, "name": "x", "shared": False, "default": "project"})
    assert (both.status, who.call("GET", path).json["version"]) == (400, 1)
    ended = who.call("PUT", path, {"version": 1, "shared": False, "default": "none"})
    assert (ended.status, ended.json["shared"], ended.json["default"]) == (200, False, None)


def test_nobody_makes_the_view_of_somebody_else_private(world: Team):
    view = saved(world, "max", "for all", shared=True)
    refused = world.browser("ada").call("PUT", f"/views/{view['id']}", {"version": 1, "shared": False})

    assert (refused.status, refused.json["error"]["code"]) == (403, "forbidden")
    assert world.browser("vera").call("GET", f"/views/{view['id']}").json["version"] == 1
