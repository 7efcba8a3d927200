"""
Writes the golden segment of the present format version: ``python tests/runlog/golden/make.py``.

A golden file is made once per format version and never again; every later reader must read it.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from treering.runlog import records
from treering.runlog import writer as writer_module
from treering.runlog.writer import Writer

SEGMENT = "00112233445566778899aabbccddeeff"
CREATED_NS = 1_800_000_000_000_000_000

ROWS: list[tuple[int, int, dict[str, Any]]] = [
    (0, CREATED_NS + 1, {"train/loss": 2.5, "epoch": 0, "ok": True}),
    (1, CREATED_NS + 2, {"train/loss": math.nan, "a": math.inf, "b": -math.inf}),
    (7, CREATED_NS + 3, {"status": "warm-up", "größe/📈": -0.0, "big": (1 << 64) - 1, "small": -(1 << 63)}),
    (3, CREATED_NS + 4, {"train/loss": 5e-324}),
    (1 << 40, CREATED_NS + 5, {"image": {"_type": "image", "sha256": "00" * 32, "width": 2, "height": 3}}),
]


def write(folder: Path) -> Path:
    """Write the golden segment into *folder*: the same bytes each time."""
    original = writer_module.new_segment_id
    writer_module.new_segment_id = lambda: SEGMENT
    ticks = itertools.count(CREATED_NS)
    try:
        life = {
            "run": {"entity": "ada", "project": "digits", "id": "r1", "key": "a" * 26},
            "life_id": "0123456789abcdef",
            "writer": "",
            "from_step": None,
            "resumed": False,
            "process": {"host": "box", "boot_id": "", "pid": 1, "start_time": 2.0, "rank": 0},
            "client": "treering 0.1.0",
            "meta": {"name": "amber-heron", "tags": ["a", "b"], "notes": "", "command": "train.py --lr 0.1"},
        }
        writer = Writer(folder, life, clock_ns=lambda: next(ticks))
    finally:
        writer_module.new_segment_id = original
    writer.append(records.CONFIG, [CREATED_NS, {"lr": 0.1, "layers": [1, 2], "deep": {"none": None}}, "merge"])
    for row in ROWS:
        writer.append(records.ROW, row)
    writer.append(records.DEFINE, [CREATED_NS, {"name": "val/*", "step_metric": "epoch", "summary": ["max"]}])
    writer.append(records.CONFIG, [CREATED_NS, {}, "delete", ["lr"]])
    writer.append(records.SYSTEM, [CREATED_NS, {"system/cpu.util": [1.0, 2.0, 3.0, 10]}])
    writer.append(records.CONSOLE, [CREATED_NS, "stdout", "epoch 1\n"])
    writer.append(records.GAP, [CREATED_NS, {"count": 3, "reason": "disk full"}])
    writer.append(200, [1, "a kind from the future"])
    writer.append(records.END, [CREATED_NS, {"state": "finished", "exit_code": 0, "runtime_s": 1.5}])
    writer.close()
    return writer.path


if __name__ == "__main__":
    here = Path(__file__).parent / "1.0"
    here.mkdir(exist_ok=True)
    (here / f"{SEGMENT}.trl").unlink(missing_ok=True)
    os.chmod(write(here), 0o644)
