"""
Comparing runs: columns over thousands, the table of 100,000, statistics of groups.

    python bench/compare.py [--runs 100000] [--keys 20] [--charted 1000] [--points 2000]

Prints one JSON line per question: median and best in ms, warm.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import store_runs
from treering.ids import new_life_id, run_key
from treering.runlog import records
from treering.runlog.writer import Writer
from treering.store import RunQuery, SeriesGroup, SeriesRequest, Sort, Store
from treering.store.model import BestOf, Column, Selection

TABLE_TARGET_MS = 100
GROUP_TARGET_MS = 300


def measure(case: str, call: Callable[[], Any], repeat: int = 7, **more: Any) -> Any:
    times = []
    result = None
    for _ in range(repeat):
        begin = time.perf_counter()
        result = call()
        times.append((time.perf_counter() - begin) * 1e3)
    report = {
        "case": case,
        "median_ms": round(statistics.median(times[1:]), 1),
        "best_ms": round(min(times), 1),
        "first_ms": round(times[0], 1),
        **more,
    }
    print(json.dumps(report), flush=True)
    return result


def table(runs: int, keys: int) -> None:
    """The table and matrices of it."""
    columns = [Column("config.lr"), Column("config.model"), Column("config.c0"), Column("config.c1")]
    columns += [Column("metric:acc"), Column("metric:m0", "min"), Column("metric:m1", "mean"), Column("runtime")]
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name) / "data") as store:
        rival = sqlite3.connect(":memory:")
        store_runs.fill(store, runs, keys, rival)
        rival.close()
        comparing = store.comparing
        everything = Selection("bench", "runs")
        some = Selection("bench", "runs", filter=f"number <= {min(5_000, runs)}")

        def ask(**more: Any) -> Callable[[], Any]:
            query = RunQuery("bench", "runs", limit=50, columns=columns, **more)
            return lambda: store.query_runs(query)

        found = measure("matrix 5,000 runs x 8 columns", lambda: comparing.matrix(some, columns, 100_000))
        assert len(found.runs) == min(5_000, runs)
        measure(f"matrix {runs:,} runs x 8 columns", lambda: comparing.matrix(everything, columns, 100_000), 3)
        measure("columns and their spread", lambda: comparing.columns(everything), 3)
        measure("table, a page with 8 columns", ask(), match=runs)
        most = {"target_ms": TABLE_TARGET_MS}
        measure("table, sorted by a metric", ask(sort=[Sort("metric:acc", desc=True)]), **most)
        measure("table, sorted by a config key", ask(sort=[Sort("config.lr")]), **most)
        measure("table, filtered and sorted", ask(filter="config.lr > 0.001", sort=[Sort("metric:acc")]), **most)
        measure("table, filtered by two", ask(filter='config.lr > 0.001 and tags has "baseline"'), **most)
        measure("table, grouped by a config key", ask(group=["config.model"]), 3)
        few, others = Selection("bench", "runs", filter="number <= 1000"), [f"c{i}" for i in range(keys)]
        measure("seeds of 1,000 runs", lambda: comparing.seeds(few, Column("metric:acc"), ignore=others), 3)
        measure("pivot", lambda: comparing.pivot(some, ["config.model"], ["state"], Column("metric:acc"), "max"), 3)
        for kind in ("csv", "parquet"):
            query = RunQuery("bench", "runs", columns=columns)
            measure(f"export {runs:,} runs as {kind}", lambda q=query, k=kind: sum(map(len, comparing.export(q, k))), 2)


def charts(runs: int, points: int) -> None:
    """Statistics of one group of many runs, over its whole life and over a part of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        rng = np.random.default_rng(1)
        keys = []
        for number in range(runs):
            key = run_key("bench", "charts", f"r{number}")
            keys.append(key)
            (folder / "runs" / key).mkdir(parents=True)
            run = {"entity": "bench", "project": "charts", "id": f"r{number}", "key": key}
            life = {"run": run, "life_id": new_life_id(), "writer": "", "from_step": None, "resumed": False,
                    "process": {"host": "h", "boot_id": "b", "pid": 1, "start_time": 1.0}, "client": "bench",
                    "meta": {"name": f"r{number}"}}  # fmt: skip
            writer = Writer(folder / "runs" / key, life, mapped=False)
            start = 1_700_000_000_000_000_000
            acc = 1 - np.exp(-np.arange(points) / (points / 5)) + rng.normal(0, 0.05, points)
            for step, value in enumerate(acc.tolist()):
                writer.append(records.ROW, [step, start + step * 10**9, {"acc": value}])
            writer.append(records.END, [start + points * 10**9, {"state": "finished", "writer": ""}])
            writer.close()
        with Store.open(folder) as store:
            store.ingest_now()
            store.metrics.flush()
            groups = [SeriesGroup("g", keys)]

            def ask(**more: Any) -> Callable[[], Any]:
                request = SeriesRequest(**{"keys": ["acc"], "groups": groups, "buckets": 1_000, **more})
                return lambda: store.series(request)

            for center, band in (("mean", "std"), ("median", "iqr"), ("iqm", "stderr"), ("mean", "minmax")):
                case = f"{center} and {band} of {runs:,} runs"
                measure(case, ask(center=center, band=band), target_ms=GROUP_TARGET_MS)
            for center in ("mean", "median", "iqm"):
                case = f"{center} and bootstrap interval of {runs:,} runs"
                measure(case, ask(center=center, band="ci"), target_ms=GROUP_TARGET_MS)
            measure(f"mean and std of {runs:,} runs, a tenth of the steps", ask(range=(0, points // 10)))
            measure(f"expression over {runs:,} runs", ask(keys=["=1 - acc"]), 3, points=runs * points)
            steps = [Column("metric:acc", "at", points // 2), Column("metric:acc", "when", of=BestOf("acc", "max"))]
            everything = Selection("bench", "charts")
            measure(f"values at a step of {runs:,} runs", lambda: store.comparing.matrix(everything, steps, 100_000), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=20)
    parser.add_argument("--charted", type=int, default=1_000)
    parser.add_argument("--points", type=int, default=2_000)
    options = parser.parse_args()
    random.seed(1)
    table(options.runs, options.keys)
    charts(options.charted, options.points)


if __name__ == "__main__":
    main()
