"""Reports, comments and pictures over HTTP: who sees and changes which, and that replies have the form they say."""

from __future__ import annotations

import pydantic
import pytest

from treering.server import report_schema

from .sample_requests import PICTURE
from .team import OURS, THEIRS, Team, team

HERE = f"/projects/{OURS[0]}/{OURS[1]}"
TEXT = '# {{ n(loss) }} runs\n\n```treering\n{"panel": {"type": "line", "settings": {"keys": ["loss"]}}}\n```\n'


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with team(tmp_path_factory.mktemp("team")) as made:
        yield made


def written(world: Team, who: str, **more) -> dict:
    reply = world.browser(who).call("POST", f"{HERE}/reports", {"title": "A report", "markdown": TEXT, **more})
    assert reply.status == 200, reply.body
    return reply.json


def check(model: type[pydantic.BaseModel], value: object) -> None:
    """Hold a reply against its model, in which nothing may lack and nothing be more."""
    strict = pydantic.create_model("Strict", __base__=model, __config__=None)
    strict.model_config["extra"] = "forbid"
    strict.model_rebuild(force=True)
    strict.model_validate(value, strict=False)


def test_a_draft_is_for_members_and_what_is_published_for_all_who_see_the_project(world: Team):
    draft = written(world, "max")
    public = written(world, "max", published=True, title="For all")

    def titles(who) -> set[str]:
        return {row["title"] for row in who.call("GET", f"{HERE}/reports").json["reports"]}

    assert titles(world.browser("ada")) >= {"A report", "For all"}
    for who in (world.browser("vera"), world.share()):
        assert "A report" not in titles(who)
        assert "For all" in titles(who)
        assert who.call("GET", f"/reports/{draft['id']}").status == 404
        assert who.call("GET", f"/reports/{public['id']}").json["may_edit"] is False
        assert who.call("PUT", f"/reports/{public['id']}", {"version": 1, "title": "x"}).status == 403
    for who in (world.browser("bob"), world.share(world.run)):
        assert who.call("GET", f"/reports/{public['id']}").status == 404
        assert who.call("GET", f"/reports/{public['id']}/versions").status == 404


def test_who_saw_an_older_version_is_told_and_overwrites_nothing(world: Team):
    report = written(world, "ada")
    path = f"/reports/{report['id']}"
    first = world.browser("max").call("PUT", path, {"version": 1, "markdown": "max"})
    second = world.browser("ada").call("PUT", path, {"version": 1, "markdown": "ada"})

    assert (first.status, first.json["version"]) == (200, 2)
    assert (second.status, second.json["error"]["code"]) == (409, "conflict")
    assert world.browser("ada").call("GET", path).json["markdown"] == "max"
    assert "-# {{ n(loss) }} runs" in world.browser("ada").call("GET", f"{path}/diff?earlier=1&later=2").json["diff"]


def test_replies_have_the_form_that_the_schema_says(world: Team):
    ada = world.browser("ada")
    report = written(world, "ada", published=True)
    path = f"/reports/{report['id']}"
    check(report_schema.ReportReply, report)
    check(report_schema.ReportRows, ada.call("GET", f"{HERE}/reports").json)
    check(report_schema.ReportEvaluation, ada.call("POST", f"{HERE}/reports/evaluate", {"markdown": TEXT}).json)
    check(report_schema.NumbersByHand, ada.call("POST", f"{HERE}/reports/numbers", {"markdown": "0.123"}).json)
    frozen = ada.call("POST", f"{path}/freeze", {"version": 1})
    check(report_schema.ReportReply, frozen.json)
    check(report_schema.ReportVersions, ada.call("GET", f"{path}/versions").json)
    check(report_schema.ReportDeltas, ada.call("GET", f"{path}/changes").json)
    kept = ada.call("GET", f"{path}/frozen").json
    assert (kept["report"], kept["evaluation"]["formulas"]["n(loss)"]["written"]) == (report["id"], "1")
    comment = ada.call("POST", f"{HERE}/comments", {"target": {"kind": "report", "id": report["id"]}, "text": "x"})
    check(report_schema.CommentRow, comment.json)
    check(report_schema.CommentRows, ada.call("GET", f"{HERE}/comments?kind=report&target={report['id']}").json)


def test_a_run_set_of_a_closed_project_shows_its_reader_nothing(world: Team):
    there = f"{THEIRS[0]}/{THEIRS[1]}"
    text = f'```treering\n{{"runs": {{"A": {{"project": "{there}"}}}}}}\n```\n{{{{ n(their_metric) }}}}'
    reply = world.browser("max").call("POST", f"{HERE}/reports/evaluate", {"markdown": text})
    unknown = world.browser("max").call(
        "POST", f"{HERE}/reports/evaluate", {"markdown": text.replace(there, "nobody/nothing")}
    )

    assert reply.json["sets"]["A"]["members"] == []
    assert reply.body.decode().replace(there, "nobody/nothing").replace(THEIRS[0], "nobody").replace(
        THEIRS[1], "nothing"
    ) == (unknown.body.decode())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", f"{HERE}/reports", {"title": " ", "markdown": ""}, 400),
        ("POST", f"{HERE}/reports", {"title": "x" * 200}, 422),
        ("POST", f"{HERE}/reports", {"title": "x", "markdown": 3}, 422),
        ("POST", f"{HERE}/reports/evaluate", {"markdown": "{{ n(x) }}" * 60_000}, 422),
        ("POST", f"{HERE}/reports/evaluate", {"markdown": "{{ n(x) }}", "formulas": ["x"] * 501}, 422),
        ("GET", "/reports/unknown", None, 404),
        ("GET", "/reports/unknown/diff?earlier=0&later=1", None, 422),
    ],
)
def test_bad_input_gets_a_clear_error(world: Team, method, path, body, status):
    reply = world.browser("ada").call(method, path, body)

    assert reply.status == status, reply.body
    assert reply.json["error"]["message"]


