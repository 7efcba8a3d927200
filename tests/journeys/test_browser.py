"""Train, serve, look: the browser's own tests, in Chromium over the real server and runs made by the real client."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("which", ["core", pytest.param("all", marks=pytest.mark.exam)])
def test_every_journey_through_the_page(which: str) -> None:
    """Each one is a fact with a name in web/test/e2e; a failed one leaves a screenshot in web/test/output."""
    done = subprocess.run(
        ["npm", "--prefix", "web", "run", "--silent", "e2e"],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "E2E": which},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    print(done.stdout)

    failed = [line for line in done.stdout.splitlines() if not line.startswith(("ok ", " "))]
    assert failed == ["all passed"], done.stdout + done.stderr
    assert done.returncode == 0
