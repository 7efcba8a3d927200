"""``treering artifact``, ``model`` and ``gc``: what they do and with which code they end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sdk.servers import followed
from treering.cli import main
from treering.sdk import lifecycle


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run a command in this process; return its code and what it printed."""
    for name in list(os.environ):
        if name.startswith("TREERING_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TREERING_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TREERING_DISABLE_CODE", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()

    def run(*words: str) -> tuple[int, str]:
        code = main(list(words))
        lifecycle._active = None
        return code, capsys.readouterr().out

    with followed(tmp_path / "data"):
        yield run


def test_a_folder_goes_into_a_version_and_out_again(command: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "a.csv").write_text("1,2\n")
    put = command("artifact", "put", "digits", "--project", "p", "--alias", "clean", "--json")
    assert put[0] == 0
    name = json.loads(put[1])["artifact"]
    assert name.endswith("/p/digits:v0")

    assert "digits" in command("artifact", "ls")[1]
    assert "latest, clean" in command("artifact", "ls", "p/digits", "--versions")[1]
    assert command("artifact", "get", "p/digits:clean", "--into", "out")[0] == 0
    assert (tmp_path / "out" / "a.csv").read_text() == "1,2\n"
    assert command("artifact", "get", "p/digits:clean", "--into", "out", "--verify")[0] == 0
    (tmp_path / "out" / "a.csv").write_text("changed")
    code, text = command("artifact", "get", "p/digits:clean", "--into", "out", "--verify")
    assert (code, "a.csv differs" in text) == (5, True)
    assert command("artifact", "get", "p/nothing")[0] == 3
    assert command("artifact", "put", "nothing")[0] == 2
    code, text = command("gc")
    assert (code, "0 files, 0 bytes to remove" in text) == (0, True)
    assert json.loads(command("gc", "--yes", "--json")[1])["dry_run"] is False


def test_a_check_that_refuses_a_promotion_stops_a_pipeline(command: Callable[..., Any], tmp_path: Path) -> None:
    import treering as tr

    (tmp_path / "weights").write_text("w")
    assert command("artifact", "put", "weights", "--project", "p", "--type", "model")[0] == 0
    with tr.Api() as api:
        api.create_model("p", "reader", checks=['job_type = "train"'])
        api.artifact("p/weights").link("reader")
    code, text = command("model", "promote", "reader", "v1", "production", "--dry-run")
    assert code == 5
    assert 'FAILED  job_type = "train"  (job_type = upload)' in text
    assert command("model", "promote", "reader", "v1", "production")[0] == 5
    with tr.Api() as api:
        model = api.model("reader")
        model.checks = ['job_type = "upload"']
        model.save()
    assert command("model", "promote", "reader", "v1", "production", "--note", "why")[0] == 0
    assert "production = v1" in command("model", "ls")[1]
    assert "promoted to production: why" in command("model", "ls", "reader", "--history")[1]
    assert json.loads(command("model", "ls", "reader", "--json")[1])["versions"][0]["number"] == 1
