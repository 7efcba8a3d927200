"""The import rules hold, and the tool that checks them notices when one is broken."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINTER), "--no-cache", "--config", str(folder / "pyproject.toml")],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": "/usr/bin:/bin"},
        check=False,
    )


def test_a_broken_rule_is_reported_with_both_modules(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("static*", "__pycache__"))
    values = tmp_path / "src" / "treering" / "values.py"
    values.write_text(values.read_text() + "\n\ndef _peek() -> None:\n    from .store import segments\n    segments\n")

    done = lint(tmp_path)
    assert done.returncode == 1
    assert "treering.values -> treering.store" in done.stdout


def test_no_file_has_a_name_that_says_nothing() -> None:
    empty_words = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "core"}
    names = [path for path in (ROOT / "src").rglob("*.py") if path.stem in empty_words]

    assert names == []


def test_nothing_names_a_package_index_or_a_path_of_a_machine() -> None:
    pattern = re.compile(r"(index-url|https?://(?:files|registry|index|deb|security)\.[a-z]+\.)", re.IGNORECASE)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if path == Path(__file__) or path.suffix in {".png", ".trl", ".woff2"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            if pattern.search(line) and "--no-emit-index-url" not in line:
                raise AssertionError(f"{name}: {line[:120]}")


def test_every_limit_of_the_table_is_held_somewhere() -> None:
    """A number that nothing enforces would be a promise that the documentation makes and the code does not keep."""
    table = (ROOT / "src/treering/limits.py").read_text()
    code = "\n".join(path.read_text() for path in (ROOT / "src/treering").rglob("*.py") if path.name != "limits.py")
    names = set(re.findall(r"^([A-Z_0-9]+): Final", table, re.MULTILINE)) - {"KIB", "MIB", "GIB"}

    assert sorted(names - set(re.findall(r"\b[A-Z_0-9]+\b", code))) == []
