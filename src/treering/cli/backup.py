"""``treering backup``: copy everything that cannot be derived, while the server serves."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from treering.store.backup import BackupReport, back_up

from .failure import DAMAGED
from .folder import data_folder
from .output import human_duration, print_json

__all__ = ["describe", "progress", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Back up; exit code 5 if something of the store was damaged before. It is copied as it is."""
    folder, out = data_folder(arguments.data), Path(arguments.out).expanduser().absolute()
    report = back_up(folder, out, progress(arguments.json))
    if arguments.json:
        print_json({"backup": str(out), **msgspec.structs.asdict(report)})
    else:
        print(f"backed up {folder} to {out} and read it back: {describe(report)}")
        for line in report.damaged:
            print(f"  damaged in the store, copied as it is: {line}")
    return DAMAGED if report.damaged else 0


def describe(report: BackupReport) -> str:
    """Return the counts of a backup in words."""
    parts = [
        f"{report.runs:,} runs",
        f"{report.segments:,} segments ({report.sealed:,} sealed, their SHA-256 checked)",
        f"{report.blobs:,} blobs",
        "the accounts" if report.accounts else "no accounts",
        f"{report.bytes / 1e6:,.1f} MB in {human_duration(report.seconds)}",
    ]
    return ", ".join(parts)


def progress(quiet: bool) -> Callable[[int, int], None]:
    """Return what shows how far a copy has come, on a terminal."""

    def show(files: int, size: int) -> None:
        if not quiet and sys.stderr.isatty() and files % 50 == 0:
            print(f"\r{files:,} files, {size / 1e6:,.0f} MB", end="", file=sys.stderr)

    return show
