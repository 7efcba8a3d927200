"""
The command line: ``treering``.

Each command is a module with ``run(arguments)``, imported when it is asked for, so that ``treering --help`` needs
none of them.
"""

from __future__ import annotations

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; see ``treering --help`` for what the codes mean."""
    from .arguments import parse
    from .failure import run_command

    return run_command(parse(argv))
