"""Typed config from what a program's own parser parsed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

SHOW = """
import json
run = tr.init(project="arguments")
shown = dict(run.config)
run.finish()
print("CONFIG", json.dumps(shown))
"""


def config_of(folder: Path, text: str, *arguments: str, **environ: str) -> dict[str, Any]:
    """Return the config of a run of a script that was started with these arguments."""
    path = folder / "train.py"
    path.write_text(textwrap.dedent(text).replace("SHOW", textwrap.indent(SHOW, "    ").strip()))
    variables = {**os.environ, "TREERING_DIR": str(folder / "data"), "TREERING_SILENT": "1", **environ}
    done = subprocess.run(
        [sys.executable, str(path), *arguments], env=variables, capture_output=True, text=True, timeout=60, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("CONFIG ")]
    found: dict[str, Any] = json.loads(line.removeprefix("CONFIG "))
    return found


ARGPARSE = """
{imports}
def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--layers", type=int, nargs="*")
    parser.add_argument("--flag", action="store_true")
    parser.set_defaults(function=parse)
    return parser.parse_args()
def main():
    parse()
    SHOW
main()
"""


@pytest.mark.parametrize(
    "imports", ["import argparse\nimport treering as tr", "import treering as tr\nimport argparse"]
)
def test_argparse(tmp_path: Path, imports: str):
    text = ARGPARSE.replace("{imports}", imports)

    assert config_of(tmp_path, text, "--lr", "0.3", "--layers", "1", "2") == {
        "lr": 0.3,
        "layers": [1, 2],
        "flag": False,
    }


def test_what_the_script_says_itself_wins_and_the_rest_is_added(tmp_path: Path):
    text = ARGPARSE.replace("{imports}", "import treering as tr\nimport argparse").replace(
        "SHOW", SHOW.replace('"arguments"', '"arguments", config={"lr": 7}').strip().replace("\n", "\n    ")
    )
    assert config_of(tmp_path, text, "--lr", "0.3") == {"lr": 7, "layers": None, "flag": False}


def test_a_parser_of_something_else_is_not_the_command_line(tmp_path: Path):
    text = """
    import argparse, treering as tr
    parser = argparse.ArgumentParser(); parser.add_argument("--inner")
    parser.parse_args(["--inner", "x"])
    if True:
        SHOW
    """
    assert config_of(tmp_path, text) == {}


def test_treerings_own_commands_called_from_a_program_are_not_its_arguments(tmp_path: Path):
    text = """
    import treering as tr
    from treering.cli import main
    main(["runs", "ls", "--data", "."])
    main([] + __import__("sys").argv[1:]) if len(__import__("sys").argv) > 1 else None
    if True:
        SHOW
    """
    assert config_of(tmp_path, text) == {}
    assert config_of(tmp_path, text, "runs", "ls") == {}


def test_it_can_be_switched_off(tmp_path: Path):
    text = ARGPARSE.replace("{imports}", "import treering as tr\nimport argparse")

    assert config_of(tmp_path, text, "--flag", TREERING_CAPTURE_ARGUMENTS="no") == {}


def test_secrets_among_arguments_are_hidden_in_the_record(tmp_path: Path):
    text = """
    import argparse, treering as tr
    parser = argparse.ArgumentParser(); parser.add_argument("--api-key"); parser.add_argument("--lr", type=float)
    parser.parse_args()
    if True:
        SHOW
    """
    assert config_of(tmp_path, text, "--api-key", "hunter2hunter2", "--lr", "1")["lr"] == 1.0
    logs = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*.trl"))
    assert b"hunter2" not in logs
    assert b"[redacted]" in logs


@pytest.mark.parametrize("capture", ["yes", "no"])
def test_a_secret_that_only_the_parser_knows_is_hidden_in_the_command_line_and_in_what_is_printed(
    tmp_path: Path, capture: str
):
    text = """
    import argparse, treering as tr
    parser = argparse.ArgumentParser(); parser.add_argument("-k", dest="api_key"); parser.add_argument("rest", nargs="*")
    given = parser.parse_args()
    if True:
        SHOW
    run = tr.init(project="another", config={"token": given.api_key + "b"})
    print("connecting with", given.api_key, given.api_key + "b")
    """
    config_of(tmp_path, text, "-k", "Zq7plx9K2m4", "model.secret=Zq7plx9K2m4", TREERING_CAPTURE_ARGUMENTS=capture)
    logs = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*.trl"))

    assert b"Zq7plx9K2m4" not in logs
    assert b"-k" in logs


def test_importing_treering_changes_nothing_that_argparse_does(tmp_path: Path):
    text = """
    import treering as tr
    import argparse, inspect, sys
    parser = argparse.ArgumentParser(prog="p")
    parser.add_argument("--n", type=int)
    assert parser.parse_known_args(["--n", "3", "rest"]) == (argparse.Namespace(n=3), ["rest"])
    class Mine(argparse.ArgumentParser):
        def parse_known_args(self, args=None, namespace=None):
            return super().parse_known_args(args, namespace)
    assert Mine().parse_args([]) == argparse.Namespace()
    assert not [finder for finder in sys.meta_path if "treering" in type(finder).__module__]
    if True:
        SHOW
    """
    assert config_of(tmp_path, text) == {}


def test_click(tmp_path: Path):
    text = """
    import click, treering as tr
    @click.group()
    @click.option("--verbose", is_flag=True)
    def cli(verbose): pass
    @cli.command()
    @click.option("--lr", type=float, default=0.1)
    @click.argument("name")
    def train(lr, name):
        SHOW
    cli()
    """
    text = textwrap.dedent(text).replace("    SHOW", "    SHOW")
    assert config_of(tmp_path, text, "--verbose", "train", "--lr", "0.5", "x") == {
        "verbose": True,
        "lr": 0.5,
        "name": "x",
    }
