"""What the command line says about itself, and how soon."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from treering._version import __version__

from .conftest import TREERING

HEAVY = "fastapi uvicorn sqlalchemy duckdb numpy pydantic asyncio http.client"


def test_help_names_every_command_and_every_exit_code_and_comes_at_once():
    times = []
    for _ in range(3):
        # Processor time: other programs of a busy machine do not count.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([*TREERING, "--help"], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    for command in ("ui", "serve", "runs", "key", "user", "verify", "rebuild", "doctor", "demo"):
        assert f"    {command} " in done.stdout
    for code in range(7):
        assert f"  {code}  " in done.stdout
    assert "serve-socket" not in done.stdout
    assert min(times) < 0.15


def test_help_imports_nothing_heavy():
    script = (
        "import sys, treering.cli\n"
        "try: treering.cli.main(['--help'])\n"
        f"except SystemExit: sys.exit(' '.join(n for n in {HEAVY.split()!r} if n in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    assert done.stderr == "\n" or done.returncode == 0, done.stderr


def test_the_version_is_printed():
    done = subprocess.run([*TREERING, "--version"], capture_output=True, text=True, check=True)

    assert done.stdout == f"treering {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["runs"], ["ui", "--port", "x"], ["verify"]])
def test_a_wrong_command_line_is_code_2_and_says_so_on_stderr(arguments):
    done = subprocess.run([*TREERING, *arguments], capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage: treering" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["ui"],
        ["serve"],
        ["runs", "ls"],
        ["runs", "export"],
        ["key", "new"],
        ["key", "revoke"],
        ["user", "add"],
        ["user", "disable"],
        ["verify"],
        ["rebuild"],
        ["doctor"],
        ["demo"],
    ],
)
def test_every_command_has_a_help_of_its_own(command):
    done = subprocess.run([*TREERING, *command, "--help"], capture_output=True, text=True, check=True)

    assert "--data DIR" in done.stdout
    assert "--json" in done.stdout
