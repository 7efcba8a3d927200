"""Many runs in one request: who may, and what happens to each."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from treering.ids import run_key
from treering.runlog import records

from .run_logs import open_run, write_run
from .team import OURS, THEIRS, Caller, Team, team

HERE = {"entity": OURS[0], "project": OURS[1]}


@pytest.fixture
def world(tmp_path):
    with team(tmp_path) as made:
        yield made


def edit(who, **body):
    return who.call("POST", "/runs/edit", {**HERE, **body})


def place(world: Team, key: str) -> str:
    run = world.browser("rob").call("GET", f"/runs/{key}").json
    return f"{run['entity']}/{run['project']}"


def test_a_member_changes_runs_and_a_viewer_does_not(world: Team):
    done = edit(world.browser("max"), runs=[world.run], changes={"notes": "seen"}, add_tags=["good"])

    assert (done.status, done.json) == (200, {"changed": 1, "refused": []})
    run = world.browser("vera").call("GET", f"/runs/{world.run}").json
    assert (run["notes"], run["tags"]) == ("seen", ["good"])
    assert edit(world.browser("vera"), runs=[world.run], changes={"notes": "x"}).status == 403
    assert edit(world.share(), runs=[world.run], changes={"notes": "x"}).status == 403
    assert edit(world.browser("bob"), runs=[world.run], changes={"notes": "x"}).status == 404


def test_a_run_of_another_project_is_as_one_that_never_was(world: Team):
    for key in (world.foreign_run, "q" * 26):
        reply = edit(world.browser("max"), runs=[world.run, key], add_tags=["x"])
        assert reply.json == {"changed": 1, "refused": [{"run_key": key, "reason": "there is no such run here"}]}


def test_all_that_match_a_filter_are_meant(world: Team):
    done = edit(world.browser("max"), filter="config.secret_of_ours = 1", changes={"archived": True})
    assert done.json["changed"] == 1
    assert edit(world.browser("max"), filter="config.none = 1", changes={"archived": True}).json["changed"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"changes": {"archived": True}},  # of which runs?
        {"filter": " \n", "changes": {"archived": True}},
        {"search": " ", "changes": {"archived": True}},
        {"filter": "name = 'a1'"},  # what is to be done?
        {"filter": "name = 'a1'", "purge": True, "add_tags": ["x"]},
        {"filter": "name is is", "purge": True},
        {
            "filter": "name = 'a1'",
            "move_to": {"entity": "a", "project": "b"},
            "copy_to": {"entity": "a", "project": "b"},
        },
    ],
)
def test_what_is_not_said_or_said_twice_is_refused(world: Team, body):
    assert edit(world.browser("ada"), **body).status == 400


def test_a_move_needs_the_right_to_write_here_and_there(world: Team):
    there = {"entity": "ada", "project": "archive"}
    assert edit(world.browser("vera"), runs=[world.run], move_to=there).status == 403
    to_bob = {"entity": THEIRS[0], "project": THEIRS[1]}
    assert edit(world.browser("max"), runs=[world.run], move_to=to_bob).status == 404
    assert place(world, world.run) == "ada/digits"

    assert edit(world.browser("ada"), runs=[world.run], move_to=there).json == {"changed": 1, "refused": []}

    assert place(world, world.run) == "ada/archive"
    assert world.browser("vera").call("GET", f"/runs/{world.run}").status == 404
    assert world.browser("ada").call("GET", f"/runs/{world.run}").status == 200


def test_a_copy_needs_the_right_to_write_here_and_there(world: Team):
    there = {"entity": "ada", "project": "archive"}
    assert edit(world.browser("vera"), runs=[world.run], copy_to=there).status == 403
    to_bob = {"entity": THEIRS[0], "project": THEIRS[1]}
    assert edit(world.browser("max"), runs=[world.run], copy_to=to_bob).status == 404

    assert edit(world.browser("ada"), runs=[world.run], copy_to=there).json == {"changed": 1, "refused": []}

    (copy,) = world.browser("ada").call("POST", "/runs/query", there).json["runs"]
    assert copy["run_key"] != world.run
    assert world.browser("ada").call("GET", f"/runs/{world.run}").json["project"] == "digits"
    assert world.browser("vera").call("GET", f"/runs/{copy['run_key']}").status == 404
    again = edit(world.browser("ada"), runs=[world.run], copy_to=there).json
    assert (again["changed"], [row["run_key"] for row in again["refused"]]) == (0, [world.run])


def test_a_copy_does_not_name_the_project_that_it_came_from(world: Team):
    there = {"entity": THEIRS[0], "project": THEIRS[1]}
    body = {**there, "runs": [world.foreign_run], "copy_to": HERE}
    owner = Caller(world.server, world.server.token)
    assert owner.call("POST", "/runs/edit", body).json == {"changed": 1, "refused": []}
    runs = owner.call("POST", "/runs/query", HERE).json["runs"]
    (copy,) = [row["run_key"] for row in runs if row["run_key"] != world.run]

    assert owner.call("GET", f"/runs/{copy}").json["meta"]["copied_from"]["run_key"] == world.foreign_run
    for who in (world.browser("vera"), world.share(copy), world.share()):
        reply = who.call("GET", f"/runs/{copy}")
        assert reply.status == 200
        assert THEIRS[1] not in reply.body.decode()
        assert who.call("GET", f"/runs/{world.foreign_run}").status == 404


def test_those_that_run_are_asked_to_stop_and_the_others_say_that_they_do_not_run(world: Team):
    refused = edit(world.browser("ada"), runs=[world.run], stop=True).json
    assert refused == {"changed": 0, "refused": [{"run_key": world.run, "reason": "it does not run"}]}
    assert edit(world.browser("vera"), runs=[world.run], stop=True).status == 403


def test_only_an_admin_removes_for_good_and_only_from_the_bin(world: Team):
    admin, member = world.browser("ada"), world.browser("max")
    assert edit(member, runs=[world.run], purge=True).status == 403
    refused = edit(admin, runs=[world.run], purge=True).json
    assert refused["changed"] == 0
    edit(member, runs=[world.run], changes={"deleted": True})
    listed = member.call("POST", "/runs/query", {**HERE, "deleted": True}).json["runs"]
    assert [row["run_key"] for row in listed] == [world.run]

    assert edit(admin, runs=[world.run], deleted=True, purge=True).json == {"changed": 1, "refused": []}

    assert member.call("POST", "/runs/query", {**HERE, "deleted": True}).json["runs"] == []
    assert not (world.data_dir / "runs" / world.run).exists()


def test_what_was_removed_for_good_is_not_taken_again(world: Team, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    key = write_run(elsewhere, "shipped", [{"loss": 1.0}], entity=OURS[0], project=OURS[1])
    (path,) = (elsewhere / "runs" / key).glob("*.trl")
    body = path.read_bytes().rstrip(b"\0")
    sender, admin = world.key("max"), world.browser("ada")
    assert sender.call("POST", f"/segments/{path.stem}?offset=0&prev=0", body).status == 200
    world.server.app.api.state.store.ingest_now()
    edit(admin, runs=[key], changes={"deleted": True})
    assert edit(admin, runs=[key], deleted=True, purge=True).json["changed"] == 1

    again = sender.call("POST", f"/segments/{path.stem}?offset=0&prev=0", body)

    assert (again.status, again.json["error"]["code"]) == (410, "purged")
    assert not (world.data_dir / "runs" / key).exists()
    other = write_run(elsewhere, "shipped", [{"loss": 2.0}], entity=OURS[0], project=OURS[1])
    segment = next(p for p in (elsewhere / "runs" / other).glob("*.trl") if p != path)
    body = segment.read_bytes().rstrip(b"\0")
    assert sender.call("POST", f"/segments/{segment.stem}?offset=0&prev=0", body).status == 410


def test_a_filter_is_told_in_both_forms(world: Team):
    tree = world.browser("vera").call("POST", "/filter", {"text": "config.lr>0.1 and not (name ~ 'x' or tags has 'y')"})
    assert tree.status == 200
    back = world.browser("vera").call("POST", "/filter", {"tree": tree.json["tree"]})

    assert back.json == tree.json
    wrong = world.browser("vera").call("POST", "/filter", {"text": "config.lr >"})
    assert (wrong.status, wrong.json["error"]["position"]) == (400, 11)
    assert world.browser("vera").call("POST", "/filter", {}).status == 400


def test_a_link_to_a_run_does_not_follow_it_into_a_project_where_nobody_can_revoke_it(world: Team):
    link, admin = world.share(world.run), world.browser("ada")
    assert link.call("GET", f"/runs/{world.run}").status == 200

    edit(admin, runs=[world.run], move_to={"entity": "ada", "project": "private"})
    assert link.call("GET", f"/runs/{world.run}").status == 404
    assert link.call("POST", "/runs/changed", {"run": world.run}).status == 404
    private = {"entity": "ada", "project": "private"}
    admin.call("POST", "/runs/edit", {**private, "runs": [world.run], "move_to": HERE})
    assert link.call("GET", f"/runs/{world.run}").status == 200


def test_a_link_to_a_fork_says_nothing_of_the_run_that_it_was_forked_from(world: Team):
    log = open_run(world.data_dir, "child", entity=OURS[0], project=OURS[1], name="child")
    log.append(records.FORK, [time.time_ns(), {"parent_key": world.run, "parent_id": "a1", "step": 0}])
    log.append(records.ROW, [1, time.time_ns(), {"loss": 0.25}])
    log.close()
    world.server.store.ingest_now()
    key = run_key(*OURS, "child")
    member, link = world.browser("vera"), world.share(key)
    assert member.call("GET", f"/runs/{key}").json["fork_of"]["run_key"] == world.run

    reply = link.call("GET", f"/runs/{key}")
    assert (reply.status, reply.json["fork_of"], reply.json["forks"]) == (200, None, [])
    assert world.run not in reply.body.decode()
    points = link.call("POST", "/processes/series?format=json", {"run": key, "keys": ["loss"], "form": "each"})
    assert [line["y"] for line in points.json["series"]] == [[0.5, 0.25]]
    group = {"entity": OURS[0], "project": OURS[1], "group": "g"}
    for where in ({"run": world.run}, {"run": world.foreign_run}, {"run": "a" * 26}, group):
        assert link.call("POST", "/processes", where).status == 404
        assert link.call("POST", "/processes/console", {**where, "processes": [key]}).status == 404


def test_a_training_goes_on_after_its_run_was_moved_to_where_its_key_may_not_go(world: Team, tmp_path: Path):
    key = write_run(tmp_path / "elsewhere", "shipped", [{"loss": 1.0}] * 50, entity=OURS[0], project=OURS[1])
    (path,) = (tmp_path / "elsewhere" / "runs" / key).glob("*.trl")
    body = path.read_bytes().rstrip(b"\0")
    sender, admin = world.key("max", "ingest", projects=[OURS]), world.browser("ada")
    store = world.server.app.api.state.store
    begun = len(body) // 2
    first = sender.call("POST", f"/segments/{path.stem}?offset=0&prev=0", body[:begun])
    held = (first.json if first.status == 200 else first.json["held"])["length"]
    store.ingest_now()
    moved = edit(admin, runs=[key], move_to={"entity": "ada", "project": "private"})
    assert moved.json["changed"] == 1

    asked = sender.call("POST", "/segments/query", {"segments": [path.stem]}).json["segments"][path.stem]
    assert asked["length"] == held
    rest = sender.call("POST", f"/segments/{path.stem}?offset={held}&prev={asked['chain']}", body[held:])
    assert rest.status == 200
    assert sender.call("POST", f"/runs/{key}/blobs/query", {"sha256": []}).status == 200
    store.ingest_now()
    run = admin.call("GET", f"/runs/{key}").json
    assert (run["project"], run["keys"][0]["n"]) == ("private", 50)
    assert world.key("max", "read").call("GET", f"/runs/{key}").status == 404
    assert world.key("bob").call("POST", f"/segments/{path.stem}?offset=0&prev=0", body).status == 404