def test_a_live_report_has_nothing_frozen(world: Team):
    report = written(world, "ada")
    for what in ("frozen", "changes"):
        reply = world.browser("ada").call("GET", f"/reports/{report['id']}/{what}")
        assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_value")


# ── comments ─────────────────────────────────────────────────────────────────────────────────────────────────────
def comment(world: Team, who: str, kind: str = "run", target: str = "", **more) -> dict:
    body = {"target": {"kind": kind, "id": target or world.run}, "text": "words", **more}
    reply = world.browser(who).call("POST", f"{HERE}/comments", body)
    assert reply.status == 200, reply.body
    return reply.json


def test_members_comment_viewers_read_and_links_see_nothing(world: Team):
    made = comment(world, "max")
    query = f"{HERE}/comments?kind=run&target={world.run}"

    for who, mine in (("max", True), ("ada", False), ("vera", False)):
        (row,) = (one for one in world.browser(who).call("GET", query).json["comments"] if one["id"] == made["id"])
        assert (row["author"], row["mine"]) == ("max", mine)
    assert world.browser("vera").call("GET", query).json["may_comment"] is False
    refused = world.browser("vera").call("POST", f"{HERE}/comments", {"target": made["target"], "text": "x"})
    assert refused.status == 403
    assert world.share().call("GET", query).status == 403
    assert world.browser("bob").call("GET", query).status == 404


def test_only_authors_change_their_words_all_members_resolve_and_admins_delete(world: Team):
    made = comment(world, "max", "panel", "loss")
    path = f"/comments/{made['id']}"

    assert world.browser("ada").call("PUT", path, {"version": 1, "text": "mine"}).status == 403
    assert world.browser("max").call("PUT", path, {"version": 1, "text": "more words"}).json["text"] == "more words"
    assert world.browser("max").call("PUT", path, {"version": 1, "text": "late"}).status == 409
    assert world.browser("ada").call("PUT", path, {"version": 2, "resolved": True}).json["resolved_by"] == "ada"
    assert world.browser("max").call("PUT", path, {"version": 3}).status == 400
    assert world.browser("ada").call("DELETE", path).status == 200
    other = comment(world, "ada", "panel", "loss")
    assert world.browser("max").call("DELETE", f"/comments/{other['id']}").status == 403


@pytest.mark.parametrize(
    ("kind", "target"), [("run", "a" * 26), ("run", "nonsense"), ("report", "unknown"), ("run", "{foreign}")]
)
def test_a_comment_is_about_something_that_one_may_see(world: Team, kind, target):
    body = {"target": {"kind": kind, "id": target.format(foreign=world.foreign_run)}, "text": "x"}

    assert world.browser("max").call("POST", f"{HERE}/comments", body).status == 404


def test_comments_on_a_draft_are_not_for_those_who_may_not_see_it(world: Team):
    draft = written(world, "max", title="Draft")
    made = comment(world, "max", "report", draft["id"], text="not yet for vera")

    assert "not yet for vera" not in world.browser("vera").call("GET", f"{HERE}/comments").body.decode()
    assert world.browser("vera").call("GET", f"{HERE}/comments?kind=report&target={draft['id']}").status == 404
    assert world.browser("vera").call("PUT", f"/comments/{made['id']}", {"version": 1, "resolved": True}).status == 404


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_picture_is_for_who_may_see_its_project_and_runs_nothing(world: Team):
    kept = world.browser("max").request("POST", f"/api/1{HERE}/pictures", PICTURE).json
    path = f"{HERE}/pictures/{kept['sha256']}"

    check(report_schema.PictureReply, kept)
    for who in (world.browser("vera"), world.share()):
        reply = who.call("GET", path)
        assert (reply.status, reply.body) == (200, PICTURE)
        assert reply.headers["content-type"] == "image/gif"
        assert reply.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert reply.headers["content-disposition"] == "attachment"
    assert world.browser("bob").call("GET", path).status == 404
    there = f"/projects/{THEIRS[0]}/{THEIRS[1]}/pictures/{kept['sha256']}"
    assert world.browser("bob").call("GET", there).status == 404


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"<html>", b"MZ\x90", b"%PDF-1.4"])
def test_what_is_no_picture_is_refused(world: Team, content):
    assert world.browser("max").request("POST", f"/api/1{HERE}/pictures", content).status == 400
