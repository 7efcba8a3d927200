"""
Fill a data folder for the browser tests: ``python seed.py DIR`` makes project ``acme/vit`` with the public client.

24 runs of three models with real training shapes; among them one that failed, one that diverged, one with NaN and
infinities, one with a hostile name.
"""

from __future__ import annotations

import math
import os
import random
import sys

import treering as tr

MODELS = ["vit-b/16", "vit-l/16", "convnext-b"]
RATES = [1e-3, 3e-4, 6e-4, 1e-4]
STEPS = 1_500
NAMES = (
    "amber-heron quiet-otter brisk-marten cedar-finch dusky-lynx early-plover fern-badger golden-wren hazel-stoat "
    "ivory-grouse juniper-elk keen-vole larch-kite mossy-siskin northern-hare oaken-robin pale-owl rowan-tern "
    "silver-fox tall-dunlin umber-beaver verdant-crane willow-swift young-pika"
).split()
HOSTILE = '<img src=x onerror="alert(1)">'
NOTES = """Loss **diverged** after the warm-up.

- try `lr=1e-4`
- ![curve](https://example.org/x.png)

<script>alert(1)</script><a href="javascript:alert(1)">link</a><p style="position:fixed">styled</p>
"""


def main(folder: str) -> None:
    """Write all runs, one after the other."""
    for index, name in enumerate(NAMES):
        try:
            train(folder, index, HOSTILE if index == 3 else f"{name}-{index + 1}")
        except FloatingPointError:
            pass


def train(folder: str, index: int, name: str) -> None:
    """Write one run; run 6 raises in the middle."""
    rng = random.Random(index)
    model, rate = MODELS[0 if index < 9 else 1 if index < 17 else 2], RATES[index % 4]
    floor, speed = 0.5 + rng.random() * 0.2, 3.4 * (0.7 + rng.random() * 0.6)
    run = tr.init(
        project="vit",
        entity="acme",
        id=f"r{index}",
        name=name,
        dir=folder,
        config={"model": model, "lr": rate, "optimizer": {"name": "adamw" if index % 3 else "sgd", "decay": 0.05}},
        tags=["baseline"] if index % 5 == 0 else [],
        notes=NOTES if index == 6 else "",
        settings={"silent": True},
    )
    run.define_metric("val/acc_top1", unit="%", goal="maximize", summary="max")
    with run:
        for step in range(STEPS):
            t = (step + 1) / STEPS
            loss = floor + 5.5 * math.exp(-3 * speed * t) + 0.9 * math.exp(-speed * t) + rng.gauss(0, 0.05)
            if index == 15 and t > 0.4:
                loss += (t - 0.4) * 200
            row = {"train/loss": loss, "train/lr": rate * (t / 0.06 if t < 0.06 else 0.5 + 0.5 * math.cos(math.pi * t))}
            row["train/grad_norm"] = 0.4 + 6 * math.exp(-4 * speed * t) * (1 + rng.gauss(0, 0.1))
            if index == 4 and step in (900, 901, 1200):
                row["train/grad_norm"] = math.nan if step < 1000 else math.inf
            if (step + 1) % 25 == 0:
                row["val/loss"] = loss + 0.1
                row["val/acc_top1"] = max(1.0, 90 - 12 * floor - 80 * math.exp(-1.6 * speed * t)) + rng.gauss(0, 0.2)
            run.log(row)
            if index == 6 and step == 600:
                raise FloatingPointError("loss is nan")


if __name__ == "__main__":
    os.environ.setdefault("TREERING_SILENT", "1")
    main(sys.argv[1])
