"""``treering origin FILE``: from a weights file on the disk to the run that it comes from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from treering.sdk.offline_origin import OfflineRuns
from treering.sdk.origin import FileFacts, choose_origins, read_facts

from .failure import NOT_FOUND
from .output import human_age, human_value, print_json, visible
from .reading import open_server

__all__ = ["run"]

_SHOWN: Final = 5
_CONFIG_SHOWN: Final = 30
_VALUES_SHOWN: Final = 12
_WHOLE: Final = 0.9999


def run(arguments: argparse.Namespace) -> int:
    """Say where a file comes from; 0 if a run is known to have saved it, 3 if none is."""
    facts = read_facts(Path(arguments.file))
    if arguments.offline:
        runs = OfflineRuns(Path(arguments.offline).expanduser())
        found = choose_origins(facts, runs.by_hash(facts.sha256), lambda: runs.by_parts(facts.parts), runs.run)
    else:
        with open_server(arguments) as api:
            found = api.origin(facts)
    share = min(1.0, arguments.share / 100)
    known = any(one["file"] is not None and one["file"]["share"] >= min(share, _WHOLE) for one in found)
    if arguments.json:
        stamp = None if facts.stamp is None else facts.stamp._asdict()
        said = {"file": str(facts.path), "sha256": facts.sha256, "bytes": facts.bytes, "stamp": stamp}
        print_json({**said, "known": known, "origins": found})
    else:
        _print(facts, found, known)
    return 0 if known else NOT_FOUND


def _print(facts: FileFacts, found: list[dict[str, Any]], known: bool) -> None:
    print(f"{visible(str(facts.path))}  {facts.bytes:,} bytes  sha256 {facts.sha256}")
    if facts.stamp is not None:
        print(f"  stamped: run {facts.stamp.run_key} ({visible(facts.stamp.path)})")
    if not found:
        print("  no run is known that saved it, or any part of it")
        return
    if not known:
        print("  no run is known that saved the whole of it")
    for one in found[:_SHOWN]:
        _print_origin(one)
    if len(found) > _SHOWN:
        print(f"… and {len(found) - _SHOWN} more; --json lists them")


def _print_origin(one: dict[str, Any]) -> None:
    file = one["file"]
    where = f"{one['entity']}/{one['project']}/{one['run_id']}"
    print(f"{visible(str(one['run_name']))}  {visible(where)}  {one['state']}  {human_age(float(one['created_at']))}")
    if file is None:
        print("  by its stamp alone: that run has saved no such file")
    elif one["how"] == "hash":
        print(f"  is {visible(file['path'])} of this run, byte for byte, {human_age(float(file['saved_at']))}")
    else:
        print(
            f"  {file['share']:.1%} of it is {visible(file['path'])} of this run, saved {human_age(file['saved_at'])}"
        )
    if file is not None and not file["is_held"]:
        print("  the run says so; its bytes are not here")
    changes = " and uncommitted changes" if one["has_changes"] else ""
    print(f"  commit   {one['commit'] or 'not recorded'}{changes}")
    if one["command"]:
        print(f"  command  {visible(str(one['command']))}")
    for entry in one["inputs"]:
        print(f"  data     {visible(str(entry.get('name')))}  {visible(str(entry.get('digest', ''))[:80])}")
    config = sorted(one["config"].items())
    if config:
        text = ", ".join(f"{name}={human_value(value)}" for name, value in config[:_CONFIG_SHOWN])
        print(f"  config   {visible(text)}{' …' if len(config) > _CONFIG_SHOWN else ''}")
    values = list(one["values"].items())
    if values:
        text = ", ".join(f"{key}={human_value(value)} (step {step:,})" for key, (step, value) in values[:_VALUES_SHOWN])
        print(f"  metrics  {visible(text)}{' …' if len(values) > _VALUES_SHOWN else ''}")
    print(f"  treering restore {one['run_key']}   treering reproduce {one['run_key']}")
