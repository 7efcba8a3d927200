"""
What a large artifact costs in a local folder, beside ``cp``: time and memory, into the record and back out.

    python bench/artifacts.py [--gib N] [--files N] [--folder DIR]

Prints one JSON line. ``cp_s`` copies the same files with ``cp -r``; ``cp_sync_s`` is that and ``sync``, since a version
is on the disk before it is recorded. ``add_s`` is what ``add_dir`` takes on the training's thread, which is the copy
and the hash; ``log_s`` is until its record is written, ``download_s`` a download into another folder. The ratios are
of speeds, cp's being 1. Each is the best of ``--rounds`` in turn, since a disk has moods.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LOG = """
import resource, sys, time, json, treering as tr
run = tr.init(project="p", name="bench")
began = time.monotonic()
data = tr.Artifact("data", "dataset")
data.add_dir(sys.argv[1])
add_s = time.monotonic() - began
run.log_artifact(data)
data._job.done.wait()
log_s = time.monotonic() - began
data.wait()
print(json.dumps({"add_s": add_s, "log_s": log_s, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
run.finish()
"""
DOWNLOAD = """
import resource, sys, time, json, treering as tr
data = tr.Api().artifact(sys.argv[2])
began = time.monotonic()
data.download(sys.argv[1])
download_s = time.monotonic() - began
print(json.dumps({"download_s": download_s, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def write_files(folder: Path, total_bytes: int, count: int) -> None:
    """Write files of random bytes, none like another."""
    folder.mkdir()
    block = os.urandom(8 << 20)
    each = total_bytes // count
    for number in range(count):
        with open(folder / f"shard-{number:03}", "wb") as file:
            file.write(number.to_bytes(8, "little"))
            left = each - 8
            while left > 0:
                left -= file.write(block[: min(left, len(block))])
    os.sync()


def timed(*command: str) -> float:
    """Return how long a command takes."""
    began = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - began


def script(text: str, home: Path, *arguments: str) -> dict[str, Any]:
    """Run a script in a process of its own; return what it measured."""
    environ = {
        **os.environ,
        "HOME": str(home),
        "TREERING_DIR": str(home / "data"),
        "TREERING_SILENT": "1",
        "TREERING_DISABLE_CODE": "1",
        "TREERING_ENTITY": "ada",
    }
    done = subprocess.run(
        [sys.executable, "-c", text, *arguments], env=environ, cwd=home, check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(home: Path, gib: float, count: int, rounds: int) -> dict[str, Any]:
    """Return the best of each over some rounds."""
    write_files(home / "source", int(gib * (1 << 30)), count)
    best: dict[str, float] = {}
    peak_mib = 0.0
    for _ in range(rounds):
        cp_s = timed("cp", "-r", str(home / "source"), str(home / "copy"))
        found = {"cp_s": cp_s, "cp_sync_s": cp_s + timed("sync")}
        shutil.rmtree(home / "copy")
        logged = script(LOG, home, str(home / "source"))
        back = script(DOWNLOAD, home, str(home / "out"), "ada/p/data")
        peak_mib = max(peak_mib, logged.pop("mib"), back.pop("mib"))
        for folder in ("data", "out"):
            shutil.rmtree(home / folder)
        os.sync()
        found |= logged | back
        best = {name: min(value, best.get(name, value)) for name, value in found.items()}
    return {
        "bench": "artifacts",
        "gib": gib,
        "files": count,
        **{name: round(value, 3) for name, value in best.items()},
        "add_ratio": round(best["cp_s"] / best["add_s"], 2),
        "log_ratio": round(best["cp_sync_s"] / best["log_s"], 2),
        "download_ratio": round(best["cp_s"] / best["download_s"], 2),
        "peak_mib": round(peak_mib, 1),
    }


def main() -> None:
    """Measure in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=10.0)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", help="on the disk to measure")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="artifacts-", dir=given.folder))
    try:
        print(json.dumps(measure(home, given.gib, given.files, given.rounds)))
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
