"""
A run that logs one point per line read from standard input: ``python live.py DIR [RUN_ID]``.

Prints the step and the time (unix seconds) just before each ``log()``, so that a test can say how long the point took
to reach the screen. Ends with the input.
"""

from __future__ import annotations

import sys
import time

import treering as tr

with tr.init(
    project="vit",
    entity="acme",
    id=sys.argv[2] if len(sys.argv) > 2 else "live",
    name=sys.argv[2] if len(sys.argv) > 2 else "live",
    dir=sys.argv[1],
    config={"model": "vit-b/16", "lr": 1e-3},
    settings={"silent": True},
) as run:
    print("ready", flush=True)
    for step, _ in enumerate(sys.stdin):
        now = time.time()
        run.log({"train/loss": 3.0 / (step + 1), "train/live": step * 1.0})
        print(step, now, flush=True)
