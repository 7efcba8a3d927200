"""The API of artifacts: who may do what, what edits say, and what is not told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pydantic
import pytest

from treering.runlog.artifact_manifest import Manifest
from treering.server import artifact_schema, model_schema

from .run_logs import log_artifact, open_run
from .sample_requests import OUR_DATA, OUR_RECORD, TABLE_FILE, TABLE_SHA256
from .team import OURS, THEIRS, Team, team

HERE = "/projects/ada/digits/artifacts"
V0 = f"{HERE}/data/versions/v0"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder: Path = tmp_path_factory.mktemp("team")
    life = open_run(folder, "more", entity=OURS[0], project=OURS[1])
    tree = {"train/a b#?.png": b"1", "train/deep/é": b"22", "README": b"read"}
    log_artifact(life, folder, "tree", tree, metadata={"rows": 1, "nested": {"x": 1.0}})
    log_artifact(life, folder, "tree", {**tree, "README": b"read me", "new": b""}, metadata={"rows": 2, "nested": {}})
    life.append(*_use(THEIRS, "their-data"))
    life.append(*_use(OURS, "data"))
    life.close()
    with team(folder) as made:
        yield made


def _use(place: tuple[str, str], name: str) -> tuple[int, list[Any]]:
    from treering.runlog import records

    body = {"entity": place[0], "project": place[1], "name": name, "type": "dataset", "version": 0, "digest": ""}
    return records.USE, [1_700_000_000_000_000_000, body]


def as_said(model: type[pydantic.BaseModel], value: Any) -> None:
    """Hold a reply against its model, where a field that nobody describes is a mistake."""
    strict = pydantic.create_model("Strict", __base__=model)
    strict.model_config["extra"] = "forbid"
    strict.model_rebuild(force=True)
    strict.model_validate(value)


def ask(world: Team, who: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    reply = world.browser(who).call(method, path, body)
    assert reply.status == status, reply.body
    return reply.json


def test_replies_are_what_the_schema_says(world: Team) -> None:
    schema = artifact_schema
    run = ask(world, "vera", "GET", f"{HERE}/tree")["version_rows"][0]["run"]["run_key"]
    as_said(schema.Artifacts, ask(world, "vera", "GET", HERE))
    as_said(schema.CollectionReply, ask(world, "vera", "GET", f"{HERE}/tree"))
    as_said(schema.VersionReply, ask(world, "vera", "GET", f"{HERE}/tree/versions/latest"))
    as_said(schema.Entries, ask(world, "vera", "GET", f"{HERE}/tree/versions/v0/entries"))
    as_said(schema.VersionsDiff, ask(world, "vera", "GET", f"{HERE}/tree/compare?a=v0&b=v1"))
    as_said(schema.Events, ask(world, "vera", "GET", f"{HERE}/tree/events"))
    as_said(schema.LineageGraph, ask(world, "vera", "GET", f"/runs/{run}/lineage"))
    as_said(schema.RunArtifacts, ask(world, "vera", "GET", f"/runs/{run}/artifacts"))
    as_said(schema.LoggedRow, ask(world, "vera", "GET", f"/runs/{world.run}/artifacts/{OUR_RECORD}"))
    as_said(schema.ProjectStorage, ask(world, "vera", "GET", "/projects/ada/digits/storage"))
    as_said(schema.Storage, ask(world, "vera", "GET", "/storage"))
    as_said(schema.CollectReply, ask(world, "rob", "POST", "/storage/collect", {"dry_run": True}))
    body = {"versions": [{"name": "tree", "version": 0}, {"name": "none", "version": 0}], "dry_run": True}
    as_said(schema.RemovalReply, ask(world, "max", "POST", f"{HERE}/remove", body))


def test_folders_are_walked_and_paths_are_found(world: Team) -> None:
    top = ask(world, "vera", "GET", f"{HERE}/tree/versions/v0/entries")
    below = ask(world, "vera", "GET", f"{HERE}/tree/versions/v0/entries?folder=train")
    found = ask(world, "vera", "GET", f"{HERE}/tree/versions/v0/entries?search={quote('É')}")

    assert top["folders"] == [{"name": "train", "files": 2, "bytes": 3}]
    assert [entry["path"] for entry in top["entries"]] == ["README"]
    assert [entry["path"] for entry in below["entries"]] == ["train/a b#?.png"]
    assert [folder["name"] for folder in below["folders"]] == ["deep"]
    assert [(entry["path"], entry["here"]) for entry in found["entries"]] == [("train/deep/é", True)]


def test_what_differs_is_told_file_by_file_and_value_by_value(world: Team) -> None:
    found = ask(world, "vera", "GET", f"{HERE}/tree/compare?a=v0&b=v1")

    assert [(entry["path"], entry["change"]) for entry in found["entries"]] == [("README", "changed"), ("new", "added")]
    assert (found["same_files"], found["added"], found["removed"], found["changed"]) == (2, 1, 0, 1)
    assert {row["key"]: (row["a"], row["b"], row["in_b"]) for row in found["metadata"]} == {
        "rows": (1, 2, True),
        "nested": (None, {}, True),
        "nested.x": (1.0, None, False),
    }


def test_bytes_are_given_by_what_is_in_the_version_and_by_nothing_else(world: Team) -> None:
    vera = world.browser("vera")
    row = ask(world, "vera", "GET", V0)
    whole = vera.call("GET", f"{V0}/blobs/{TABLE_SHA256}?name=t.parquet")
    part = vera.call("GET", f"{V0}/blobs/{TABLE_SHA256}", Range="bytes=2-5")
    listed = vera.call("GET", f"{V0}/blobs/{row['digest']}")
    other = hashlib.sha256(b"read").hexdigest()  # of another version of the same project

    assert whole.body == TABLE_FILE
    assert whole.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert whole.headers["content-disposition"].startswith("attachment")
    assert (part.status, part.body) == (206, TABLE_FILE[2:6])
    assert set(Manifest.decode(listed.body).entries) == set(OUR_DATA)
    for sha256 in (other, "0" * 64, "nonsense", hashlib.sha256(b"their data").hexdigest()):
        assert vera.call("GET", f"{V0}/blobs/{sha256}").status == 404


def test_edits_say_what_they_were_made_to_and_by_whom(world: Team) -> None:
    path = f"{HERE}/tree/versions/v0"
    revision = ask(world, "max", "GET", path)["revision"]
    edited = ask(world, "max", "PATCH", path, {"revision": revision, "description": "ours", "tags": ["x"]})
    assert (edited["description"], edited["tags"], edited["revision"]) == ("ours", ["x"], revision + 1)
    conflict = ask(world, "ada", "PATCH", path, {"revision": revision, "description": "no, ours"}, status=409)
    assert conflict["error"]["code"] == "conflict"
    moved = ask(world, "max", "PATCH", f"{HERE}/tree/versions/v1", {"add_aliases": ["best", "other"]})
    assert moved["aliases"] == ["latest", "best", "other"]
    moved = ask(world, "ada", "PATCH", f"{HERE}/tree/versions/best", {"remove_aliases": ["best"]})
    assert moved["aliases"] == ["latest", "other"]
    for wrong in ("latest", "v3", "a/b"):
        ask(world, "max", "PATCH", path, {"add_aliases": [wrong]}, status=400)
    ask(world, "vera", "PATCH", path, {"add_aliases": ["mine"]}, status=403)
    ask(world, "bob", "PATCH", path, {"add_aliases": ["mine"]}, status=404)
    events = ask(world, "vera", "GET", f"{HERE}/tree/events")["events"]
    assert [(event["by"], event["what"]) for event in events[:4]] == [
        ("ada", "unalias"),
        ("max", "alias"),
        ("max", "alias"),
        ("max", "edit"),
    ]
    rule = {"kind": "best", "count": 2}
    ask(world, "max", "PATCH", f"{HERE}/tree", {"revision": 1, "keep": rule}, status=400)
    kept = ask(world, "max", "PATCH", f"{HERE}/tree", {"revision": 1, "keep": {"kind": "last", "count": 9}})
    assert (kept["keep"]["count"], kept["revision"]) == (9, 2)


def test_what_is_removed_stays_listed_as_removed(world: Team) -> None:
    name = {"versions": [{"name": "tree", "version": 0}]}
    ask(world, "max", "PATCH", f"{HERE}/tree/versions/v0", {"locked": True})
    refused = ask(world, "max", "POST", f"{HERE}/remove", name)
    assert refused["refused"] == [{"name": "tree", "version": 0, "reason": "it is locked"}]
    ask(world, "max", "PATCH", f"{HERE}/tree/versions/v0", {"locked": False})
    dry = ask(world, "max", "POST", f"{HERE}/remove", {**name, "dry_run": True})
    assert (dry["free_bytes"], [row["version"] for row in dry["removed"]]) == (4, [0])
    ask(world, "vera", "POST", f"{HERE}/remove", name, status=403)
    ask(world, "max", "POST", f"{HERE}/remove", {**name, "why": "wrong labels"})
    listed = ask(world, "vera", "GET", f"{HERE}/tree?removed=true")["version_rows"]
    assert [row["version"] for row in listed] == [1, 0]
    assert [row["version"] for row in ask(world, "vera", "GET", f"{HERE}/tree")["version_rows"]] == [1]
    assert (listed[1]["state"], listed[1]["removed"]["by"], listed[1]["removed"]["why"]) == (
        "removed",
        "max",
        "wrong labels",
    )
    ask(world, "vera", "GET", f"{HERE}/tree/versions/v0/entries", status=404)


def test_what_one_may_not_see_is_only_said_to_be_there(world: Team) -> None:
    run = ask(world, "vera", "GET", f"{HERE}/tree")["version_rows"][0]["run"]["run_key"]
    used = ask(world, "vera", "GET", f"/runs/{run}/artifacts")["used"]
    graph = ask(world, "vera", "GET", f"/runs/{run}/lineage")
    everything = json.dumps([used, graph])

    assert sorted(use["visible"] for use in used) == [False, True]
    assert graph["hidden"] == 1
    assert "something you may not see" in [node["label"] for node in graph["nodes"]]
    for word in ("their-data", THEIRS[0], THEIRS[1], world.foreign_run):
        assert word not in everything
    link = world.share(world.run)
    shown = link.call("GET", f"/runs/{world.run}/lineage").json
    assert [node["kind"] for node in shown["nodes"]] == ["run", "hidden"]


def test_a_model_is_promoted_by_who_may_and_when_its_checks_allow_it(world: Team) -> None:
    new = {"entity": "ada", "project": "digits", "name": "churn", "checks": ["loss < 0.4"]}
    ask(world, "max", "POST", "/models", new, status=403)  # checks are an admin's
    model = ask(world, "ada", "POST", "/models", {**new, "protected_aliases": ["production"]})
    as_said(model_schema.ModelReply, model)
    path = f"/models/{model['id']}"
    linked = ask(
        world,
        "max",
        "POST",
        f"{path}/versions",
        {**dict(zip(("entity", "project"), OURS, strict=True)), "name": "data", "version": "latest", "note": "first"},
    )
    assert linked["version_rows"][0]["source"]["name"] == "data"
    ask(world, "max", "POST", f"{path}/promotions", {"alias": "production", "number": 1}, status=403)
    refused = world.browser("ada").call("POST", f"{path}/promotions", {"alias": "production", "number": 1})
    assert (refused.status, refused.code) == (409, "check_failed")
    assert "metric.loss < 0.4: the run has loss = 0.5" in refused.json["error"]["message"]
    assert refused.json["checks"] == [{"text": "metric.loss < 0.4", "passed": False, "seen": "loss = 0.5"}]
    dry = ask(world, "max", "POST", f"{path}/promotions", {"alias": "production", "number": 1, "dry_run": True})
    assert dry["state"] == "would_fail"
    ask(world, "max", "PUT", path, {"version": 1, "checks": []}, status=403)
    ask(world, "ada", "PUT", path, {"version": 1, "checks": ["loss <"]}, status=400)
    ask(world, "ada", "PUT", path, {"version": 1, "checks": ["loss < 0.6"]})
    ask(world, "ada", "PUT", path, {"version": 1, "description": "late"}, status=409)
    done = ask(world, "ada", "POST", f"{path}/promotions", {"alias": "production", "number": 1, "note": "shipped"})
    as_said(model_schema.PromotionReply, done)
    assert (done["state"], done["before"]) == ("promoted", None)
    ask(world, "max", "DELETE", f"{path}/versions/1", status=403)  # it would take the protected alias away
    events = ask(world, "vera", "GET", f"{path}/events")["events"]
    assert [(event["by"], event["what"]) for event in events] == [
        ("ada", "promote"),
        ("ada", "edit"),
        ("ada", "refuse"),
        ("max", "link"),
        ("ada", "create"),
    ]
    as_said(model_schema.Models, ask(world, "vera", "GET", "/models?entity=ada"))
    assert ask(world, "bob", "GET", "/models")["models"] == []
    row = ask(world, "vera", "GET", V0)
    assert row["models"] == [{"model_id": model["id"], "model": "churn", "number": 1, "aliases": ["production"]}]
    assert row["protected"] == ["model churn v1", "in use by a run that goes on", "what is held was made from it"]
    assert "unlink it there first" in json.dumps(
        ask(world, "max", "POST", f"{HERE}/remove", {"versions": [{"name": "data", "version": 0}]})
    )


def test_a_model_of_another_project_is_not_named_and_a_run_of_another_one_tells_no_value(world: Team) -> None:
    new = {"entity": "bob", "project": "letters", "name": "secret-model", "checks": ["loss < 0.1"]}
    model = ask(world, "rob", "POST", "/models", new)
    path = f"/models/{model['id']}"
    where = {"entity": "ada", "project": "digits", "name": "tree", "version": "latest"}
    ask(world, "rob", "POST", f"{path}/versions", where)
    number = world.browser("rob").call("POST", f"{path}/promotions", {"alias": "best", "number": 1})
    assert number.status == 409
    row = ask(world, "vera", "GET", f"{HERE}/tree/versions/latest")
    refused = ask(world, "max", "POST", f"{HERE}/remove", {"versions": [{"name": "tree", "version": 1}]})
    seen = [
        ask(world, "bob", "POST", f"{path}/promotions", {"alias": "best", "number": 1, "dry_run": True}),
        ask(world, "bob", "GET", f"{path}/events"),
        world.browser("bob").call("POST", f"{path}/promotions", {"alias": "best", "number": 1}).json,
    ]

    assert row["models"] == []
    assert "a registered model of another project" in row["protected"]
    assert "secret-model" not in json.dumps([row, refused])
    assert refused["refused"][0]["reason"] == "a registered model of another project has it: unlink it there first"
    assert "what you may not see" in json.dumps(seen[0])
    for reply in seen:
        assert "loss = " not in json.dumps(reply)
        assert "tree" not in json.dumps(reply)
    ask(world, "rob", "DELETE", path)


def test_garbage_is_collected_by_who_runs_the_server(world: Team) -> None:
    for who in ("vera", "max", "ada"):
        ask(world, who, "POST", "/storage/collect", {"dry_run": False}, status=403)
    assert ask(world, "rob", "POST", "/storage/collect", {"dry_run": False})["files"] == 0
