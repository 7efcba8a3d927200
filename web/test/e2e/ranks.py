"""
Fill a data folder for the tests of distributed training: ``python ranks.py DIR`` makes project ``acme/ranks``.

Run ``job`` is written by six ranks on two machines. Rank 0 was requeued at step 60 of 200 and computed ten steps again,
rank 4 is twice as slow from step 100 on, rank 2 died without a word at step 150. Group ``sharded`` is four runs, one a
process. The logs are written as the SDK writes them, with times of an hour ago, so that nobody has to wait for them.
"""

from __future__ import annotations

import math
import random
import sys
import time
from pathlib import Path
from typing import Any

from treering.ids import new_life_id, run_key
from treering.runlog import records
from treering.runlog.writer import Writer

RANKS = 6
STEPS = 200
STEP_NS = 400_000_000
START_NS = time.time_ns() - 3_600 * 10**9


def main(folder: Path) -> None:
    """Write the job and the group."""
    for rank in range(RANKS):
        process(folder, "job", rank)
    for rank in range(4):
        process(folder, f"shard-{rank}", rank, group="sharded")


def process(folder: Path, run_id: str, rank: int, group: str = "") -> None:
    """Write what one process leaves, in one life or two."""
    rng = random.Random(rank)
    own = bool(group)
    dies = rank == 2 and not own
    ends = 151 if dies else STEPS
    lives = [(0, 70), (60, ends)] if rank == 0 and not own else [(0, ends)]
    now_ns = START_NS
    for number, (first, last) in enumerate(lives):
        writer = begin(folder, run_id, rank, group, now_ns, from_step=first if number else None)
        for step in range(first, last):
            slow = 2.0 if rank == 4 and step >= 100 and not own else 1.0
            took = slow * (1 + 0.05 * rng.random())
            now_ns += int(STEP_NS * took)
            loss = 2 * math.exp(-step / 60) + 0.2 + rng.gauss(0, 0.02)
            writer.append(records.ROW, [step, now_ns, {"train/loss": loss, "time/step_s": took * STEP_NS / 1e9}])
            if step % 50 == 0:
                line = f"step {step}: \x1b[32mall well\x1b[0m <b>{rank}</b>"
                writer.append(records.CONSOLE, [now_ns, "stdout", line])
        if not dies:
            state = "preempted" if last < ends else "finished"
            writer.append(records.END, [now_ns, {"state": state, "writer": "" if own or not rank else f"rank{rank}"}])
            writer.close()
        now_ns += 30 * 10**9


def begin(folder: Path, run_id: str, rank: int, group: str, now_ns: int, from_step: int | None) -> Writer:
    """Begin a life of a rank, which has a run of its own where there is a group."""
    key = run_key("acme", "ranks", run_id)
    (folder / "runs" / key).mkdir(parents=True, exist_ok=True)
    where: dict[str, Any] = {
        "host": f"node-{rank // 3}",
        "boot_id": f"boot-{rank // 3}",
        "pid": 4_000 + rank,
        "start_time": 1.0,
        "rank": rank,
        "local_rank": rank % 3,
        "world_size": RANKS,
        "job_id": "slurm-77.0",
    }
    life: dict[str, Any] = {
        "run": {"entity": "acme", "project": "ranks", "id": run_id, "key": key},
        "life_id": new_life_id(),
        "writer": "" if group or rank == 0 else f"rank{rank}",
        "from_step": from_step,
        "resumed": from_step is not None,
        "process": where,
        "client": "browser tests",
        "meta": {"name": run_id, "group": group},
    }
    return Writer(folder / "runs" / key, life, mapped=False, clock_ns=lambda: now_ns)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
