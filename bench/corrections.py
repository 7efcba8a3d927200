"""
Corrected metrics: what a correction costs a chart and the table of 100,000 runs.

    python bench/corrections.py [--runs 100000] [--long 2000000] [--charted 200]

Prints one JSON line per question: median and best in ms, warm; of charts also how much of the uncorrected time it is.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import store_runs
import store_series
from compare import measure
from treering.store import RunQuery, SeriesRequest, Sort, Store
from treering.store.correction_rules import parse_rule
from treering.store.model import Column, Selection

RENAME = [{"kind": "rename", "from": "loss", "to": "nll"}]
RESCALE = [{"kind": "rescale", "key": "loss", "factor": -100.0, "offset": 1.0}]
MERGE = [{"kind": "merge", "from": ["loss", "loss_of_later_runs"], "into": "loss"}]
CUT_STEPS = [{"kind": "cut", "key": "loss", "steps": [1_000, 1_200]}]
CUT_VALUES = [{"kind": "cut", "key": "loss", "above": 5.3}]
KINDS = {
    "none": [],
    "rename": RENAME,
    "rescale": RESCALE,
    "merge": MERGE,
    "cut of 200 steps": CUT_STEPS,
    "cut of a few values": CUT_VALUES,
}


def corrected(store: Store, project: str, rules: list[dict[str, Any]]) -> None:
    """Have these corrections and no others."""
    for one in store.corrections.of_project("bench", project):
        store.corrections.delete(one.id, "bench")
    for rule in rules:
        store.corrections.create("bench", project, parse_rule(rule), "bench")


def best_ms(case: str, call: Any, base: float | None, repeat: int = 9) -> float:
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    best, median = min(times), statistics.median(times[1:])
    more = {} if base is None else {"of_uncorrected": round(best / base, 2)}
    report = {"case": case, "median_ms": round(median, 1), "best_ms": round(best, 1), "first_ms": round(times[0], 1)}
    print(json.dumps(report | more), flush=True)
    return best


def charts(long: int, charted: int) -> None:
    """One long run, and many of 5,000 points."""
    for what, runs, points in (("1 run", 1, long), (f"{charted} runs", charted, 5_000)):
        with tempfile.TemporaryDirectory() as name, Store.open(Path(name) / "data") as store:
            bulk = store_series.Bulk(store, "charts")
            keys = bulk.keys(["loss", "acc", "loss_of_later_runs"])
            asked = []
            for number in range(runs):
                key, run, segment = bulk.run(f"r{number}")
                asked.append(key)
                steps = np.arange(points, dtype=np.int64)
                bulk.append(bulk.points(run, segment, [keys["loss"], keys["acc"]], steps), segment)
            store.metrics.flush()
            base = None
            for kind, rules in KINDS.items():
                corrected(store, "charts", rules)
                request = SeriesRequest(keys=["loss"], runs=asked, buckets=1_000)
                case = f"chart of {what} x {points:,} points, {kind}"
                found = best_ms(case, lambda r=request, s=store: s.series(r), base)
                base = base or found


def table(runs: int) -> None:
    """The table over many runs, sorted and filtered by a corrected metric; a matrix of it."""
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name) / "data") as store:
        rival = sqlite3.connect(":memory:")
        store_runs.fill(store, runs, 20, rival)
        rival.close()
        some = Selection("bench", "runs", filter=f"number <= {min(5_000, runs)}")
        for kind, rules, key in (
            ("none", [], "acc"),
            ("rename", [{"kind": "rename", "from": "acc", "to": "val/acc"}], "val/acc"),
            ("rescale", [{"kind": "rescale", "key": "acc", "factor": -100.0}], "acc"),
            ("merge", [{"kind": "merge", "from": ["acc", "acc_of_later_runs"], "into": "acc"}], "acc"),
        ):
            corrected(store, "runs", rules)
            asked = RunQuery("bench", "runs", limit=50, metrics=[key, "m0"], sort=[Sort(f"metric:{key}", desc=True)])
            measure(f"table of {runs:,} runs sorted by a metric, {kind}", lambda q=asked: store.query_runs(q))
            asked = RunQuery("bench", "runs", limit=50, filter=f"metric.{key}.max > 0.5", sort=asked.sort)
            measure(f"table of {runs:,} runs filtered and sorted by it, {kind}", lambda q=asked: store.query_runs(q))
            column = [Column(f"metric:{key}", "max")]
            measure(f"matrix of 5,000 runs, {kind}", lambda c=column: store.comparing.matrix(some, c, 100_000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--long", type=int, default=2_000_000)
    parser.add_argument("--charted", type=int, default=200)
    options = parser.parse_args()
    charts(options.long, options.charted)
    table(options.runs)


if __name__ == "__main__":
    main()
