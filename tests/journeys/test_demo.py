"""``treering demo --exit``: serves, trains the grid, ends with code 0, and leaves a folder with what it promised."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import treering as tr


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
        (diverged,) = [run for run in runs if "demo-diverges" in run.tags]
        assert any(math.isnan(row.get("train/loss", 0.0)) for row in diverged.history())
        (crashed,) = [run for run in runs if "demo-crashes" in run.tags]
        assert "matmul" in crashed.detail["end"]["traceback"]
        assert {"val_class/acc_0", "train/lr", "train/grad_norm", "val/loss"} <= set(crashed.keys)
