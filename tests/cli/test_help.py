"""What the command line says about itself, and how soon."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from treering._version import __version__
from treering.cli.arguments import parse

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


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("runs files RUN --data D NAME", {"run": "RUN", "name": "NAME", "data": "D"}),
        ("runs files --data D RUN --into I NAME", {"run": "RUN", "name": "NAME", "into": "I"}),
        ("runs files RUN --json", {"run": "RUN", "name": None, "json": True}),
        ("runs ls --filter x PROJECT -n 3", {"project": "PROJECT", "filter": "x", "limit": 3}),
        ("runs ls", {"project": None, "limit": 50}),
        ("runs diff A --data D B --all C", {"runs": ["A", "B", "C"], "all": True}),
        ("runs export --key a RUN --key b -o F", {"run": "RUN", "key": ["a", "b"], "output": "F"}),
        ("sync RUN --to U DIR", {"what": ["RUN", "DIR"], "to": "U"}),
        ("sync --to U", {"what": [], "to": "U"}),
        ("login --default URL --key K", {"url": "URL", "default": True}),
        ("restore --into I WHAT --repo R", {"what": "WHAT", "into": "I", "repo": "R"}),
        ("key new --scope read --user ada --scope write", {"scope": ["read", "write"], "user": "ada"}),
        ("user add --admin NAME --display-name X", {"name": "NAME", "admin": True}),
        ("import tensorboard --live DIR --project P", {"dir": "DIR", "live": True, "project": "P"}),
        ("runs files RUN -- --odd", {"run": "RUN", "name": "--odd"}),
    ],
)
def test_arguments_and_options_come_in_any_order(line: str, found: dict[str, object]):
    parsed = vars(parse(line.split()))

    assert {name: parsed[name] for name in found} == found


@pytest.mark.parametrize("line", ["verify A B", "runs show", "runs files A B C --data D", "runs diff --all", "ui x"])
def test_too_many_or_too_few_arguments_are_a_wrong_command_line(line: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        parse(line.split())

    assert ended.value.code == 2
    assert "usage: treering" in capsys.readouterr().err
