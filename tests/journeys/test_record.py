"""
A record that a team can trust months later: from data over training, registry and report back from a weights file.

Everything is a process of its own, as people run it: a repository with a script that prepares data and one that trains,
the command line, the API.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import treering as tr

PREPARE = """
import sys
import treering as tr

rows = int(sys.argv[1])
with open("digits.csv", "w") as file:
    file.writelines(f"{n},{n * 37 % 101}\\n" for n in range(rows))
with tr.init(project="digits", job_type="prepare") as run:
    data = tr.Artifact("digits", "dataset", metadata={"rows": rows})
    data.add_file("digits.csv")
    run.log_artifact(data).wait(60)
"""

TRAIN = """
import argparse
import pathlib
import treering as tr

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()

with tr.init(project="digits", job_type="train") as run:
    folder = run.use_artifact("digits:latest").download("data")
    rows = [line.split(",") for line in (pathlib.Path(folder) / "digits.csv").read_text().splitlines()]
    weight = 0.0
    for step in range(30):
        weight += args.lr * (1 - weight)
        run.log({"val/acc": weight * len(rows) / 100}, step=step)
    pathlib.Path("weights.bin").write_bytes(f"{weight:.12f} of {len(rows)} ".encode() * 1000)
    run.log_artifact("weights.bin", "reader", "model").wait(60)
    print(run.key)
"""

REPORT = [
    "The better learning rate reaches {{ max(val/acc) }}; the team had hoped for 0.9.",
    {"panel": {"type": "line", "settings": {"keys": ["val/acc"]}}},
]


class Team:
    """A repository, a data folder, and people who call commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = folder / "code"
        self.data = folder / "data"
        self.code.mkdir()
        self.environ = {
            **os.environ,
            "TREERING_DIR": str(self.data),
            "TREERING_ENTITY": "team",
            "TREERING_SILENT": "true",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        (self.code / "prepare.py").write_text(PREPARE)
        (self.code / "train.py").write_text(TRAIN)
        (self.code / ".gitignore").write_text("data/\\ndigits.csv\\nweights.bin\\n".replace("\\n", "\n"))
        for command in (
            ["init", "--quiet"],
            ["add", "."],
            ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "-m", "First"],
        ):
            self.call("git", *command)

    def call(self, *command: str, code: int = 0) -> str:
        """Run a command in the repository and return what it prints."""
        done = subprocess.run(
            command, cwd=self.code, env=self.environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def script(self, *command: str) -> str:
        return self.call(sys.executable, *command).strip()

    def treering(self, *command: str, code: int = 0) -> Any:
        """Call the command line for JSON."""
        said = self.call(sys.executable, "-m", "treering.cli", *command, "--data", str(self.data), "--json", code=code)
        return json.loads(said)


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


@pytest.mark.exam
def test_a_weights_file_leads_back_to_all_that_made_it_and_can_be_made_again(team: Team) -> None:
    team.script("prepare.py", "90")
    slow = team.script("train.py", "--lr", "0.05")
    # The code changes, and nobody commits it.
    (team.code / "train.py").write_text(TRAIN.replace("range(30)", "range(40)"))
    fast = team.script("train.py", "--lr", "0.2")
    weights = team.folder / "deployed.bin"
    weights.write_bytes((team.code / "weights.bin").read_bytes())

    with tr.Api(team.data) as api:
        model = api.create_model("team/digits", "digit-reader", checks=["metric.val/acc >= 0.85"])
        versions = {version.logged_by().key: version for version in api.artifacts("model", "team/digits/reader")}
        versions[slow].link("team/digit-reader")
        versions[fast].link("team/digit-reader")
        model.refresh()
        with pytest.raises(tr.errors.TreeringError, match=r"val/acc >= 0\.85.*0\.7"):
            model.promote("production", 1)
        model.promote("production", 2, note="the first that is good enough")

        report = tr.Report("team/digits", "Which learning rate", REPORT, api=api).save()
        report.freeze()
        assert report.changes() == []

        # New data, and a third training: a frozen report keeps what it says, and says what has changed.
        team.script("prepare.py", "98")
        team.script("train.py", "--lr", "0.2")
        kept = report.frozen()["evaluation"]["formulas"]["max(val/acc)"]["value"]
        assert kept == pytest.approx(0.9 * (1 - 0.8**40))
        assert report.values()["max(val/acc)"]["value"] == pytest.approx(0.98 * (1 - 0.8**40))
        changes = {change["kind"]: change["text"] for change in report.changes()}
        assert "max(val/acc)" in changes["formula"], changes
        assert "2 more runs" in changes["set"], changes

        names = {node["label"] for node in versions[fast].lineage("up")["nodes"]}
        assert {"reader:v1", "digits:v0"} <= names

    # Somebody finds the file on a machine.
    (origin,) = team.treering("origin", str(weights))["origins"]
    assert origin["run_key"] == fast
    unknown = team.folder / "unknown.bin"
    unknown.write_bytes(b"nobody made this")
    assert team.treering("origin", str(unknown), code=3)["origins"] == []

    # What was not committed is restored, and "latest" means the data of then.
    again = team.treering("reproduce", fast, "--into", str(team.folder / "again"))
    assert [(one["key"], one["agrees"], one["steps"]) for one in again["metrics"]] == [("val/acc", True, 40)]
    assert {"what": "artifact team/digits/digits", "state": "same", "before": "v0", "now": "v0"} in again["checks"]
    assert again["new"] not in (fast, slow)
    with tr.Api(team.data) as api:
        assert [artifact.qualified_name for artifact in api.run(again["new"]).used_artifacts()] == [
            "team/digits/digits:v0"
        ]
