"""
Chart queries of the store beside the same answer by a plain DuckDB scan of the same points.

    python bench/store_series.py [--scale 1.0]

Prints one JSON line per case: median and worst of the repetitions in ms, warm; ``rival_ms`` is DuckDB grouping the
raw points of the same Parquet files into as many buckets. The data are float32-precision noise on a slope.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from treering.ids import run_key
from treering.store import SeriesRequest, Store
from treering.store.columns import Items, Points
from treering.store.state import Life, RunState, SegmentDoc, SegmentState
from treering.store.tail import Mark

START_NS = 1_700_000_000_000_000_000


class Bulk:
    """Writes runs and points straight through the store's metadata and metric seams."""

    def __init__(self, store: Store, project: str) -> None:
        self.store = store
        self.project = store.metadata.make_project("bench", project)
        self.writer = store.metadata.make_keys(self.project, "writer", [""], "writer")[""]
        self.rng = np.random.default_rng(7)

    def keys(self, names: list[str]) -> dict[str, int]:
        return self.store.metadata.make_keys(self.project, "metric", names, "number")

    def run(self, run_id: str) -> tuple[str, int, int]:
        """Return (run key, run id, segment id)."""
        key = run_key("bench", self.project.name, run_id)
        state = RunState(
            id=0,
            entity_id=self.project.entity_id,
            project_id=self.project.id,
            entity="bench",
            project=self.project.name,
            run_id=run_id,
            run_key=key,
            number=1,
            created_ns=START_NS,
            activity_ns=START_NS,
            lives={key: Life("", START_NS, end={"state": "finished"}, end_ns=START_NS)},
        )
        self.store.metadata.add_run(state)
        segment = SegmentState(
            0, key * 1, state.id, self.project.entity_id, self.project.id, "", self.writer, key, START_NS, 0, None, 0,
            None, 0, 0, "sealed", SegmentDoc(sealed=True),
        )  # fmt: skip
        self.store.metadata.add_segment(segment)
        return key, state.id, segment.id

    def points(
        self, run: int, seg: int, keys: list[int], steps: np.ndarray, *, float64: bool = False, every_us: int = 100_000
    ) -> Points:
        n, k = len(steps), len(keys)
        noise = self.rng.normal(size=(k, n))
        slope = 5.0 * np.exp(-steps / (steps[-1] + 1.0))
        val = (noise * 0.1 + slope[None, :]).ravel()
        jitter = self.rng.integers(0, 2_000, n)
        return Points(
            run=np.full(n * k, run, np.int32),
            key=np.repeat(np.array(keys, np.int32), n),
            step=np.tile(steps, k),
            attempt=np.zeros(n * k, np.int32),
            writer=np.full(n * k, self.writer, np.int32),
            ts=np.tile(START_NS // 1000 + steps * every_us + jitter, k),
            val=val if float64 else val.astype(np.float32).astype(np.float64),
            kind=np.zeros(n * k, np.uint8),
            seg=np.full(n * k, seg, np.int32),
            off=np.tile(48 + steps * (60 + 14 * k), k),
            lo=np.full(n * k, np.nan),
            hi=np.full(n * k, np.nan),
        )

    def append(self, points: Points, seg: int) -> None:
        end = int(points.off.max()) + 1
        self.store.metrics.append(self.project.id, points, Items.empty(), {seg: Mark(end, 0)})


def measure(case: str, call: Callable[[], Any], repeat: int = 9, **more: Any) -> float:
    times, cpu = [], []
    for _ in range(repeat):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        result = call()
        times.append((time.perf_counter() - begin) * 1e3)
        cpu.append((time.process_time() - begin_cpu) * 1e3)
    drawn = sum(line.n for line in result)
    report = {
        "case": case,
        "median_ms": round(statistics.median(times[1:]), 1),
        "worst_ms": round(max(times[1:]), 1),
        "best_ms": round(min(times), 1),
        "cpu_ms": round(statistics.median(cpu[1:]), 1),  # of all threads: what it costs on a busy machine
        "first_ms": round(times[0], 1),
        "lines": len(result),
        "drawn": drawn,
        **more,
    }
    print(json.dumps(report), flush=True)
    return report["median_ms"]


def rival(store: Store, project: int, where: str, low: int, width: int, repeat: int = 5) -> float:
    """The same buckets by a full scan: what a tracker without rollups has to do."""
    parts = [p for p in store.metrics._manifest.parts if p.project == project]
    names = [str(store.index / "points" / f"{p.name}.parquet") for p in parts]
    con = duckdb.connect()
    con.execute("set parquet_metadata_cache = true")
    sql = (
        f"select run, key, (step - {low}) // {width} b, min(val) filter (isfinite(val)), "
        f"max(val) filter (isfinite(val)), arg_max(val, step), count(*) from read_parquet({names}) where {where} "
        "group by all order by all"
    )
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        con.execute(sql).fetchnumpy()
        times.append((time.perf_counter() - begin) * 1e3)
    return round(statistics.median(times[1:]), 1)


def one_long(store: Store, scale: float) -> None:
    bulk = Bulk(store, "long")
    key, run, seg = bulk.run("long")
    k = bulk.keys(["loss"])["loss"]
    total = int(10_000_000 * scale)
    for begin in range(0, total, 500_000):
        bulk.append(bulk.points(run, seg, [k], np.arange(begin, min(total, begin + 500_000))), seg)
    store.metrics.flush()
    p = bulk.project.id
    scan = rival(store, p, "true", 0, total // 1000)
    measure(
        "10M steps, 1,000 buckets", lambda: store.series(request([key], ["loss"], 1_000)), target_ms=30, rival_ms=scan
    )
    for name, low, high in (("1/10", 0.4, 0.5), ("1/1,000", 0.4, 0.401), ("1,234 steps", 0.4, 0.4 + 1_234 / total)):
        bounds = (int(low * total) + 3, int(high * total) + 3)
        scan = rival(
            store, p, f"step between {bounds[0]} and {bounds[1]}", bounds[0], max(1, (bounds[1] - bounds[0]) // 1000)
        )
        measure(
            f"zoom to {name}",
            lambda bounds=bounds: store.series(request([key], ["loss"], 1_000, range=bounds)),
            target_ms=20,
            rival_ms=scan,
        )
    measure("10M steps over time", lambda: store.series(request([key], ["loss"], 1_000, x="relative")), target_ms=30)


def many_runs(store: Store, scale: float, *, live: bool) -> None:
    bulk = Bulk(store, "live" if live else "many")
    k = bulk.keys(["loss"])["loss"]
    count = int(1_000 * scale)
    runs = [bulk.run(f"r{i}") for i in range(count)]
    length = 10_000
    portions = [(0, 5_000), (5_000, 9_000 if live else length)]
    for begin, end in portions:
        for _, run, seg in runs:
            bulk.append(bulk.points(run, seg, [k], np.arange(begin, end)), seg)
    store.metrics.flush()
    if live:  # what came since the last flush, in portions as from a poll
        for begin in range(9_000, 9_900, 100):
            for _, run, seg in runs:
                bulk.append(bulk.points(run, seg, [k], np.arange(begin, begin + 100)), seg)
    keys = [key for key, _, _ in runs]
    scan = rival(store, bulk.project.id, "true", 0, length // 500)
    what = f"{count:,} {'live ' if live else ''}runs x 10,000 steps, 500 buckets"
    measure(what, lambda: store.series(request(keys, ["loss"], 500)), repeat=7, target_ms=300, rival_ms=scan)
    if not live:
        measure(what + ", over time", lambda: store.series(request(keys, ["loss"], 500, x="relative")), repeat=5)
        measure(what + ", zoom", lambda: store.series(request(keys, ["loss"], 500, range=(3_001, 5_998))), repeat=5)


def dashboard(store: Store, scale: float) -> None:
    bulk = Bulk(store, "dashboard")
    names = [f"layer{i}/norm" for i in range(60)]
    ids = bulk.keys(names)
    runs = [bulk.run(f"r{i}") for i in range(20)]
    for _, run, seg in runs:
        bulk.append(bulk.points(run, seg, list(ids.values()), np.arange(int(2_000 * max(scale, 0.5)))), seg)
    store.metrics.flush()
    keys = [key for key, _, _ in runs]
    scan = rival(store, bulk.project.id, "true", 0, 4)
    for buckets in (300, 500, 1_000):
        measure(
            f"20 runs x 60 keys, {buckets} buckets",
            lambda buckets=buckets: store.series(request(keys, names, buckets)),
            repeat=7,
            target_ms=250,
            rival_ms=scan,
        )


def request(runs: list[str], keys: list[str], buckets: int, **more: Any) -> SeriesRequest:
    return SeriesRequest(keys=keys, runs=runs, buckets=buckets, **more)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        for name, case in (
            ("long", lambda: one_long(store, options.scale)),
            ("many", lambda: many_runs(store, options.scale, live=False)),
            ("live", lambda: many_runs(store, options.scale, live=True)),
            ("dashboard", lambda: dashboard(store, options.scale)),
        ):
            if not options.only or options.only == name:
                case()
        store.close()


if __name__ == "__main__":
    main()
