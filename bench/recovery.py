"""
How long it takes to know where a run log of 1 GiB stands, after a crash of everything: whole frames, chain, damage.

    python bench/recovery.py [MIB]

Records of ten floats, one frame each: the most frames a byte can have. Beside it ``sha256`` of the same files, which
proves as much and says less.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from treering.runlog import records
from treering.runlog.shipment import measure
from treering.runlog.writer import Writer
from treering.sdk.resume import read_past


def main(mib: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        life = {"run": None, "life_id": "a", "writer": "", "created_ns": 0}
        state = {"last_step": 0, "config": {}, "summary": {}, "defines": {}}
        writer = Writer(folder, life, checkpoint=lambda: state)
        row = {f"metric{k}": 0.5 + k for k in range(10)}
        step = 0
        while len(writer.segments) * 64 <= mib:
            writer.append(records.ROW, (step, step, row))
            state["last_step"] = step
            step += 1
        # Killed: nothing is sealed, the last segment has room in front of it.
        size = sum(path.stat().st_size for path in folder.glob("*.trl"))
        begin = time.perf_counter()
        whole = 0
        for path in sorted(folder.glob("*.trl")):
            fd = os.open(path, os.O_RDONLY)
            whole += measure(path.stem, lambda length, at, fd=fd: os.pread(fd, length, at)).length
            os.close(fd)
        measured_s = time.perf_counter() - begin
        begin = time.perf_counter()
        past = read_past(folder, "")
        resumed_s = time.perf_counter() - begin
        assert past is not None
        assert past.last_step == step - 1
        begin = time.perf_counter()
        for path in folder.glob("*.trl"):
            hashlib.sha256(path.read_bytes()).hexdigest()
        hashed_s = time.perf_counter() - begin
        print(
            json.dumps(
                {
                    "mib": round(size / 2**20),
                    "records": step,
                    "whole_mib": round(whole / 2**20),
                    "recovery_s": round(measured_s, 2),
                    "resume_s": round(resumed_s, 3),
                    "rival_sha256_s": round(hashed_s, 2),
                }
            )
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
