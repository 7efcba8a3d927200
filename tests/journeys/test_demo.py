"""``treering demo --exit``: serves, trains the grid, ends with code 0, and leaves a folder with what it promised."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import treering as tr


def pictured(run: Any) -> None:
    """A training that went well shows its mistakes, its weights and every sample, and kept what it printed."""
    rows = run.history(["val/mistakes", "val/confusion", "weights/w1", "val/samples"])
    mistakes = [row["val/mistakes"] for row in rows if "val/mistakes" in row]
    assert len(mistakes) >= 3
    images = [item for value in mistakes for item in value.get("items", [value])]
    assert all("taken for" in image["caption"] and image["width"] == 64 for image in images)
    assert {row["val/confusion"]["table"]["nrows"] for row in rows if "val/confusion" in row} == {100}
    assert all(sum(row["weights/w1"]["values"]) % 64 == 0 for row in rows if "weights/w1" in row)
    (samples,) = [row["val/samples"] for row in rows if "val/samples" in row]
    assert samples["nrows"] == 360
    assert samples["types"][0] == "image-file"
    held = {file.sha256: file for file in run.files(purpose="media")}
    assert held[images[0]["sha256"]].read().startswith(b"\x89PNG")


@pytest.mark.exam
def test_the_demo_trains_real_models_and_ends(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TREERING_")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "treering.cli",
            "demo",
            "--exit",
            "--seconds",
            "10",
            "--data",
            str(tmp_path),
            "--port",
            "0",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.index("http://127.0.0.1:") < done.stdout.index("Trained."), "it serves first"
    with tr.Api(tmp_path) as api:
        runs = list(api.runs("digits"))
        states = sorted(run.state for run in runs)
        assert len(runs) == 14
        assert states.count("failed") == 1
        assert states.count("finished") == 13
        learned = [run for run in runs if run.tags == ("demo",) or list(run.tags) == ["demo"]]
        assert len(learned) == 12
        for run in learned:
            assert run.summary["val/acc"] > 60, "it learned something"
            assert run.history()[0]["_step"] == 0
        pictured(learned[0])
        (diverged,) = [run for run in runs if "demo-diverges" in run.tags]
        assert any(math.isnan(row.get("train/loss", 0.0)) for row in diverged.history())
        (crashed,) = [run for run in runs if "demo-crashes" in run.tags]
        assert "matmul" in crashed.detail["end"]["traceback"]
        assert {"val_class/acc_0", "train/lr", "train/grad_norm", "val/loss"} <= set(crashed.keys)
