"""Many trainings at once and people who look: nothing is refused, nothing is lost, nobody waits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "live_load.py"


def load(runs: int, seconds: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--runs", str(runs), "--seconds", str(seconds)],
        capture_output=True,
        text=True,
        timeout=seconds + 300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.mark.exam
def test_100_live_runs_and_5_people_are_served_without_loss() -> None:
    said = load(100, 10)

    assert said["not_200"] == 0
    assert said["segments_not_equal"] == 0
    assert said["rss_mib"] <= 512


@pytest.mark.exam
def test_1_000_live_runs_and_5_people_are_served_in_time_for_5_minutes() -> None:
    said = load(1_000, 300)

    assert said["not_200"] == 0
    assert said["segments_not_equal"] == 0
    assert said["append_p99_ms"] <= 500
    assert said["ui_p95_ms"] <= 1_000
    assert said["rss_mib"] <= 512
