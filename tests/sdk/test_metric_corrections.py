"""Corrections from code: what is shown changes for everybody, what was logged never does."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdk.test_api import stop_owner
from server.run_logs import write_run
from treering.errors import InvalidValue, ProjectNotFound, RemoteError
from treering.sdk.api import Api


@pytest.fixture
def api(tmp_path: Path):
    write_run(tmp_path, "first", [{"train_loss": 1.0}, {"train_loss": 3.0}], entity="ada", project="digits")
    with Api(tmp_path) as made:
        yield made
    stop_owner(tmp_path)


def test_a_correction_is_tried_made_changed_turned_off_and_deleted(api: Api):
    (run,) = api.runs("digits")
    tried = api.preview_correction("digits", "rename", from_="train_*", to="train/*")
    assert (tried["runs"], tried["points"], tried["keys"]) == (1, 2, [{"before": "train_loss", "after": "train/loss"}])
    assert api.corrections("digits") == []

    renamed = api.correct("digits", "rename", from_="train_*", to="train/*", note="as the others")
    scaled = api.correct("ada/digits", kind="rescale", key="train/loss", factor=10.0)
    assert [one.text for one in api.corrections("digits")] == ["train_* → train/*", "×10"]
    assert [row["train/loss"] for row in run.history()] == [10.0, 30.0]
    assert [row["train_loss"] for row in run.history(raw=True)] == [1.0, 3.0]
    assert (renamed.note, renamed.keys, renamed.rule["from"]) == ("as the others", ["train/loss"], "train_*")

    scaled.change(factor=2.0, note="was ten")
    assert [row["train/loss"] for row in run.scan_history(["train/loss"])] == [2.0, 6.0]
    assert [one["text"] for one in scaled.versions()] == ["×2", "×10"]
    scaled.turn_off()
    assert [row["train/loss"] for row in run.history()] == [1.0, 3.0]
    scaled.turn_on()
    scaled.delete()
    renamed.delete()
    assert api.corrections("digits") == []
    assert [row["train_loss"] for row in run.history()] == [1.0, 3.0]


def test_what_cannot_be_corrected_is_said(api: Api):
    with pytest.raises(InvalidValue, match="a cut needs"):
        api.correct("digits", "cut", key="train_loss")
    with pytest.raises(ProjectNotFound):
        api.correct("nothing", "hide", keys="x")
    mine = api.correct("digits", "rescale", key="train_loss", factor=2.0)
    api.corrections("digits")[0].change(note="theirs")
    with pytest.raises(RemoteError, match="meanwhile"):
        mine.turn_off()
