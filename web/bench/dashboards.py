"""
Fill a data folder for ``bench/workspace.mjs``: ``python bench/dashboards.py DIR``.

``acme/dashboard`` has 500 runs × 60 metrics × 200 points in six sections, ``acme/many`` 1,000 runs × 4 metrics × 500
points, ``acme/sweep`` 5,000 runs × 6 config keys × 2 metrics × 2 points.
The logs are written as the SDK writes them, without a process per run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from treering.ids import new_life_id, run_key
from treering.runlog import records
from treering.runlog.writer import Writer

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 10**9


def fill(folder: Path, project: str, runs: int, keys: int, points: int) -> None:
    """Write *runs* runs of *points* steps with *keys* noisy decays each."""
    rng = np.random.default_rng(1)
    names = [f"part{key % 6}/metric_{key}" for key in range(keys)]
    for number in range(runs):
        key = run_key("acme", project, f"r{number}")
        (folder / "runs" / key).mkdir(parents=True)
        run = {"entity": "acme", "project": project, "id": f"r{number}", "key": key}
        process = {"host": "h", "boot_id": "b", "pid": 1, "start_time": 1.0}
        life = {"run": run, "life_id": new_life_id(), "writer": "", "from_step": None, "resumed": False}
        life |= {"process": process, "client": "bench", "meta": {"name": f"swift-otter-{number + 1}"}}
        writer = Writer(folder / "runs" / key, life, mapped=False)
        start = START_NS + number * 3_600 * SECOND_NS
        config = {"lr": float(10 ** rng.uniform(-5, -2)), "seed": number % 5, "model": ["vit", "cnn", "mlp"][number % 3]}
        config |= {"dropout": float(rng.uniform(0, 0.5)), "width": int(rng.integers(1, 9)) * 64, "depth": number % 13}
        writer.append(records.CONFIG, [start, config, "merge"])
        decay = np.exp(-np.arange(points) / (points * (0.1 + number / runs)))[:, None]
        values = 0.5 + 6 * decay + np.arange(keys) + rng.normal(0, 0.1, (points, keys))
        for step, row in enumerate(values.tolist()):
            writer.append(records.ROW, [step, start + step * SECOND_NS, dict(zip(names, row, strict=True))])
        writer.append(records.END, [start + points * SECOND_NS, {"state": "finished", "writer": ""}])
        writer.close()


if __name__ == "__main__":
    fill(Path(sys.argv[1]), "dashboard", 500, 60, 200)
    fill(Path(sys.argv[1]), "many", 1_000, 4, 500)
    fill(Path(sys.argv[1]), "sweep", 5_000, 2, 2)
