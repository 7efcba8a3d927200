"""
Rebuild: from segment files to a flushed index, beside the bare decoding of the same rows.

    python bench/store_rebuild.py [--runs 20] [--rows 10000] [--keys 20]

Prints a JSON line: points per second until every answer is there (decoded, aggregated, in parts with rollups or in
the tail; merging goes on in the background and is timed apart), the same of decoding alone, and bytes per point.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from pathlib import Path

import msgspec

from treering.ids import new_life_id, run_key
from treering.runlog import records
from treering.runlog.reader import SegmentReader
from treering.runlog.writer import Writer
from treering.store import Store


def write_run(folder: Path, number: int, rows: int, keys: int) -> None:
    run_id = f"r{number}"
    key = run_key("bench", "rebuild", run_id)
    target = folder / "runs" / key
    target.mkdir(parents=True)
    life = {
        "run": {"entity": "bench", "project": "rebuild", "id": run_id, "key": key},
        "life_id": new_life_id(),
        "writer": "",
        "from_step": None,
        "process": {},
        "meta": {"name": run_id},
    }
    writer = Writer(target, life)
    names = [f"group{i % 4}/metric{i}" for i in range(keys)]
    start = 1_700_000_000_000_000_000
    for step in range(rows):
        value = math.sin(step / 50) + number
        writer.append(
            records.ROW, [step, start + step * 100_000_000, {name: value * i for i, name in enumerate(names)}]
        )
    writer.append(records.END, [start, {"state": "finished", "writer": ""}])
    writer.close()


def decode_alone(folder: Path) -> float:
    decode = msgspec.msgpack.Decoder(tuple[int, int, dict[str, float]]).decode
    begin = time.perf_counter()
    for path in folder.glob("runs/*/*.trl"):
        with SegmentReader(path) as reader:
            while frames := reader.read(4 << 20):
                for frame in frames:
                    if frame.kind == records.ROW:
                        decode(frame.payload)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(options.runs):
            write_run(folder, number, options.rows, options.keys)
        points = options.runs * options.rows * options.keys
        log_bytes = sum(path.stat().st_size for path in folder.glob("runs/*/*.trl"))
        alone = decode_alone(folder)
        with Store.open(folder) as store:
            begin, cpu = time.perf_counter(), time.process_time()
            store.rebuild()
            wall = time.perf_counter() - begin
            rebuild_cpu = time.process_time() - cpu
            store.metrics.flush()
            settled = time.perf_counter() - begin
            report = {
                "case": f"rebuild {options.runs} runs x {options.rows} rows x {options.keys} keys",
                "points": points,
                "points_per_s": round(points / wall),
                "wall_s": round(wall, 2),
                "cpu_s": round(rebuild_cpu, 2),  # of all threads: what it costs on a busy machine
                "merged_and_flushed_after_s": round(settled, 2),
                "decode_alone_points_per_s": round(points / alone),
                "log_bytes_per_point": round(log_bytes / points, 1),
                "target_points_per_s": 1_000_000,
            }
        made = sum(
            p.stat().st_size for kind in ("points", "roll", "spans") for p in (folder / "index" / kind).iterdir()
        )
        print(json.dumps({**report, "index_bytes_per_point": round(made / points, 2)}))


if __name__ == "__main__":
    main()
