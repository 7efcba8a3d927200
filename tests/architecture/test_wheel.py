"""What is shipped: the wheel has the pages, the format and the types, and nothing of the workshop."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_has_everything_that_a_user_needs_and_nothing_else(tmp_path: Path) -> None:
    """Built from what lies here; `make test` has built the pages before."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "TREERING_SKIP_UI": "1"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {"treering/server/static/index.html", "treering/runlog/FORMAT.md", "treering/py.typed"} <= names
    assert any(name.startswith("treering/server/static/assets/") and name.endswith(".js") for name in names)
    assert not [name for name in names if name.startswith(("tests", "bench", "web", "docs")) or "__pycache__" in name]
    assert wheel.stat().st_size < 5_000_000
