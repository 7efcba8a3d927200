"""``treering reproduce RUN``: run it again from what was recorded of it, and say what agrees."""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from treering.errors import NotFound, UsageError
from treering.sdk.api import Api, Run
from treering.sdk.redact import HIDDEN
from treering.sdk.reproduced import VARIABLE
from treering.sdk.saved import digest_of

from .failure import DAMAGED
from .output import human_value, print_json, visible
from .reading import find_run, open_server
from .restore_code import Restored, command_line, free_folder, restore

__all__ = ["run"]

_METRICS_MAX: Final = 200
_SHOWN: Final = 20
_FIND_AGAIN_S: Final = 60.0  # the new run appears on the server within so long
_TINY: Final = 1e-12
_STDERR: Final = 2  # what the training prints is its own: only the result goes to stdout


class Check(NamedTuple):
    """One thing that should be as it was. *state*: same, differs, missing or unknown."""

    what: str
    state: str
    before: str
    now: str


class Agreement(NamedTuple):
    """How a metric of the new run compares with that of the old one; ``worst`` is relative, over common steps."""

    key: str
    agrees: bool
    before: float | None
    now: float | None
    worst: float | None
    at_step: int | None
    steps: int


def run(arguments: argparse.Namespace) -> int:
    """Reproduce a run. 0: all metrics agree; 5: some do not, or (of a dry run) something is not as it was."""
    with open_server(arguments) as api:
        old = find_run(api, arguments.run)
        checks = [*_environment(old), *_inputs(old), *_artifacts(old)]
        if not arguments.json:
            _print_checks(old, checks)
        if arguments.dry_run:
            if arguments.json:
                print_json({"run": old.key, "checks": [check._asdict() for check in checks]})
            return DAMAGED if any(check.state != "same" for check in checks) else 0
        if HIDDEN in str(old.code()["command"]):
            raise UsageError(
                f"the command line of {old.path} had a secret, which was not recorded. "
                "Restore its code with `treering restore`, and start it yourself."
            )
        into = free_folder(arguments.into, f"{old.row['name']}-again")
        restored = restore(old, into, arguments.repo)
        begun_s = time.time()
        code = _start(arguments, old, restored)
        new = _find_new(api, old, begun_s)
        found = [] if new is None else _compare(old, new, arguments.tolerance)
    agrees = bool(found) and all(one.agrees for one in found)
    if arguments.json:
        print_json(
            {
                "run": old.key,
                "new": None if new is None else new.key,
                "exit_code": code,
                "folder": str(restored.folder),
                "code_differs": restored.differs,
                "checks": [check._asdict() for check in checks],
                "metrics": [one._asdict() for one in found],
                "agrees": agrees,
            }
        )
    else:
        _print_result(new, code, restored, found, arguments.tolerance)
    if code != 0 or new is None:
        return 1
    return 0 if agrees else DAMAGED


# ── before it starts ─────────────────────────────────────────────────────────────────────────────────────────────
def _environment(old: Run) -> list[Check]:
    meta = old.detail["meta"]
    checks = [_check("python", str(meta.get("python") or ""), platform.python_version())]
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    checks.append(_check("system", str(meta.get("os") or ""), system))
    gpus = meta.get("gpu") or meta.get("gpus")
    if gpus:
        checks.append(Check("GPU", "unknown", _short(gpus), "look yourself"))
    return [*checks, *_packages(old)]


def _packages(old: Run) -> list[Check]:
    try:
        file = old.file("requirements.txt")
    except NotFound:
        return [Check("packages", "unknown", "not recorded", "")]
    if not file.held:
        return [Check("packages", "unknown", "their list is not at the server", "")]
    before = _pinned(file.read().decode("utf-8", "replace").splitlines())
    now = {_normal(found.name): found.version for found in importlib.metadata.distributions() if found.name}
    checks = []
    for name, version in sorted(before.items()):
        here = now.get(name)
        if here != version:
            checks.append(Check(f"package {name}", "missing" if here is None else "differs", version, here or ""))
    return checks or [Check("packages", "same", f"{len(before)} packages", f"{len(before)} packages")]


