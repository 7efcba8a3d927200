"""
How a command fails: one message on stderr, an exit code that a script can tell apart, never a traceback for a known
error.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys

from treering.errors import AmbiguousName, FolderInUse, NotFound, TreeringError, UsageError

from .output import visible

__all__ = ["DAMAGED", "NOT_FOUND", "run_command"]

FAILED, USAGE, NOT_FOUND, AMBIGUOUS, DAMAGED, BUSY, INTERRUPTED = 1, 2, 3, 4, 5, 6, 130


def run_command(arguments: argparse.Namespace) -> int:
    """Import the module of a command, run it, and turn what it raises into a message and an exit code."""
    try:
        module = importlib.import_module(f"treering.cli.{arguments.command}")
        code: int = module.run(arguments)
        sys.stdout.flush()  # a closed pipe shows here and not at exit
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `treering runs ls | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (TreeringError, OSError) as error:
        _print_error(error, arguments.json)
        return _code_of(error)


def _code_of(error: Exception) -> int:
    if isinstance(error, AmbiguousName):
        return AMBIGUOUS
    if isinstance(error, NotFound):
        return NOT_FOUND
    if isinstance(error, FolderInUse):
        return BUSY
    return USAGE if isinstance(error, UsageError) else FAILED


def _print_error(error: Exception, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}), file=sys.stderr)
    else:
        # Some messages repeat a run's name, which must not drive the terminal; line ends are ours.
        lines = [visible(line) for line in f"treering: {error}".split("\n")]
        print("\n".join(lines), file=sys.stderr)
