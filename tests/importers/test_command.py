"""``treering import tensorboard`` as people run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import treering as tr

from .event_files import FILE, event, scalar, write

COMMAND = [sys.executable, "-m", "treering.cli", "import", "tensorboard"]


def run(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TREERING_", "WANDB_"))}
    done = subprocess.run(
        [*COMMAND, str(folder / "logs"), "--data", str(folder / "data"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_what_was_imported_and_what_was_not_is_said(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "a" / FILE, event(0, scalar("loss", 1.0)), event(1, scalar("loss", 0.5)))
    (tmp_path / "logs" / "b").symlink_to("a")
    done = run(tmp_path, "--project", "board")
    assert "a: 2 new rows" in done.stdout
    assert "1 runs in project board" in done.stdout
    assert done.stderr == "left out: b: a link, which is not followed\n"

    said = json.loads(run(tmp_path, "--project", "board", "--entity", "ada", "--json").stdout)
    assert said["project"] == "ada/board"
    assert [(each["name"], each["rows"]) for each in said["runs"]] == [("a", 2)]
    assert said["left_out"] == [{"path": "b", "why": "a link, which is not followed"}]
    with tr.Api(tmp_path / "data") as api:
        assert api.run(said["runs"][0]["run_key"]).history()[1]["loss"] == 0.5


def test_a_folder_without_anything_to_import_is_code_3(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert "No event file that can be read" in run(tmp_path, code=3).stderr
    (tmp_path / "logs").rmdir()
    assert "There is no folder" in run(tmp_path, code=3).stderr


def test_ctrl_c_ends_a_live_import_well(tmp_path: Path) -> None:
    path = write(tmp_path / "logs" / "a" / FILE, event(0, scalar("loss", 1.0)))
    live = subprocess.Popen(
        [*COMMAND, str(tmp_path / "logs"), "--data", str(tmp_path / "data"), "--project", "board", "--live", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _wait(lambda: list((tmp_path / "data").glob("runs/*/*.trl")))
        write(path, event(1, scalar("loss", 0.5)), append=True)
        with tr.Api(tmp_path / "data") as api:
            _wait(lambda: [each for each in api.runs("board") if each.summary.get("loss") == 0.5])
            live.send_signal(signal.SIGINT)
            out, _ = live.communicate(timeout=30)
            assert live.returncode == 0
            assert [each["rows"] for each in json.loads(out)["runs"]] == [2]
            _wait(lambda: [each for each in api.runs("board") if each.state == "finished"])
    finally:
        live.kill()
        live.communicate()


def _wait(condition: Any) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.1)
