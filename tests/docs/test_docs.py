"""The documentation is true: examples run, generated pages are up to date, links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from treering import Settings, errors
from treering.cli import arguments
from treering.runlog import records

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [page for page in PAGES if "```python" in page.read_text() and "reference" not in page.parts]

# What the README's loop leaves to the reader.
_BEFORE = "def train_step(lr): return 1.0\n"


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run_in_order(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(_BEFORE + "\n".join(blocks))
    environment = {**os.environ, "TREERING_DIR": str(tmp_path / "data"), "TREERING_SILENT": "1"}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120
    )

    assert done.returncode == 0, done.stderr


def test_the_generated_reference_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs/generate.py", "--check"], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + "run: make docs"


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("*.md")], ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_setting_error_and_record_kind_has_its_line() -> None:
    settings = (ROOT / "docs/reference/settings.md").read_text()
    tree = (ROOT / "docs/reference/errors.md").read_text()
    layout = (ROOT / "src/treering/runlog/FORMAT.md").read_text()
    for field in msgspec.structs.fields(Settings):
        row = next(line for line in settings.splitlines() if f"`TREERING_{field.name.upper()}`" in line)
        assert len(row.split("|")[4].strip()) > 5, f"{field.name} has no meaning"
    for name in errors.__all__:
        assert f"`{name}`" in tree
    for kind, name in records.KINDS.items():
        assert re.search(rf"^\| {kind} \| {name} \|", layout, re.MULTILINE), name


def test_the_commands_of_the_docs_exist() -> None:
    for page in PAGES:
        for command in re.findall(r"^(?:\w[\w-]*\$ )?(treering [^#\n]*)$", page.read_text(), re.MULTILINE):
            words = command.split()[1:]
            if "reference" not in page.parts:
                arguments.parse(words)
