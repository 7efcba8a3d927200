"""
Fill a data folder for the tests of comparing: ``python compare.py DIR`` makes project ``acme/sweep``.

45 runs: three models × three rates × five seeds, so that what a table, a pivot or a rank must show is known. Among
them one that diverged to NaN, one that failed, and some without a key that others have. The throughput falls to a
lower level from run 25 on.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import sys

import treering as tr

MODELS = ["vit-b/16", "vit-l/16", "convnext-b"]
RATES = [1e-4, 1e-3, 1e-2]
SEEDS = 5
STEPS = 12
HOSTILE = '<img src=x onerror="alert(1)">'


def main(folder: str) -> None:
    """Write all runs, one after the other."""
    index = 0
    for seed in range(SEEDS):
        for model in MODELS:
            for rate in RATES:
                with contextlib.suppress(FloatingPointError):
                    train(folder, index, model, rate, seed)
                index += 1


def accuracy(model: str, rate: float, seed: int) -> float:
    """Return what a run reaches: the middle rate and the large model are best, seeds differ by tenths."""
    best = {"vit-b/16": 78.0, "vit-l/16": 81.0, "convnext-b": 79.5}[model]
    # Two models whose seeds differ by just as much would have no spread to test against.
    odd = 0.04 if model == "convnext-b" and seed % 2 else 0.0
    return best - 2 * abs(math.log10(rate) + 3) + (seed - 2) * 0.1 + odd


def train(folder: str, index: int, model: str, rate: float, seed: int) -> None:
    """Write one run; run 7 raises in the middle, run 11 diverges."""
    rng = random.Random(index)
    config: dict[str, object] = {
        "model": model,
        "lr": rate,
        "seed": seed,
        "batch_size": 256,
        "optimizer": {"decay": 0.05},
    }
    if index % 9 != 4:
        config["warmup"] = 500
    run = tr.init(
        project="sweep",
        entity="acme",
        id=f"s{index}",
        name=HOSTILE if index == 3 else f"sweep-{index + 1}",
        dir=folder,
        config=config,
        group="first" if seed < 2 else None,
        tags=["baseline"] if index == 0 else [],
        settings={"silent": True},
    )
    run.define_metric("val/acc", unit="%", goal="maximize", summary="max")
    top = accuracy(model, rate, seed)
    with run:
        for step in range(STEPS):
            t = (step + 1) / STEPS
            loss = math.nan if index == 11 and t > 0.6 else 0.5 + 2 * math.exp(-4 * t)
            tokens = (41_000 if index < 24 else 33_000) + rng.gauss(0, 150)
            run.log({"train/loss": loss, "val/acc": top * t, "speed/tokens": tokens})
            if index in (0, 40, 43):
                print(f"step {step} of {'the first' if index == 0 else 'a later'} run")
            if index == 7 and step == 5:
                raise FloatingPointError("loss is nan")


if __name__ == "__main__":
    os.environ.setdefault("TREERING_SILENT", "1")
    main(sys.argv[1])
