"""Corrections over HTTP: who sees, tries and makes which, and what everybody is shown then."""

from __future__ import annotations

import pytest

from .team import OURS, Team, team

HERE = f"/projects/{OURS[0]}/{OURS[1]}/corrections"
TIMES_100 = {"kind": "rescale", "key": "loss", "factor": 100.0, "unit": "%"}


@pytest.fixture
def world(tmp_path):
    with team(tmp_path) as made:
        yield made


def made(world: Team, who: str, rule: dict, **more) -> dict:
    reply = world.browser(who).call("POST", HERE, {"rule": rule, **more})
    assert reply.status == 200, reply.text
    return reply.json


def last_loss(world: Team, who, query: str = "") -> float:
    reply = who.call("POST", f"/series?format=json{query}", {"runs": [world.run], "keys": ["loss"]})
    return reply.json["series"][0]["y"][-1]


def test_what_a_member_corrects_everybody_sees_and_a_viewer_cannot_change(world: Team):
    logged = last_loss(world, world.browser("vera"))
    row = made(world, "max", TIMES_100, note="a share")

    assert (row["text"], row["created_by"], row["keys"], row["version"]) == ("×100 %", "max", ["loss"], 1)
    for who in (world.browser("vera"), world.share(), world.share(world.run)):
        assert last_loss(world, who) == pytest.approx(logged * 100)
        assert last_loss(world, who, "&raw=true") == logged
    listed = world.browser("vera").call("GET", HERE).json
    assert (listed["may_edit"], listed["corrections"][0]["may_edit"]) == (False, False)
    for method, path, body in (
        ("POST", HERE, {"rule": TIMES_100}),
        ("PUT", f"/corrections/{row['id']}", {"version": 1, "enabled": False}),
        ("DELETE", f"/corrections/{row['id']}", None),
    ):
        for who in (world.browser("vera"), world.share()):
            assert who.call(method, path, body).status == 403
    assert world.browser("vera").call("POST", f"{HERE}/preview", {"rule": TIMES_100}).json["points"] > 0


def test_those_of_a_project_that_one_may_not_see_do_not_exist(world: Team):
    row = made(world, "max", TIMES_100)

    for who in (world.browser("bob"), world.share(world.run)):
        for method, path, body in (
            ("GET", f"/corrections/{row['id']}/versions", None),
            ("PUT", f"/corrections/{row['id']}", {"version": 1, "note": "mine"}),
            ("DELETE", f"/corrections/{row['id']}", None),
            ("GET", HERE, None),
        ):
            assert who.call(method, path, body).status in (403, 404)
            assert b"loss" not in who.call(method, path, body).body
    cut = {"kind": "cut", "key": "loss", "steps": [0, 1], "runs": [world.foreign_run]}
    assert world.browser("max").call("POST", HERE, {"rule": cut}).status == 404
    assert world.browser("max").call("POST", f"{HERE}/preview", {"rule": cut}).status == 404


def test_a_correction_is_turned_off_changed_and_deleted_and_the_trail_says_who_did(world: Team):
    logged = last_loss(world, world.browser("vera"))
    row = made(world, "max", TIMES_100)
    path = f"/corrections/{row['id']}"
    off = world.browser("ada").call("PUT", path, {"version": 1, "enabled": False})
    stale = world.browser("max").call("PUT", path, {"version": 1, "note": "x"})

    assert (off.status, off.json["enabled"], off.json["changed_by"]) == (200, False, "ada")
    assert (stale.status, stale.json["error"]["code"]) == (409, "conflict")
    assert last_loss(world, world.browser("vera")) == logged
    versions = world.browser("vera").call("GET", f"{path}/versions").json["versions"]
    assert [(one["version"], one["author"], one["enabled"]) for one in versions] == [
        (2, "ada", False),
        (1, "max", True),
    ]
    assert world.browser("max").call("DELETE", path).status == 200
    assert world.browser("vera").call("GET", HERE).json["corrections"] == []
    lines = [line for line in world.accounts.trail.page(None, 20) if line["action"].startswith("correction")]
    assert [(line["actor"], line["action"]) for line in lines] == [
        ("max", "correction.delete"),
        ("ada", "correction.off"),
        ("max", "correction.create"),
    ]
    assert "×100 %" in lines[0]["subject"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"kind": "cut", "key": "loss"}, "a cut needs steps, times, below or above"),
        ({"kind": "rename", "from": "loss"}, "missing required field `to`"),
        ({"kind": "merge", "from": ["loss"], "into": "x"}, "rename it"),
        ({"kind": "rescale", "key": "loss", "factor": 0}, "factor is a number"),
    ],
)
def test_what_is_no_correction_is_said_so(world: Team, rule: dict, said: str):
    for path in (HERE, f"{HERE}/preview"):
        reply = world.browser("max").call("POST", path, {"rule": rule})
        assert reply.status == 400
        assert said in reply.json["error"]["message"]
