"""``rebuild`` and ``doctor``."""

from __future__ import annotations

import json
import subprocess

from .conftest import TREERING


def test_rebuild_gives_the_same_answers(own_folder):
    before = own_folder.json("runs", "ls")
    own_folder.stop_server()
    said = own_folder.json("rebuild")
    after = own_folder.json("runs", "ls")

    assert said["segments"] >= 3
    assert said["points"] >= 60
    assert after == before


def test_rebuild_refuses_while_a_server_has_the_folder(own_folder):
    own_folder.run("runs", "ls")

    assert "treering: " in own_folder.run("rebuild", code=6).stderr


def test_doctor_finds_nothing_wrong_with_a_good_folder(own_folder):
    report = own_folder.json("doctor")

    assert report["ok"] is True
    assert {"version", "folder", "space", "server"} <= {finding["topic"] for finding in report["findings"]}


def test_doctor_names_a_secret_that_others_can_read(own_folder):
    (own_folder.path / "sessions.json").write_text("{}")
    (own_folder.path / "sessions.json").chmod(0o644)
    done = own_folder.run("doctor", code=5)

    assert "FAIL  secrets" in done.stdout
    assert "chmod 600" in done.stdout


def test_doctor_of_a_folder_that_is_not_there_makes_none(tmp_path):
    done = subprocess.run(
        [*TREERING, "doctor", "--json", "--data", str(tmp_path / "none")], capture_output=True, text=True, check=True
    )

    assert "does not exist yet" in json.dumps(json.loads(done.stdout))
    assert not (tmp_path / "none").exists()
