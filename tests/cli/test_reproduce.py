"""``treering reproduce``: a training that is run again from its record, and what is said of its metrics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import treering as tr
from treering.cli import main
from treering.ids import run_key
from treering.sdk.reproduced import VARIABLE, apart_from_original
from treering.sdk.settings import Settings

SCRIPT = """
import sys
import treering as tr

with tr.init(project="digits", entity="ada", id="first") as run:
    run.log_input("data.txt", name="numbers")
    scale = float(sys.argv[1])
    for step, line in enumerate(open("data.txt")):
        run.log({"loss": scale / float(line), "lr": 0.5})
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a training in it that has run once, with an uncommitted change."""
    root = tmp_path_factory.mktemp("reproduce")
    repo = root / "repo"
    repo.mkdir()
    (repo / "train.py").write_text("print('before')\n")
    (repo / "data.txt").write_text("1\n2\n4\n")
    git = ["git", "-c", "user.name=ada", "-c", "user.email=a@b.example", "-C", str(repo)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    (repo / "train.py").write_text(SCRIPT)
    environ = {**os.environ, "TREERING_DIR": str(root / "data"), "TREERING_MODE": "local"}
    subprocess.run([sys.executable, "train.py", "3.0"], cwd=repo, env=environ, check=True, timeout=60)
    return root


def reproduce(world: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["reproduce", "first", "--data", str(world / "data"), "--json", *words])
    said = capsys.readouterr().out
    return code, json.loads(said) if said else {}


@pytest.mark.exam
def test_a_training_is_run_again_and_its_metrics_agree_until_its_data_change(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(world / "repo")
    code, said = reproduce(world, capsys, "--dry-run")
    assert {check["what"]: check["state"] for check in said["checks"]}["data numbers"] == "same"
    assert code == 0

    code, said = reproduce(world, capsys, "--into", str(world / "again"))
    assert (code, said["agrees"], said["code_differs"]) == (0, True, [])
    assert (world / "again" / "train.py").read_text() == SCRIPT
    assert said["new"] != said["run"] == run_key("ada", "digits", "first")
    assert {one["key"]: (one["agrees"], one["worst"], one["steps"]) for one in said["metrics"]} == {
        "loss": (True, 0.0, 3),
        "lr": (True, 0.0, 3),
    }
    with tr.Api(world / "data") as api:
        again = api.run(said["new"])
        assert again.detail["meta"]["reproduces"] == said["run"]
        assert api.run(said["run"]).summary["loss"] == again.summary["loss"] == 0.75

    (world / "repo" / "data.txt").write_text("1\n2\n5\n")
    subprocess.run(["git", "stash", "-q"], check=True, cwd=world / "repo")  # the change stays in the record
    code, said = reproduce(world, capsys, "--dry-run")
    assert (code, {check["what"]: check["state"] for check in said["checks"]}["data numbers"]) == (0, "same")
    (world / "repo" / "data.txt").write_text("1\n2\n5\n")
    code, said = reproduce(world, capsys, "--dry-run")
    assert (code, {check["what"]: check["state"] for check in said["checks"]}["data numbers"]) == (5, "differs")


def test_a_run_that_reproduces_another_is_never_that_one():
    settings = Settings(run_id="first", entity="ada", project="digits", resume="must")
    key = run_key("ada", "digits", "first")
    apart = apart_from_original(settings, {VARIABLE: key})

    assert apart.run_id.startswith("first-again-")
    assert apart.resume == ""
    assert apart_from_original(settings, {}) == settings
    assert apart_from_original(settings, {VARIABLE: "b" * 26}).run_id == "first"
    assert apart_from_original(settings, {VARIABLE: "not a key"}) == settings
