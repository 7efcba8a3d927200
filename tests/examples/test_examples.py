"""The examples do what they say."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.frameworks
def test_the_torch_example_trains_and_shows_what_it_learned(recorded: Any) -> None:
    command = [sys.executable, EXAMPLES / "torch_digits.py", "--epochs", "2", "--batch", "128", "--width", "8"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    run = recorded("torch-digits")

    assert run.config["epochs"] == 2
    assert run.steps("train/loss") == list(range(24))
    assert run.steps("val/acc") == [11, 23]
    assert run.summary["val/acc"] > 30
    assert run.steps("val/confusion") == [11, 23]
    assert all("taken for" in item["caption"] for item in run.series("val/mistakes")[0][1]["items"])
    assert any(key.startswith("gradients/") for key in run.run.keys)
    assert any(key.startswith("parameters/") for key in run.run.keys)
    assert "graph_0" in run.run.keys
    (saved,) = run.run.files(purpose="saved")
    assert saved.name == "digits.pt"
    assert saved.sha256 == hashlib.sha256(Path("digits.pt").read_bytes()).hexdigest()
