"""
What a tracker costs the training process: import, init, each ``log()``, finish, CPU, memory, disk.

    python bench/log_cost.py PEER STEPS KEYS [--work US] [--threads N] [--rounds R]

Run with a Python that has the tracker installed; prints one JSON line. Each tracker writes locally, into a fresh
folder, in its lightest durable mode. ``--work`` spins so many microseconds between two calls, as a training step
would; ``--threads`` keeps so many Python threads busy beside the training, as data loaders do. Memory is the resident
set before the import, after init, after the loop, and the peak.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Log = Callable[[dict[str, float], int], Any]
End = Callable[[], Any]


def wandb() -> tuple[float, Log, End]:
    import wandb

    imported = time.perf_counter()
    run = wandb.init(project="p", config={"lr": 1})
    return imported, lambda row, step: run.log(row), run.finish


def treering() -> tuple[float, Log, End]:
    import treering

    imported = time.perf_counter()
    run = treering.init(project="p", config={"lr": 1})
    return imported, lambda row, step: run.log(row), run.finish


def trackio() -> tuple[float, Log, End]:
    import trackio

    imported = time.perf_counter()
    trackio.init(project="p", config={"lr": 1})
    return imported, lambda row, step: trackio.log(row), trackio.finish


def mlflow() -> tuple[float, Log, End]:
    import mlflow

    imported = time.perf_counter()
    mlflow.start_run()
    mlflow.log_params({"lr": 1})

    def end() -> None:
        mlflow.flush_async_logging()
        mlflow.end_run()

    return imported, lambda row, step: mlflow.log_metrics(row, step=step, synchronous=False), end


def tensorboard() -> tuple[float, Log, End]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    imported = time.perf_counter()
    writer = EventFileWriter("tb")

    def log(row: dict[str, float], step: int) -> None:
        values = [Summary.Value(tag=key, simple_value=value) for key, value in row.items()]
        writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    return imported, log, writer.close


def aim() -> tuple[float, Log, End]:
    from aim import Run

    imported = time.perf_counter()
    run = Run(repo=".", log_system_params=False, capture_terminal_logs=False)
    run["hparams"] = {"lr": 1}
    return imported, lambda row, step: run.track(row, step=step), run.close


def null() -> tuple[float, Log, End]:
    """No tracker: what the loop itself costs."""
    return time.perf_counter(), lambda row, step: None, lambda: None


PEERS = {peer.__name__: peer for peer in (treering, wandb, trackio, mlflow, tensorboard, aim, null)}


def rss_mb() -> float:
    """Resident memory of this process in MiB."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure one tracker in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("steps", type=int)
    parser.add_argument("keys", type=int, help="floats per call")
    parser.add_argument("--work", type=int, default=0, metavar="US")
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()

    home = tempfile.mkdtemp(prefix=f"cost-{given.peer}-")
    os.chdir(home)
    os.environ.update(
        HOME=home,
        TREERING_DIR=f"{home}/treering",
        TREERING_MODE="offline",
        TREERING_SILENT="1",
        WANDB_MODE="offline",
        WANDB_SILENT="true",
        WANDB_DIR=home,
        TRACKIO_DIR=f"{home}/trackio",
        MLFLOW_TRACKING_URI=f"sqlite:///{home}/mlflow.db",
        GIT_PYTHON_REFRESH="quiet",
        HF_HUB_OFFLINE="1",
    )
    row = {f"layer{k // 10}/metric{k}": k * 0.5 for k in range(given.keys - 1)}
    stop = threading.Event()
    for _ in range(given.threads):
        threading.Thread(target=_spin, args=(stop,), daemon=True).start()
    rss_bare = rss_mb()
    began = time.perf_counter()
    imported, log, end = PEERS[given.peer]()
    ready = time.perf_counter()
    rss_init = rss_mb()
    taken_ns: list[int] = []
    clock = time.perf_counter_ns
    for step in range(given.steps):
        data = dict(row)
        data["loss"] = 1.0 / (step + 1)
        start = clock()
        log(data, step)
        stopped = clock()
        taken_ns.append(stopped - start)
        if given.work:
            until = stopped + given.work * 1000
            while clock() < until:
                pass
    looped = time.perf_counter()
    rss_loop = rss_mb()
    stop.set()
    end()
    ended = time.perf_counter()

    taken_ns.sort()
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    size = sum(path.stat().st_size for path in Path(home).rglob("*") if path.is_file())
    points = given.steps * given.keys
    result = {
        "peer": given.peer,
        "steps": given.steps,
        "keys": given.keys,
        "work_us": given.work,
        "threads": given.threads,
        "python": sys.version.split()[0],
        "import_s": round(imported - began, 4),
        "init_s": round(ready - imported, 4),
        "log_p50_us": round(taken_ns[len(taken_ns) // 2] / 1e3, 2),
        "log_p99_us": round(taken_ns[int(len(taken_ns) * 0.99)] / 1e3, 2),
        "log_max_ms": round(taken_ns[-1] / 1e6, 2),
        "loop_s": round(looped - ready, 3),
        "finish_s": round(ended - looped, 3),
        "points_per_s_total": round(points / (ended - ready)),
        "cpu_self_s": round(own.ru_utime + own.ru_stime, 2),
        "cpu_kids_s": round(children.ru_utime + children.ru_stime, 2),
        "rss_mb": round(own.ru_maxrss / 1024, 1),
        "rss_kids_mb": round(children.ru_maxrss / 1024, 1),
        "rss_added_init_mb": round(rss_init - rss_bare, 1),
        "rss_added_mb": round(rss_loop - rss_bare - len(taken_ns) * 40 / 2**20, 1),  # less the list of timings
        "disk_bytes_per_point": round(size / points, 1),
    }
    print(json.dumps(result), flush=True)
    shutil.rmtree(home, ignore_errors=True)


def _spin(stop: threading.Event) -> None:
    while not stop.is_set():
        sum(range(1000))


if __name__ == "__main__":
    main()
