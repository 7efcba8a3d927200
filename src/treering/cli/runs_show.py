"""``treering runs show``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .output import human_duration, human_value, print_json, print_table, visible
from .reading import find_run, open_api

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Show one run: state, settings, last values, what is known to be lost."""
    with open_api(arguments) as api:
        detail = find_run(api, arguments.run).detail
    if arguments.json:
        print_json(detail)
        return 0
    print(visible(f"{detail['name']}  {detail['entity']}/{detail['project']}/{detail['run_id']}"))
    for name, value in _facts(detail):
        print(f"  {name:<10} {visible(value)}")
    _print_pairs("config", list(_flat(detail["config"])))
    _print_pairs("summary", sorted(detail["summary"].items()))
    end = detail["end"]
    if end and end["traceback"]:
        print("traceback")
        for line in str(end["traceback"]).splitlines():
            print(f"  {visible(line)}")
    return 0


def _facts(detail: dict[str, Any]) -> Iterator[tuple[str, str]]:
    end = detail["end"]
    code = f", exit code {end['exit_code']}" if end and end["exit_code"] is not None else ""
    yield "state", f"{detail['state']}{code}"
    if end and end["reason"]:
        yield "reason", str(end["reason"])
    began = datetime.fromtimestamp(detail["created_at"], UTC).astimezone()
    yield "began", f"{began:%Y-%m-%d %H:%M:%S %z}, took {human_duration(detail['runtime_s'])}"
    yield "key", detail["run_key"]
    for name in ("host", "group", "job_type", "notes"):
        if detail[name]:
            yield name, str(detail[name])
    if detail["tags"]:
        yield "tags", ", ".join(detail["tags"])
    if detail["meta"].get("command"):
        command = detail["meta"]["command"]
        yield "command", command if isinstance(command, str) else " ".join(map(str, command))
    yield "saved", ", ".join(name for name, holds in detail["guarantee"].items() if holds) or "not yet"
    if detail["loss"]:
        yield "lost", f"{detail['loss']['points']:,} points in {detail['loss']['gaps']} gaps, as the run itself counted"
    for damage in detail["damage"]:
        yield "damage", f"{damage['segment']} bytes {damage['offset']:,}+{damage['length']:,}: {damage['reason']}"
    if detail["error"]:
        yield "error", str(detail["error"])


def _flat(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _print_pairs(title: str, pairs: list[tuple[str, Any]]) -> None:
    if pairs:
        print_table([title, ""], [[f"  {key}", human_value(value)] for key, value in pairs])
