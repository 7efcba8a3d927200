"""EXAM 18: what people log never runs in a reader's browser, whichever field it is in and whichever page shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tour(*arguments: str) -> str:
    """Visit the pages of a folder of 120 attempts in Chromium and return what was said last."""
    done = subprocess.run(
        ["node", "web/test/e2e/hostile.mjs", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=3_000,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()[-1]


@pytest.mark.exam
def test_names_output_and_config_run_nothing() -> None:
    assert tour("--short") == "nothing ran on 3 pages"


@pytest.mark.exam
def test_a_tour_of_the_pages_runs_nothing() -> None:
    assert tour().startswith("nothing ran on ")


@pytest.mark.exam
def test_a_tour_of_every_page_of_every_run_runs_nothing() -> None:
    assert tour("--all").startswith("nothing ran on 5")