def _pinned(lines: Iterable[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        name, sign, version = line.split(" ", 1)[0].split(";", 1)[0].partition("==")
        if sign and name and version:
            found[_normal(name)] = version.strip()
    return found


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def _inputs(old: Run) -> list[Check]:
    inputs = old.detail["meta"].get("inputs")
    checks = []
    for entry in inputs if isinstance(inputs, list) else []:
        if not isinstance(entry, dict):
            continue
        name, before = f"data {entry.get('name')}", str(entry.get("digest") or "")
        source = str(entry.get("source") or "")
        if not source.startswith(os.sep):
            checks.append(Check(name, "unknown", before, "made in the training: the new run notes its digest"))
            continue
        try:
            now = str(digest_of(Path(source))["digest"])
        except OSError:
            checks.append(Check(name, "missing", before, source))
            continue
        checks.append(_check(name, before, now))
    return checks


def _artifacts(old: Run) -> Iterable[Check]:
    """The new run is given the versions that the old one used, whatever its aliases mean by now."""
    for row in old.uses():
        name, before = f"artifact {row['entity']}/{row['project']}/{row['name']}", f"v{row['version']}"
        if not row["visible"]:
            yield Check("artifact", "missing", before, "in a project that you may not see")
        elif not row["exists"]:
            yield Check(name, "missing", before, "removed")
        else:
            yield Check(name, "same", before, before)


def _check(what: str, before: str, now: str) -> Check:
    if not before:
        return Check(what, "unknown", "not recorded", now)
    return Check(what, "same" if before == now else "differs", before, now)


# ── the run itself ───────────────────────────────────────────────────────────────────────────────────────────────
def _start(arguments: argparse.Namespace, old: Run, restored: Restored) -> int:
    """Run the command in the restored folder; return its exit code."""
    command, folder = command_line(old.code(), old.detail, restored)
    if not command:
        raise UsageError(f"the command line of {old.path} was not recorded, so it cannot be run again.")
    meta = old.detail["meta"]
    recorded = meta.get("environment")
    environ = {str(name): str(value) for name, value in (recorded if isinstance(recorded, dict) else {}).items()}
    environ |= os.environ
    environ |= {VARIABLE: old.key, "TREERING_ENTITY": old.entity, "TREERING_PROJECT": old.project}
    environ.pop("TREERING_RUN_ID", None)
    environ.pop("TREERING_RESUME", None)
    if arguments.data:
        environ["TREERING_DIR"] = str(Path(arguments.data).expanduser().absolute())
        environ.pop("TREERING_BASE_URL", None)
    python = arguments.python or sys.executable
    words = [python, *command]
    print(f"treering: {visible(shlex.join(words))}  in {folder}", file=sys.stderr)
    return subprocess.run(words, cwd=folder, env=environ, check=False, stdout=_STDERR).returncode


def _find_new(api: Api, old: Run, begun_s: float) -> Run | None:
    """Return the run that was begun to reproduce *old*, the newest if there are several."""
    end = time.monotonic() + _FIND_AGAIN_S
    while True:
        for found in api.runs(f"{old.entity}/{old.project}"):
            if found.created_at < begun_s - 5:
                break
            if found.detail["meta"].get("reproduces") == old.key and found.state != "running":
                return found
        if time.monotonic() > end:
            return None
        time.sleep(0.5)


# ── what agrees ──────────────────────────────────────────────────────────────────────────────────────────────────
def _compare(old: Run, new: Run, tolerance: float) -> list[Agreement]:
    keys = [str(info["key"]) for info in old.detail["keys"] if info.get("kind") == "number"][:_METRICS_MAX]
    before, now = _lines(old, keys), _lines(new, keys)
    return [_agreement(key, before.get(key, {}), now.get(key, {}), tolerance) for key in keys]


def _lines(run: Run, keys: list[str]) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    if keys:
        for row in run.scan_history(keys, "latest"):
            for key in keys:
                value = row.get(key)
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    found.setdefault(key, {})[int(row["_step"])] = float(value)
    return found


def _agreement(key: str, before: dict[int, float], now: dict[int, float], tolerance: float) -> Agreement:
    common = sorted(before.keys() & now.keys())
    worst, at_step = 0.0, None
    for step in common:
        apart = _apart(before[step], now[step])
        if apart > worst or at_step is None:
            worst, at_step = apart, step
    last_before = before[max(before)] if before else None
    last_now = now[max(now)] if now else None
    whole = bool(common) and len(common) == len(before) == len(now)
    agrees = whole and worst <= tolerance
    return Agreement(key, agrees, last_before, last_now, worst if common else None, at_step, len(common))


def _apart(a: float, b: float) -> float:
    """Return the relative difference; equal ones, NaN and infinities included, are 0 apart."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return abs(a - b) / max(abs(a), abs(b), _TINY)


# ── printing ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _print_checks(old: Run, checks: list[Check]) -> None:
    print(f"{visible(str(old.row['name']))}  {visible(old.path)}")
    for check in checks:
        if check.state == "same":
            print(f"  same     {visible(check.what)}  {visible(check.before)[:100]}")
        else:
            print(
                f"  {check.state:8} {visible(check.what)}  {visible(check.before)[:100]} → {visible(check.now)[:100]}"
            )


def _print_result(new: Run | None, code: int, restored: Restored, found: list[Agreement], tolerance: float) -> None:
    for text in restored.differs:
        print(f"  code differs: {visible(text)}")
    if code != 0:
        print(f"  the command ended with exit code {code}")
    if new is None:
        print("  it has begun no run of this project: nothing can be compared")
        return
    print(f"reproduced as {visible(str(new.row['name']))}  {visible(new.path)}")
    wrong = [one for one in found if not one.agrees]
    print(f"  {len(found) - len(wrong)} of {len(found)} metrics agree within {tolerance:g}")
    for one in wrong[:_SHOWN]:
        where = "" if one.at_step is None else f", worst at step {one.at_step:,}: {human_value(one.worst)} apart"
        print(f"  differs  {visible(one.key)}  {human_value(one.before)} → {human_value(one.now)}{where}")
    if len(wrong) > _SHOWN:
        print(f"  … and {len(wrong) - _SHOWN} more")


def _short(value: Any) -> str:
    return str(value)[:100]
