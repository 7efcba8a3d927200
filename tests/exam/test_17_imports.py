"""
EXAM 17: a folder to import is made by somebody else. Links, devices, a million entries, bombs and damage are named,
cost little, and everything that is whole is imported.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import treering as tr
from importers.event_files import FILE, event, field, framed, picture, scalar, version, write

MEMORY_MAX_BYTES = 300 << 20


def _import(folder: Path, timeout_s: float) -> tuple[dict[str, int], dict[str, str], int]:
    """Import ``logs`` into ``data``; return rows by run, why by what was left out, and the peak of the memory."""
    command = [sys.executable, "-m", "treering.cli", "import", "tensorboard", str(folder / "logs")]
    command += ["--data", str(folder / "data"), "--project", "board", "--entity", "ada", "--json"]
    measured = (
        "import json, resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:]).returncode\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", measured, *command], capture_output=True, text=True, timeout=timeout_s, check=True
    )
    first, last = done.stdout.strip().split("\n")
    said = json.loads(first)
    kilobytes, code = map(int, last.split())
    assert code == 0, done.stderr
    rows = {each["name"]: each["rows"] for each in said["runs"]}
    return rows, {each["path"]: each["why"] for each in said["left_out"]}, kilobytes * 1024


def test_everything_hostile_at_once_leaves_the_good_runs_whole(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    whole = [event(step, scalar("loss", step)) for step in range(100)]
    for number in range(3):
        write(logs / f"good{number}" / FILE, *whole)
    secret = tmp_path / "secret"
    secret.mkdir()
    write(secret / FILE, event(0, scalar("secret", 1.0)))
    (logs / "good0" / f"{FILE}.link").symlink_to(secret / FILE)
    (logs / "up").symlink_to("..")
    (logs / "loop").symlink_to(logs)
    (logs / "devices").mkdir()
    os.mkfifo(logs / "devices" / "pipe.tfevents")
    (logs / "devices" / "zero.tfevents").symlink_to("/dev/zero")
    try:
        os.mknod(logs / "devices" / "device.tfevents", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except OSError:
        pass  # only root may, and not everywhere
    # A terabyte of zeros behind a good record, and the same as one record that claims it.
    os.truncate(write(logs / "zeros" / FILE, *whole[:5]), 1 << 40)
    long = (1 << 40).to_bytes(8, "little")
    (logs / "claim").mkdir()
    (logs / "claim" / FILE).write_bytes(framed(version()) + long + framed(long)[12:][8:] + bytes(100))
    # 1000:1: pixels that nobody needs to see here.
    pixels = zlib.compress(bytes(200_000_000), 9)
    bomb = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (50_000).to_bytes(4, "big") * 2 + bytes(9) + pixels
    write(
        logs / "bomb" / FILE, event(0, picture("bomb", bomb)), event(1, field(1, "t") + field(5, b"\x08\x01" * 300_000))
    )
    (logs / "gzip").mkdir()
    (logs / "gzip" / FILE).write_bytes(zlib.compress(bytes(100_000_000)))
    flipped = write(logs / "flipped" / FILE, *whole)
    data = bytearray(flipped.read_bytes())
    for at in range(500, len(data), 997):
        data[at] ^= 0x10
    flipped.write_bytes(data)

    rows, left_out, memory_bytes = _import(tmp_path, 120)
    assert {name: rows.get(name) for name in ("good0", "good1", "good2", "bomb", "zeros")} == {
        "good0": 100,
        "good1": 100,
        "good2": 100,
        "bomb": 1,
        "zeros": 5,
    }
    assert 85 <= rows["flipped"] < 100
    for name in (f"good0/{FILE}.link", "up", "loop", "devices/pipe.tfevents", "devices/zero.tfevents"):
        assert name in left_out
    assert {"zeros", "bomb", "gzip", "flipped"} <= set(left_out)
    assert memory_bytes < MEMORY_MAX_BYTES
    with tr.Api(tmp_path / "data") as api:
        runs = {run.name: run for run in api.runs("ada/board")}
        assert [row["loss"] for row in runs["good1"].history()] == [float(step) for step in range(100)]
        assert all("secret" not in run.keys for run in runs.values())


@pytest.mark.parametrize("entries", [20_000, pytest.param(1_000_000, marks=pytest.mark.exam)])
def test_a_crowded_folder_is_looked_through_up_to_the_limit(tmp_path: Path, entries: int) -> None:
    crowded = tmp_path / "logs" / "a"
    crowded.mkdir(parents=True)
    for number in range(entries):
        os.close(os.open(crowded / f"{number}", os.O_CREAT | os.O_WRONLY))
    write(tmp_path / "logs" / "z" / FILE, event(0, scalar("loss", 1.0)))
    write(tmp_path / "logs" / "0" / FILE, event(0, scalar("loss", 1.0)))
    rows, left_out, memory_bytes = _import(tmp_path, 300)

    assert rows["0"] == 1
    assert ("z" in rows) == (entries < 1_000_000)
    assert (entries < 1_000_000) == (left_out == {})
    assert all("more than 1,000,000 files and folders" in why for why in left_out.values())
    assert memory_bytes < MEMORY_MAX_BYTES


@pytest.mark.parametrize("files", [300, pytest.param(12_000, marks=pytest.mark.exam)])
def test_many_runs_are_imported_up_to_the_limit(tmp_path: Path, files: int) -> None:
    for number in range(files):
        write(tmp_path / "logs" / f"r{number:05}" / FILE, event(0, scalar("loss", number)))
    rows, left_out, memory_bytes = _import(tmp_path, 1_200)

    assert len(rows) == min(files, 10_000)
    assert left_out == ({} if files <= 10_000 else {"r10000": "more than 10,000 runs"})
    assert memory_bytes < MEMORY_MAX_BYTES
