"""Saved views from code: written once, saved again without a copy, and the same JSON that the page reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import treering as tr
from sdk.test_api import stop_owner
from server.run_logs import write_run
from treering.errors import InvalidValue, NotFound, ProjectNotFound, RemoteError
from treering.sdk.api import Api

# What web/test/unit/spec.test.ts opens too.
GOLDEN = Path(__file__).parents[2] / "web" / "test" / "unit" / "view-from-code.json"


@pytest.fixture
def api(tmp_path: Path):
    write_run(tmp_path, "first", [{"loss": 1.0}], entity="ada", project="digits")
    with Api(tmp_path) as made:
        yield made
    stop_owner(tmp_path)


def a_view() -> dict:
    v = tr.views
    losses = v.panel("line", keys=["train/loss", "=1 - val/acc"], title="Losses", w=2)
    again = v.panel("line", keys=["train/loss", "=1 - val/acc"], title="Losses", w=2)
    best = v.panel("scatter", x={"by": "config.lr"}, y={"by": "metric:val/acc", "agg": "max"})
    return v.layout(
        v.section("First look", losses, again, best), v.section("Else", open=False), hidden=["lr"], smooth=0.5
    )


def test_the_layout_of_code_is_the_json_that_the_page_reads():
    assert a_view() == json.loads(GOLDEN.read_text())


def test_a_view_is_saved_read_changed_and_deleted(api: Api):
    made = api.save_view("digits", "Overview", a_view(), shared=True)

    (listed,) = api.views("ada/digits")
    assert (listed.id, listed.name, listed.shared, listed.version, listed.spec) == (made.id, "Overview", True, 1, None)
    assert api.view(made.id).spec == a_view()
    made.name = "First of all"
    made.save()
    made.open_first()
    listed.refresh()
    assert (listed.name, listed.version, listed.default) == ("First of all", 2, "project")
    made.open_first("none")
    listed.delete()
    assert api.views("digits") == []
    with pytest.raises(NotFound):
        api.view(made.id)


def test_a_script_that_runs_again_saves_the_same_view(api: Api):
    first = api.save_view("digits", "Overview", a_view())
    second = api.save_view("digits", "Overview", tr.views.layout())

    assert (second.id, second.version) == (first.id, 2)
    assert len(api.views("digits")) == 1
    assert api.save_view("digits", "Overview", a_view(), shared=True).id != first.id


def test_who_saves_over_a_newer_version_is_told(api: Api):
    mine = api.save_view("digits", "Overview", a_view())
    theirs = api.view(mine.id)
    theirs.save()

    with pytest.raises(RemoteError, match="at version 2") as caught:
        mine.save()
    assert caught.value.code == "conflict"


def test_what_is_no_view_is_refused_before_it_is_sent(api: Api):
    for spec in ({}, {"version": 9}, [], None):
        with pytest.raises(InvalidValue, match="layout"):
            api.save_view("digits", "x", spec)
    with pytest.raises(InvalidValue, match="1 to 4"):
        tr.views.panel("line", w=5)
    with pytest.raises(ProjectNotFound):
        api.save_view("nothing", "x", tr.views.layout())
