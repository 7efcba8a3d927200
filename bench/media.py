"""
What rich values cost: images and histograms through ``log()`` and to the end of the run, and one large image.

    python bench/media.py PEER [--images N] [--histograms N] [--photographs]

Run with a Python that has the tracker installed, and numpy and pillow; prints one JSON line. Both trackers write
locally. The images are 512×512 RGB, noise unless ``--photographs``; the large one is 10 MB of noise. ``log_…`` is what
the training waits for, ``all_…`` includes everything until the bytes are stored.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Peer = tuple[Any, Any]  # the module, and its run


def treering() -> Peer:
    import treering

    return treering, treering.init(project="p")


def wandb() -> Peer:
    import wandb

    return wandb, wandb.init(project="p", mode="offline")


PEERS: dict[str, Callable[[], Peer]] = {"treering": treering, "wandb": wandb}


def photograph(random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Smooth colours with a little noise, which compress as a photograph does."""
    y, x = np.mgrid[0:512, 0:512]
    a, b, c = random.uniform(20, 60, 3)
    smooth = np.stack(
        [np.sin(x / a) * np.cos(y / b) * 100 + 128, (x + y) / 4, np.sin(x * y / (c * 300)) * 60 + 128], -1
    )
    return (smooth + random.normal(0, 4, smooth.shape)).clip(0, 255).astype(np.uint8)


def main() -> None:
    """Measure one tracker in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--histograms", type=int, default=2_000)
    parser.add_argument("--photographs", action="store_true")
    given = parser.parse_args()

    home = tempfile.mkdtemp(prefix=f"media-{given.peer}-")
    os.chdir(home)
    os.environ.update(
        HOME=home, TREERING_DIR=f"{home}/treering", TREERING_SILENT="1", WANDB_SILENT="true", WANDB_DIR=home
    )
    random = np.random.default_rng(0)
    pictures = [
        photograph(random) if given.photographs else random.integers(0, 256, (512, 512, 3), np.uint8)
        for _ in range(given.images)
    ]
    large = random.integers(0, 256, (2_000, 1_750, 3), np.uint8)
    values = [random.normal(size=1_000) for _ in range(given.histograms)]
    result: dict[str, Any] = {"peer": given.peer, "images": given.images, "histograms": given.histograms}

    tracker, run = PEERS[given.peer]()
    run.log({"warm": tracker.Image(pictures[0][:8, :8])})
    took_s = []
    for _ in range(3):
        began = time.perf_counter()
        run.log({"large": tracker.Image(large)})
        took_s.append(time.perf_counter() - began)
    result["log_10mb_ms"] = round(min(took_s) * 1e3, 2)
    run.finish()

    for name, made in (
        ("image", lambda n: tracker.Image(pictures[n])),
        ("histogram", lambda n: tracker.Histogram(values[n])),
    ):
        count = given.images if name == "image" else given.histograms
        _, run = PEERS[given.peer]()
        began = time.perf_counter()
        each_s = []
        for number in range(count):
            start = time.perf_counter()
            run.log({"x": made(number), "loss": 0.5})
            each_s.append(time.perf_counter() - start)
        logged = time.perf_counter()
        run.finish()
        ended = time.perf_counter()
        each_s.sort()
        result[f"log_{name}_p50_ms"] = round(each_s[count // 2] * 1e3, 3)
        result[f"log_{name}_p99_ms"] = round(each_s[int(count * 0.99)] * 1e3, 3)
        result[f"log_{name}s_s"] = round(logged - began, 3)
        result[f"all_{name}s_s"] = round(ended - began, 3)
    result["disk_mb"] = round(sum(p.stat().st_size for p in Path(home).rglob("*") if p.is_file()) / 1e6, 1)
    result["python"] = sys.version.split()[0]
    print(json.dumps(result), flush=True)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
