"""
Bytes per point on disk, sealed and with rollups, beside plain Parquet of the same columns and SQLite rows.

    python bench/store_size.py

Ten runs × 20 keys × 10,000 steps, time stamps with 2 ms of jitter; once with float32 precision, once with all bits
of float64 random.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path

import duckdb
import numpy as np

from store_series import Bulk
from treering.store import Store


def measure(float64: bool) -> None:
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name)) as store:
        bulk = Bulk(store, "size")
        keys = list(bulk.keys([f"m{i}" for i in range(20)]).values())
        rival = sqlite3.connect(Path(name) / "rival.db")
        rival.execute(
            "create table p (run int, key int, step int, ts int, val real, primary key (run, key, step)) without rowid"
        )
        plain = []
        for i in range(10):
            _, run, seg = bulk.run(f"r{i}")
            points = bulk.points(run, seg, keys, np.arange(10_000), float64=float64)
            bulk.append(points, seg)
            plain.append(points)
            columns = (points.run, points.key, points.step, points.ts, points.val)
            rival.executemany("insert into p values (?,?,?,?,?)", zip(*(c.tolist() for c in columns), strict=True))
        rival.commit()
        store.metrics.flush()
        count = sum(len(p) for p in plain)
        sizes = {
            kind: sum(f.stat().st_size for f in (store.index / kind).iterdir())
            for kind in ("points", "roll", "spans", "marks")
        }
        columns = {n: np.concatenate([getattr(p, n) for p in plain]) for n in ("run", "key", "step", "ts", "val")}
        duckdb.connect().register("t", columns).execute(
            f"copy (select * from t) to '{name}/plain.parquet' (format parquet, compression zstd)"
        )
        report = {
            "case": "float64" if float64 else "float32 precision",
            "points": count,
            "bytes_per_point": round(sum(sizes.values()) / count, 2),
            "of_these_rollups": round(sizes["roll"] / count, 2),
            "target": 13 if float64 else 9,
            "rival_plain_parquet": round((Path(name) / "plain.parquet").stat().st_size / count, 2),
            "rival_sqlite_rows": round((Path(name) / "rival.db").stat().st_size / count, 2),
        }
        print(json.dumps(report))


if __name__ == "__main__":
    for float64 in (False, True):
        measure(float64)
